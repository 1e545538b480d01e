"""What happens to a row whose foreign key refers to a row that is deleted: the kinds, and what the constraint says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, cast

from covet.database.schema.constraints import ReferentialAction

CASCADE: Final = "CASCADE"
PROTECT: Final = "PROTECT"
RESTRICT: Final = "RESTRICT"
SET_NULL: Final = "SET_NULL"
SET_DEFAULT: Final = "SET_DEFAULT"
DO_NOTHING: Final = "DO_NOTHING"
DB_CASCADE: Final = "DB_CASCADE"
DB_SET_NULL: Final = "DB_SET_NULL"
DB_SET_DEFAULT: Final = "DB_SET_DEFAULT"


class SET:
    """``on_delete=SET(value)``: rows that referred to a deleted one refer to ``value`` from then on.

    >>> async def nobody() -> User:
    ...     user, _ = await User.objects.get_or_create(name="nobody")
    ...     return user
    >>> author = ForeignKey(User, on_delete=SET(nobody))  # UPDATE posts SET author_id = $1 WHERE author_id = ANY($2)

    ``value`` is an instance, a key, or a function that returns one; it may be ``async``. The function is called only
    when there are rows to change. The database cannot do this by itself: its constraint is NO ACTION.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "SET"

    async def resolve(self) -> object:
        """Return what the rows refer to from now on."""
        if not callable(self.value):
            return self.value
        found = cast("Callable[[], Any]", self.value)()
        # An instance can be awaited, too, and is meant as it is.
        return await found if inspect.iscoroutine(found) else found


OnUpdate: TypeAlias = Literal["CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "DO_NOTHING"]
OnDelete: TypeAlias = OnUpdate | Literal["DB_CASCADE", "DB_SET_NULL", "DB_SET_DEFAULT"] | SET

#: What the constraint says when the key of the other row changes.
ON_UPDATE: Final[dict[str, ReferentialAction]] = {
    CASCADE: "CASCADE",
    PROTECT: "RESTRICT",
    RESTRICT: "RESTRICT",
    SET_NULL: "SET NULL",
    SET_DEFAULT: "SET DEFAULT",
    DO_NOTHING: "NO ACTION",
}

#: What the constraint says when the other row is deleted. RESTRICT lets a row go together with those that refer to it,
#: so it is NO ACTION, which is checked when the statement ends; the RESTRICT of SQL is checked at once.
ON_DELETE: Final[dict[str, ReferentialAction]] = {
    **ON_UPDATE,
    RESTRICT: "NO ACTION",
    DB_CASCADE: "CASCADE",
    DB_SET_NULL: "SET NULL",
    DB_SET_DEFAULT: "SET DEFAULT",
}

#: The kinds that ``delete()`` leaves to the database.
LEFT_TO_THE_DATABASE: Final = frozenset({DO_NOTHING, DB_CASCADE, DB_SET_NULL, DB_SET_DEFAULT})


def delete_action(on_delete: OnDelete, *, default_in_database: bool) -> ReferentialAction:
    """Return what the constraint says when the other row is deleted."""
    if isinstance(on_delete, SET) or (on_delete == SET_DEFAULT and not default_in_database):
        return "NO ACTION"  # the value is Python's: the database would set NULL instead
    return ON_DELETE[on_delete]
