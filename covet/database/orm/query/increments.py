"""Increments: ``SET n = n + $1`` without reading the row first, so that two at a time both count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.expressions import Expression, F
from covet.database.orm.fields.base import Field
from covet.database.schema.types import Float, Integer, Interval, Numeric
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet


def steps(model: type[Any], amounts: Mapping[str, Any], sign: int) -> dict[str, Expression[Any]]:
    """Return the new values of numeric fields: each more, or less, by its amount."""
    method = "increment" if sign > 0 else "decrement"
    options: Options = model._meta
    if not amounts:
        raise TypeError(f"{method}() takes at least one field: {method}(views=1).")
    found: dict[str, Expression[Any]] = {}
    for name, amount in amounts.items():
        field = options.get_field(name)
        if field.attname in options.key_names or not isinstance(
            field.logical_type, Integer | Numeric | Float | Interval
        ):
            raise FieldError(f"{method}({name}=...): {field.label} is not a number that can grow.")
        step_by: Any = amount
        if not isinstance(amount, Expression):
            step_by = _number(field, amount, f"{method}({name}=...)")
        found[name] = F[Any](name) + step_by if sign > 0 else F[Any](name) - step_by
    return found


def _number(field: Field[Any], amount: object, where: str) -> Any:
    """Return a plain amount, checked."""
    if amount is None or isinstance(amount, bool | str | bytes):
        raise TypeError(f"{where} takes a number, not {type(amount).__name__}.")
    return field.clean(amount) if isinstance(field.logical_type, Numeric) else amount


async def step(instance: Any, rows: QuerySet[Any, Any], amounts: Mapping[str, Any], sign: int) -> None:
    """Change the row of an instance and set on it what the values are then."""
    options: Options = instance._meta
    values = steps(options.model, amounts, sign)
    names = [options.get_field(name).attname for name in values]
    found = await rows.returning(*names).update(**values)
    if not found:
        raise instance.DoesNotExist(f"This {options.model.__name__} has no row: it cannot be updated.")
    instance.__dict__.update(zip(names, found[0], strict=True))


class Increments:
    """``increment()`` and ``decrement()``, of querysets and of managers."""

    __slots__ = ()

    async def increment(self, **amounts: Any) -> int:
        """Add to numbers of all rows in one statement; return how many rows there were.

        >>> await Post.objects.filter(id=7).increment(views=1)  # UPDATE posts SET views = views + $2 WHERE id = $1

        A NULL stays NULL.
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        return await queryset.update(**steps(queryset.model, amounts, 1))

    async def decrement(self, **amounts: Any) -> int:
        """Take from numbers of all rows in one statement; return how many rows there were."""
        queryset = cast("QuerySet[Any, Any]", self).all()
        return await queryset.update(**steps(queryset.model, amounts, -1))
