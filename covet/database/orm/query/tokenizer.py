"""Tokenizer: what the user wrote (lookups, Q, F, aggregates) -> tokens and parameters. Pure.

Every name is resolved here, at the call that made the mistake, and every value is checked by its field here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from uuid import UUID

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Child, Condition, Q
from covet.database.orm.expressions import Expression, F, Known, OrderBy, Param
from covet.database.orm.expressions.gaps import Gap
from covet.database.orm.expressions.subqueries import Existence
from covet.database.orm.fields.base import Field, field_of
from covet.database.orm.functions.window import Window
from covet.database.orm.lookups import (
    IN,
    ISNULL,
    Decided,
    DirectLookup,
    Lookup,
    LookupField,
    checked_flag,
    resolve_lookup,
)
from covet.database.orm.options import Options, ResolvedPath
from covet.database.orm.query import expression_tokens
from covet.database.orm.query.aliases import check_alias
from covet.database.orm.query.generic_conditions import generic_condition
from covet.database.orm.query.inference import field_beside, literal_type, token_type
from covet.database.orm.query.instances import keys_of, of_target
from covet.database.orm.query.rows import prepare_row, single
from covet.database.orm.query.sources import Found, check_root, find_column
from covet.database.orm.query.state import Annotation, Query, QueryState
from covet.database.orm.query.tokens import (
    AnnotationToken,
    Comparison,
    ConditionToken,
    ExpressionToken,
    FunctionToken,
    Group,
    Leaf,
    Membership,
    Never,
    NullTest,
    OrderToken,
    ParamToken,
    PathToken,
    Predicate,
    TruthToken,
    Unbound,
)
from covet.database.orm.suggestions import choices
from covet.database.schema.types import Array, Boolean, Float, LogicalType, Text
from covet.exceptions import FieldError, QueryTooComplex

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform

_T = TypeVar("_T")

#: Values that are nothing but values: they take the short way through a lookup.
PLAIN = frozenset({int, str, float, bool, Decimal, dt.datetime, dt.date, dt.time, dt.timedelta, UUID, bytes})

NEVER = Never("never")

#: Knows the lookups of every field; for expressions of unknown type.
_untyped: Field[Any] = Field()


class _Make(Protocol):
    def __call__(self, kind: type[_T], items: Iterable[object], /) -> _T: ...


#: Makes a named tuple without the Python call that its own constructor is.
_make = cast("_Make", tuple.__new__)

#: What a comparison with None asks, by the lookup's name: is the value NULL, or is it not?
_OF_NULL = {"exact": True, "is_not_distinct_from": True, "is_distinct_from": False}
#: ``order_by("?")``.
_RANDOM = FunctionToken("function", "random", None, (), Float())


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
        slow = Tokenizer(options, state, values, hiding=True)
        children.extend(slow.conditions(conditions))
    for key, value in lookups.items():
        path = options.paths.get(key)
        if slow is None and path is not None and path.plain and type(value) in PLAIN:
            try:
                prepared = path.lookup.prepare(path.field, value)
            except Decided as decided:
                children.append(answer(PathToken("path", path), decided))
            else:
                children.append(_make(Leaf, ("leaf", path, len(values))))
                values.append(prepared)
        else:
            slow = slow or Tokenizer(options, state, values, hiding=True)
            children.append(slow.lookup(key, value))
    if not children:
        return query
    if slow is not None:
        state = slow.state
    if negated:
        item: Predicate = Group("group", "AND", True, tuple(children))
    else:
        item = children[0] if len(children) == 1 else _make(Group, ("group", "AND", False, tuple(children)))
    where: tuple[Predicate, ...] = (*state[0], item)
    if not negated and NEVER in children:
        state = state._replace(empty=True)
    return _make(QueryState, (where, *state[1:])), tuple(values)


def answer(left: ExpressionToken, decided: Decided) -> Predicate:
    """Return the condition for a comparison whose answer is known: every value that is there matches, or none."""
    if decided.null:
        return Group("group", "AND", True, (NEVER,))
    return NullTest("null", left, False) if decided.matches else NEVER


class Tokenizer:
    """Turns conditions and expressions into tokens; ``params`` grows as it goes.

    ``hiding``: aggregates and windows become annotations of ``state`` that are not selected, so that whoever plans the
    query finds all of them there (``filter(Count("posts") > 2)``, ``order_by(Count("posts"))``).
    """

    __slots__ = ("hiding", "options", "params", "state")

    def __init__(self, options: Options, state: QueryState, params: list[object], *, hiding: bool = False) -> None:
        self.options = options
        self.state = state
        self.params = params
        self.hiding = hiding

    # -- conditions ------------------------------------------------------------------------

    def conditions(self, conditions: Sequence[Q]) -> list[Predicate]:
        """Tokenize the positional arguments of ``filter()``."""
        return [self.q(condition) for condition in conditions if Q.check(condition).children]

    def q(self, q: Q) -> Predicate:
        """Tokenize a boolean tree."""
        try:
            children = tuple(self._child(child) for child in q.children if not isinstance(child, Q) or child.children)
        except RecursionError:
            raise QueryTooComplex.nested() from None
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
        if lookup == "truth":
            return self._truth(expression)
        if isinstance(expression, Field):
            return self.lookup(f"{self.own(expression)}__{lookup}", condition.value)
        if isinstance(expression, F) and isinstance(expression.path, str):
            return self.lookup(f"{expression.path}__{lookup}", condition.value)
        return self._resolved(self.expression(expression), [lookup], condition.value)

    def _truth(self, expression: Expression[Any]) -> Predicate:
        """Tokenize an expression that is a condition: ``filter(F("is_active"), Exists(...))``."""
        if isinstance(expression, Existence):
            return expression_tokens.exists(self, expression.query)
        token = self.expression(expression)
        kind = token_type(token, self.state)
        if kind is not None and not isinstance(kind, Boolean):
            raise FieldError(f"{expression!r} is no condition: it yields no truth value. Compare it with something.")
        return TruthToken("truth", token)

    def own(self, field: Field[Any]) -> str:
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
                return self._resolved(AnnotationToken("annotation", name), rest.split("__") if rest else [], value)
        if self.state.joined and (column := find_column(self.state, key)) is not None:
            return self._resolved(column.token, column.rest, value, column.path)
        if key not in self.options.paths and (generic := self.options.generic_path(key)) is not None:
            return generic_condition(self, generic, value)
        path = self.resolve(key)
        found = self._leaf(path, value)
        return _negated(found, path.lookup) if path.negated else found

    def resolve(self, key: str) -> ResolvedPath:
        """Resolve a path that may end in a lookup."""
        if self.state.filtered and (named := self.state.named(key.partition("__")[0])) is not None:
            return named.name.resolve(key, "lookup")
        if self.state.combined is not None:
            check_root(self.state, key)
        return self.options.resolve(key)

    def resolve_value(self, path: str) -> ResolvedPath:
        """Resolve a path that may end in a transform."""
        if self.state.filtered and (named := self.state.named(path.partition("__")[0])) is not None:
            return named.name.resolve(path, "transform")
        if self.state.combined is not None:
            check_root(self.state, path)
        return self.options.resolve_value(path)

    def _resolved(
        self, left: ExpressionToken, names: list[str], value: Any, path: ResolvedPath | None = None
    ) -> Predicate:
        """Tokenize a comparison by transforms and a lookup; ``path`` leads to the field whose value ``left`` is."""
        field = path.field if path is not None else field_beside(left, self.state) or _untyped
        resolved = resolve_lookup(field, names, _unknown_lookup)
        output = None if field is _untyped else resolved.output
        found = self._compare(self._transformed(left, resolved.transforms), resolved.lookup, output, value)
        found = self._bilateral(found, resolved.transforms)
        return _negated(found, resolved.lookup) if resolved.negated else found

    def _bilateral(self, found: Predicate, transforms: Sequence[PathTransform]) -> Predicate:
        """Transform the right side of a comparison, too, by those transforms that say so."""
        both = [each for each in transforms if getattr(each, "bilateral", False)]
        if not both or not isinstance(found, Comparison):
            return found
        if found.lookup.takes_list:
            raise FieldError("'in' cannot follow a transform of both sides of a comparison; join conditions by |.")
        return found._replace(right=tuple(self._transformed(each, both) for each in found.right))

    def _transformed(self, token: ExpressionToken, transforms: Sequence[PathTransform]) -> ExpressionToken:
        if not transforms:
            return token
        value: Expression[Any] = Known(token)
        for transform in transforms:
            value = transform(value)
        return self.expression(value)

    def _leaf(self, path: ResolvedPath, value: Any) -> Predicate:  # noqa: PLR0911 - one a kind of value
        lookup = path.lookup
        if path.transforms:
            left = self._transformed(PathToken("path", path), path.transforms)
            return self._bilateral(self._compare(left, lookup, path.output, value), path.transforms)
        if value is None:
            return self._of_none(path)
        if isinstance(value, Query):
            return self._membership(PathToken("path", path), lookup, of_target(path, value))
        if _holds_expression(value):
            return self._compare_expression(single(PathToken("path", path)), lookup, path.output, value)
        if path.target is not None:
            value = keys_of(path, value)
        elif (suited := lookup.suited(path.field, value)) is not lookup:
            return self._compare(PathToken("path", path), suited, path.field, value)
        try:
            prepared = prepare_row(path, value) if path.parts else lookup.prepare(path.field, value)
        except Decided as decided:
            return answer(PathToken("path", path), decided)
        return self._prepared(path, prepared)

    def _of_none(self, path: ResolvedPath) -> Predicate:
        """Return the comparison with None: with NULL, or with what the field takes None for."""
        lookup = path.lookup
        if lookup.name == "exact" and path.field.null_literal is not None:
            return self._prepared(path, path.field.null_literal)
        if lookup.name not in _OF_NULL:
            raise FieldError(f"{path.path}=None has no meaning; use {path.field.name}__isnull=True.")
        return NullTest("null", PathToken("path", path), _OF_NULL[lookup.name])

    def _prepared(self, path: ResolvedPath, prepared: Any) -> Predicate:
        """Return the condition for a value that its lookup has checked; the parameters take it."""
        lookup = path.lookup
        if lookup is ISNULL:
            return NullTest("null", PathToken("path", path), prepared)
        if lookup.takes_list and path.field.holds_lists:
            return self._against(PathToken("path", path), lookup, path.field.logical_type, prepared)
        if lookup.takes_list and not prepared:
            return NEVER
        leaf = Leaf("leaf", path, len(self.params))
        if lookup.takes_list or (lookup.arity == 1 and not path.parts):
            self.params.append(prepared)
        else:
            self.params.extend(prepared)
        return leaf

    def _membership(self, left: ExpressionToken, lookup: Lookup, query: Query) -> Predicate:
        if lookup is not IN:
            raise FieldError(f"A queryset stands on the right of 'in' only, not of {lookup.name!r}.")
        if query.state.empty:
            return NEVER
        token = expression_tokens.subquery(self, query)
        if isinstance(left, PathToken) and left.path.parts:
            token = token._replace(columns=len(left.path.parts))
        return Membership("membership", left, token)

    def _compare(self, left: ExpressionToken, lookup: Lookup, output: LookupField | None, value: Any) -> Predicate:
        """Tokenize ``left lookup value``; ``output`` checks a plain value, None where the type is not known."""
        if isinstance(value, Query):
            return self._membership(left, lookup, value)
        if value is None or lookup is ISNULL:
            return self._null(left, lookup, output, value)
        if _holds_expression(value):
            return self._compare_expression(left, lookup, output, value)
        if output is None:
            return self._compare_untyped(left, lookup, value)
        lookup = lookup.suited(output, value)
        try:
            prepared = lookup.prepare(output, value)
        except Decided as decided:
            return answer(left, decided)
        return self._against(left, lookup, lookup.param_type(output), prepared)

    def _null(self, left: ExpressionToken, lookup: Lookup, output: LookupField | None, value: bool | None) -> Predicate:
        """Tokenize ``isnull`` and a comparison with None."""
        if value is not None:
            return NullTest("null", left, checked_flag(value))
        if lookup.name == "exact" and output is not None and output.null_literal is not None:
            return self._against(left, lookup, lookup.param_type(output), output.null_literal)
        if lookup.name not in _OF_NULL:
            raise FieldError(f"{lookup.name!r} with None has no meaning; use 'isnull'.")
        return NullTest("null", left, _OF_NULL[lookup.name])

    def _against(self, left: ExpressionToken, lookup: Lookup, kind: LogicalType | None, prepared: Any) -> Predicate:
        """Return the comparison with a value that is checked; the parameters take it."""
        if lookup.takes_list:
            if not prepared:
                return NEVER
            if isinstance(kind, Array):  # drivers have no list of lists of any lengths
                return Comparison("compare", left, lookup, tuple(self.param(each, kind) for each in prepared))
            return Comparison("compare", left, lookup, (self.param(prepared, kind, takes_list=True),))
        sides = (prepared,) if lookup.arity == 1 else prepared
        return Comparison("compare", left, lookup, tuple(self.param(side, kind) for side in sides))

    def _gap(self, left: ExpressionToken, lookup: Lookup, output: LookupField | None, gap: Param[Any]) -> Predicate:
        """Tokenize a comparison with a value that is given later."""
        if lookup.arity != 1 or output is None:
            raise FieldError(f"{gap!r} cannot stand beside {lookup.name!r}: it takes one value of a known type.")
        label = left.path.path if isinstance(left, PathToken) else lookup.name
        value = Gap(gap.name, label, partial(lookup.prepare, output))
        param = self.param(value, lookup.param_type(output), takes_list=lookup.takes_list)
        return Unbound("unbound", Comparison("compare", left, lookup, (param,)))

    def _compare_untyped(self, left: ExpressionToken, lookup: Lookup, value: Any) -> Predicate:
        """Compare with a plain value, by the type that the value itself has."""
        if lookup.takes_list:
            items = tuple(item for item in value if item is not None)
            return self._against(left, lookup, literal_type(items[0]) if items else None, items)
        sides = value if lookup.arity > 1 else (value,)
        return Comparison("compare", left, lookup, tuple(self.operand(side, left) for side in sides))

    def _compare_expression(
        self, left: ExpressionToken, lookup: Lookup, output: LookupField | None, value: Any
    ) -> Predicate:
        if isinstance(value, Param):
            return self._gap(left, lookup, output, cast("Param[object]", value))
        if isinstance(lookup, DirectLookup):
            left, lookup = self.expression(lookup.transform(Known(left))), lookup.on_output
        sides = cast("Iterable[object]", value) if isinstance(value, list | tuple) else (value,)
        return Comparison("compare", left, lookup, tuple(self.operand(side, left) for side in sides))

    # -- expressions -----------------------------------------------------------------------

    def operand(self, value: object, other: ExpressionToken) -> ExpressionToken:
        """Tokenize one side of a comparison or of arithmetic: an expression, or a plain value beside ``other``."""
        if isinstance(value, Expression):
            return self.expression(cast("Expression[object]", value))
        return expression_tokens.plain(self, value, token_type(other, self.state))

    def argument(self, value: object, beside: LogicalType | None = None) -> ExpressionToken:
        """Tokenize an argument of a function: an expression, a condition, the path of a field, or a plain value."""
        return expression_tokens.argument(self, value, beside)

    def param(self, value: object, kind: LogicalType | None, *, takes_list: bool = False) -> ParamToken:
        """Take a value; return the token of its parameter."""
        self.params.append(value)
        return ParamToken("param", len(self.params) - 1, kind, takes_list)

    def expression(self, expression: Expression[Any]) -> ExpressionToken:
        """Tokenize an expression of one value."""
        return single(self.whole(expression))

    def whole(self, expression: Expression[Any]) -> ExpressionToken:
        """Tokenize an expression, which may also be a key of several fields."""
        if self.hiding and isinstance(expression, Aggregate | Window):
            return self.hidden(expression)
        try:
            return expression_tokens.tokenize(self, expression)
        except RecursionError:
            raise QueryTooComplex.nested() from None

    def hidden(self, expression: Expression[Any]) -> AnnotationToken:
        """Make an expression an annotation of ``state`` that is not selected; return the token that names it."""
        hiding, self.hiding = self.hiding, False
        token = expression_tokens.tokenize(self, expression)
        self.hiding = hiding
        state = self.state
        # No annotation of a user begins with an underscore.
        annotation = Annotation(f"_{len(state.annotations)}", token, len(state.where), hidden=True)
        self.state = state._replace(annotations=(*state.annotations, annotation))
        return AnnotationToken("annotation", annotation.name)

    def path(self, path: str) -> ExpressionToken:
        """Tokenize the path of a field, with transforms or without, or the name of an annotation."""
        if self.state.annotation(path) is not None:
            return AnnotationToken("annotation", path)
        if self.state.joined and (found := find_column(self.state, path)) is not None:
            return self._column(found)
        resolved = self.resolve_value(path)
        return self._transformed(PathToken("path", resolved), resolved.transforms)

    def _column(self, found: Found) -> ExpressionToken:
        """Return a column of a joined source, with the transforms after it."""
        if not found.rest:
            return found.token
        field = found.path.field if found.path is not None else field_of(found.token.type or Text())
        resolved = resolve_lookup(field, [*found.rest, "exact"], _unknown_lookup)
        return self._transformed(found.token, resolved.transforms)

    def annotation(self, name: str, value: Expression[Any] | Q) -> Annotation:
        """Tokenize one keyword of ``annotate()``."""
        check_alias(self.options, self.state, name)
        token: ExpressionToken
        if isinstance(value, Q):
            token = ConditionToken("condition", self.q(value))
        elif isinstance(value, Expression):
            token = single(self.expression(value))
        else:
            raise TypeError(f"annotate({name}=...) takes an expression, not {type(value).__name__}.")
        return Annotation(name, token, len(self.state.where))

    def order(self, key: str | Expression[Any] | OrderBy) -> OrderToken:
        """Tokenize one argument of ``order_by()``: a path with or without ``-``, a field, an expression, a sort key."""
        if isinstance(key, str):
            if key == "?":
                return OrderToken(_RANDOM, False, None)
            descending = key.startswith("-")
            return OrderToken(self.path(key[1:] if descending else key), descending, None)
        if isinstance(key, OrderBy):
            return OrderToken(self.whole(key.expression), key.descending, key.nulls)
        if isinstance(key, Expression):
            return OrderToken(self.whole(key), False, None)
        raise TypeError(f"order_by() takes names, fields and expressions, not {type(key).__name__}.")


def _holds_expression(value: object) -> bool:
    """Return whether a value is an expression, or a list of values with one among them."""
    if isinstance(value, list | tuple):
        return any(issubclass(kind, Expression) for kind in set(map(type, cast("Iterable[object]", value))))
    return isinstance(value, Expression)


def _negated(found: Predicate, lookup: Lookup) -> Predicate:
    """Return the condition of ``not``, ``not_in`` and ``not_isnull``."""
    if lookup is ISNULL and isinstance(found, NullTest):
        return found._replace(is_null=not found.is_null)
    return Group("group", "AND", True, (found,))


def _unknown_lookup(name: str, known: Iterable[str]) -> FieldError:
    return FieldError(f"An annotation has no lookup {name[:80]!r}. {choices(name[:80], known)}")
