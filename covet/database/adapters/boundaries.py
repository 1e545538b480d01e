"""Boundaries: what begins and ends a block, and what is sent for that.

Ending is run by ``finish``, so a cancellation does not cut it off. A block that cannot be ended properly makes its
session suspect: the pool ends the connection, and that undoes the work as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from covet.database.adapters import commands
from covet.database.adapters.block import Block, Callback, Handle, innermost
from covet.database.adapters.commands import PLAIN, BlockOptions
from covet.database.adapters.pool import RESTORE_SECONDS
from covet.database.adapters.session import Args, Session
from covet.exceptions import CommitUnknown, ConnectionLost, DatabaseError, QueryTimeout, TransactionError

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter


def _command(session: Session, sql: str, _args: Args) -> Awaitable[str]:
    return session.command(sql)


# -- begin -----------------------------------------------------------------------------------


async def open_block(adapter: Adapter, *, label: str, options: BlockOptions = PLAIN) -> Block:
    """Begin a transaction, or a savepoint where one is open, and make it the innermost block of the task."""
    parent = adapter.block()
    if parent is None:
        block = await _begin(adapter, label, options)
    else:
        block = await open_savepoint(parent, label=label, options=options)
    innermost.set(block)
    return block


async def _begin(adapter: Adapter, label: str, options: BlockOptions) -> Block:
    command = adapter.begin(options)
    for last in (False, True):
        session, pool = await adapter.checkout(write=not options.read_only)
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
            block = Block(adapter, pool, session, None, label=label, read_only=options.read_only)
            _set_limits(block, options)
            return block
    raise AssertionError  # not reached: the last round returns or raises


async def open_savepoint(parent: Block, *, label: str, options: BlockOptions = PLAIN, name: str = "") -> Block:
    """Open a nested block; it has the turn of its parent until it ends."""
    if options is not PLAIN:
        _check_inner(parent, options)
    await parent.turn()
    try:
        parent.check()
        block = Block(parent.adapter, parent.pool, parent.session, parent, label=label, read_only=parent.read_only)
        block.name = name
        await _send(block, commands.savepoint(block.savepoint) + parent.adapter.set_local(options))
    except BaseException as exc:
        parent.note(exc)
        parent.pass_on()
        raise
    _set_limits(block, options)
    parent.inner = block
    return block


def _check_inner(parent: Block, options: BlockOptions) -> None:
    refused = None
    if options.isolation is not None:
        refused = f"isolation={options.isolation!r}"
    elif options.read_only and not parent.read_only:
        refused = "read_only=True"
    elif options.deferrable:
        refused = "deferrable=True"
    elif options.durable:
        refused = "durable=True"
    if refused is not None:
        raise TransactionError(f"{refused} is for the outermost block only; {parent!r} is open already.")


def _set_limits(block: Block, options: BlockOptions) -> None:
    if options.statement_timeout is None and options.lock_timeout is None:
        return
    session = block.session
    block.limits = session.statement_limit, session.lock_limit
    if options.statement_timeout is not None:
        session.statement_limit = options.statement_timeout
    if options.lock_timeout is not None:
        session.lock_limit = options.lock_timeout


# -- end -------------------------------------------------------------------------------------


def leave_block(block: Block) -> None:
    """Make the block around ``block`` the innermost one of the task again."""
    if innermost.get() is not block:
        return
    outer, task = block.outer, asyncio.current_task()
    while outer is not None and outer.ended and outer.owner is task:
        outer = outer.outer  # it ended before this one did, in this task, which is out of both now
    innermost.set(outer)


async def close_block(block: Block, *, commit: bool) -> None:
    """End a block. Run it by ``finish``: it must not be cut off."""
    settled = await block.settle()
    keep = commit and settled and not block.doomed and block.failure is None
    try:
        if block.parent is not None and block.parent.gone:
            # A block around it has ended before it: nothing is left to end.
            keep = False
        elif block.parent is None:
            await _end_transaction(block, keep=keep, settled=settled)
        else:
            await _end_savepoint(block, block.parent, keep=keep)
        block.outcome = "committed" if keep else "rolled back"
    except CommitUnknown:
        block.outcome = "unknown"
        raise
    except BaseException:
        block.outcome = "rolled back"
        raise
    finally:
        if block.parent is not None:
            block.parent.inner = None
            block.parent.pass_on()
    if commit and block.failure is not None:
        raise block.broken() from block.failure
    if commit and not keep and not block.doomed:
        raise _not_kept(block)


def _not_kept(block: Block) -> TransactionError:
    """Return the error of a block that ended well for its user and could not be kept."""
    if block.inner is not None:
        why = f"{block.inner!r} is open inside of it"
    elif block.parent is not None and block.parent.gone:
        why = f"{block.parent!r} around it ended first"
    else:
        why = "one of its tasks did not give the connection back"
    return TransactionError(f"{block!r} was rolled back: {why}.")


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
        if block.limits is not None:
            session.statement_limit, session.lock_limit = block.limits
        if block.adapter.replicas is not None and not block.read_only:
            block.adapter.replicas.wrote()
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
            await _send(block, commands.release(block.savepoint) + _limits_before(block))
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
    finally:
        if block.limits is not None:
            session.statement_limit, session.lock_limit = block.limits


def _limits_before(block: Block) -> str:
    """Return what sets the server's limits back: RELEASE keeps what a savepoint has set, only a rollback does not."""
    if block.limits is None or block.limits[1] == block.session.lock_limit:
        return ""
    return block.adapter.set_local(BlockOptions(lock_timeout=block.limits[1]), reset=True)


# -- savepoints by hand ----------------------------------------------------------------------


async def savepoint_by_hand(block: Block, name: str) -> str:
    """Make a savepoint that is no block; return its name."""
    name = name or f"{block.savepoint}_{len(block.savepoints) + 1}"
    await block.perform(_command, commands.savepoint(name), (), transaction=True)
    block.savepoints.append(Handle(name, len(block.callbacks)))
    return name


async def roll_back_by_hand(block: Block, name: str) -> list[Callback]:
    """Go back to a savepoint made by hand, which mends the block; return the callbacks of what is undone."""
    position = _position(block, name)
    broken, block.failure = block.failure, None
    try:
        await block.perform(_command, commands.rollback_to(name), (), transaction=True)
    except BaseException:
        block.failure = broken or block.failure
        raise
    mark = block.savepoints[position].callbacks
    undone = block.callbacks[mark:]
    del block.savepoints[position + 1 :], block.callbacks[mark:]
    return undone


async def release_by_hand(block: Block, name: str) -> None:
    """Release a savepoint made by hand, and those made after it."""
    position = _position(block, name)
    await block.perform(_command, commands.release(name), (), transaction=True)
    del block.savepoints[position:]


def _position(block: Block, name: str) -> int:
    names = [handle.name for handle in block.savepoints]
    if name not in names:
        known = f"Open ones: {', '.join(names)}." if names else "It has none."
        raise TransactionError(f"{block!r} has no savepoint {name!r} of its own that is open. {known}")
    return len(names) - 1 - names[::-1].index(name)
