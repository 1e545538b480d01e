"""What a peer is: one way of doing the operations of the workload."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import ClassVar

from benchmarks.data import NewPost
from benchmarks.operations import POOL_SIZE

Row = tuple[object, ...]
Work = Callable[[int], Awaitable[object]]
"""Does an operation once and reads one attribute of each row. The number of the turn decides which rows."""


class Peer(ABC):
    """One way of doing the operations, connected to one database."""

    name: ClassVar[str]
    connections: ClassVar[int] = POOL_SIZE
    """How many operations it can do at once."""

    @abstractmethod
    def works(self) -> Mapping[str, Work]:
        """Say what there is to time, by the name of the operation."""

    @abstractmethod
    def rows(self, operation: str, answer: object) -> list[Row]:
        """Give an answer as plain rows, the same from every peer, to be checked; never timed.

        After an insert: the new keys as rows of one column, or none where the driver gives none.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close what the peer opened."""

    def title(self, turn: int) -> str:
        """Give a title that the row does not have yet, so that no peer is spared a write."""
        return f"{self.name} {turn}"


def columns(post: NewPost) -> tuple[str, str, int, str, datetime, int]:
    """Order the values of a post for a statement."""
    return (post["title"], post["body"], post["views"], post["status"], post["created_at"], post["author_id"])
