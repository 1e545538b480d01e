"""Range: the values between two bounds, as a value of Python. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, Literal, TypeAlias, cast, get_args

from typing_extensions import TypeVar

_T = TypeVar("_T")

#: Whether each end belongs to the range: ``[`` and ``]`` do, ``(`` and ``)`` do not.
Bounds: TypeAlias = Literal["[]", "[)", "(]", "()"]
BOUNDS: Final[tuple[Bounds, ...]] = get_args(Bounds)
_BOUNDS: Final[dict[tuple[bool, bool], Bounds]] = {
    (True, True): "[]",
    (True, False): "[)",
    (False, True): "(]",
    (False, False): "()",
}


class Range(Generic[_T]):
    """All values from ``lower`` to ``upper``; None is no bound. Immutable, compared by its bounds.

    >>> Range(1, 5)  # 1, 2, 3, 4: "[)", the upper bound does not belong to it
    Range(1, 5, '[)')
    >>> 5 in Range(1, 5), 5 in Range(1, 5, "[]"), 5 in Range(1, None)
    (False, True, True)
    >>> Range(1, 1).isempty, Range(empty=True) == Range(1, 1)
    (True, True)

    An end without a bound is never included, and a range that can hold nothing is the empty one, as in PostgreSQL. A
    lower bound above the upper one is a ``ValueError``, bounds that cannot be compared are a ``TypeError``.
    """

    __slots__ = ("bounds", "isempty", "lower", "upper")
    __match_args__ = ("lower", "upper", "bounds")

    lower: Final[_T | None]  # type: ignore[misc]  # set in __init__, past the __setattr__ that refuses
    upper: Final[_T | None]  # type: ignore[misc]
    bounds: Final[Bounds]  # type: ignore[misc]
    isempty: Final[bool]  # type: ignore[misc]

    def __init__(
        self, lower: _T | None = None, upper: _T | None = None, bounds: Bounds = "[)", *, empty: bool = False
    ) -> None:
        if bounds not in BOUNDS:
            raise ValueError(f"bounds= is one of {', '.join(map(repr, BOUNDS))}.")
        if empty and (lower is not None or upper is not None):
            raise ValueError("An empty range has no bounds: Range(empty=True).")
        if not empty and lower is not None and upper is not None:
            empty = _holds_nothing(lower, upper, bounds)
        if empty:
            lower = upper = None
        start = "(" if lower is None else bounds[0]
        end = ")" if upper is None else bounds[1]
        setter = object.__setattr__
        setter(self, "lower", lower)
        setter(self, "upper", upper)
        setter(self, "bounds", start + end)
        setter(self, "isempty", empty)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A Range is immutable: {name!r} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"A Range is immutable: {name!r} cannot be deleted.")

    def __reduce__(self) -> tuple[Callable[..., Range[_T]], tuple[object, ...]]:
        return _restored, (self.lower, self.upper, self.bounds, self.isempty)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Range):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.lower, self.upper, self.bounds, self.isempty

    @property
    def lower_inc(self) -> bool:
        """Whether the lower bound belongs to the range."""
        return self.bounds[0] == "["

    @property
    def upper_inc(self) -> bool:
        """Whether the upper bound belongs to the range."""
        return self.bounds[1] == "]"

    @property
    def lower_inf(self) -> bool:
        """Whether there is no lower bound."""
        return self.lower is None and not self.isempty

    @property
    def upper_inf(self) -> bool:
        """Whether there is no upper bound."""
        return self.upper is None and not self.isempty

    def __contains__(self, value: object) -> bool:
        if self.isempty or value is None:
            return False
        item, lower, upper = cast("Any", value), self.lower, self.upper
        if lower is not None and not (item >= lower if self.lower_inc else item > lower):
            return False
        return upper is None or bool(item <= upper if self.upper_inc else item < upper)

    def __bool__(self) -> bool:
        """Whether the range can hold anything."""
        return not self.isempty

    def __repr__(self) -> str:
        return "Range(empty=True)" if self.isempty else f"Range({self.lower!r}, {self.upper!r}, {self.bounds!r})"


def _restored(lower: Any, upper: Any, bounds: Bounds, empty: bool) -> Range[Any]:
    return Range(lower, upper, bounds, empty=empty)


def _holds_nothing(lower: Any, upper: Any, bounds: Bounds) -> bool:
    try:
        disordered, same = lower > upper, lower == upper
    except (TypeError, ArithmeticError):  # also a NaN among decimals
        raise TypeError(
            f"The bounds of a range must be comparable; these are {type(lower).__name__} and {type(upper).__name__} "
            "(of date-times both are aware or neither)."
        ) from None
    if disordered:
        raise ValueError("The lower bound of a range must not be above its upper bound.")
    return bool(same) and bounds != "[]"


def half_open(values: Range[_T], after: Callable[[_T], _T]) -> Range[_T]:
    """Return a range of discrete values as PostgreSQL keeps it: with ``[`` and ``)``; ``after`` gives the next value.

    >>> half_open(Range(1, 5, "(]"), lambda number: number + 1)
    Range(2, 6, '[)')
    """
    lower, upper = values.lower, values.upper
    if values.isempty:
        return values
    if lower is not None and not values.lower_inc:
        lower = after(lower)
    if upper is not None and values.upper_inc:
        upper = after(upper)
    return Range(lower, upper)


def range_of(given: Any) -> Range[Any]:
    """Return the range that a driver gave as an object of its own."""
    if given.isempty:
        return Range(empty=True)
    return Range(given.lower, given.upper, _BOUNDS[given.lower_inc, given.upper_inc])
