"""The facts without which a figure means nothing: interpreter, versions, processors."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version


def environment(rounds: int) -> dict[str, str]:
    """Describe what the figures were measured with; neither a date nor a name of a machine."""
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}, asyncio's own loop",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "covet": version("covet-orm"),
        "asyncpg": version("asyncpg"),
        "aiosqlite": version("aiosqlite"),
        "rounds": str(rounds),
    }
