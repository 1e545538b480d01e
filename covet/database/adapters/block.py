"""Block: an open transaction or savepoint, and which one a task is in.

A context variable holds the innermost open block of the running task. A task that is started inside a block inherits
it, so its statements belong to the block. Three rules follow from there being one connection:

* *Turns.* A statement takes the turn of its block and gives it on at its end, first come first served. So the
  children of ``gather`` are one after the other on the connection instead of meeting on it.
* *A nested block holds the turn of its parent* from SAVEPOINT to RELEASE. Statements of other tasks in the parent
  wait until it ends, so they cannot fall into a savepoint that is not theirs.
* *A block that has ended stays ended.* A task that lives longer than its block finds it so and gets a
  TransactionError that names the block; it never sees the connection, which may already serve somebody else.

This module knows which block and whose turn; ``boundaries`` sends what begins and ends one, and ``transaction`` above
is the face for users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Args, Session
from covet.database.adapters.waiting import Waiters
from covet.exceptions import DatabaseError, PoolTimeout, TransactionError

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter

R = TypeVar("R")

#: The innermost open block of the running task, of whatever adapter.
innermost: ContextVar[Block | None] = ContextVar("covet_block", default=None)


class Callback(NamedTuple):
    """What is to be called after a block."""

    function: Callable[[], object]
    after: Literal["commit", "rollback"]
    #: Its exception is logged and not raised.
    robust: bool = False


class Handle(NamedTuple):
    """A savepoint made by hand, which is no block."""

    name: str
    #: How many callbacks its block had.
    callbacks: int


#: How a block ended. ``unknown``: the connection was lost while COMMIT was on its way.
Outcome = Literal["committed", "rolled back", "unknown"]


class Block:
    """One BEGIN … COMMIT or one SAVEPOINT … RELEASE."""

    __slots__ = (
        "_busy",
        "_waiters",
        "adapter",
        "callbacks",
        "depth",
        "doomed",
        "failure",
        "inner",
        "label",
        "limits",
        "name",
        "outcome",
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
        self.owner: asyncio.Task[object] | None = asyncio.current_task()
        self.depth: int = 0 if parent is None else parent.depth + 1
        #: The name of its savepoint that the user gave.
        self.name = ""
        #: The nested block that has the turn.
        self.inner: Block | None = None
        #: Nothing more can be sent; what ends it may still be on its way.
        self.over = False
        #: None until it has ended.
        self.outcome: Outcome | None = None
        #: The user asked for a rollback.
        self.doomed = False
        #: The error after which the database accepts nothing more in this block.
        self.failure: BaseException | None = None
        #: What to call after it, in order; what is in it belongs to the work done so far.
        self.callbacks: list[Callback] = []
        #: Savepoints made by hand in this block that are open.
        self.savepoints: list[Handle] = []
        #: The time limits of its session before it changed them.
        self.limits: tuple[float | None, float | None] | None = None
        self._busy = False
        self._waiters: Waiters[None] = Waiters()

    @property
    def savepoint(self) -> str:
        """The name of this block's savepoint. The same depth has the same name, so the SQL text is stable."""
        return self.name or f"covet_{self.depth}"

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
    def gone(self) -> bool:
        """Whether its connection was given back, by this block or one around it."""
        return self.outcome is not None or (self.parent is not None and self.parent.gone)

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
        if self.inner is not None and self.inner.owner is self.owner:
            return False  # the task that ends this block would have to end that one first
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

    def add(self, callback: Callback) -> None:
        """Note what is to be called after the block."""
        if self.ended:
            raise self._ended()
        self.callbacks.append(callback)

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
        block = innermost.get()
        if block is not None and block.is_inside(self) and asyncio.current_task() is self.owner:
            return self._ended_elsewhere()
        return TransactionError(
            f"{self!r} is over, and this statement belongs to it: its task was started inside and lives longer. "
            "Await the task inside the block, or start it outside."
        )

    def _ended_elsewhere(self) -> TransactionError:
        """Take the task out of a block that another one has ended; it learns of it once."""
        block = innermost.get()
        while block is not None and block.ended:
            block = block.outer
        innermost.set(block)
        return TransactionError(
            f"{self!r} was ended from outside ({self.outcome or 'it ends now'}) while its task went on as if inside, "
            "and what the task has sent meanwhile belonged to it. So it is when an asynchronous generator that holds a "
            "block is left early. Close the generator: async with contextlib.aclosing(generator): …"
        )
