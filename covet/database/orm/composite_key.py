"""CompositePrimaryKey: a primary key of several fields, as the tables between two others have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.options import Options


class CompositePrimaryKey:
    """``pk = CompositePrimaryKey("tenant", "number")`` in a model; ``instance.pk`` is the tuple of the values.

    >>> class Order(Model):
    ...     pk = CompositePrimaryKey("tenant", "number")
    ...     tenant = ForeignKey("Tenant")
    ...     number = IntegerField()

    ``PRIMARY KEY (tenant_id, number)``. ``Order.objects.get(pk=(1, 7))`` finds a row, as the fields do; a foreign key
    to such a model has a column for each part. A foreign key of several columns among the names stands for all of them.
    """

    def __init__(self, *names: str) -> None:
        if len(names) < 2 or len(set(names)) != len(names):  # noqa: PLR2004 - several
            raise ModelDefinitionError("CompositePrimaryKey() takes the names of two or more different fields.")
        self.names = names

    def __get__(self, instance: Any, owner: Any) -> Any:
        options: Options = owner._meta
        if instance is None:
            return options.pk if options.key else self
        values = tuple([instance.__dict__.get(field.attname) for field in options.key])
        return None if None in values else values

    def __set__(self, instance: Any, value: object) -> None:
        options: Options = instance._meta
        fields = options.key
        values = cast("tuple[object, ...]", value if isinstance(value, tuple) else ())
        if len(values) != len(fields):
            raise TypeError(f"{type(instance).__name__}.pk takes a tuple of {len(fields)} values.")
        for field, item in zip(fields, values, strict=True):
            instance.__dict__[field.attname] = item
