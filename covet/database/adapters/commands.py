"""Commands of a transaction: what is sent when a block begins and ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

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


def savepoint(name: str) -> str:
    """Return the command that opens a savepoint."""
    return f"SAVEPOINT {name}"


def release(name: str) -> str:
    """Return the command that ends a savepoint and keeps its work."""
    return f"RELEASE SAVEPOINT {name}"


def rollback_to(name: str) -> str:
    """Return the command that undoes the work since a savepoint and keeps the savepoint."""
    return f"ROLLBACK TO SAVEPOINT {name}"
