"""Names of joined sources -> tokens of their columns: ``x__field`` paths and ``cte.col.field``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from covet.database.orm.query.source_tokens import CTERoot, JoinToken, SourceColumn
from covet.database.orm.query.tokens import ColumnToken
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.query.state import QueryState


class Found(NamedTuple):
    """A column of a source, the field that it came from, and what of the path stands after it."""

    token: ColumnToken
    path: ResolvedPath | None
    rest: list[str]


def find_source(state: QueryState, name: str) -> JoinToken | None:
    """Return the join of that name."""
    return next((join for join in state.joined if join.name == name), None)


def find_column(state: QueryState, path: str) -> Found | None:
    """Return the column that ``source__column`` leads to; None where the path begins with no joined source."""
    name, _, rest = path.partition("__")
    join = find_source(state, name)
    if join is None:
        return None
    if isinstance(join.source, type):
        return _of_model(join, join.source, rest, path)
    columns = {column.name: column for column in join.columns}
    for length in range(len(parts := rest.split("__")), 0, -1):
        column = columns.get("__".join(parts[:length]))
        if column is not None:
            return Found(_token(column, join.name), column.path, parts[length:])
    raise _unknown(join.name, parts[0], path, columns)


def check_root(state: QueryState, path: str) -> None:
    """Refuse a path that is no column of the common table of values in the place of the model's table."""
    root = state.combined
    if isinstance(root, CTERoot) and not root.whole:
        name = path.partition("__")[0]
        raise FieldError(
            f"The CTE {root.name!r} has no column {name[:80]!r}. {choices(name[:80], (c.name for c in root.columns))}"
        )


def _of_model(join: JoinToken, model: type[Any], rest: str, path: str) -> Found:
    options: Options = model._meta
    name, *after = rest.split("__") if rest else ["pk"]
    field = options.find_field(name)
    if field is None or len(field.parts) > 1:
        raise _unknown(join.name, name, path, (each.name for each in options.fields))
    if name in options.relations and after and options.relations[name].remote._meta.find_field(after[0]) is not None:
        raise FieldError(
            f"{path!r}: a path through the join {join.name!r} ends at a column of {options.label}; "
            f"join {options.relations[name].remote.__name__} under a name of its own."
        )
    resolved = options.resolve_field(name)
    column = ColumnToken("column", field.column, field.logical_type, field.decode, join.name)
    return Found(column, resolved, after)


def _token(column: SourceColumn, source: str | None) -> ColumnToken:
    return ColumnToken("column", column.column, column.type, column.decode, source)


def _unknown(source: str, name: str, path: str, known: Iterable[str]) -> FieldError:
    if not name:
        return FieldError(f"{path!r} is a joined source, no column; write {source}__column. {choices('', known)}")
    return FieldError(f"{source!r} has no column {name[:80]!r} (in {path[:160]!r}). {choices(name[:80], known)}")


def column_of(state: QueryState, source: str, name: str) -> ColumnToken:
    """Return the column ``name`` of the common table ``source``, which the query reads once."""
    root = state.combined
    if isinstance(root, CTERoot) and root.name == source:
        return _token(next(column for column in root.columns if column.name == name), None)
    joins = [join for join in state.joined if join.source == source]
    own = [join for join in joins if join.name == source] if len(joins) > 1 else joins
    if not joins:
        raise FieldError(
            f"{source}.col.{name}: this query does not read the CTE {source!r}. Join it first: join({source}, on=...)."
        )
    if len(own) != 1:
        names = ", ".join(f"{join.name}__{name}" for join in joins)
        raise FieldError(f"{source}.col.{name}: the CTE {source!r} is joined several times; say which: {names}.")
    return _token(next(column for column in own[0].columns if column.name == name), own[0].name)
