"""Functions: SQL functions as expressions, and those that a path may name (transforms).

The library of functions is in ``orm.functions``; here is what they and a user's own are made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from typing_extensions import TypeVar

from covet.database.orm.expressions.base import Expression, Operators, OutputField
from covet.database.schema.types import LogicalType

if TYPE_CHECKING:
    from covet.database.orm.lookups import DirectLookup, LookupField

_T = TypeVar("_T", default=Any)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?\Z")
_COLLATION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}\Z")


class Func(Operators[_T]):
    """A call of an SQL function. A string among the arguments is the path of a field, another plain value a parameter.

    >>> class Soundex(Func[str]):
    ...     function = "SOUNDEX"  # SOUNDEX(name) on every database
    ...     returns = Text()
    >>> class Days(Func[int]):
    ...     forms = {"postgresql": "EXTRACT(DAY FROM {0})", "sqlite": "({0} / 86400000000)"}
    ...     returns = Integer(64)

    ``forms`` is the SQL for each database: ``{0}``, ``{1}`` stand for the arguments, ``{*}`` for all of them. Both
    attributes are SQL text and belong into code, never built from input. ``returns`` is the type of the result; without
    it (and without ``output_field=``) it is that of the first argument.
    """

    function: ClassVar[str] = ""
    forms: ClassVar[Mapping[str, str]] = MappingProxyType({})
    returns: ClassVar[LogicalType | None] = None
    #: How many arguments it takes: the least and the most (None: any number).
    arity: ClassVar[tuple[int, int | None]] = (0, None)
    #: The function is one of covet's: each dialect knows how to say it.
    built_in: ClassVar[bool] = False
    #: The arguments are of one type, which a plain value among them takes on.
    alike: ClassVar[bool] = False

    def __init__(
        self, *arguments: object, function: str | None = None, output_field: OutputField | None = None
    ) -> None:
        low, high = self.arity
        if len(arguments) < low or (high is not None and len(arguments) > high):
            wanted = f"{low}" if low == high else f"at least {low}" if high is None else f"{low} to {high}"
            raise TypeError(f"{type(self).__name__}() takes {wanted} argument(s), not {len(arguments)}.")
        if function is not None and not _NAME.match(function):
            raise ValueError(f"{function[:80]!a} is not the name of an SQL function.")
        self.arguments = arguments
        self.name = function or self.function
        self.output_field = output_field

    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        """Return the type of the result for arguments of these types."""
        return self.returns or (types[0] if types else None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.arguments))})"


class PathTransform(Protocol):
    """What a name in a path after a field may stand for: ``created__year``."""

    @property
    def direct(self) -> Mapping[str, DirectLookup]:
        """Lookups after this transform that compare the untransformed value."""
        ...

    def __call__(self, operand: Expression[Any], /) -> Expression[Any]:
        """Return the expression that is the transformed ``operand``."""
        ...

    def output(self, field: LookupField, /) -> LookupField:
        """Return what values of the result are checked by, for an operand of ``field``."""
        ...


class Transform(Func[_T]):
    """A function of one value that a path may name.

    >>> @CharField.register_lookup
    ... class Initial(Transform[str]):
    ...     lookup_name = "initial"
    ...     forms = {"postgresql": "LEFT({0}, 1)", "sqlite": "SUBSTR({0}, 1, 1)"}
    >>> User.objects.filter(name__initial="A")  # WHERE LEFT(name, 1) = $1
    >>> User.objects.order_by("name__initial"), Initial("name")
    """

    lookup_name: ClassVar[str] = ""
    arity = (1, 1)
    #: What the result is compared with is transformed, too.
    bilateral: ClassVar[bool] = False
    direct: ClassVar[Mapping[str, DirectLookup]] = MappingProxyType({})

    @classmethod
    def output(cls, field: LookupField) -> LookupField:
        """Return what values of the result are checked by."""
        return field.output_of(cls.returns or field.logical_type)


class Cast(Operators[_T]):
    """``CAST(expression AS type)``, with the type of a field.

    >>> Invoice.objects.annotate(text=Cast("number", TextField()))  # CAST(number AS text)
    """

    __slots__ = ("expression", "output_field")

    def __init__(self, expression: object, output_field: OutputField) -> None:
        self.expression = expression
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Cast({self.expression!r})"


class Collate(Operators[_T]):
    """Text under another collation: ``order_by(Collate("name", "C"))`` is ``ORDER BY name COLLATE "C"``."""

    __slots__ = ("collation", "expression")

    def __init__(self, expression: object, collation: str) -> None:
        if not _COLLATION.match(collation):
            raise ValueError(f"{collation[:80]!a} is not the name of a collation.")
        self.expression = expression
        self.collation = collation

    def __repr__(self) -> str:
        return f"Collate({self.expression!r}, {self.collation!r})"
