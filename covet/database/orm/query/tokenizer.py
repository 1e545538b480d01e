"""Tokenizer: what the user wrote (lookups, Q, F, aggregates) -> tokens and parameters. Pure.

Every name is resolved here, at the call that made the mistake, and every value is checked by its field here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from uuid import UUID

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Child, Condition, Q
from covet.database.orm.expressions import Combined, Expression, F, OrderBy
from covet.database.orm.fields.base import Field
from covet.database.orm.lookups import EXACT, IN, ISNULL, LOOKUPS, Decided, Lookup, find_lookup
from covet.database.orm.options import Options, ResolvedPath
from covet.database.orm.query.inference import combined_type, literal_type, token_type
from covet.database.orm.query.state import (
    AggregateToken,
    Annotation,
    AnnotationToken,
    ArithmeticToken,
    Comparison,
    ConditionToken,
    ExpressionToken,
    Group,
    Leaf,
    Membership,
    Never,
    NullTest,
    OrderToken,
    ParamToken,
    PathToken,
    Predicate,
    Query,
    QueryState,
    Shape,
    SubqueryToken,
)
from covet.database.orm.suggestions import choices
from covet.database.schema.types import LogicalType
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.relations import Relation

_T = TypeVar("_T")

#: Values that are nothing but values: they take the short way through a lookup.
PLAIN = frozenset({int, str, float, bool, Decimal, dt.datetime, dt.date, dt.time, dt.timedelta, UUID, bytes})

NEVER = Never("never")


class _Make(Protocol):
    def __call__(self, kind: type[_T], items: Iterable[object], /) -> _T: ...


#: Makes a named tuple without the Python call that its own constructor is.
_make = cast("_Make", tuple.__new__)

_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


def add_conditions(
    options: Options,
    query: tuple[QueryState, tuple[object, ...]],
    conditions: Sequence[Q],
    lookups: Mapping[str, Any],
    *,
    negated: bool = False,
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters with one more ``filter()`` (or ``exclude()``) call.

    The plain case (keywords, plain values, no annotation) builds its tokens without a further Python call a
    condition beyond the check of the value.
    """
    state, params = query
    values = [*params]
    children: list[Predicate] = []
    slow: Tokenizer | None = None
    if conditions or state.annotations:
        slow = Tokenizer(options, state, values)
        children.extend(slow.conditions(conditions))
    for key, value in lookups.items():
        path = options.paths.get(key)
        if slow is None and path is not None and type(value) in PLAIN and path.lookup.arity == 1 and not path.negated:
            try:
                prepared = path.lookup.prepare(path.field, value)
            except Decided as decided:
                children.append(answer(path, decided))
            else:
                children.append(_make(Leaf, ("leaf", path, len(values))))
                values.append(prepared)
        else:
            slow = slow or Tokenizer(options, state, values)
            children.append(slow.lookup(key, value))
    if not children:
        return query
    if negated:
        item: Predicate = Group("group", "AND", True, tuple(children))
    else:
        item = children[0] if len(children) == 1 else _make(Group, ("group", "AND", False, tuple(children)))
    where: tuple[Predicate, ...] = (*state[0], item)
    if not negated and NEVER in children:
        state = state._replace(empty=True)
    return _make(QueryState, (where, *state[1:])), tuple(values)


def answer(path: ResolvedPath, decided: Decided) -> Predicate:
    """Return the condition for a comparison whose answer is known: every value that is there matches, or none."""
    return NullTest("null", PathToken("path", path), False) if decided.matches else NEVER


