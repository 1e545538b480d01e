"""Transactions: ``@transaction``, ``@transaction(...)`` and ``async with transaction() as tx``.

The outermost block is a transaction, a block inside another one is a savepoint. What is in a block, and which task may
send when, is decided in ``adapters/block.py``; here is what a user sees of it.

* An exception leaves the block by rolling back what the block did. Caught around an inner block, the outer one goes on.
* COMMIT and ROLLBACK run to their end even if the task is cancelled meanwhile; the cancellation is raised afterwards.
* Callbacks of ``on_commit`` run after the outermost COMMIT, in order; those of a block that is rolled back do not.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict, overload

from typing_extensions import ParamSpec, TypeVar, Unpack

from covet.database.adapters import commands
from covet.database.adapters.block import (
    Block,
    close_block,
    innermost,
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
from covet.exceptions import TransactionError

_P = ParamSpec("_P")
_R = TypeVar("_R")

__all__ = ["Atomic", "Isolation", "Savepoint", "Transaction", "on_commit", "transaction"]


class Options(TypedDict, total=False):
    """The options of ``transaction()``."""

    using: str | None
    isolation: Isolation | None
    read_only: bool


class Transaction:
    """An open block: what ``async with transaction() as tx`` gives."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def savepoint(self) -> Savepoint:
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

        Awaited instead, it gives a handle for ``rollback_to_savepoint`` and ``release_savepoint``.
        """
        return Savepoint(self._block, _caller(2))

    async def rollback(self) -> None:
        """Undo this block when it ends, without an exception. Statements until then run and are undone with it."""
        self._block.doomed = True

    async def rollback_to_savepoint(self, savepoint: Savepoint) -> None:
        """Undo what was done since ``savepoint = await tx.savepoint()``; the savepoint stays."""
        await roll_back_by_hand(self._block, savepoint.name)

    async def release_savepoint(self, savepoint: Savepoint) -> None:
        """Forget ``savepoint = await tx.savepoint()`` and keep what was done since."""
        await release_by_hand(self._block, savepoint.name)

    def on_commit(self, callback: Callable[[], object], /) -> None:
        """Call ``callback`` after the outermost COMMIT, and await what it returns if that is awaitable.

        ``tx.on_commit(lambda: send_mail(user.email))``
        """
        self._block.callbacks.append(callback)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._block!r}>"


class Savepoint(Transaction):
    """A savepoint: as a context manager an inner block, awaited a handle."""

    __slots__ = ("_label", "_outer", "name")

    def __init__(self, outer: Block, label: str) -> None:
        super().__init__(outer)
        self._outer = outer
        self._label = f"savepoint {label}"
        #: The name in SQL.
        self.name = ""

    def __await__(self) -> Generator[Any, None, Savepoint]:
        return self._by_hand().__await__()

    async def _by_hand(self) -> Savepoint:
        self.name = await savepoint_by_hand(self._outer)
        return self

    async def __aenter__(self) -> Self:
        if self._block is not self._outer:
            raise TransactionError("This savepoint is in use; call tx.savepoint() once for each block.")
        inner = self._outer.adapter.block()
        # The block may be entered inside an inner one, which has the connection: then it belongs there.
        parent = inner if inner is not None and inner.is_inside(self._outer) else self._outer
        self._block = await open_savepoint(parent, label=self._label)
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

    __slots__ = ("_block", "_label", "_options")

    def __init__(self, options: Options, label: str) -> None:
        self._options = options
        self._label = label
        self._block: Block | None = None

    async def __aenter__(self) -> Transaction:
        if self._block is not None:
            raise TransactionError(f"{self._block!r} is open already; call transaction() once for each block.")
        self._block = await open_block(
            adapter_for(self._options.get("using")),
            label=f"transaction {self._label}",
            isolation=self._options.get("isolation"),
            read_only=self._options.get("read_only", False),
        )
        return Transaction(self._block)

    # None and never bool: code after the block stays reachable for type checkers.
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        block, self._block = self._block, None
        if block is not None:
            await _end(block, commit=exc_type is None)

    def __call__(self, func: Callable[_P, Coroutine[Any, Any, _R]], /) -> Callable[_P, Coroutine[Any, Any, _R]]:
        if not inspect.iscoroutinefunction(func):
            raise TypeError(f"@transaction is for 'async def' functions; {_name_of(func)} is none.")
        options, label = self._options, f"of {_name_of(func)}"

        @functools.wraps(func)
        async def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            async with Atomic(options, label):
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
def transaction(*, using: str | None = ..., isolation: Isolation | None = ..., read_only: bool = ...) -> Atomic: ...
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

        async with transaction(isolation="serializable"):   # BEGIN ISOLATION LEVEL SERIALIZABLE
            ...

    Inside another transaction it is a savepoint. An exception rolls back and goes on. Everything the ORM and
    ``get_adapter()`` send meanwhile in this task, and in tasks that it starts and awaits, belongs to the transaction.

    ``using`` names another database, ``isolation`` a level (SQLite's only one satisfies them all), ``read_only=True``
    makes the database refuse writes.
    """
    isolation = options.get("isolation")
    if isolation is not None and isolation not in commands.ISOLATION_LEVELS:
        raise TransactionError(
            f"Unknown isolation level {isolation!r}. Choices: {', '.join(commands.ISOLATION_LEVELS)}."
        )
    if func is None:
        return Atomic(options, _caller(2))
    return Atomic(options, "")(func)


def on_commit(callback: Callable[[], object], /, *, using: str | None = None) -> None:
    """Call ``callback`` after the COMMIT of the transaction that the running task is in; without one, at once.

    ``on_commit(lambda: send_mail(user.email))``

    What it returns is awaited if it is awaitable. That needs a transaction: without one, await it yourself.
    """
    block = adapter_for(using).block()
    if block is not None:
        block.callbacks.append(callback)
        return
    if inspect.iscoroutinefunction(callback):
        raise TransactionError(f"No transaction is open: await {_name_of(callback)}() instead of on_commit().")
    outcome = callback()
    if inspect.iscoroutine(outcome):
        outcome.close()
        raise TransactionError(f"No transaction is open: await {_name_of(callback)}() instead of on_commit().")


async def _end(block: Block, *, commit: bool) -> None:
    """End ``block``; after the outermost COMMIT run what waits for it, also if a cancellation came meanwhile."""
    leave_block(block)
    try:
        await finish(close_block(block, commit=commit))
    finally:
        if block.committed:
            await _after(block)


async def _after(block: Block) -> None:
    if block.parent is not None:
        block.parent.callbacks.extend(block.callbacks)
        return
    for callback in block.callbacks:
        outcome = callback()
        if inspect.isawaitable(outcome):
            await outcome


def _caller(depth: int) -> str:
    """Say where a block was made; for messages."""
    frame = inspect.currentframe()
    for _ in range(depth):
        frame = frame.f_back if frame is not None else None
    return f"at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "of an unknown caller"


def _name_of(function: object) -> str:
    return str(getattr(function, "__qualname__", function))


# The shape that ``tx.savepoint()`` promises.
if TYPE_CHECKING:
    _checked: type[AbstractAsyncContextManager[Savepoint]] = Savepoint
