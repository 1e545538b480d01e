"""What the user's own functions do when a connection is opened: give the password, set the connection up."""

from __future__ import annotations

import inspect
import os
from typing import Final

from covet.database.config import DatabaseConfig
from covet.exceptions import DatabaseError, InterfaceError

#: Where the password is looked for if the settings have none.
PASSWORD_VARIABLE: Final = "DB_PASSWORD"  # noqa: S105 - the name of a variable


async def password_of(config: DatabaseConfig) -> str | None:
    """Return the password: that of the settings, what their function gives, or that of the environment."""
    password = config.password
    if callable(password):
        try:
            given = password()
            password = await given if inspect.isawaitable(given) else given
        except Exception as exc:
            raise InterfaceError(
                f"The function that gives the password of {config.alias!r} failed: {type(exc).__name__}."
            ) from exc
        if not isinstance(password, str):
            kind = type(password).__name__
            raise InterfaceError(f"The function that gives the password of {config.alias!r} gave no text but {kind}.")
    return password or os.environ.get(PASSWORD_VARIABLE) or None


async def run_init(config: DatabaseConfig, connection: object) -> None:
    """Call the user's ``init`` with a new connection of the driver."""
    if config.init is None:
        return
    try:
        await config.init(connection)
    except DatabaseError:
        raise
    except Exception as exc:
        raise InterfaceError(f"init= of {config.alias!r} failed on a new connection: {type(exc).__name__}.") from exc
