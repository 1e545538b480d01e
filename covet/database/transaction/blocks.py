"""Blocks: ``transaction()`` and the handles that it gives."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, overload

from typing_extensions import ParamSpec, TypeVar, Unpack

from covet.database.adapters.block import Block, innermost
from covet.database.adapters.boundaries import (
    close_block,
    leave_block,
    open_block,
    open_savepoint,
    release_by_hand,
    roll_back_by_hand,
    savepoint_by_hand,
)
from covet.database.adapters.commands import Isolation
from covet.database.adapters.waiting import finish
from covet.database.connections import adapter_for
from covet.database.dialects.base import LockMode
from covet.database.transaction.callbacks import ask, call, name_of, settle_callbacks
from covet.database.transaction.locks import lock_in_block, lock_tables
from covet.database.transaction.options import DEFAULTS, Options, Settings, read_options, savepoint_name
from covet.database.transaction.retrying import Retry, cause_to_repeat
from covet.exceptions import TransactionError, TransactionTimeout

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_LOG = logging.getLogger("covet.transaction")
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Transaction:
    """An open block: what ``async with transaction() as tx`` gives."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def savepoint(self, name: str | None = None) -> Savepoint:
        """Make a savepoint: an inner block, of which an exception undoes only what was done inside.

        ::

            async with transaction() as tx:
                await order.save()                  # INSERT INTO "orders" …
                try:
                    async with tx.savepoint():      # SAVEPOINT covet_1
                        await coupon.redeem()
                except CouponError:                 # ROLLBACK TO SAVEPOINT covet_1
                    order.note = "without coupon"
                await order.save()

        Awaited instead, it gives a handle for ``rollback_to_savepoint`` and ``release_savepoint``. ``name`` is its name
        in SQL; without one covet makes one.
        """
        return Savepoint(self._block, _caller(2), savepoint_name(name))

    async def rollback(self) -> None:
        """Undo this block when it ends, without an exception. Statements until then run and are undone with it."""
        self._block.doomed = True

    def set_rollback(self, rollback: bool = True) -> None:
        """Say whether this block is undone when it ends without an exception; ``False`` takes ``rollback()`` back."""
        self._block.doomed = rollback

    def get_rollback(self) -> bool:
        """Say whether this block will be undone when it ends without an exception."""
        return self._block.doomed or self._block.failure is not None

    async def rollback_to_savepoint(self, savepoint: Savepoint | str) -> None:
        """Undo what was done since ``savepoint = await tx.savepoint()``; the savepoint stays."""
        undone = await roll_back_by_hand(self._block, _name(savepoint))
        await call([callback for callback in undone if callback.after == "rollback"])

    async def release_savepoint(self, savepoint: Savepoint | str) -> None:
        """Forget ``savepoint = await tx.savepoint()`` and keep what was done since."""
        await release_by_hand(self._block, _name(savepoint))

    def on_commit(self, callback: Callable[[], object], /, *, robust: bool = False) -> None:
        """Call ``callback`` after the outermost COMMIT, and await what it returns if that is awaitable.

        ``tx.on_commit(lambda: send_mail(user.email))``

        It belongs to the innermost block that is open when this is called: if that is a savepoint inside of ``tx`` and
        is rolled back, the callback goes with it. See ``covet.on_commit`` for ``robust``.
        """
        ask(self._block, callback, "commit", robust=robust)

    def on_rollback(self, callback: Callable[[], object], /, *, robust: bool = False) -> None:
        """Call ``callback`` when what is done here is undone, with this block or with one around it.

        ``tx.on_rollback(lambda: uploaded.unlink())``
        """
        ask(self._block, callback, "rollback", robust=robust)

    async def advisory_lock(self, key: int | str, /, *, shared: bool = False, timeout: float | None = None) -> None:
        """Take an advisory lock; it ends with the transaction. See ``covet.advisory_lock`` for one that does not.

        ``await tx.advisory_lock("invoice numbers")``: ``SELECT pg_advisory_xact_lock($1)``

        If it is not to be had within ``timeout`` seconds: ``LockTimeout``, and the block is broken as after any error;
        ``timeout=0`` does not wait and breaks nothing.
        """
        await lock_in_block(self._block, key, shared=shared, timeout=timeout)

    async def lock_table(
        self, *models: type[Model[Any]], mode: LockMode = "access exclusive", wait: bool = True
    ) -> None:
        """Lock the tables of models until the transaction ends.

        ``await tx.lock_table(Account, mode="share")``: ``LOCK TABLE "accounts" IN SHARE MODE``

        With ``wait=False`` it raises ``LockTimeout`` where another transaction has a lock that conflicts.
        """
        await lock_tables(self._block, models, mode, wait=wait)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._block!r}>"


