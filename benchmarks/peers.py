"""The peers of each database, by name; the first is the measure of the ratios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.aiosqlite_peer import Aiosqlite
from benchmarks.asyncpg_peer import AsyncpgConnection, AsyncpgPool
from benchmarks.covet_peer import Covet, CovetInline
from benchmarks.operations import POSTGRESQL, SQLITE
from benchmarks.peer import Peer

Connect = Callable[[str], Awaitable[Peer]]


async def _aiosqlite(url: str) -> Peer:
    return await Aiosqlite.connect(Path(url.removeprefix("sqlite:///")))


CONNECT: dict[str, dict[str, Connect]] = {
    POSTGRESQL: {
        AsyncpgPool.name: AsyncpgPool.connect,
        AsyncpgConnection.name: AsyncpgConnection.connect,
        Covet.name: Covet.connect,
    },
    SQLITE: {Aiosqlite.name: _aiosqlite, CovetInline.name: CovetInline.connect, Covet.name: Covet.connect},
}


@asynccontextmanager
async def connected(database: str, url: str) -> AsyncIterator[list[Peer]]:
    """Yield every peer of a database, connected."""
    async with AsyncExitStack() as stack:
        peers = []
        for connect in CONNECT[database].values():
            peer = await connect(url)
            stack.push_async_callback(peer.close)
            peers.append(peer)
        yield peers
