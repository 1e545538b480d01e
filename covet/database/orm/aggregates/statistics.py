"""StdDev and Variance."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeVar, override

from covet.database.orm.aggregates.base import Aggregate
from covet.database.orm.conditions import Q
from covet.database.schema.types import Float, Integer, LogicalType, Numeric

_T = TypeVar("_T", default=Any)


class Variance(Aggregate[_T]):
    """The variance, of all there are or of a ``sample``; a float, or a Decimal of decimals; None over too few rows.

    >>> await Order.objects.aggregate(Variance("total", sample=True))  # VAR_SAMP(total)
    """

    function = "variance"
    built_in = True
    accepts = (Integer, Float, Numeric)
    of_documents = Numeric()

    def __init__(
        self,
        source: object,
        *,
        sample: bool = False,
        filter: Q | None = None,
        distinct: bool = False,
        default: object = None,
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default)
        if sample:
            self.name = f"{self.function}_sample"

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        return Numeric() if isinstance(argument, Numeric) else Float()


class StdDev(Variance[_T]):
    """The standard deviation, of all there are or of a ``sample``: ``STDDEV_POP(total)``, ``STDDEV_SAMP(total)``."""

    function = "stddev"
