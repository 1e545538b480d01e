"""Prefetch: relation paths -> a tree, and the public functions that load it.

``loaders`` asks the database, level by level.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.orm.generics import GenericKey
from covet.database.orm.options import MAX_DEPTH
from covet.database.orm.query import execution, loaders
from covet.database.orm.query.loaders import GenericNode, Node, Tree
from covet.database.orm.query.state import EMPTY_STATE, QueryState
from covet.database.orm.relations import Relation, RelationReference
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R")


class Prefetch:
    """A relation to load, with the queryset to load it by and the attribute to put it in.

    >>> User.objects.prefetch_related(Prefetch("posts", Post.objects.filter(live=True), to_attr="live_posts"))

    ``SELECT .. FROM posts WHERE live = $1 AND author_id = ANY($2)``; each user then has ``live_posts``, a list.
    A slice counts for each parent: ``Post.objects.order_by("-created_at")[:3]`` gives every user the newest three.
    """

    __slots__ = ("path", "queryset", "to_attr")

    def __init__(
        self,
        lookup: str | RelationReference,
        queryset: QuerySet[Any, Any] | None = None,
        to_attr: str | None = None,
    ) -> None:
        self.path = _path_of(lookup, "prefetch_related")
        self.queryset = queryset
        self.to_attr = to_attr
        if to_attr is not None and not to_attr.isidentifier():
            raise FieldError(f"Prefetch(to_attr={to_attr!a}): this is no name for an attribute.")
        if queryset is not None and queryset.state.shape is not None:
            raise TypeError("Prefetch(queryset=) takes a queryset of instances, not of values.")


class GenericPrefetch(Prefetch):
    """A generic relation to load, with a queryset for each model that it should be loaded by.

    >>> Comment.objects.prefetch_related(
    ...     GenericPrefetch("content", [Post.objects.select_related("author"), Photo.objects.only("title")])
    ... )

    One query a model. Models without a queryset here are loaded whole.
    """

    __slots__ = ("querysets",)

    def __init__(
        self, lookup: str | RelationReference, querysets: Iterable[QuerySet[Any, Any]], to_attr: str | None = None
    ) -> None:
        super().__init__(lookup, None, to_attr)
        self.querysets: dict[type[Any], QuerySet[Any, Any]] = {}
        for queryset in querysets:
            if queryset.state.shape is not None:
                raise TypeError("GenericPrefetch() takes querysets of instances, not of values.")
            if queryset.model in self.querysets:
                raise FieldError(f"GenericPrefetch({self.path!r}): two querysets of {queryset.model.__name__}.")
            self.querysets[queryset.model] = queryset


def as_prefetch(model: type[Any], item: str | RelationReference | Prefetch, known: Sequence[Prefetch] = ()) -> Prefetch:
    """Return a checked Prefetch: every name of its path is a relation, or the ``to_attr`` of one that is ``known``."""
    found = item if isinstance(item, Prefetch) else Prefetch(item)
    places = {_place(other): other.path for other in known if other.to_attr is not None}
    relation = relations_on(model, found.path, places)[-1]
    _check_models(found, relation)
    options: Options = relation.model._meta
    if found.to_attr is not None and found.to_attr in {*options.names(), *(field.attname for field in options.fields)}:
        raise FieldError(f"Prefetch(to_attr={found.to_attr!r}) conflicts with a field or relation of {options.label}.")
    for other in known:
        if _place(other) == _place(found) and _given(found) and _given(other) != _given(found):
            raise FieldError(f"{found.path!r} is prefetched twice, by different querysets; give one a to_attr.")
    return found


def refuse_filtered(item: str | RelationReference | Prefetch, state: QueryState) -> None:
    """Refuse a prefetch by the name of a filtered relation."""
    name = item.path if isinstance(item, Prefetch) else _path_of(item, "prefetch_related")
    found = state.named(name.partition("__")[0])
    if found is not None:
        record = found.name
        rows = f"{record.remote.__name__}.objects.filter(...)"
        raise FieldError(
            f"{record.name!r} is a filtered relation of this query, which is joined and not prefetched: load the "
            f"related rows by Prefetch({record.path!r}, {rows}, to_attr={record.name!r})."
        )


def _check_models(prefetch: Prefetch, relation: Relation | GenericKey) -> None:
    """Refuse querysets of models that the relation does not lead to."""
    queryset, path = prefetch.queryset, prefetch.path
    if isinstance(relation, GenericKey):
        if queryset is not None:
            raise FieldError(
                f"Prefetch({path!r}, queryset=): {relation.label} leads to several models; "
                f"use GenericPrefetch({path!r}, [queryset, ...])."
            )
        for each in prefetch.querysets if isinstance(prefetch, GenericPrefetch) else ():
            try:
                relation.relation_to(each)
            except TypeError as error:
                raise FieldError(str(error)) from error
        return
    if isinstance(prefetch, GenericPrefetch):
        raise FieldError(f"GenericPrefetch({path!r}): {relation.label} leads to one model; use Prefetch.")
    if queryset is not None and queryset.model is not relation.remote:
        raise FieldError(
            f"Prefetch({path!r}) loads {relation.remote.__name__}, its queryset is of {queryset.model.__name__}."
        )


def _given(prefetch: Prefetch) -> set[int]:
    """Return which querysets a prefetch brings."""
    if isinstance(prefetch, GenericPrefetch):
        return set(map(id, prefetch.querysets.values()))
    return set() if prefetch.queryset is None else {id(prefetch.queryset)}


def _place(prefetch: Prefetch) -> str:
    """Return the path by which others go on from what a prefetch loads."""
    if prefetch.to_attr is None:
        return prefetch.path
    before, separator, _ = prefetch.path.rpartition("__")
    return f"{before}{separator}{prefetch.to_attr}"


def relations_on(model: type[Any], path: str, places: Mapping[str, str] | None = None) -> list[Relation | GenericKey]:
    """Return the relations that a path names, or raise ``FieldError`` with the choices."""
    relations: list[Relation | GenericKey] = []
    options: Options = model._meta
    done = ""
    names = path.split("__")
    if len(names) > MAX_DEPTH:
        raise FieldError(f"{path[:80]!r} crosses more than {MAX_DEPTH} relations.")
    for name in names:
        done = f"{done}__{name}" if done else name
        real = (places or {}).get(done, name).rpartition("__")[2]
        generic = options.generics.get(real)
        if generic is not None:
            relations.append(generic)
            if done != path:
                raise FieldError(
                    f"{path[:80]!r} goes on after {generic.label}, which leads to several models. "
                    f"Say for each what to load: GenericPrefetch({done!r}, [Model.objects.prefetch_related(...), ...])."
                )
            break
        relation = options.relations.get(real)
        if relation is None and name in options.pending:
            raise options.unknown(name, path)
        if relation is None or not relation.accessor:
            where = f" (in {path[:80]!r})" if path != name else ""
            names_here = (each.name for each in options.relations.values() if each.accessor)
            known = choices(name[:80], (*names_here, *options.generics)) or "It has none."
            raise FieldError(f"{options.label} has no relation {name[:80]!r}{where}. {known}")
        relations.append(relation)
        options = relation.remote._meta
    return relations


def split_related(
    model: type[Any], relations: Iterable[str | RelationReference], state: QueryState = EMPTY_STATE
) -> tuple[list[str], list[str]]:
    """Split the paths of ``select_related``: what a JOIN brings, and what a query of its own must."""
    joined: list[str] = []
    batched: list[str] = []
    for item in relations:
        path = _path_of(item, "select_related")
        first, _, rest = path.partition("__")
        named = state.named(first)
        if named is not None:
            if rest and any(isinstance(r, GenericKey) or r.many for r in relations_on(named.name.remote, rest)):
                raise FieldError(
                    f"select_related({path!r}): after the filtered relation {first!r} it goes on to many rows, which "
                    "no join can bring. Load these from the related model, by prefetch_related()."
                )
            joined.append(path)
            continue
        steps = relations_on(model, path)
        many = next((i for i, step in enumerate(steps) if isinstance(step, GenericKey) or step.many), len(steps))
        _refuse_circle(path, steps[:many])
        if many:
            joined.append("__".join(relation.name for relation in steps[:many]))
        if many < len(steps):
            batched.append(path)
    return joined, batched


def _path_of(item: object, method: str) -> str:
    """Return the path that a name or a relation stands for."""
    if isinstance(item, str):
        return item
    if isinstance(item, RelationReference):
        return item.relation_name
    raise TypeError(f"{method}() takes the names of relations or relations such as Post.author, not {_kind(item)}.")


def _kind(item: object) -> str:
    return "None" if item is None else type(item).__name__


def _refuse_circle(path: str, joined: Sequence[Relation | GenericKey]) -> None:
    """Refuse to join the way back to a row that is there already."""
    for index, (there, back) in enumerate(itertools.pairwise(joined)):
        if isinstance(there, Relation) and back is there.inverse:
            enough = "__".join(relation.name for relation in joined[: index + 1])
            raise FieldError(
                f"select_related({path[:80]!r}) goes in a circle: {there.label} and {back.label} are two sides of one "
                f"relation, and both are known after select_related({enough!r})."
            )


def _tree(model: type[Any], prefetches: Sequence[Prefetch]) -> Tree:
    """Return what to load, by the attribute or relation that holds it."""
    tree: Tree = {}
    places = {_place(prefetch): prefetch.path for prefetch in prefetches if prefetch.to_attr is not None}
    for prefetch in prefetches:
        level, place = tree, _place(prefetch)
        relations = relations_on(model, place, places)
        node: Node | GenericNode | None = None
        for name, relation in zip(place.split("__"), relations, strict=True):
            node = level.get(name)
            if node is None:
                kind = GenericNode if isinstance(relation, GenericKey) else Node
                node = level[name] = kind(cast("Any", relation), None if name == relation.name else name)
            level = node.children
        if isinstance(node, GenericNode):
            for remote, queryset in prefetch.querysets.items() if isinstance(prefetch, GenericPrefetch) else ():
                _load_by(node.node(remote), queryset)
        elif node is not None and prefetch.queryset is not None:
            _load_by(node, prefetch.queryset)
    return tree


def _load_by(node: Node, queryset: QuerySet[Any, Any]) -> None:
    """Load a relation by a queryset, with what that prefetches."""
    node.queryset = queryset
    for key, child in _tree(queryset.model, queryset.prefetches).items():
        node.children.setdefault(key, child)


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
            setattr(row, f"_related_{name}", owner)  # through __dict__ every row would get a real dict of its own
    if rows and queryset.prefetches:
        if queryset.state.shape is not None:
            raise TypeError("prefetch_related() is for instances, not for values().")
        await loaders.load_tree(rows, _tree(queryset.model, queryset.prefetches), queryset.database)


def _model_of(row: object) -> type[Any]:
    options: Options | None = getattr(type(row), "_meta", None)
    if options is None:
        raise TypeError(f"prefetch_related_objects() takes instances of a model, not {type(row).__name__}.")
    return options.model


async def prefetch_related_objects(instances: Iterable[Any], /, *relations: str | RelationReference | Prefetch) -> None:
    """Load relations of instances that are there already, as ``prefetch_related`` does for a query.

    >>> await prefetch_related_objects(users, "posts__tags", Prefetch("comments", to_attr="said"))

    One query a relation for all of them together; what they have loaded already is not asked for again.
    """
    rows = list(instances)
    if not rows:
        return
    models = {_model_of(row) for row in rows}
    if len(models) > 1:
        names = " and ".join(sorted(model.__name__ for model in models))
        raise TypeError(f"prefetch_related_objects() takes instances of one model, not of {names}.")
    model = models.pop()
    prefetches: list[Prefetch] = []
    for item in relations:
        prefetches.append(as_prefetch(model, item, prefetches))
    tree = _tree(model, prefetches)
    for node in tree.values():
        relation = node.relation if isinstance(node, Node) else None
        if relation is None:
            continue
        if relation.kind != "forward" and None in relation.keys_of(rows):
            raise ValueError(f"{relation.label}: this {model.__name__} has no key yet; save it first.")
    await loaders.load_tree(rows, tree, rows[0].__dict__.get("_database"))