class Savepoint(Transaction):
    """A savepoint: as a context manager an inner block, awaited a handle."""

    __slots__ = ("_given", "_label", "_outer", "name")

    def __init__(self, outer: Block, label: str, name: str) -> None:
        super().__init__(outer)
        self._outer = outer
        self._label = f"savepoint {label}"
        self._given = name
        #: The name in SQL.
        self.name = name

    def __await__(self) -> Generator[Any, None, Savepoint]:
        return self._by_hand().__await__()

    async def _by_hand(self) -> Savepoint:
        self.name = await savepoint_by_hand(self._outer, self._given)
        return self

    async def __aenter__(self) -> Self:
        if self._block is not self._outer:
            raise TransactionError("This savepoint is in use; call tx.savepoint() once for each block.")
        inner = self._outer.adapter.block()
        # The block may be entered inside an inner one, which has the connection: then it belongs there.
        parent = inner if inner is not None and inner.is_inside(self._outer) else self._outer
        self._block = await open_savepoint(parent, label=self._label, name=self._given)
        self.name = self._block.savepoint
        innermost.set(self._block)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        block, self._block = self._block, self._outer
        await _end(block, commit=exc_type is None)


class Atomic:
    """What ``transaction(...)`` gives: an async context manager and a decorator."""

    __slots__ = ("_block", "_label", "_settings", "_timer")

    def __init__(self, settings: Settings, label: str) -> None:
        self._settings = settings
        self._label = label
        self._block: Block | None = None
        self._timer: asyncio.Timeout | None = None

    async def __aenter__(self) -> Transaction:
        if self._block is not None:
            raise TransactionError(f"{self._block!r} is open already; call transaction() once for each block.")
        settings = self._settings
        if settings.retry is not None:
            raise TransactionError(
                "retry= is for decorated functions: what stands in a block cannot be run again. Write "
                "@transaction(retry=…) above an async def."
            )
        if settings.timeout is not None:
            self._timer = await asyncio.timeout(settings.timeout).__aenter__()
        try:
            self._block = await open_block(
                adapter_for(settings.using), label=f"transaction {self._label}", options=settings.begin
            )
        except BaseException as exc:
            await self._stop_timer(exc)
            raise
        self._block.doomed = settings.rollback
        return Transaction(self._block)

    # None and never bool: code after the block stays reachable for type checkers.
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        block, self._block = self._block, None
        if block is None:
            return
        if self._timer is None:
            await _end(block, commit=exc_type is None)
        else:
            await self._end_in_time(block, self._timer, exc)

    async def _end_in_time(self, block: Block, timer: asyncio.Timeout, exc: BaseException | None) -> None:
        """End a block that has a time limit: what is up to COMMIT counts, COMMIT itself does not."""
        until = timer.when()
        late = timer.expired() or (until is not None and until <= asyncio.get_running_loop().time())
        if not timer.expired():
            timer.reschedule(None)
        try:
            await _end(block, commit=exc is None and not late)
        except BaseException as error:
            await self._stop_timer(exc or error)
            raise
        await self._stop_timer(exc)
        if exc is None and late:  # it never waited for anything, or it swallowed the cancellation
            raise self._too_late()

    async def _stop_timer(self, exc: BaseException | None) -> None:
        timer, self._timer = self._timer, None
        if timer is None:
            return
        try:
            await timer.__aexit__(None if exc is None else type(exc), exc, None)
        except TimeoutError as expired:
            raise self._too_late() from expired

    def _too_late(self) -> TransactionTimeout:
        allowed = f"timeout={self._settings.timeout:g} s"
        return TransactionTimeout(f"transaction {self._label} took longer than {allowed} and was rolled back.")

    def __call__(self, func: Callable[_P, Coroutine[Any, Any, _R]], /) -> Callable[_P, Coroutine[Any, Any, _R]]:
        if not inspect.iscoroutinefunction(func):
            raise TypeError(f"@transaction is for 'async def' functions; {name_of(func)} is none.")
        settings, label = self._settings._replace(retry=None), f"of {name_of(func)}"
        retry = self._settings.retry

        @functools.wraps(func)
        async def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            if retry is not None and not adapter_for(settings.using).in_transaction():
                return await _repeated(settings, label, retry, functools.partial(func, *args, **kwargs))
            async with Atomic(settings, label):
                return await func(*args, **kwargs)

        return wrapper

    if not TYPE_CHECKING:  # checkers say by themselves that there is no synchronous form

        def __enter__(self) -> NoReturn:
            raise TypeError("A transaction is asynchronous. Write: async with transaction(): …")

        def __exit__(self, *_: object) -> None:
            """Make ``with`` reach ``__enter__``, which explains."""


