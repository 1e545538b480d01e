"""Windows: functions of a row and the rows around it, and the frames that say which these are. Data only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, Literal

from typing_extensions import TypeVar, override

from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, Func, Operators, OrderBy
from covet.database.orm.expressions.base import OutputField
from covet.database.schema.types import Float, Integer, LogicalType

_T = TypeVar("_T", default=Any)


class WindowFrameExclusion(Enum):
    """What a frame leaves out: ``RowRange(exclusion=WindowFrameExclusion.CURRENT_ROW)``."""

    CURRENT_ROW = "CURRENT ROW"
    GROUP = "GROUP"
    TIES = "TIES"
    NO_OTHERS = "NO OTHERS"


class WindowFrame:
    """The rows of a window that a function is over; ``RowRange``, ``ValueRange`` and ``GroupRange`` are its kinds.

    ``start`` and ``end`` are counted from the current row: below 0 before it, 0 at it, above 0 behind it, and None
    from the first or to the last of the partition.
    """

    unit: ClassVar[Literal["ROWS", "RANGE", "GROUPS"]]
    #: The types that ``start`` and ``end`` may have.
    numbers: ClassVar[tuple[type[Any], ...]] = (int,)

    def __init__(self, start: Any = None, end: Any = None, *, exclusion: WindowFrameExclusion | None = None) -> None:
        name = type(self).__name__
        for what, value in (("start", start), ("end", end)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, self.numbers)):
                wanted = ", ".join(kind.__name__ for kind in self.numbers)
                raise TypeError(f"{name}({what}=) takes {wanted} or None, not {type(value).__name__}.")
        if exclusion is not None and not isinstance(exclusion, WindowFrameExclusion):
            raise TypeError(f"{name}(exclusion=) takes a WindowFrameExclusion, not {type(exclusion).__name__}.")
        if start is not None and end is not None:
            sides = side(start), side(end)
            # A 0 beside a timedelta is the current row, and numbers of two kinds are not compared.
            if sides[0] > sides[1] or (sides[0] == sides[1] != 0 and start > end):
                raise ValueError(f"{name}: the start of a frame cannot be behind its end.")
        self.start = start
        self.end = end
        self.exclusion = exclusion

    def __repr__(self) -> str:
        return f"{type(self).__name__}(start={self.start!r}, end={self.end!r})"


def side(value: Any) -> int:
    """Return -1 before the current row, 0 at it, 1 behind it."""
    zero = type(value)(0)
    return int(value > zero) - int(value < zero)


class RowRange(WindowFrame):
    """So many rows: ``RowRange(start=-2, end=0)`` is ``ROWS BETWEEN 2 PRECEDING AND CURRENT ROW``."""

    unit = "ROWS"


class GroupRange(WindowFrame):
    """So many groups of rows that are equal in the order: ``GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING``."""

    unit = "GROUPS"


class ValueRange(WindowFrame):
    """The rows whose value in the order differs by so much: ``ValueRange(start=timedelta(days=-7), end=0)``.

    ``RANGE BETWEEN $1 PRECEDING AND CURRENT ROW``. The order is then by one number, date or time; SQLite takes only
    integers, floats and durations there.
    """

    unit = "RANGE"
    numbers = (int, float, Decimal, dt.timedelta)


class Window(Operators[_T]):
    """An aggregate or a window function over the rows around each row.

    >>> ranked = Post.objects.annotate(place=Window(Rank(), partition_by="author", order_by="-views"))
    >>> await ranked.filter(place__lte=3)  # the three most read posts of each author

    ``RANK() OVER (PARTITION BY author_id ORDER BY views DESC)``; a filter on it is asked around the query, because SQL
    computes windows after WHERE. ``partition_by`` and ``order_by`` take one key or several.
    """

    def __init__(
        self,
        expression: Expression[_T],
        partition_by: str | Expression[Any] | Q | Iterable[str | Expression[Any] | Q] = (),
        order_by: str | Expression[Any] | OrderBy | Iterable[str | Expression[Any] | OrderBy] = (),
        frame: WindowFrame | None = None,
        output_field: OutputField | None = None,
    ) -> None:
        if not isinstance(expression, Expression):
            raise TypeError(
                f"Window() takes an aggregate or a window function such as Rank(), not {type(expression).__name__}."
            )
        if frame is not None and not isinstance(frame, WindowFrame):
            raise TypeError(f"Window(frame=) takes RowRange, ValueRange or GroupRange, not {type(frame).__name__}.")
        self.expression: Expression[_T] = expression
        self.partition_by: tuple[str | Expression[Any] | Q, ...] = (
            (partition_by,) if isinstance(partition_by, str | Expression | Q) else tuple(partition_by)
        )
        self.order_by: tuple[str | Expression[Any] | OrderBy, ...] = (
            (order_by,) if isinstance(order_by, str | Expression | OrderBy) else tuple(order_by)
        )
        self.frame = frame
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Window({self.expression!r})"


class WindowFunction(Func[_T]):
    """A function that only a ``Window`` can call. A subclass with ``function`` or ``forms`` is one of your own."""

    #: Which argument is a count of rows.
    count_at: ClassVar[int | None] = None


class _Place(WindowFunction[int]):
    arity = (0, 0)
    built_in = True
    returns = Integer(64)


class RowNumber(_Place):
    """The number of the row in its partition, from 1: ``ROW_NUMBER()``."""

    function = "row_number"


class Rank(_Place):
    """The place of the row; equals share one and leave a gap behind them: ``RANK()`` gives 1, 1, 3."""

    function = "rank"


class DenseRank(_Place):
    """The place of the row, without gaps: ``DENSE_RANK()`` gives 1, 1, 2."""

    function = "dense_rank"


class _Share(WindowFunction[float]):
    arity = (0, 0)
    built_in = True
    returns = Float()


class PercentRank(_Share):
    """The place of the row as a share, from 0 to 1: ``PERCENT_RANK()``."""

    function = "percent_rank"


class CumeDist(_Share):
    """The share of the rows that are before this one or equal to it: ``CUME_DIST()``."""

    function = "cume_dist"


class Ntile(WindowFunction[int]):
    """The number of the part that the row is in, of ``num_buckets`` equal ones: ``NTILE($1)``."""

    function = "ntile"
    built_in = True
    returns = Integer(64)
    count_at = 0

    def __init__(self, num_buckets: int = 1) -> None:
        super().__init__(_counted("Ntile", "num_buckets", num_buckets))


class FirstValue(WindowFunction[_T]):
    """The value of the first row of the frame: ``FIRST_VALUE(name)``."""

    function = "first_value"
    arity = (1, 1)
    built_in = True


class LastValue(WindowFunction[_T]):
    """The value of the last row of the frame: ``LAST_VALUE(name)``. Without a frame it ends at the current row."""

    function = "last_value"
    arity = (1, 1)
    built_in = True


class NthValue(WindowFunction[_T]):
    """The value of the ``nth`` row of the frame, from 1, or None: ``NTH_VALUE(name, $1)``."""

    function = "nth_value"
    built_in = True
    count_at = 1

    def __init__(self, expression: object, nth: int = 1) -> None:
        super().__init__(expression, _counted("NthValue", "nth", nth))


class _Beside(WindowFunction[_T]):
    built_in = True
    count_at = 1

    def __init__(self, expression: object, offset: int = 1, default: object = None) -> None:
        arguments = (expression, _counted(type(self).__name__, "offset", offset))
        super().__init__(*arguments, *(() if default is None else (default,)))

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        return types[0] or (types[2] if len(types) > 2 else None)  # noqa: PLR2004 - the default


class Lag(_Beside[_T]):
    """The value of the row ``offset`` before this one, or ``default``: ``LAG(views, $1)``."""

    function = "lag"


class Lead(_Beside[_T]):
    """The value of the row ``offset`` behind this one, or ``default``: ``LEAD(views, $1)``."""

    function = "lead"


def _counted(name: str, what: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}({what}=) takes an int, not {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{name}({what}=) takes 1 or more, not {value}.")
    return value
