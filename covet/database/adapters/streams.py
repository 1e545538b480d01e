"""Streams: rows of a read in portions, whose connection always comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from typing import TYPE_CHECKING

from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Args, Cursor, DriverRow, Session
from covet.database.adapters.waiting import finish

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter


async def stream(adapter: Adapter, sql: str, args: Args, size: int) -> AsyncGenerator[list[DriverRow], None]:
    """Yield the rows of a read in lists of at most ``size``."""
    block = adapter.block()
    session, pool = (await adapter.checkout(write=False)) if block is None else (block.session, block.pool)
    cursor = session.cursor(sql, args, transaction=block is None)

    def portion(_session: Session, _sql: str, _args: Args) -> Awaitable[list[DriverRow]]:
        return cursor.fetch(size)

    def close(_session: Session, _sql: str, _args: Args) -> Awaitable[None]:
        return cursor.close()

    try:
        while True:
            if block is None:
                rows = await adapter.perform(session, portion, sql, args)
            else:
                rows = await block.perform(portion, sql, args)
            if not rows:
                return
            yield rows
    finally:
        if block is None:
            await finish(_end(cursor, session, pool))
        elif block.usable:
            await block.perform(close, sql, ())


async def _end(cursor: Cursor, session: Session, pool: Pool) -> None:
    try:
        if not session.suspect:
            await cursor.close()
    except Exception:  # noqa: BLE001 - the rows were read; what is left of the connection, the pool finds out
        session.suspect = True
    finally:
        pool.give(session)
