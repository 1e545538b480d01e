"""FilteredRelation: a relation under a name of its own in one query, joined with a condition.

The join is a relation like any other: ``RelationName`` holds copies of the steps that the condition narrows, so that
paths, joins and aggregates need no special case, and resolves the paths that begin with the name. The condition itself
is not in here: it belongs to the query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from covet.database.orm.conditions import Q
from covet.database.orm.lookups import ISNULL, resolve_lookup
from covet.database.orm.options import ResolvedPath
from covet.database.orm.relations import RelationReference

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.relations import Relation
    from covet.exceptions import FieldError

#: What may stand at the end of a path.
MayFollow = Literal["lookup", "transform"]

__all__ = ["FilteredRelation", "RelationName", "relation_name"]


class FilteredRelation:
    """Related rows that fulfil a condition, under a name that the rest of the query uses like a relation.

    >>> live = FilteredRelation("posts", condition=Q(posts__status="live"))
    >>> User.objects.annotate(live_posts=live).values("username", "live_posts__title")

    ``SELECT .. FROM users LEFT JOIN posts AS t1 ON (t1.author_id = users.id AND t1.status = $1)``: a user without
    such a post stays, where ``filter(posts__status="live")`` would drop it. Without a condition it is a second join.
    """

    __slots__ = ("condition", "path")

    def __init__(self, relation: str | RelationReference, *, condition: Q | None = None) -> None:
        path: object = relation.relation_name if isinstance(relation, RelationReference) else relation
        if not isinstance(path, str) or not path:
            raise TypeError("FilteredRelation() takes the name of a relation first: FilteredRelation('posts').")
        self.path = path
        self.condition: Q = Q() if condition is None else Q.check(condition)

    def __repr__(self) -> str:
        return f"FilteredRelation({self.path!r}, condition={self.condition!r})"


class RelationName:
    """What a name stands for: the relations to cross, of which ``own`` are joined for the name alone."""

    __slots__ = ("_paths", "name", "own", "path", "relation", "relations")

    def __init__(self, name: str, path: str, before: tuple[Relation, ...], relation: Relation) -> None:
        self.name = name
        self.path = path
        #: The steps that are joined for this name. A row may be missing from any, because the condition fails.
        self.own = tuple(replace(step, name=name, optional=True) for step in relation.steps)
        self.relations = (*before, *self.own)
        self.relation = relation
        self._paths: dict[tuple[str, MayFollow], ResolvedPath] = {}

    def __repr__(self) -> str:
        return f"<{self.name}: {self.path}>"

    @property
    def remote(self) -> type[Any]:
        """The model of the related rows."""
        return self.relation.remote

    @property
    def has_many(self) -> bool:
        """Whether a row may have several."""
        return any(relation.many for relation in self.relations)

    @property
    def back(self) -> str | None:
        """The attribute by which a related row knows the row that it was joined to."""
        return self.relation.back if len(self.own) == len(self.relations) else None

    def resolve(self, path: str, may_follow: MayFollow) -> ResolvedPath:
        """Resolve a path that begins with the name; a lookup or a transform may follow."""
        found = self._paths.get((path, may_follow))
        if found is None:
            found = self._paths[path, may_follow] = self._resolve(path, may_follow)
        return found

    def _resolve(self, path: str, may_follow: MayFollow) -> ResolvedPath:
        """Resolve the rest on the related model, where no column of this side stands for it: the row may be missing."""
        rest = path[len(self.name) + 2 :]
        options: Options = self.remote._meta
        first = rest.partition("__")[0]
        target: type[Any] | None = self.remote
        if rest and (options.find_field(first) or first in options.relations or first in options.pending):
            inner = options.resolve(rest) if may_follow == "lookup" else options.resolve_value(rest)
            target = inner.target
        elif may_follow == "transform":
            if rest:
                raise options.unknown(first, path)
            inner = options.resolve_field(options.key[0].name)
        else:
            inner = options.resolve(self._key_lookup(rest, path))
        relations = (*self.relations, *inner.relations)
        many = [index for index, relation in enumerate(relations) if relation.many]
        first_many = many[0] if many else None
        parts = tuple(replace(part, relations=relations, nullable=True, first_many=first_many) for part in inner.parts)
        return replace(
            inner, path=path, relations=relations, target=target, nullable=True, first_many=first_many, parts=parts
        )

    def _key_lookup(self, lookup: str, path: str) -> str:
        """Return the path from the related model on that compares its key, the name having no more than a lookup."""
        options: Options = self.remote._meta
        if not lookup:
            return "pk"

        def unknown(name: str, _known: Iterable[str]) -> FieldError:
            return options.unknown(name.partition("__")[0], path)

        is_null = resolve_lookup(options.key[0], lookup.split("__"), unknown).lookup is ISNULL
        return f"{options.key[0].name if is_null else 'pk'}__{lookup}"


def relation_name(options: Options, name: str, path: str, chain: Iterable[Relation]) -> RelationName:
    """Return the record of a name, one object each for equal questions, so that query states can be compared."""
    found: RelationName | None = options.relation_names.get((name, path))
    if found is None:
        *before, relation = chain
        steps = tuple(step for each in before for step in each.steps)
        found = RelationName(name, path, steps, relation)
        options.relation_names.put((name, path), found)
    return found
