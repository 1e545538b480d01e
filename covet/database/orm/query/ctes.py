"""CTE, ``with_cte()`` and ``join()``: what a query reads beside its model's table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from covet.database.orm import registry
from covet.database.orm.conditions import Q
from covet.database.orm.expressions.columns import Columns
from covet.database.orm.query import builders, expression_tokens
from covet.database.orm.query.aliases import check_alias
from covet.database.orm.query.inference import decoder, token_type
from covet.database.orm.query.source_tokens import CTERoot, CTEToken, JoinToken, SourceColumn
from covet.database.orm.query.state import EMPTY_STATE, Annotation, Query, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import ColumnToken, ExpressionToken, PathToken, SubqueryToken
from covet.database.orm.query.traversal import aggregates_of, outer_tokens
from covet.database.orm.suggestions import choices
from covet.database.schema.types import Integer, LogicalType, Numeric, Text, Varchar
from covet.database.sql.statements import JoinKind, SetOperator
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")

_KINDS: dict[str, JoinKind] = {"inner": "INNER", "left": "LEFT"}
#: The longest name that every database keeps whole.
_MAX_NAME = 63


class CTEReference:
    """A common table inside its own definition: what the step of ``CTE.recursive`` is given."""

    __slots__ = ("col", "columns", "name")

    def __init__(self, name: str, columns: tuple[SourceColumn, ...]) -> None:
        self.name = name
        self.columns = columns
        self.col = Columns(name, [column.name for column in columns])

    def __repr__(self) -> str:
        return f"<CTE {self.name}>"


class CTE(CTEReference):
    """A query under a name, which another query joins or reads: ``WITH name AS (query)``.

    >>> counts = CTE(Post.objects.values("author").annotate(n=Count("id")), name="counts")
    >>> busy = Author.objects.join(counts, on=Q(pk=counts.col.author)).filter(counts__n__gt=3)
    >>> await busy.annotate(posts=counts.col.n)

    ``WITH counts AS (SELECT author_id AS author, COUNT(id) AS n FROM posts GROUP BY author_id)``
    ``SELECT .., t1.n FROM authors INNER JOIN counts AS t1 ON authors.id = t1.author WHERE t1.n > $1``

    ``materialized=True`` has it computed once and kept, ``False`` has it merged into the query; None leaves that to
    the database.
    """

    __slots__ = ("casts", "materialized", "operator", "queries")

    def __init__(self, queryset: QuerySet[Any, Any], *, name: str, materialized: bool | None = None) -> None:
        super().__init__(_checked_name(name), _columns(queryset, "CTE()"))
        self.queries: tuple[QuerySet[Any, Any], ...] = (queryset,)
        self.operator: SetOperator = "UNION ALL"
        self.materialized = materialized
        self.casts: tuple[tuple[LogicalType | None, ...], ...] = ()

    @classmethod
    def recursive(
        cls,
        first: QuerySet[Any, Any],
        step: Callable[[CTEReference], QuerySet[Any, Any]],
        *,
        name: str,
        all: bool = False,
        materialized: bool | None = None,
    ) -> CTE:
        """Return a common table that reads itself: its ``first`` rows, and what ``step`` finds from those before.

        >>> tree = CTE.recursive(
        ...     Category.objects.filter(id=1).annotate(depth=Value(0)),
        ...     lambda tree: Category.objects.join(tree, on=Q(parent=tree.col.id)).annotate(depth=tree.col.depth + 1),
        ...     name="tree",
        ... )
        >>> await tree.queryset().order_by("depth")

        ``WITH RECURSIVE tree AS (SELECT .. WHERE id = $1 UNION SELECT .. JOIN tree AS t2 ON parent_id = t2.id)``
        ``SELECT .. FROM tree AS categories ORDER BY depth``

        Equal rows are dropped, which ends a circle unless a column such as the depth differs each time; ``all=True``
        keeps them, which is faster.
        """
        if not callable(step):
            raise TypeError(
                f"CTE.recursive({name!r}) takes the first rows and then a function, which gets the CTE and returns "
                f"the rows of the next step; not {type(step).__name__}."
            )
        found = cls(first, name=name, materialized=materialized)
        second = step(CTEReference(found.name, found.columns))
        _check_step(found, second)
        return found._with_step(second, "UNION ALL" if all else "UNION")

    def _with_step(self, second: QuerySet[Any, Any], operator: SetOperator) -> CTE:
        others = _columns(second, "CTE.recursive()")
        if (self.queries[0].state.shape is None) != (second.state.shape is None):
            raise TypeError("CTE.recursive() takes querysets of one kind: both of instances, or both of values().")
        names, other_names = ([column.name for column in each] for each in (self.columns, others))
        if len(names) != len(others):
            raise FieldError(
                f"CTE.recursive() takes queries of the same columns; the first has {', '.join(names)}, "
                f"the step {', '.join(other_names)}."
            )
        whole = [_whole(*pair) for pair in zip(self.columns, others, strict=True)]
        self.casts = tuple(
            tuple(None if kind is None or kind == c.type else kind for kind, c in zip(whole, each, strict=True))
            for each in (self.columns, others)
        )
        self.columns = tuple(
            column if kind is None else column._replace(type=kind, path=None)
            for column, kind in zip(self.columns, whole, strict=True)
        )
        self.queries, self.operator = (*self.queries, second), operator
        return self

    def token(self, tokenizer: Tokenizer) -> CTEToken:
        """Return this as a token; the parameters of ``tokenizer`` take its values."""
        queries: list[SubqueryToken] = []
        for query in self.queries:
            token = expression_tokens.subquery(tokenizer, query)
            queries.append(token._replace(state=_whole_rows(token.state)))
        return CTEToken("cte", self.name, tuple(queries), self.columns, self.operator, self.materialized, self.casts)

    def queryset(self) -> QuerySet[Any, Any]:
        """Return the rows of this: instances or values, as its query gives them; filter, order and count them.

        >>> await counts.queryset().order_by("-n")[:3]  # WITH counts AS (..) SELECT author, n FROM counts ORDER BY ..
        """
        query = self.queries[0]
        tokenizer = Tokenizer(query.model._meta, EMPTY_STATE, [])
        token, shape = self.token(tokenizer), query.state.shape
        annotations = tuple(
            Annotation(column.name, ColumnToken("column", column.column, column.type, column.decode), 0)
            for column in self.columns
            if shape is not None or query.state.annotation(column.name) is not None
        )
        state = EMPTY_STATE._replace(
            order_by=(),
            shape=shape,
            annotations=annotations,
            combined=CTERoot("cte root", self.name, self.columns, shape is None),
            ctes=(token,),
            fetch_mode=query.state.fetch_mode,
        )
        return query.derive(state, tuple(tokenizer.params))


def _checked_name(name: str) -> str:
    """Return the name of a common table, which must be no table: it would hide that."""
    if not name.isascii() or not name.isidentifier() or len(name) > _MAX_NAME:
        raise FieldError(f"{name!a} cannot name a CTE: use ASCII letters, digits and underscores, at most {_MAX_NAME}.")
    for model in registry.all_models():
        options: Options = model._meta
        if options.db_table.casefold() == name.casefold():
            raise FieldError(f"{name!r} cannot name a CTE: it is the table of {options.label}, which it would hide.")
    return name


def _check_step(cte: CTE, step: object) -> None:
    if not isinstance(step, Query):
        raise TypeError(f"The step of CTE.recursive({cte.name!r}) returns a queryset, not {type(step).__name__}.")
    if all(join.source != cte.name for join in step.state.joined):
        raise FieldError(
            f"The step of CTE.recursive({cte.name!r}) does not join the CTE, so it would find the same rows again and "
            f"again: write lambda {cte.name}: ...join({cte.name}, on=...)."
        )


def _whole(one: SourceColumn, other: SourceColumn) -> LogicalType | None:
    """Return the type that a column has in all rows; None where it is what both say."""
    if one.type is None or other.type is None:
        return None
    if one.type == other.type:
        measured = isinstance(one.type, Varchar | Numeric)
        return None if not measured or (one.path is not None and other.path is not None) else _unmeasured(one.type)
    if isinstance(one.type, Integer) and isinstance(other.type, Integer):
        return Integer(64)
    return _unmeasured(one.type)


def _unmeasured(kind: LogicalType) -> LogicalType:
    """Return a type without a limit: what is computed from a value may be longer."""
    return Text() if isinstance(kind, Varchar) else Numeric() if isinstance(kind, Numeric) else kind


# -- columns ---------------------------------------------------------------------------------


def _columns(query: object, method: str) -> tuple[SourceColumn, ...]:
    """Return the columns of a query that stands as a table."""
    if not isinstance(query, Query):
        raise TypeError(f"{method} takes a queryset, not {type(query).__name__}.")
    state = query.state
    if state.lock is not None:
        raise TypeError(f"{method} takes no queryset with select_for_update(); lock the rows in a query of their own.")
    if any(outer_tokens(state)):
        raise FieldError(
            f"{method} takes no queryset with OuterRef(): it stands beside the rows of a query, not inside them. "
            "Give it the column, and compare that: join(..., on=Q(...))."
        )
    options: Options = query.model._meta
    fields = [field.attname for field in options.fields]
    annotated = [annotation.name for annotation in state.annotations]
    names = state.shape.names if state.shape is not None and state.shape.names is not None else (*fields, *annotated)
    # Instances are read by the names that the columns have in the table.
    given = [] if state.shape is not None else [field.column for field in options.fields]
    tokenizer = Tokenizer(options, state, [])
    pairs = zip(names, _sql_names(names, given), strict=True)
    return tuple(_column(name, column, tokenizer.path(name), state) for name, column in pairs)


def _sql_names(names: Iterable[str], given: list[str]) -> list[str]:
    """Return a name of its own for each column: SQLite knows no upper and lower case, PostgreSQL 63 bytes."""
    found: list[str] = []
    seen: set[str] = set()
    for at, (name, known) in enumerate(zip_longest(names, given)):
        plain = name.isascii() and name.isidentifier() and len(name) <= _MAX_NAME and name.casefold() not in seen
        found.append(known or (name if plain else f"c{at}"))
        seen.add(found[-1].casefold())
    return found


def _column(name: str, column: str, token: ExpressionToken, state: QueryState) -> SourceColumn:
    inner = state.annotation(token.name) if token.tag == "annotation" else token
    path = inner.path if isinstance(inner, PathToken) else None
    if path is not None and path.parts:
        raise FieldError(f"{name!r} is a key of several fields; name those: {', '.join(p.path for p in path.parts)}.")
    return SourceColumn(name, column, token_type(token, state), decoder(inner, state), path)


def _whole_rows(state: QueryState) -> QueryState:
    """Return a state that selects all columns of the model and no related rows."""
    return state._replace(select_related=(), only=None, defer=frozenset())


# -- queries that use them -------------------------------------------------------------------


def declare(queryset: _QS, cte: CTE) -> _QS:
    """Put a common table into the WITH of a query, once."""
    if not isinstance(cte, CTE):
        raise TypeError(f"with_cte() takes CTEs, not {type(cte).__name__}: CTE(queryset, name=...).")
    tokenizer = queryset.tokenizer()
    token = cte.token(tokenizer)
    known = next((each for each in queryset.state.ctes if each.name == cte.name), None)
    if known is None:
        return queryset.derive(queryset.state._replace(ctes=(*queryset.state.ctes, token)), tuple(tokenizer.params))
    if expression_tokens.is_same_table(token, tokenizer.params, known, queryset.params):
        return queryset
    raise FieldError(f"The query has another CTE of the name {cte.name!r} already; give this one a name of its own.")


def join(queryset: _QS, target: object, on: Q, kind: str, name: str | None) -> _QS:
    """Join a model's table, a common table or a query."""
    builders.unsliced(queryset, "join")
    if kind not in _KINDS:
        raise ValueError(f"There is no join of the kind {kind!r}. {choices(str(kind), _KINDS)}")
    condition = Q.check(on)
    if not condition.children:
        raise TypeError("join(on=...) takes a condition: on=Q(email=F('x__email')).")
    if isinstance(target, CTE):
        queryset = declare(queryset, target)
    if name is None and isinstance(target, CTEReference):
        name = target.name
    if name is None:
        raise TypeError("join() of a model or a queryset needs a name for it: join(Post, on=..., name='post').")
    options: Options = queryset.model._meta
    check_alias(options, queryset.state, name)
    tokenizer = queryset.tokenizer()
    token = JoinToken("join", name, _KINDS[kind], *_source(target, tokenizer), None)
    before = queryset.state.joined
    tokenizer.state = queryset.state._replace(joined=(*before, token))
    token = token._replace(condition=tokenizer.q(condition))
    if any(aggregates_of(token.condition, queryset.state)):
        raise FieldError(f"join(on=...): the condition of {name!r} cannot hold an aggregate; join a CTE that has it.")
    return queryset.derive(queryset.state._replace(joined=(*before, token)), tuple(tokenizer.params))