@overload
def transaction(func: Callable[_P, Coroutine[Any, Any, _R]], /) -> Callable[_P, Coroutine[Any, Any, _R]]: ...
@overload
def transaction(
    *,
    using: str | None = ...,
    isolation: Isolation | None = ...,
    read_only: bool = ...,
    deferrable: bool = ...,
    durable: bool = ...,
    rollback: bool = ...,
    timeout: float | None = ...,
    statement_timeout: float | None = ...,
    lock_timeout: float | None = ...,
    retry: int | Retry | None = ...,
) -> Atomic: ...
def transaction(
    func: Callable[..., Coroutine[Any, Any, Any]] | None = None, /, **options: Unpack[Options]
) -> Atomic | Callable[..., Coroutine[Any, Any, Any]]:
    """Run a function or a block in a transaction.

    ::

        @transaction
        async def transfer(source: Account, target: Account, amount: int) -> None: ...

        async with transaction() as tx:                     # BEGIN
            await user.save()                               # INSERT INTO "users" …
                                                            # COMMIT

        @transaction(isolation="serializable", retry=5)     # BEGIN ISOLATION LEVEL SERIALIZABLE
        async def total() -> int: ...

    Inside another transaction it is a savepoint. An exception rolls back and goes on. Everything the ORM and
    ``get_adapter()`` send meanwhile in this task, and in tasks that it starts and awaits, belongs to the transaction.

    ``using`` names another database, ``isolation`` a level (SQLite's only one satisfies them all), ``read_only=True``
    makes the database refuse writes, ``deferrable=True`` makes a serializable reading transaction wait at its beginning
    for a state in which it cannot fail. ``durable=True`` refuses to be a savepoint. ``rollback=True`` undoes the block
    in any case: a dry run. In seconds: ``timeout`` is for the block up to its COMMIT, ``statement_timeout`` for each
    statement in it, ``lock_timeout`` for each wait for a lock. ``retry`` calls a decorated function again after a
    serialization failure, a deadlock, a locked database or a lost connection: at most so many times in all.
    """
    settings = read_options(options) if options else DEFAULTS
    if func is None:
        return Atomic(settings, _caller(2))
    return Atomic(settings, "")(func)


async def _repeated(settings: Settings, label: str, retry: Retry, work: Callable[[], Coroutine[Any, Any, _R]]) -> _R:
    """Call ``work``, each time in a transaction of its own, until it succeeds or must not be called again."""
    attempt = 1
    while True:
        block: Block | None = None
        try:
            async with Atomic(settings, label) as tx:
                block = tx._block  # noqa: SLF001 - of this module
                return await work()
        except BaseException as exc:
            undone = block is None or block.outcome == "rolled back"
            if not undone or cause_to_repeat(exc, None if block is None else block.failure) is None:
                raise
            if attempt >= retry.attempts:
                exc.add_note(f"The transaction {label} was tried {attempt} times, which is what retry= allows.")
                raise
        await asyncio.sleep(retry.delay(attempt))
        attempt += 1


async def _end(block: Block, *, commit: bool) -> None:
    """End ``block`` and call what waits for that, also if a cancellation came meanwhile."""
    leave_block(block)
    if block.owner is not asyncio.current_task():
        _warn_owner(block)
    try:
        await finish(close_block(block, commit=commit))
    finally:
        if block.callbacks:
            await call(settle_callbacks(block))


def _warn_owner(block: Block) -> None:
    """Say it where a block ends behind the back of its task: if that sends nothing more, it does not learn of it."""
    if block.owner is not None and not block.owner.done():
        _LOG.warning("%r is ended by another task, as when an asynchronous generator is left early.", block)


def _name(savepoint: Savepoint | str) -> str:
    return savepoint if isinstance(savepoint, str) else savepoint.name


def _caller(depth: int) -> str:
    """Say where a block was made; for messages."""
    frame = inspect.currentframe()
    for _ in range(depth):
        frame = frame.f_back if frame is not None else None
    return f"at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "of an unknown caller"


# The shape that ``tx.savepoint()`` promises.
if TYPE_CHECKING:
    _checked: type[AbstractAsyncContextManager[Savepoint]] = Savepoint
