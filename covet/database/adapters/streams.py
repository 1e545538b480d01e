"""Streams: rows of a read in portions, whose connection always comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from covet.database.adapters.block import Block
from covet.database.adapters.pool import Pool
from covet.database.adapters.replicas import FALLING_BACK
from covet.database.adapters.session import Args, Cursor, DriverRow, Session
from covet.database.adapters.waiting import finish
from covet.exceptions import ConnectionLost, SchemaChanged

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter


class _Source(NamedTuple):
    """A connection of its own, and the cursor on it."""

    adapter: Adapter
    session: Session
    pool: Pool
    cursor: Cursor


async def stream(adapter: Adapter, sql: str, args: Args, size: int) -> AsyncGenerator[list[DriverRow], None]:
    """Yield the rows of a read in lists of at most ``size``."""
    block = adapter.block()
    if block is not None:
        cursor = block.session.cursor(sql, args, transaction=False)
        portion = _portion_of(cursor, size)
        try:
            while rows := await block.perform(portion, sql, args):
                yield rows
                if len(rows) < size:
                    return
        finally:
            await _close_in_block(block, cursor, sql)
        return
    source, rows = await _open(adapter, sql, args, size)
    portion = _portion_of(source.cursor, size)
    try:
        while rows:
            yield rows
            if len(rows) < size:
                return
            rows = await source.adapter.perform(source.session, portion, sql, args)
    finally:
        await finish(_end(source))


async def _open(adapter: Adapter, sql: str, args: Args, size: int) -> tuple[_Source, list[DriverRow]]:
    """Begin a stream: on a copy if one may serve it, then on the primary; return its first rows.

    Until rows were given, another connection may do as well: a copy may be gone, an idle connection may have died.
    """
    copy = None if adapter.replicas is None else await adapter.replicas.choose()
    if copy is not None:
        try:
            return await _first(copy.adapter, sql, args, size)
        except FALLING_BACK as exc:
            copy.failed(exc)
    try:
        return await _first(adapter, sql, args, size)
    except ConnectionLost:
        return await _first(adapter, sql, args, size)


async def _first(adapter: Adapter, sql: str, args: Args, size: int) -> tuple[_Source, list[DriverRow]]:
    session, pool = await adapter.checkout(write=False)
    source = _Source(adapter, session, pool, session.cursor(sql, args, transaction=True))
    try:
        try:
            rows = await adapter.perform(session, _portion_of(source.cursor, size), sql, args)
        except SchemaChanged:
            await source.cursor.close()
            await session.forget_schema()
            source = source._replace(cursor=session.cursor(sql, args, transaction=True))
            rows = await adapter.perform(session, _portion_of(source.cursor, size), sql, args)
    except BaseException:
        await finish(_end(source))
        raise
    return source, rows


def _portion_of(cursor: Cursor, size: int) -> Callable[[Session, str, Args], Awaitable[list[DriverRow]]]:
    def portion(_session: Session, _sql: str, _args: Args) -> Awaitable[list[DriverRow]]:
        return cursor.fetch(size)

    return portion


async def _close_in_block(block: Block, cursor: Cursor, sql: str) -> None:
    def close(_session: Session, _sql: str, _args: Args) -> Awaitable[None]:
        return cursor.close()

    if block.usable:
        await block.perform(close, sql, ())


async def _end(source: _Source) -> None:
    session = source.session
    try:
        if not session.suspect:
            await source.cursor.close()
    except Exception:  # noqa: BLE001 - the rows were read; what is left of the connection, the pool finds out
        session.suspect = True
    finally:
        source.pool.give(session)