def _source(target: object, tokenizer: Tokenizer) -> tuple[type[Any] | str | SubqueryToken, tuple[SourceColumn, ...]]:
    if isinstance(target, CTEReference):
        return target.name, target.columns
    if isinstance(target, Query):
        columns = _columns(target, "join()")
        token = expression_tokens.subquery(tokenizer, target)
        return token._replace(state=_whole_rows(token.state)), columns
    if isinstance(target, type) and hasattr(target, "_meta"):
        return target, ()
    raise TypeError(f"join() takes a model, a queryset or a CTE, not {target!r:.80}.")


class Sourced:
    """What a queryset reads beside its model's table."""

    __slots__ = ()

    def with_cte(self, *ctes: CTE) -> Self:
        """Declare common tables; the querysets of this query's conditions that read them share them.

        >>> Author.objects.with_cte(live).filter(id__in=live.queryset().values("author"))

        ``WITH live AS (..) SELECT .. FROM authors WHERE id IN (SELECT author FROM live)``
        """
        found: QuerySet[Any, Any] = cast("QuerySet[Any, Any]", self)
        for cte in ctes:
            found = declare(found, cte)
        return cast("Self", found)

    def join(
        self,
        target: type[Model[Any]] | QuerySet[Any, Any] | CTEReference,
        on: Q,
        *,
        kind: Literal["inner", "left"] = "inner",
        name: str | None = None,
    ) -> Self:
        """Join a model, a queryset or a CTE by any condition, under a name that paths begin with.

        >>> User.objects.join(Guest, on=Q(email=F("guest__email")), kind="left", name="guest").values("guest__name")

        ``SELECT t1.name FROM users LEFT JOIN guests AS t1 ON users.email = t1.email``

        A row that has several matches is there several times.
        """
        return cast("Self", join(cast("QuerySet[Any, Any]", self), target, on, kind, name))
