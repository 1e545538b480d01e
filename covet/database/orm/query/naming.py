"""Naming: ``annotate(live_posts=FilteredRelation("posts", condition=..))`` -> a name in the query state. Pure.

The condition is tokenized as one on the named row itself, so it may speak of that row and of columns of this model, and
of nothing that would have to be joined for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from covet.database.orm.filtered import FilteredRelation, MayFollow, RelationName, relation_name
from covet.database.orm.query.aliases import check_alias
from covet.database.orm.query.prefetch import relations_on
from covet.database.orm.query.state import EMPTY_STATE, FilteredToken, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.traversal import aggregates_of
from covet.database.orm.relations import Relation
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.query.state import Query


def add_name(query: Query, name: str, filtered: FilteredRelation) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters with one more filtered relation."""
    options: Options = query.model._meta
    state = query.state
    check_alias(options, state, name)
    inner = state.named(filtered.path.partition("__")[0])
    if inner is not None:
        raise FieldError(
            f"FilteredRelation({filtered.path!r}): {inner.name.name!r} is a filtered relation itself, and these do not "
            f"nest. Begin at the relation, {inner.name.path!r}, and repeat its condition."
        )
    chain: list[Relation] = []
    for relation in relations_on(query.model, filtered.path):
        if not isinstance(relation, Relation):
            raise FieldError(f"FilteredRelation({filtered.path!r}): {relation.label} leads to several models.")
        chain.append(relation)
    found = relation_name(options, name, filtered.path, chain)
    params = [*query.params]
    q = filtered.condition
    condition = _RowTokenizer(options, found, params).q(q) if q.children else None
    if any(aggregates_of(condition, EMPTY_STATE)):
        raise FieldError(f"FilteredRelation({filtered.path!r}): its condition cannot hold an aggregate.")
    return state._replace(filtered=(*state.filtered, FilteredToken(found, condition))), tuple(params)


class _RowTokenizer(Tokenizer):
    """Tokenizes the condition of a filtered relation: its paths begin with the relation, and go no further."""

    __slots__ = ("named",)

    def __init__(self, options: Options, named: RelationName, params: list[object]) -> None:
        super().__init__(options, EMPTY_STATE, params)
        self.named = named

    @override
    def resolve(self, key: str) -> ResolvedPath:
        found = self._on_row(key, "lookup")
        if found is None:
            path = self.named.path
            raise FieldError(
                f"FilteredRelation({path!r}): its condition is about the related rows, so {key[:80]!r} must begin with "
                f"{path!r}: Q({path}__...). What is about {self.options.label} itself belongs in filter()."
            )
        return found

    @override
    def resolve_value(self, path: str) -> ResolvedPath:
        found = self._on_row(path, "transform")
        if found is None:
            found = self.options.resolve_value(path)
            if found.relations:
                raise self._too_far(path)
        return found

    def _on_row(self, path: str, may_follow: MayFollow) -> ResolvedPath | None:
        named = self.named
        if path != named.path and not path.startswith(f"{named.path}__"):
            return None
        found = named.resolve(named.name + path[len(named.path) :], may_follow)
        if found.relations != named.relations:
            raise self._too_far(path)
        return found

    def _too_far(self, path: str) -> FieldError:
        remote = self.named.remote.__name__
        return FieldError(
            f"FilteredRelation({self.named.path!r}): its condition crosses another relation in {path[:80]!r}. "
            f"It may use the columns of {remote}; use a queryset for more: "
            f"Q({self.named.path}__in={remote}.objects.filter(...))."
        )
