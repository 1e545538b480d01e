"""Block: an open transaction or savepoint, and which one a task is in.

A context variable holds the innermost open block of the running task. A task that is started inside a block inherits
it, so its statements belong to the block. Three rules follow from there being one connection:

* *Turns.* A statement takes the turn of its block and gives it on at its end, first come first served. So the
  children of ``gather`` are one after the other on the connection instead of meeting on it.
* *A nested block holds the turn of its parent* from SAVEPOINT to RELEASE. Statements of other tasks in the parent
  wait until it ends, so they cannot fall into a savepoint that is not theirs.
* *A block that has ended stays ended.* A task that lives longer than its block finds it so and gets a
  TransactionError that names the block; it never sees the connection, which may already serve somebody else.

This module knows which block and whose turn; ``transaction.py`` above is the face for users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from covet.database.adapters import commands
from covet.database.adapters.pool import RESTORE_SECONDS, Pool
from covet.database.adapters.session import Args, Session
from covet.database.adapters.waiting import Waiters
from covet.exceptions import (
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    PoolTimeout,
    QueryTimeout,
    TransactionError,
)

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter

R = TypeVar("R")

#: The innermost open block of the running task, of whatever adapter.
innermost: ContextVar[Block | None] = ContextVar("covet_block", default=None)


class Block:
    """One BEGIN … COMMIT or one SAVEPOINT … RELEASE."""

    __slots__ = (
        "_busy",
        "_waiters",
        "adapter",
        "callbacks",
        "committed",
        "depth",
        "doomed",
        "failure",
        "label",
        "outer",
        "over",
        "owner",
        "parent",
        "pool",
        "read_only",
        "savepoints",
        "session",
    )

    def __init__(
        self, adapter: Adapter, pool: Pool, session: Session, parent: Block | None, *, label: str, read_only: bool
    ) -> None:
        self.adapter = adapter
        self.pool = pool
        self.session = session
        #: The block of the same connection around this one.
        self.parent = parent
        #: The block of whatever adapter around this one.
        self.outer = innermost.get()
        self.label = label
        self.read_only = read_only
        self.owner = asyncio.current_task()
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.over = False
        #: It ended with COMMIT or RELEASE.
        self.committed = False
        #: The user asked for a rollback.
        self.doomed = False
        #: The error after which the database accepts nothing more in this block.
        self.failure: BaseException | None = None
        #: What to do after the outermost COMMIT.
        self.callbacks: list[Callable[[], object]] = []
        #: Savepoints made by hand in this block, for their names.
        self.savepoints = 0
        self._busy = False
        self._waiters: Waiters[None] = Waiters()

    @property
    def savepoint(self) -> str:
        """The name of this block's savepoint. The same depth has the same name, so the SQL text is stable."""
        return f"covet_{self.depth}"

    def __repr__(self) -> str:
        owner = f" in task {self.owner.get_name()!r}" if self.owner is not None else ""
        return f"{self.label}{owner}"

    def of(self, adapter: Adapter) -> Block | None:
        """Return the innermost block of ``adapter``, this one or one around it."""
        block: Block | None = self
        while block is not None and block.adapter is not adapter:
            block = block.outer
        return block

    @property
    def ended(self) -> bool:
        """Whether this block or one around it is over."""
        return self.over or (self.parent is not None and self.parent.ended)

    @property
    def usable(self) -> bool:
        """Whether a statement can still be sent."""
        return self.failure is None and not self.ended

    def is_inside(self, other: Block) -> bool:
        """Say whether this block is ``other`` or nested in it."""
        return self is other or (self.parent is not None and self.parent.is_inside(other))

    async def turn(self) -> None:
        """Wait for the turn on this block's connection; ``pass_on`` ends it."""
        if self.ended:
            raise self._ended()
        if self.pool.loop is not asyncio.get_running_loop():
            raise TransactionError(f"{self!r} belongs to another event loop than the one that runs here.")
        if self._busy:
            limit = self.pool.timeout
            try:
                await self._waiters.wait(limit, lambda _: self.pass_on())
            except TimeoutError:
                raise PoolTimeout(
                    f"The connection of {self!r} was not free within {limit} s. Its statements run one after the "
                    "other, and a nested block keeps the connection until it ends: does it wait for this task?"
                ) from None
            if self.ended:
                self.pass_on()
                raise self._ended()
        self._busy = True

    async def settle(self) -> bool:
        """End the block for its tasks and wait for the statement that may still run; False if it does not end."""
        self.over = True
        if self._busy:
            try:
                await self._waiters.wait(self.pool.timeout, lambda _: self.pass_on())
            except TimeoutError:
                return False
        return True

    def pass_on(self) -> None:
        """Let the next one have the turn."""
        if not self._waiters.hand(None):
            self._busy = False

    async def perform(
        self,
        operation: Callable[[Session, str, Args], Awaitable[R]],
        sql: str,
        args: Args,
        *,
        transaction: bool = False,
    ) -> R:
        """Run a statement when it is its turn."""
        await self.turn()
        try:
            self.check()
            return await self.adapter.perform(self.session, operation, sql, args, transaction=transaction)
        except BaseException as exc:
            self.note(exc)
            raise
        finally:
            self.pass_on()

    def note(self, exc: BaseException) -> None:
        """Remember an error after which nothing but a rollback is possible."""
        if self.failure is None and self.session.aborted_by(exc):
            self.failure = exc

    def check(self) -> None:
        """Raise if the database accepts nothing more in this block."""
        if self.failure is not None:
            raise self.broken()

    def broken(self) -> TransactionError:
        """Return the error for a statement after ``failure``."""
        first = self.failure
        return TransactionError(
            f"An earlier statement of {self!r} failed ({type(first).__name__}: {first}), and after that the database "
            "accepts nothing more in this block. To go on after an error, put the statement that may fail into a "
            "savepoint: async with tx.savepoint(): …",
            sqlstate=first.sqlstate if isinstance(first, DatabaseError) else None,
        )

    def _ended(self) -> TransactionError:
        return TransactionError(
            f"{self!r} is over, and this statement belongs to it: its task was started inside and lives longer. "
            "Await the task inside the block, or start it outside."
        )


