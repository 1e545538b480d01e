"""What the user's own functions do when a connection is opened: give the password, set the connection up."""

from __future__ import annotations

import inspect
import os
from typing import Final

from covet.database.config import DatabaseConfig
from covet.exceptions import DatabaseError, InterfaceError

#: Where the password is looked for if the settings have none.
PASSWORD_VARIABLE: Final = "DB_PASSWORD"  # noqa: S105 - the name of a variable


class Secret:
    """A password that is not shown where variables are: tools that record errors keep those of every frame."""

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = value

    def reveal(self) -> str | None:
        """Return it, for the driver alone."""
        return self._value


async def password_of(config: DatabaseConfig) -> Secret:
    """Return the password: that of the settings, what their function gives, or that of the environment."""
    return Secret(await _password_of(config))


async def _password_of(config: DatabaseConfig) -> str | None:
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
