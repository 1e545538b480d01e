"""``python -m demo``. The environment variable DATABASE_URL names the database; without it a SQLite file is made."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console

from covet.exceptions import CovetError
from demo.dataset import DatasetError, find_dataset
from demo.program import default_url, run

# Where nothing tells how wide the output is, the widest table decides.
WIDTH = 130


def main() -> int:
    """Run the demonstration; return the exit status."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=WIDTH)
    try:
        dataset = find_dataset()
        url = os.environ.get("DATABASE_URL") or default_url()
        asyncio.run(run(console, dataset, url))
    except (DatasetError, CovetError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # what shells report for Ctrl-C
    return 0


if __name__ == "__main__":
    sys.exit(main())
