"""Functions that make identifiers."""

from __future__ import annotations

from uuid import UUID

from covet.database.orm.expressions import Func
from covet.database.schema.types import Uuid

__all__ = ["UUID4", "UUID7", "RandomUUID"]


class UUID4(Func[UUID]):
    """A random UUID, another for each row: ``gen_random_uuid()``."""

    function = "uuid4"
    built_in = True
    arity = (0, 0)
    returns = Uuid()


class RandomUUID(UUID4):
    """The name that Django gives to ``UUID4`` on PostgreSQL; here it is the same on every database."""


class UUID7(Func[UUID]):
    """A UUID that begins with the time, so that later ones sort after earlier ones (to the millisecond).

    It is put together from the clock and a random UUID: PostgreSQL has ``uuidv7()`` from version 18 on only.
    """

    function = "uuid7"
    built_in = True
    arity = (0, 0)
    returns = Uuid()
