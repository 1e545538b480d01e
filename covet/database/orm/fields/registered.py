"""Which lookups and transforms a kind of field has, and how users add their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import TypeVar

from covet.database.orm.expressions import Transform
from covet.database.orm.lookups import LOOKUPS, Lookup

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform

_L = TypeVar("_L", bound="Lookup | Transform[Any]")


class Registered:
    """A class of fields; subclasses have the lookups of their bases and may replace them."""

    __slots__ = ()

    #: By name; each class has those that were registered for it.
    own_lookups: ClassVar[dict[str, Lookup]] = LOOKUPS
    own_transforms: ClassVar[dict[str, type[Transform[Any]]]] = {}

    @classmethod
    def register_lookup(cls, lookup: type[_L]) -> type[_L]:
        """Add a lookup or a transform for fields of this class and its subclasses; a decorator.

        Register at import, before the first query uses the name.
        """
        if "own_lookups" not in cls.__dict__:
            cls.own_lookups, cls.own_transforms = {}, {}
        if issubclass(lookup, Lookup):
            cls.own_lookups[_lookup_name(lookup, lookup.name)] = lookup()
        elif issubclass(lookup, Transform):
            cls.own_transforms[_lookup_name(lookup, lookup.lookup_name)] = lookup
        else:
            raise TypeError(f"register_lookup() takes a Lookup or a Transform, not {lookup!r}.")
        return lookup

    def find_lookup(self, name: str) -> Lookup | None:
        """Return the lookup of that name for this field, or None."""
        for kind in type(self).__mro__:
            found = kind.__dict__.get("own_lookups", {}).get(name)
            if found is not None:
                return cast("Lookup", found)
        return None

    def find_transform(self, name: str) -> PathTransform | None:
        """Return the transform of that name for this field, or None."""
        for kind in type(self).__mro__:
            found = kind.__dict__.get("own_transforms", {}).get(name)
            if found is not None:
                return cast("PathTransform", found)
        return None

    def lookup_names(self) -> list[str]:
        """Return the names of all lookups and transforms of this field."""
        own = [kind.__dict__.get(each, {}) for kind in type(self).__mro__ for each in ("own_lookups", "own_transforms")]
        return list(dict.fromkeys(name for names in reversed(own) for name in names))


def _lookup_name(lookup: type[object], name: str) -> str:
    if not name.isidentifier() or "__" in name:
        raise TypeError(
            f"{lookup.__name__} needs a name that may stand in a path: letters, digits, single underscores."
        )
    return name