def _command(session: Session, sql: str, _args: Args) -> Awaitable[str]:
    return session.command(sql)


async def open_block(adapter: Adapter, *, label: str, isolation: str | None = None, read_only: bool = False) -> Block:
    """Begin a transaction, or a savepoint where one is open, and make it the innermost block of the task."""
    parent = adapter.block()
    if parent is None:
        block = await _begin(adapter, label, isolation, read_only=read_only)
    else:
        block = await open_savepoint(parent, label=label, isolation=isolation, read_only=read_only)
    innermost.set(block)
    return block


async def _begin(adapter: Adapter, label: str, isolation: str | None, *, read_only: bool) -> Block:
    command = adapter.begin(isolation=isolation, read_only=read_only)
    for last in (False, True):
        session, pool = await adapter.checkout(write=not read_only)
        try:
            await adapter.perform(session, _command, command, (), transaction=True)
        except ConnectionLost:  # an idle connection that died unnoticed; nothing was done on it yet
            pool.give(session)
            if last:
                raise
        except BaseException:
            session.suspect = True
            pool.give(session)
            raise
        else:
            return Block(adapter, pool, session, None, label=label, read_only=read_only)
    raise AssertionError  # not reached: the last round returns or raises


async def open_savepoint(parent: Block, *, label: str, isolation: str | None = None, read_only: bool = False) -> Block:
    """Open a nested block; it has the turn of its parent until it ends."""
    if isolation is not None:
        raise TransactionError(f"isolation={isolation!r} is for the outermost block only; {parent!r} is open already.")
    if read_only and not parent.read_only:
        raise TransactionError(f"read_only=True is for the outermost block only; {parent!r} is open already.")
    await parent.turn()
    try:
        parent.check()
        block = Block(parent.adapter, parent.pool, parent.session, parent, label=label, read_only=parent.read_only)
        await _send(block, commands.savepoint(block.savepoint))
    except BaseException as exc:
        parent.note(exc)
        parent.pass_on()
        raise
    return block


