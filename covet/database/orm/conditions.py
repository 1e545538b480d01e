"""Q: a boolean tree of conditions, as the user wrote it. Nothing is resolved here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Never, TypeAlias

from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.expressions import Expression

Connector = Literal["AND", "OR", "XOR"]


class Condition(NamedTuple):
    """``expression lookup value``: what ``User.age > 18`` or ``F("a") > F("b")`` says."""

    expression: Expression[Any]
    lookup: str
    value: object


Child: TypeAlias = "Q | Condition | tuple[str, object]"


class Q:
    """A condition: keyword lookups joined by AND; combine several with ``&``, ``|``, ``^`` and ``~``.

    >>> User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), ~Q(name="bob"))

    ``WHERE (is_staff = $1 OR is_superuser = $2) AND NOT (name = $3)``. ``Q()`` is neutral. A Q has no truth
    value: ``and``, ``or``, ``not`` and ``if`` raise ``TypeError``.
    """

    __slots__ = ("before", "children", "connector", "last", "negated")

    children: tuple[Child, ...]
    connector: Connector
    negated: bool
    #: What ``last`` was joined to, until somebody reads the children: joining n conditions one by one takes n steps.
    before: Q | None
    last: Q

    def __init__(self, *conditions: Q, **lookups: Any) -> None:
        for condition in conditions:
            Q.check(condition)
        for name in lookups:
            if name.startswith("_"):
                raise FieldError(f"Q() got {name!r}: names that start with an underscore are not fields.")
        self.children = (*conditions, *lookups.items())
        self.connector = "AND"
        self.negated = False
        self.before = None

    @staticmethod
    def check(value: object) -> Q:
        """Return ``value``, which must be a Q."""
        if not isinstance(value, Q):
            raise not_a_condition(value)
        return value

    @classmethod
    def of(cls, children: tuple[Child, ...], connector: Connector = "AND", *, negated: bool = False) -> Q:
        """Build a Q from its parts."""
        q = cls.__new__(cls)
        q.children, q.connector, q.negated, q.before = children, connector, negated, None
        return q

    def _combine(self, other: Q, connector: Connector) -> Q:
        if Q.check(other).is_neutral():
            return self
        if self.is_neutral():
            return other
        if self.connector == connector and not self.negated:
            joined = Q.__new__(Q)
            joined.before, joined.last, joined.connector, joined.negated = self, other, connector, False
            return joined
        return Q.of((self, other), connector)

    def is_neutral(self) -> bool:
        """Whether it says nothing."""
        return self.before is None and not self.children

    def __getattr__(self, name: str) -> Any:
        # Only what was not set is looked for here.
        if name != "children":
            raise AttributeError(f"Q has no attribute {name!r}.")
        added: list[Q] = []
        q, before = self, self.before
        while before is not None:
            added.append(q.last)
            q, before = before, before.before
        self.children = (*q.children, *reversed(added))
        self.before = None
        return self.children

    def __and__(self, other: Q) -> Q:
        return self._combine(other, "AND")

    def __or__(self, other: Q) -> Q:
        return self._combine(other, "OR")

    def __xor__(self, other: Q) -> Q:
        return self._combine(other, "XOR")

    def __invert__(self) -> Q:
        return Q.of(self.children, self.connector, negated=not self.negated)

    def __bool__(self) -> Never:
        raise TypeError(
            "A condition has no truth value: combine conditions with &, | and ~ instead of and, or and not, "
            "and write (a < x) & (x < b) for a < x < b."
        )

    def __repr__(self) -> str:
        inner = f" {self.connector} ".join(_show(child) for child in self.children)
        return f"<Q: {'NOT ' if self.negated else ''}({inner})>"


def _show(child: Child) -> str:
    if isinstance(child, Q):
        return repr(child)[4:-1]
    if isinstance(child, Condition):
        return f"{child.expression!r} {child.lookup} ..."
    return f"{child[0]}=..."


def not_a_condition(value: object) -> TypeError:
    """Return the error for something that stands where a condition is wanted."""
    hint = (
        "a comparison gave a plain bool: check that its two sides have the same type"
        if isinstance(value, bool)
        else "give keywords such as filter(age__gt=18), a Q, or a typed condition such as User.age > 18"
    )
    return TypeError(f"{type(value).__name__} is not a condition; {hint}.")
