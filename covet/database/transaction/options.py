"""Options of ``transaction()``: their names, and what is wrong with a value before anything is sent."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypedDict

from covet.database.adapters import commands
from covet.database.adapters.commands import NO_LIMIT, PLAIN, BlockOptions, Isolation
from covet.database.transaction.retrying import Retry
from covet.exceptions import TransactionError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")


class Options(TypedDict, total=False):
    """The options of ``transaction()``."""

    using: str | None
    isolation: Isolation | None
    read_only: bool
    deferrable: bool
    durable: bool
    rollback: bool
    timeout: float | None
    statement_timeout: float | None
    lock_timeout: float | None
    retry: int | Retry | None


class Settings(NamedTuple):
    """The options, read and checked."""

    using: str | None = None
    #: What the database has to know.
    begin: BlockOptions = PLAIN
    #: The block is undone in any case.
    rollback: bool = False
    #: Seconds for the whole block.
    timeout: float | None = None
    retry: Retry | None = None


DEFAULTS: Final = Settings()


def read_options(options: Options) -> Settings:
    """Return the settings of a block, or say what is wrong with them."""
    unknown = sorted(set(options) - Options.__annotations__.keys())
    if unknown:
        raise TransactionError(
            f"transaction() has no option {unknown[0]!r}. Choices: {', '.join(Options.__annotations__)}."
        )
    retry = options.get("retry")
    return Settings(
        options.get("using"),
        _begin(options),
        options.get("rollback", False),
        _limit("timeout", options.get("timeout")),
        Retry(attempts=retry) if isinstance(retry, int) else retry,
    )


def _begin(options: Options) -> BlockOptions:
    isolation = options.get("isolation")
    if isolation is not None and isolation not in commands.ISOLATION_LEVELS:
        raise TransactionError(
            f"Unknown isolation level {isolation!r}. Choices: {', '.join(commands.ISOLATION_LEVELS)}."
        )
    found = BlockOptions(
        isolation,
        options.get("read_only", False),
        options.get("deferrable", False),
        options.get("durable", False),
        _limit("statement_timeout", options.get("statement_timeout")),
        _limit("lock_timeout", options.get("lock_timeout")),
    )
    if found.deferrable and not (found.read_only and isolation == "serializable"):
        raise TransactionError('deferrable=True means something only with isolation="serializable" and read_only=True.')
    return PLAIN if found == PLAIN else found


def savepoint_name(name: str | None) -> str:
    """Return the name that a user gives a savepoint, checked; empty for one of covet's own."""
    if name is None:
        return ""
    if not _NAME.fullmatch(name) or name.lower().startswith("covet_"):
        raise TransactionError(
            f"{name[:80]!a} is no name for a savepoint: up to 50 letters a-z, digits and underscores, the first no "
            "digit, and not beginning with covet_."
        )
    return name


def _limit(name: str, seconds: float | None) -> float | None:
    if seconds is None:
        return None
    if not seconds > 0:
        raise TransactionError(f"{name} is a number of seconds above 0, or math.inf for no limit; not {seconds!r}.")
    return min(float(seconds), NO_LIMIT)
