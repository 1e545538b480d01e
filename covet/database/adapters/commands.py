"""Commands of a transaction: what is sent when a block begins and ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

Isolation: TypeAlias = Literal["read uncommitted", "read committed", "repeatable read", "serializable"]

ISOLATION_LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read uncommitted": "READ UNCOMMITTED",
        "read committed": "READ COMMITTED",
        "repeatable read": "REPEATABLE READ",
        "serializable": "SERIALIZABLE",
    }
)
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
#: Seconds that stand for "no limit": one that is never reached, and that every event loop can count.
NO_LIMIT: Final = 1e8


class BlockOptions(NamedTuple):
    """How a block begins, in the words of ``transaction()``. A limit of None is the one around it."""

    isolation: Isolation | None = None
    read_only: bool = False
    deferrable: bool = False
    durable: bool = False
    statement_timeout: float | None = None
    lock_timeout: float | None = None


PLAIN: Final = BlockOptions()


def savepoint(name: str) -> str:
    """Return the command that opens a savepoint. The name is a plain identifier; quoted, it may be a word of SQL, too.

    >>> savepoint("before_payment")
    'SAVEPOINT "before_payment"'
    """
    return f"SAVEPOINT {_quoted(name)}"


def release(name: str) -> str:
    """Return the command that ends a savepoint and keeps its work."""
    return f"RELEASE SAVEPOINT {_quoted(name)}"


def rollback_to(name: str) -> str:
    """Return the command that undoes the work since a savepoint and keeps the savepoint."""
    return f"ROLLBACK TO SAVEPOINT {_quoted(name)}"


def _quoted(name: str) -> str:
    return name if name.startswith("covet_") else f'"{name}"'
