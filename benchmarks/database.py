"""What the harness needs of a database: tables with rows, a look at what was written, and a way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from benchmarks.peer import Row


class Database(ABC):
    """A database with the tables of the workload; spoken to through the driver, not through covet."""

    name: ClassVar[str]
    url: str

    @abstractmethod
    async def version(self) -> str:
        """Name the database and its version, and how it is reached."""

    @abstractmethod
    async def load(self) -> None:
        """Create the tables and fill them."""

    @abstractmethod
    async def new_posts(self) -> list[Row]:
        """Return the posts that were inserted after loading, in the order of their keys."""

    @abstractmethod
    async def title(self, key: int) -> str:
        """Return the title that a post has now."""

    @abstractmethod
    async def reset(self) -> None:
        """Remove the posts that were inserted after loading, so that every sample finds the same table."""
