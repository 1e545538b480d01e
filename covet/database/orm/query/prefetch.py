"""Prefetch: a tree of relation paths -> one more query a relation -> related rows attached to their parents.

Breadth-first: each level of the tree is asked once for all parents together. What is loaded already (by a join, by an
earlier prefetch) is used and not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.orm.query import execution
from covet.database.orm.query.tokenizer import where_keys
from covet.database.orm.relations import Relation, RelationReference
from covet.database.orm.unloaded import take_over
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.options import Options
    from covet.database.orm.peers import Peers
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R")


class Prefetch:
    """A relation to load, with the queryset to load it by and the attribute to put it in.

    >>> User.objects.prefetch_related(Prefetch("posts", Post.objects.filter(live=True), to_attr="live_posts"))

    ``SELECT .. FROM posts WHERE live = $1 AND author_id = ANY($2)``; each user then has ``live_posts``, a list.
    """

    __slots__ = ("path", "queryset", "to_attr")

    def __init__(
        self,
        lookup: str | RelationReference,
        queryset: QuerySet[Any, Any] | None = None,
        to_attr: str | None = None,
    ) -> None:
        self.path = lookup if isinstance(lookup, str) else lookup.relation_name
        self.queryset = queryset
        self.to_attr = to_attr
        if to_attr is not None and not to_attr.isidentifier():
            raise FieldError(f"Prefetch(to_attr={to_attr!a}): this is no name for an attribute.")
        if queryset is not None and queryset.state.shape is not None:
            raise TypeError("Prefetch(queryset=) takes a queryset of instances, not of values.")


def as_prefetch(model: type[Any], item: str | RelationReference | Prefetch) -> Prefetch:
    """Return a checked Prefetch: every name of its path is a relation."""
    found = item if isinstance(item, Prefetch) else Prefetch(item)
    relations_on(model, found.path)
    options: Options = model._meta
    if found.to_attr is not None and options.find_field(found.to_attr) is not None:
        raise FieldError(f"Prefetch(to_attr={found.to_attr!r}) conflicts with a field of {options.label}.")
    return found


def relations_on(model: type[Any], path: str) -> list[Relation]:
    """Return the relations that a path names, or raise ``FieldError`` with the choices."""
    relations: list[Relation] = []
    options: Options = model._meta
    for name in path.split("__"):
        relation = options.relations.get(name)
        if relation is None:
            known = ", ".join(sorted(options.relations)) or "none"
            raise FieldError(f"{options.label} has no relation {name[:80]!r} (in {path[:80]!r}). Choices: {known}.")
        relations.append(relation)
        options = relation.remote._meta
    return relations


def split_related(model: type[Any], relations: Iterable[str | RelationReference]) -> tuple[list[str], list[str]]:
    """Split the paths of ``select_related``: what a JOIN brings, and what a query of its own must."""
    joined: list[str] = []
    batched: list[str] = []
    for item in relations:
        path = item if isinstance(item, str) else item.relation_name
        steps = relations_on(model, path)
        many = next((i for i, relation in enumerate(steps) if relation.many), len(steps))
        if many:
            joined.append("__".join(relation.name for relation in steps[:many]))
        if many < len(steps):
            batched.append(path)
    return joined, batched


class _Node:
    """One relation of the tree of what to load."""

    __slots__ = ("children", "prefetch")

    def __init__(self) -> None:
        self.prefetch: Prefetch | None = None
        self.children: dict[str, _Node] = {}


def _tree(prefetches: Iterable[Prefetch]) -> dict[str, _Node]:
    tree: dict[str, _Node] = {}
    for prefetch in prefetches:
        level, node = tree, None
        for name in prefetch.path.split("__"):
            node = level.setdefault(name, _Node())
            level = node.children
        if node is not None and (prefetch.queryset is not None or prefetch.to_attr is not None):
            node.prefetch = prefetch
    return tree


async def fetch_with_relations(queryset: QuerySet[Any, _R], want: execution.Want = "rows") -> list[_R]:
    """Return the rows of a query with everything that it prefetches."""
    rows = await execution.fetch_all(queryset, want)
    if queryset.prefetches or queryset.known is not None:
        await complete(queryset, rows)
    return rows


async def complete(queryset: QuerySet[Any, Any], rows: list[Any]) -> None:
    """Attach to rows what their query knows and what it prefetches."""
    if queryset.known is not None and queryset.state.shape is None:
        name, owner = queryset.known
        for row in rows:
            row.__dict__[f"_related_{name}"] = owner
    if rows and queryset.prefetches:
        if queryset.state.shape is not None:
            raise TypeError("prefetch_related() is for instances, not for values().")
        await load(rows, queryset.model, queryset.prefetches, queryset.database)


async def load(instances: list[Any], model: type[Any], prefetches: Iterable[Prefetch], database: str | None) -> None:
    """Load relations of instances that are there already."""
    await _load_level(instances, model, _tree(prefetches), database)


async def _load_level(instances: list[Any], model: type[Any], tree: dict[str, _Node], database: str | None) -> None:
    for name, node in tree.items():
        relation = relations_on(model, name)[0]
        related = await load_step(instances, relation, node.prefetch, database)
        if node.children and related:
            await _load_level(related, relation.remote, node.children, database)


async def load_step(
    instances: list[Any], relation: Relation, prefetch: Prefetch | None, database: str | None
) -> list[Any]:
    """Load one relation of instances that miss it; return the related rows, loaded now or before."""
    step = _load_many if relation.many else _load_one
    related = await step(instances, relation, prefetch, database)
    peers: Peers | None = instances[0].__dict__.get("_peers") if instances else None
    if peers is not None and related:
        target = relation.cache_name if prefetch is None or prefetch.to_attr is None else prefetch.to_attr
        under = peers.under(target)
        for row in related:
            row.__dict__["_peers"] = under
    return related


def is_there(instance: Any, relation: Relation) -> bool:
    """Return whether a relation of an instance is loaded."""
    related = instance.__dict__.get(relation.cache_name)
    return related is not None and (relation.many or related._is_loaded)


def _source(relation: Relation, prefetch: Prefetch | None, database: str | None) -> QuerySet[Any, Any]:
    if prefetch is not None and prefetch.queryset is not None:
        return prefetch.queryset
    base = cast("QuerySet[Any, Any]", relation.remote._meta.base_queryset())
    return base if database is None else base.using(database)


def _with_keys(source: QuerySet[Any, Any], field: Field[Any], keys: Iterable[Any]) -> QuerySet[Any, Any]:
    if source.state.limit is not None or source.state.offset is not None:
        raise TypeError("Prefetch(queryset=): a sliced queryset cannot be shared among the parents; slice in Python.")
    return source.derive(*where_keys(source.model._meta, (source.state, source.params), field, keys))


async def _load_many(
    instances: list[Any], relation: Relation, prefetch: Prefetch | None, database: str | None
) -> list[Any]:
    """Load a relation to many rows: a list for each instance, empty ones too."""
    target = relation.cache_name if prefetch is None or prefetch.to_attr is None else prefetch.to_attr
    local, remote = relation.local_field.attname, relation.remote_field
    missing = {getattr(instance, local): instance for instance in instances if target not in instance.__dict__}
    groups: dict[Any, list[Any]] = {key: [] for key in missing}
    if groups:
        source = _source(relation, prefetch, database)
        back = f"_related_{relation.foreign_key.name}"
        for row in await _with_keys(source, remote, groups):
            key = getattr(row, remote.attname)
            groups[key].append(row)
            row.__dict__[back] = missing[key]
    for instance in instances:
        if target not in instance.__dict__:
            instance.__dict__[target] = groups[getattr(instance, local)]
    return [row for instance in instances for row in instance.__dict__[target]]


async def _load_one(
    instances: list[Any], relation: Relation, prefetch: Prefetch | None, database: str | None
) -> list[Any]:
    """Load a relation to one row; equal keys share one instance."""
    target = relation.cache_name if prefetch is None or prefetch.to_attr is None else prefetch.to_attr
    local, remote = relation.local_field.attname, relation.remote_field
    waiting = [instance for instance in instances if not _is_there(instance, target)]
    keys = {getattr(instance, local) for instance in waiting} - {None}
    found: dict[Any, Any] = {}
    if keys:
        source = _source(relation, prefetch, database)
        found = {getattr(row, remote.attname): row for row in await _with_keys(source, remote, keys)}
    for instance in waiting:
        row = found.get(getattr(instance, local))
        reference = instance.__dict__.get(target)
        if row is not None and reference is not None:
            take_over(reference, row)  # who holds the reference sees the row in it
        elif row is not None or relation.cache_name != target:
            instance.__dict__[target] = row
    unique = {id(row): row for instance in instances if (row := instance.__dict__.get(target)) is not None}
    return [row for row in unique.values() if row._is_loaded]


def _is_there(instance: Any, target: str) -> bool:
    related = instance.__dict__.get(target)
    return related is not None and related._is_loaded