async def close_block(block: Block, *, commit: bool) -> None:
    """End a block. Run it by ``finish``: it must not be cut off."""
    settled = await block.settle()
    keep = commit and settled and not block.doomed and block.failure is None
    try:
        if block.parent is None:
            await _end_transaction(block, keep=keep, settled=settled)
        else:
            await _end_savepoint(block, block.parent, keep=keep)
        block.committed = keep
    finally:
        if block.parent is not None:
            block.parent.pass_on()
    if commit and block.failure is not None:
        raise block.broken() from block.failure
    if commit and not settled:
        raise TransactionError(f"{block!r} was rolled back: one of its tasks did not give the connection back.")


async def savepoint_by_hand(block: Block) -> str:
    """Make a savepoint that is no block; return its name."""
    block.savepoints += 1
    name = f"{block.savepoint}_{block.savepoints}"
    await block.perform(_command, commands.savepoint(name), (), transaction=True)
    return name


async def roll_back_by_hand(block: Block, name: str) -> None:
    """Go back to a savepoint made by hand; after an error this is what makes the block usable again."""
    block.failure = None
    await block.perform(_command, commands.rollback_to(name), (), transaction=True)


async def release_by_hand(block: Block, name: str) -> None:
    """Release a savepoint made by hand."""
    await block.perform(_command, commands.release(name), (), transaction=True)


def leave_block(block: Block) -> None:
    """Make the block around ``block`` the innermost one of the task again."""
    if innermost.get() is block:
        innermost.set(block.outer)


async def _send(block: Block, command: str) -> str:
    return await block.adapter.perform(block.session, _command, command, (), transaction=True)


async def _end_transaction(block: Block, *, keep: bool, settled: bool) -> None:
    session = block.session
    try:
        if keep:
            await _commit(block)
        elif settled:
            await _roll_back(block)
        else:
            session.suspect = True
    finally:
        await block.pool.take_back(session)


async def _commit(block: Block) -> None:
    session = block.session
    if session.is_closed():
        session.suspect = True
        raise ConnectionLost(f"The connection of {block!r} was lost before COMMIT; its work is undone.")
    try:
        status = await _send(block, commands.COMMIT)
    except (ConnectionLost, QueryTimeout) as exc:
        session.suspect = True
        raise CommitUnknown(
            f"The connection of {block!r} was lost while COMMIT was on its way: the work may be done or undone. "
            "Look before doing it again.",
            sqlstate=exc.sqlstate,
            statement=commands.COMMIT,
        ) from exc
    except DatabaseError:
        await _roll_back(block)
        raise
    if status == commands.ROLLBACK:
        raise TransactionError(f"{block!r} was rolled back by the database: one of its statements had failed.")


async def _roll_back(block: Block) -> None:
    session = block.session
    if not session.in_transaction():  # the database has ended it by itself
        return
    try:
        async with asyncio.timeout(RESTORE_SECONDS):
            await _send(block, commands.ROLLBACK)
    except (DatabaseError, TimeoutError):
        session.suspect = True  # the pool ends the connection, and that undoes the work as well
    else:
        session.suspect = False


async def _end_savepoint(block: Block, parent: Block, *, keep: bool) -> None:
    session = block.session
    try:
        if keep:
            await _send(block, commands.release(block.savepoint))
        elif session.in_transaction():
            async with asyncio.timeout(RESTORE_SECONDS):
                await _send(block, commands.rollback_to(block.savepoint))
                await _send(block, commands.release(block.savepoint))
            session.suspect = False
        else:
            parent.failure = block.failure or TransactionError("The database has ended the transaction by itself.")
    except (DatabaseError, TimeoutError) as exc:
        parent.failure = parent.failure or exc
        if keep:
            raise
