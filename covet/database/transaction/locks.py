"""Locks that a program asks for by itself: advisory locks and LOCK TABLE.

Which statements they are, and whether a database has them, its dialect knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from covet.database.adapters.base import Adapter
from covet.database.adapters.block import Block
from covet.database.adapters.commands import NO_LIMIT
from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Args, DriverRow, Session
from covet.database.adapters.waiting import finish
from covet.database.connections import adapter_for
from covet.database.dialects.base import LOCK_MODES, LockMode
from covet.exceptions import DatabaseError, LockTimeout, QueryCanceled, QueryTimeout, TransactionError

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options as ModelOptions

_BITS: Final = 63


class AdvisoryLock:
    """What ``advisory_lock()`` gives: held from entry to exit, on a connection of its own."""

    __slots__ = ("_adapter", "_args", "_held", "_name", "_shared", "_timeout")

    def __init__(self, adapter: Adapter, key: int | str, *, shared: bool, timeout: float | None) -> None:
        self._adapter = adapter
        self._args = (lock_number(key),)
        self._name = key
        self._shared = shared
        self._timeout = timeout
        self._held: tuple[Session, Pool] | None = None

    async def __aenter__(self) -> Self:
        if self._held is not None:
            raise TransactionError(f"The advisory lock {self._name!r} is held by this object; make one for each block.")
        sql = self._adapter.dialect.advisory_lock(shared=self._shared, wait=self._timeout != 0)
        self._adapter.read_raw(sql)  # refuses it where the next statement may run in another session
        session, pool = await self._adapter.checkout(write=True)
        try:
            rows = await self._adapter.perform(session, _within(self._timeout), sql, self._args)
        except BaseException as exc:
            # The server may have given the lock in the moment in which the wait was given up: nobody shall hold it
            # when the caller goes on.
            await pool.mend(session)
            if isinstance(exc, QueryTimeout | QueryCanceled):
                raise _not_had(self._name, self._timeout) from exc
            raise
        if self._timeout == 0 and not rows[0][0]:
            pool.give(session)
            raise _not_had(self._name, self._timeout)
        self._held = session, pool
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._held is not None:
            (session, pool), self._held = self._held, None
            await finish(self._release(session, pool))

    async def _release(self, session: Session, pool: Pool) -> None:
        sql = self._adapter.dialect.advisory_unlock(shared=self._shared)
        try:
            await self._adapter.perform(session, _within(None), sql, self._args)
        except DatabaseError:
            session.suspect = session.changed = True
            raise
        finally:
            await pool.take_back(session)


def advisory_lock(
    key: int | str, /, *, shared: bool = False, timeout: float | None = None, using: str | None = None
) -> AdvisoryLock:
    """Hold a lock that means what the program says it means; only one task of all processes has it at a time.

    ::

        async with advisory_lock("nightly import"):   # SELECT pg_advisory_lock($1)
            ...                                       # SELECT pg_advisory_unlock($1)

    ``key`` is a text or a 64-bit number. ``shared=True`` lets others in that share it too. It waits until it has the
    lock, or at most ``timeout`` seconds (0: it does not wait); then ``LockTimeout``. It keeps a connection of the pool
    to itself, whether or not a transaction is open; ``tx.advisory_lock()`` is one that ends with the transaction.
    """
    return AdvisoryLock(adapter_for(using), key, shared=shared, timeout=timeout)


async def lock_in_block(block: Block, key: int | str, *, shared: bool, timeout: float | None) -> None:
    """Take an advisory lock that ends with the transaction."""
    number = lock_number(key)
    sql = block.adapter.dialect.advisory_lock(shared=shared, wait=timeout != 0, transaction=True)
    try:
        rows = await block.perform(_within(timeout), sql, (number,))
    except (QueryTimeout, QueryCanceled) as exc:
        raise _not_had(key, timeout) from exc
    if timeout == 0 and not rows[0][0]:
        raise _not_had(key, timeout)


async def lock_tables(block: Block, models: tuple[type[Model[Any]], ...], mode: LockMode, *, wait: bool) -> None:
    """Send LOCK TABLE."""
    if not models:
        raise TypeError("lock_table() takes at least one model.")
    if mode not in LOCK_MODES:
        raise TransactionError(f"Unknown lock mode {mode!r}. Choices: {', '.join(LOCK_MODES)}.")
    dialect = block.adapter.dialect
    names: list[str] = []
    for model in models:
        options: ModelOptions = model._meta
        schema = "" if options.schema is None else f"{dialect.quote(options.schema)}."
        names.append(schema + dialect.quote(options.db_table))
    await block.perform(_run, dialect.lock_table(names, mode, wait=wait), ())


def lock_number(key: int | str) -> int:
    """Return the number of an advisory lock; that of a text is the same in every process.

    >>> lock_number("nightly import") == lock_number("nightly import")
    True
    """
    if isinstance(key, str):
        return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
    if type(key) is not int:
        raise TypeError(f"The key of an advisory lock is a text or an integer, not {type(key).__name__}.")
    if not -(2**_BITS) <= key < 2**_BITS:
        raise ValueError("The key of an advisory lock is a 64-bit number.")
    return key


def _within(seconds: float | None) -> Callable[[Session, str, Args], Awaitable[list[DriverRow]]]:
    """Return an operation whose time limit is ``seconds``; None and 0: it has none."""

    async def ask(session: Session, sql: str, args: Args) -> list[DriverRow]:
        before, session.statement_limit = session.statement_limit, seconds or NO_LIMIT
        try:
            return await session.fetch(sql, args)
        finally:
            session.statement_limit = before

    return ask


def _run(session: Session, sql: str, args: Args) -> Awaitable[int]:
    return session.run(sql, args)


def _not_had(key: int | str, timeout: float | None) -> LockTimeout:
    when = "it is held by somebody else" if timeout == 0 else f"it did not become free within {timeout:g} s"
    return LockTimeout(f"The advisory lock {key!r} was not to be had: {when}.")


# The shape that ``advisory_lock()`` promises.
if TYPE_CHECKING:
    _checked: type[AbstractAsyncContextManager[AdvisoryLock]] = AdvisoryLock