def where_keys(
    query: tuple[QueryState, tuple[object, ...]], path: ResolvedPath, keys: Iterable[object]
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters with ``path``, an IN, of keys that came from the database and need no check."""
    state, params = query
    encode = path.field.encode
    values = tuple(keys) if encode is None else tuple(encode(key) for key in keys)
    return state._replace(where=(*state.where, Leaf("leaf", path, len(params)))), (*params, values)


def linked(
    options: Options, query: tuple[QueryState, tuple[object, ...]], relation: Relation, keys: Iterable[object]
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for the rows that ``relation`` gives for ``keys``, each with its own key."""
    state, params = where_keys(query, options.key_path(relation, IN), keys)
    return state._replace(link=options.key_path(relation)), params


def where_key(options: Options, relation: Relation, key: object) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for the rows that ``relation`` gives for one key."""
    path = options.key_path(relation)
    return QueryState((Leaf("leaf", path, 0),)), (path.lookup.prepare(path.field, key),)


class Tokenizer:
    """Turns conditions and expressions into tokens; ``params`` grows as it goes."""

    __slots__ = ("options", "params", "state")

    def __init__(self, options: Options, state: QueryState, params: list[object]) -> None:
        self.options = options
        self.state = state
        self.params = params

    # -- conditions ------------------------------------------------------------------------

    def conditions(self, conditions: Sequence[Q]) -> list[Predicate]:
        """Tokenize the positional arguments of ``filter()``."""
        return [self.q(condition) for condition in conditions if Q.check(condition).children]

    def q(self, q: Q) -> Predicate:
        """Tokenize a boolean tree."""
        children = tuple(self._child(child) for child in q.children if not isinstance(child, Q) or child.children)
        if len(children) == 1 and not q.negated:
            return children[0]
        return Group("group", q.connector, q.negated, children)

    def _child(self, child: Child) -> Predicate:
        if isinstance(child, Q):
            return self.q(child)
        if isinstance(child, Condition):
            return self.condition(child)
        return self.lookup(child[0], child[1])

    def condition(self, condition: Condition) -> Predicate:
        """Tokenize ``User.age > 18`` and ``F("a") > F("b")``."""
        expression, lookup = condition.expression, condition.lookup
        if isinstance(expression, Field):
            return self.lookup(f"{self._own(expression)}__{lookup}", condition.value)
        if isinstance(expression, F) and isinstance(expression.path, str):
            return self.lookup(f"{expression.path}__{lookup}", condition.value)
        return self._compare(self.expression(expression), LOOKUPS[lookup], condition.value)

    def _own(self, field: Field[Any]) -> str:
        """Return the name of a field that must belong to the model of this query."""
        own = self.options.find_field(field.name)
        if own is not field and (own is None or (field.model is not None and field.model not in own.lineage())):
            raise FieldError(
                f"{field!r} is not a field of {self.options.label}. Use a path: filter(relation__field=...)."
            )
        return field.name

    def lookup(self, key: str, value: Any) -> Predicate:
        """Tokenize one keyword: ``age__gt=18``."""
        if self.state.annotations:
            name, _, rest = key.partition("__")
            if self.state.annotation(name) is not None:
                lookup, negated = find_lookup(rest, self._unknown_lookup) if rest else (EXACT, False)
                found = self._compare(AnnotationToken("annotation", name), lookup, value)
                return Group("group", "AND", True, (found,)) if negated else found
        path = self.resolve(key)
        found = self._leaf(path, value)
        return Group("group", "AND", True, (found,)) if path.negated else found

    def resolve(self, key: str) -> ResolvedPath:
        """Resolve a path that may end in a lookup."""
        if self.state.filtered and (named := self.state.named(key.partition("__")[0])) is not None:
            return named.name.resolve(key)
        return self.options.resolve(key)

    def resolve_field(self, path: str) -> ResolvedPath:
        """Resolve a path that ends in a field or relation."""
        if self.state.filtered and (named := self.state.named(path.partition("__")[0])) is not None:
            return named.name.resolve(path, with_lookup=False)
        return self.options.resolve_field(path)

    def _unknown_lookup(self, name: str, known: Iterable[str]) -> FieldError:
        return FieldError(f"An annotation has no lookup {name[:80]!r}. {choices(name[:80], known)}")

    def _leaf(self, path: ResolvedPath, value: Any) -> Predicate:
        lookup = path.lookup
        if value is None:
            if lookup is not EXACT:
                raise FieldError(f"{path.path}=None has no meaning; use {path.field.name}__isnull=True.")
            return NullTest("null", PathToken("path", path), True)
        if isinstance(value, Query):
            return self._membership(PathToken("path", path), lookup, _of_target(path, value))
        if isinstance(value, Expression):
            return self._compare(PathToken("path", path), lookup, cast("Expression[object]", value))
        if path.target is not None:
            value = _keys_of(path, value)
        try:
            prepared = lookup.prepare(path.field, value)
        except Decided as decided:
            return answer(path, decided)
        return self._prepared(path, prepared)

    def _prepared(self, path: ResolvedPath, prepared: Any) -> Predicate:
        """Return the condition for a value that its lookup has checked; the parameters take it."""
        lookup = path.lookup
        if lookup is ISNULL:
            return NullTest("null", PathToken("path", path), prepared)
        if lookup.takes_list and not prepared:
            return NEVER
        leaf = Leaf("leaf", path, len(self.params))
        if lookup.arity == 1:
            self.params.append(prepared)
        else:
            self.params.extend(prepared)
        return leaf

    def _membership(self, left: ExpressionToken, lookup: Lookup, query: Query) -> Predicate:
        if lookup is not IN:
            raise FieldError(f"A queryset stands on the right of 'in' only, not of {lookup.name!r}.")
        if query.state.empty:
            return NEVER
        token = SubqueryToken("subquery", query.model, query.state, len(self.params))
        self.params.extend(query.params)
        return Membership("membership", left, token)

    def _compare(self, left: ExpressionToken, lookup: Lookup, value: Any) -> Predicate:
        if isinstance(value, Query):
            return self._membership(left, lookup, value)
        if value is None or lookup is ISNULL:
            if value is None and lookup is not EXACT:
                raise FieldError(f"{lookup.name!r} with None has no meaning; use 'isnull'.")
            return NullTest("null", left, True if value is None else _flag(value))
        if lookup.takes_list:
            items = tuple(item for item in value if item is not None)
            if not items:
                return NEVER
            kind = literal_type(items[0]) or token_type(left, self.state)
            return Comparison("compare", left, lookup, (self._param(items, kind, takes_list=True),))
        sides = value if lookup.arity > 1 else (value,)
        return Comparison("compare", left, lookup, tuple(self.operand(side, left) for side in sides))

    # -- expressions -----------------------------------------------------------------------

    def operand(self, value: object, other: ExpressionToken) -> ExpressionToken:
        """Tokenize one side of a comparison or of arithmetic: an expression, or a plain value beside ``other``."""
        if isinstance(value, Expression):
            return self.expression(cast("Expression[object]", value))
        kind = literal_type(value)
        if kind is None:
            raise FieldError(f"{type(value).__name__} is not a value that an expression can use.")
        return self._param(value, combined_type(kind, token_type(other, self.state), literal=True))

    def _param(self, value: object, kind: LogicalType | None, *, takes_list: bool = False) -> ParamToken:
        self.params.append(value)
        return ParamToken("param", len(self.params) - 1, kind, takes_list)

    def expression(self, expression: Expression[Any]) -> ExpressionToken:
        """Tokenize a field, F, arithmetic or an aggregate."""
        if isinstance(expression, Field):
            return self.path(self._own(expression))
        if isinstance(expression, F):
            inner = expression.path
            return self.path(inner) if isinstance(inner, str) else self.expression(inner)
        if isinstance(expression, Combined):
            return self._arithmetic(expression)
        if isinstance(expression, Aggregate):
            return self.aggregate(expression)
        raise TypeError(f"{type(expression).__name__} is not an expression that a query understands.")

    def path(self, path: str) -> ExpressionToken:
        """Tokenize the path of a field, or the name of an annotation."""
        if self.state.annotation(path) is not None:
            return AnnotationToken("annotation", path)
        return PathToken("path", self.resolve_field(path))

    def _arithmetic(self, combined: Combined[Any]) -> ExpressionToken:
        left_value, right_value = combined.left, combined.right
        if isinstance(left_value, Expression):
            left = self.expression(cast("Expression[object]", left_value))
            right = self.operand(right_value, left)
        else:
            right = self.expression(cast("Expression[object]", right_value))
            left = self.operand(left_value, right)
        kind = combined_type(token_type(left, self.state), token_type(right, self.state), operator=combined.operator)
        return ArithmeticToken("arithmetic", combined.operator, left, right, kind)

    def aggregate(self, aggregate: Aggregate[Any]) -> AggregateToken:
        """Tokenize an aggregate with its filter and default."""
        source = aggregate.source
        argument: ExpressionToken | None = None
        # A comparison of an expression is a condition, so the type is asked first.
        if not isinstance(source, str):
            argument = self.expression(source)
        elif source != "*":
            argument = self.path(source)
        if argument is None and aggregate.function != "count":
            raise FieldError(f"{aggregate!r}: '*' is for Count only.")
        kind = aggregate.result_type(token_type(argument, self.state) if argument is not None else None)
        default: ParamToken | None = None
        if aggregate.default is not None:
            default = self._param(aggregate.default, kind)
        condition = self.q(aggregate.filter) if aggregate.filter is not None and aggregate.filter.children else None
        return AggregateToken("aggregate", aggregate.function, argument, aggregate.distinct, condition, default, kind)

    def annotation(self, name: str, value: Expression[Any] | Q) -> Annotation:
        """Tokenize one keyword of ``annotate()``."""
        check_alias(self.options, self.state, name)
        token: ExpressionToken
        if isinstance(value, Q):
            token = ConditionToken("condition", self.q(value))
        elif isinstance(value, Expression):
            token = self.expression(value)
        else:
            raise TypeError(f"annotate({name}=...) takes an expression, not {type(value).__name__}.")
        return Annotation(name, token, len(self.state.where))

    def order(self, key: str | Expression[Any] | OrderBy) -> OrderToken:
        """Tokenize one argument of ``order_by()``: a path with or without ``-``, a field, an expression, a sort key."""
        if isinstance(key, str):
            descending = key.startswith("-")
            return OrderToken(self.path(key[1:] if descending else key), descending, None)
        if isinstance(key, OrderBy):
            return OrderToken(self.expression(key.expression), key.descending, key.nulls)
        if isinstance(key, Expression):
            return OrderToken(self.expression(key), False, None)
        raise TypeError(f"order_by() takes names, fields and expressions, not {type(key).__name__}.")


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldError(f"'isnull' takes True or False, not {type(value).__name__}.")
    return value


def _keys_of(path: ResolvedPath, value: Any) -> Any:
    """Replace instances of the related model by their keys; refuse other and unsaved instances."""
    if path.lookup.takes_list and not isinstance(value, str | bytes | Mapping) and isinstance(value, Iterable):
        return [_key_of(path, item) for item in cast("Iterable[object]", value)]
    return _key_of(path, value)


def _key_of(path: ResolvedPath, value: Any) -> Any:
    target = path.target
    if target is None or not hasattr(value.__class__, "_meta"):
        return value
    if not isinstance(value, target):
        raise FieldError(f"{path.path!r} takes a {target.__name__}, not a {type(value).__name__}.")
    # At the end of a reverse relation stands the related model's own key, at that of a forward one a foreign key.
    own_key = path.field is target._meta.pk and bool(path.relations)
    key = getattr(value, path.field.attname if own_key else target_attname(path.field), None)
    if key is None:
        raise ValueError(f"{path.path!r}: this {target.__name__} has no key yet; save it first.")
    return key


def _of_target(path: ResolvedPath, query: Query) -> Query:
    """Return a query of instances as one of what is compared with them; refuse instances of another model."""
    if path.target is None or query.state.shape is not None:
        return query
    if query.model is not path.target:
        raise FieldError(f"{path.path!r} takes a queryset of {path.target.__name__}, not of {query.model.__name__}.")
    remote: Field[Any] | None = getattr(path.field, "remote_field", None)
    if remote is None or remote.model is not path.target or remote.primary_key:
        return query
    found = Query()
    found.model, found.params = query.model, query.params
    found.state = query.state._replace(shape=Shape("flat", (remote.name,)))
    return found


def target_attname(field: Field[Any]) -> str:
    """Return the attribute of a related instance that a foreign key holds."""
    remote: Field[Any] | None = getattr(field, "remote_field", None)
    return remote.attname if remote is not None else "pk"


def check_alias(options: Options, state: QueryState, name: str) -> None:
    """Refuse the name of an annotation that is no plain ASCII identifier or means something already."""
    if not _ALIAS.match(name):
        raise FieldError(
            f"{name[:80]!a} cannot name an annotation: use ASCII letters, digits and single underscores, at most 63."
        )
    if name.startswith("_") or "__" in name:
        raise FieldError(f"{name!r} cannot name an annotation: no leading or double underscore.")
    if options.find_field(name) is not None or name in options.relations or hasattr(options.model, name):
        raise FieldError(f"The annotation {name!r} conflicts with an attribute of {options.label}.")
    if state.annotation(name) is not None or state.named(name) is not None:
        raise FieldError(f"The annotation {name!r} is there already.")
