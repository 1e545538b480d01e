"""A process of its own that prints how much it grew by holding all posts as one peer gives them.

Run as ``python -m benchmarks.memory_probe DATABASE PEER URL``.
"""

from __future__ import annotations

import asyncio
import gc
import sys

import psutil

from benchmarks.peers import CONNECT


async def growth(database: str, name: str, url: str) -> int:
    """Return the growth of the resident memory in bytes."""
    peer = await CONNECT[database][name](url)
    try:
        for turn in range(2):  # what is imported, compiled and cached at first does not count
            await peer.works()["filter_100"](turn)
        process = psutil.Process()
        gc.collect()
        before = process.memory_info().rss
        held = await peer.works()["filter_10000"](0)
        gc.collect()
        after = process.memory_info().rss
        del held
        return int(after - before)
    finally:
        await peer.close()


if __name__ == "__main__":
    print(asyncio.run(growth(*sys.argv[1:])))
