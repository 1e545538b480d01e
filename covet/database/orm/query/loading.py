"""Loading: an instance that misses something is completed in place; a row is read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.adapters.instrumentation import HOOKS
from covet.database.orm.fields.base import Field
from covet.database.orm.peers import Peers
from covet.database.orm.query import loaders
from covet.database.orm.query.keyed import where_keys
from covet.database.orm.query.purpose import Purpose, told
from covet.database.orm.unloaded import is_absent, mark_loaded, refused, unloaded_class
from covet.database.routing import about
from covet.exceptions import FieldError, NotLoaded

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation

_I = TypeVar("_I")


def own_base(instance: Any, using: str | None = None) -> QuerySet[Any, Any]:
    """Return all rows of an instance's model, in its own database."""
    options: Options = instance._meta
    found = cast("QuerySet[Any, Any]", options.base_queryset())
    database = using or about(instance, instance.__dict__.get("_database"))
    return found if database is None else found.using(database)


def own_rows(instance: Any, using: str | None = None) -> QuerySet[Any, Any]:
    """Return the rows (one, or none) of an instance, found by its key or by the one thing that is known of it."""
    options: Options = instance._meta
    state = instance.__dict__
    found = own_base(instance, using)
    if all(field.attname in state for field in options.key):
        return found.filter(**{field.name: state[field.attname] for field in options.key})
    return found.filter(**{field.name: state[field.attname] for field in options.fields if field.attname in state})


async def load(instance: _I) -> _I:
    """Complete an instance in place, and what its peers miss likewise; a complete one is given back as it is."""
    target = cast("Any", instance)
    state = target.__dict__
    if target._is_loaded or state.get("_adding"):
        return instance
    peers: Peers | None = state.get("_peers")
    relation: Relation | None = state.get("_relation")
    if peers is not None:
        if peers.refused:
            raise refused(relation.label if relation is not None else type(target).__name__, relation)
        async with peers.lock(relation or "deferred"):
            if not target._is_loaded:
                work = (
                    _load_referred(peers, relation, target) if relation is not None else _load_deferred(peers, target)
                )
                await (told(_purpose(target), work) if HOOKS.callbacks else work)
    if not target._is_loaded:
        alone = _load_alone(target)
        if not await (told(_purpose(target), alone) if HOOKS.callbacks else alone):
            return cast("_I", None)  # no constraint keeps the row of a generic relation there
        if peers is not None and relation is not None:
            target._peers = Peers.of(target)  # it had those of the row that refers to it
    return instance


async def _load_alone(instance: Any) -> bool:
    """Load one instance; return whether there is a row."""
    relation: Relation | None = instance.__dict__.get("_relation")
    if relation is not None and relation.near_type is not None and not await _found(instance):
        return False
    if not instance._is_loaded:
        await _copy(instance, _missing(instance), None)
        mark_loaded(instance)
    return True


def _purpose(instance: Any) -> Purpose:
    """Return what it is to load an instance: the relation that leads to it, or the fields that it misses."""
    relation: Relation | None = instance.__dict__.get("_relation")
    if relation is None:
        return Purpose("deferred", instance._meta.model)
    return Purpose("relation", relation.model, relation=relation)


async def _found(reference: Any) -> bool:
    """Load what a generic relation refers to; return whether there is a row."""
    if is_absent(reference):
        return False
    try:
        # Where the key is all there is to a row, it is still the question whether there is one.
        await _copy(reference, _missing(reference) or reference._meta.key, None)
    except reference.DoesNotExist:
        reference.__dict__["_absent"] = True
        return False
    mark_loaded(reference)
    return True


def _missing(instance: Any) -> list[Field[Any]]:
    options: Options = instance._meta
    return [field for field in options.fields if field.attname not in instance.__dict__]


async def _load_referred(peers: Peers, relation: Relation, target: Any) -> None:
    """Load a relation of all peers of the instance that refers; a row that none of them has is not asked for again."""
    members: list[Any] = peers.members(relation.model)
    if len(members) <= 1:
        return
    is_asked = any(member.__dict__.get(relation.cache_name) is target for member in members)
    await loaders.load_relation(members, relation)
    if is_asked and relation.kind == "reverse" and not target._is_loaded:
        name, remote = relation.model.__name__, relation.remote
        raise remote.DoesNotExist(
            f"This {name} has no {remote.__name__}. 'await instance.load({relation.label})' gives None instead."
        )


async def _load_deferred(peers: Peers, instance: Any) -> None:
    """Load the deferred fields of all peers: one query, by their keys."""
    options: Options = instance._meta
    members = [member for member in peers.members(options.model) if not member._is_loaded]
    if len(members) <= 1:
        return
    pk = options.pk
    names = {field.name for member in members for field in _missing(member)}
    rows = own_base(members[0]).only(*names)
    by_key = {pk.value_in(member.__dict__): member for member in members}
    query = where_keys((rows.state, rows.params), options.resolve("pk__in"), by_key)
    for row in await rows.derive(*query):
        member = by_key[pk.value_in(row.__dict__)]
        for field in _missing(member):
            member.__dict__[field.attname] = row.__dict__[field.attname]
        mark_loaded(member)


async def _copy(instance: Any, fields: Sequence[Field[Any]], using: str | None) -> None:
    """Read fields of the row and set them on the instance."""
    if not fields:
        return
    row = await own_rows(instance, using).only(*(field.name for field in fields)).get()
    state = instance.__dict__
    for field in fields:
        value = row.__dict__[field.attname]
        if state.get(field.attname) != value:
            for relation in instance._meta.relations_of(field):
                state.pop(relation.cache_name, None)
        state[field.attname] = value
    for field in instance._meta.key:
        state[field.attname] = row.__dict__[field.attname]


async def refresh(instance: Any, names: Sequence[str], using: str | None) -> None:
    """Read the row again, or the named fields of it."""
    options: Options = instance._meta
    fields = options.named(names) if names else options.fields
    await _copy(instance, fields, using)
    if not names:
        for name in [name for name in instance.__dict__ if name.startswith("_related_")]:
            if name.removeprefix("_related_") not in {field.name for field in options.declarations}:
                del instance.__dict__[name]
        mark_loaded(instance)


def updatable(instance: Any, names: Sequence[str] | None) -> list[Field[Any]]:
    """Return the fields that ``save()`` writes: all that are loaded, or the named ones."""
    options: Options = instance._meta
    state = instance.__dict__
    if names is None:
        return [field for field in options.fields if field.attname not in options.key_names and field.attname in state]
    fields = options.named(names)
    for field in fields:
        if field.attname in options.key_names:
            raise FieldError(f"save(update_fields=...): {field.name!r} is the primary key; it does not change.")
        if field.attname not in state and field.pre_save(instance, adding=False) is None:
            raise NotLoaded(f"save(update_fields=...): {field.label} was deferred and has no value to save.")
    return list(dict.fromkeys(fields))


def await_database(instance: Any) -> None:
    """Mark a new instance whose missing attributes are set when the database has given them."""
    instance.__class__ = unloaded_class(instance.__class__)
