"""Functions that compare: Coalesce, Greatest, Least, NullIf; Cast and Collate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypeVar, override

from covet.database.orm.expressions import Cast, Collate, Func
from covet.database.orm.expressions.base import OutputField
from covet.database.schema.types import Date, LogicalType, Numeric, Timestamp
from covet.database.sql.expression_types import promoted

__all__ = ["Cast", "Coalesce", "Collate", "Greatest", "Least", "NullIf"]

_T = TypeVar("_T", default=Any)


class _Alike(Func[_T]):
    """A function of at least two values of one type."""

    built_in = True
    alike = True

    def __init__(self, *expressions: object, output_field: OutputField | None = None) -> None:
        if len(expressions) < 2:  # noqa: PLR2004 - as the message says
            raise ValueError(f"{type(self).__name__} must take at least two expressions.")
        super().__init__(*expressions, output_field=output_field)

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        known = [each for each in types if each is not None]
        if len(set(known)) < 2:  # noqa: PLR2004 - they are all the same
            return known[0] if known else None
        if any(isinstance(each, Timestamp) for each in known) and any(isinstance(each, Date) for each in known):
            return next(each for each in known if isinstance(each, Timestamp))
        found = promoted(known)
        return Numeric() if isinstance(found, Numeric) else found


class Coalesce(_Alike[_T]):
    """The first value that is not NULL.

    >>> User.objects.annotate(shown=Coalesce("nickname", "name"))  # COALESCE(nickname, name)
    """

    function = "coalesce"


class Greatest(_Alike[_T]):
    """The largest value; NULL is passed over, on every database, unless all are NULL.

    >>> Post.objects.annotate(touched=Greatest("created", "edited"))  # GREATEST(created, edited)
    """

    function = "greatest"


class Least(_Alike[_T]):
    """The smallest value; NULL is passed over, on every database, unless all are NULL.

    >>> Product.objects.annotate(pays=Least("price", Decimal(100)))  # LEAST(price, $1)
    """

    function = "least"


class NullIf(Func[_T]):
    """NULL where both are equal, else the first.

    >>> Post.objects.annotate(rate=F("clicks") / NullIf("views", 0))  # clicks / NULLIF(views, $1)
    """

    function = "nullif"
    built_in = True
    alike = True
    arity = (2, 2)

    def __init__(self, expression1: object, expression2: object, output_field: OutputField | None = None) -> None:
        super().__init__(expression1, expression2, output_field=output_field)
