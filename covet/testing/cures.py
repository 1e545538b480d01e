"""Cures: what a read was for -> the relation that it loads, and the call that would load it for all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from covet.database.orm.lookups import EXACT
from covet.database.orm.query.purpose import Purpose
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import Group, Leaf, Predicate

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.relations import Relation


#: The most relations that are named where any of them may be meant.
_WAYS = 3


class Cure(NamedTuple):
    """What is loaded row by row, and what to write instead."""

    model: type[Any]
    relation: str | None  #: ``Post.author``
    call: str  #: ``select_related('author')``
    advice: str  #: the sentence that names the call and the query to add it to


def cure_of(purpose: Purpose) -> Cure:
    """Return the cure for a read that is repeated."""
    model = purpose.model
    if purpose.relation is not None:
        return _load_with(purpose.relation, restricted=False)
    if purpose.kind == "deferred":
        call = "only(...)"
        return Cure(
            model, None, call, f"Load the deferred fields with the query: name them in {call}, or not in defer(...)."
        )
    state = purpose.state or QueryState()
    if (known := _known(purpose)) is not None:
        return _load_with(known, restricted=len(state.where) > _conditions(known) or _bounded(state))
    for leaf in _leaves(state):
        if relation := _relation_of(model, leaf.path):
            if purpose.kind in {"count", "exists"}:
                return _annotate(relation)
            return _load_with(relation, restricted=len(state.where) > 1 or _bounded(state))
    return _ask_together(model, state)


def _leaves(state: QueryState) -> Iterator[Leaf]:
    """Yield the conditions that something equals a value."""
    for predicate in state.where:
        children: tuple[Predicate, ...] = (predicate,)
        if isinstance(predicate, Group) and not predicate.negated:
            children = predicate.children
        for child in children:
            if isinstance(child, Leaf) and child.path.lookup is EXACT and not child.path.negated:
                yield child


def _bounded(state: QueryState) -> bool:
    """Return whether a query asks for an order or a number of rows of its own."""
    return state.limit is not None or bool(state.order_by)


def _known(purpose: Purpose) -> Relation | None:
    """Return the relation whose manager made the query."""
    if purpose.known is None:
        return None
    name, instance = purpose.known
    model: type[Any] = instance._meta.model
    relations = _relations(model)
    return next((r for r in relations if r.remote is purpose.model and r.inverse and r.inverse.name == name), None)


def _conditions(relation: Relation) -> int:
    """Return how many conditions a manager asks by."""
    return 1 if relation.far_type is None else 2


def _relation_of(model: type[Any], path: ResolvedPath) -> Relation | None:
    """Return the relation of another model that a query about ``model`` by this path amounts to."""
    forward = _forward(path.field)
    if not path.relations and forward is not None:
        return forward.inverse if forward.inverse is not None and forward.inverse.accessor else None
    if len(path.relations) != 1:
        return None
    step = path.relations[0]
    for relation in _relations(model):  # what the program wrote: filter(posts=post)
        if relation.through is not None and relation.steps[0] is step and path.field is relation.through.target:
            return relation.inverse if relation.inverse is not None and relation.inverse.accessor else None
    links: Options = step.remote._meta
    ends = [key.remote for field in links.fields if (key := _forward(field)) is not None]
    known = [relation for end in ends for relation in _relations(end)]  # what a manager wrote: post.tags.all()
    return next((each for each in known if each.through is not None and each.through.back is step), None)


def _forward(field: Field[Any]) -> Relation | None:
    """Return the relation that a foreign key makes."""
    return cast("Relation | None", getattr(field, "relation", None))


def _relations(model: type[Any]) -> list[Relation]:
    options: Options = model._meta
    return list(options.relations.values())


def _load_with(relation: Relation, *, restricted: bool) -> Cure:
    """Return the cure for a relation that is loaded instance by instance."""
    if restricted:
        call = f"prefetch_related(Prefetch({relation.name!r}, queryset=...))"
    else:
        joined = not relation.many and relation.near_type is None
        call = f"{'select' if joined else 'prefetch'}_related({relation.name!r})"
    owner = relation.model.__name__
    return Cure(relation.remote, relation.label, call, f"Add .{call} to the query that loads {owner}.")


def _annotate(relation: Relation) -> Cure:
    call = f"annotate({relation.name}_count=Count({relation.name!r}))"
    owner = relation.model.__name__
    return Cure(relation.remote, relation.label, call, f"Add .{call} to the query that loads {owner}.")


def _ask_together(model: type[Any], state: QueryState) -> Cure:
    """Return the cure for rows that are asked for one by one."""
    options: Options = model._meta
    leaf = next(_leaves(state), None)
    if leaf is None:
        call = f"{model.__name__}.objects..."
        return Cure(model, None, call, "The same query is sent again: send it once, before the loop.")
    call = f"filter({leaf.path.path}__in=[...])"
    advice = f"Ask once for all: {model.__name__}.objects.{call}."
    if not leaf.path.relations and leaf.path.field.attname in options.key_names:
        advice = f"{advice[:-1]}{_or_with_the_key(options)}."
    return Cure(model, None, call, advice)


def _or_with_the_key(options: Options) -> str:
    """Return the way that a row which is looked up by its key may come with the row that has the key."""
    keys = [relation.inverse for relation in options.dependants if relation.inverse is not None]
    written = [
        key for key in keys if key.near_type is None and len(key.model._meta.key) == 1
    ]  # tables of links are nobody's rows
    ways = [f".select_related({key.name!r}) where the key is {key.label}" for key in written[:_WAYS]]
    return f"; or add {', '.join(ways)}" if ways else ""
