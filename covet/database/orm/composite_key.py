"""CompositePrimaryKey: a primary key of several fields, as the tables between two others have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.options import Options


class CompositePrimaryKey:
    """``pk = CompositePrimaryKey("person", "group")`` in a model; ``instance.pk`` is the tuple of the values.

    >>> class Membership(Model):
    ...     pk = CompositePrimaryKey("person", "group")
    ...     person = ForeignKey("Person")
    ...     group = ForeignKey("Group")

    ``PRIMARY KEY (person_id, group_id)``. Rows are found by the fields: ``filter(person=.., group=..)``. Foreign keys
    to such a model are not supported.
    """

    def __init__(self, *names: str) -> None:
        if len(names) < 2 or len(set(names)) != len(names):  # noqa: PLR2004 - several
            raise ModelDefinitionError("CompositePrimaryKey() takes the names of two or more different fields.")
        self.names = names

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        values = tuple(instance.__dict__.get(field.attname) for field in owner._meta.key)
        return None if None in values else values

    def __set__(self, instance: Any, value: object) -> None:
        options: Options = instance._meta
        fields = options.key
        values = cast("tuple[object, ...]", value if isinstance(value, tuple) else ())
        if len(values) != len(fields):
            raise TypeError(f"{type(instance).__name__}.pk takes a tuple of {len(fields)} values.")
        for field, item in zip(fields, values, strict=True):
            instance.__dict__[field.attname] = item
