"""Instances that are not wholly loaded: a related row of which only the key is known, and deferred fields.

Such an instance is of a hidden subclass of its model whose ``__getattr__`` explains what is missing; loading it in
place switches it back to the model itself. A loaded instance therefore has no ``__getattr__``: reading an attribute
stays as quick as Python makes it (measured on Python 3.11: 8 ns against 39 ns with the hook on the model).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from covet.exceptions import NotLoaded

if TYPE_CHECKING:
    from covet.database.orm.relations import Relation

_classes: dict[type[Any], type[Any]] = {}


def _getattr(self: Any, name: str) -> NoReturn:
    """Explain what is missing; Python calls this only for an attribute that is not there."""
    model: type[Any] = type(self).__mro__[1]
    options = model._meta
    if name.startswith("_") or (options.find_field(name) is None and name not in options.generics):
        raise AttributeError(f"{model.__name__!r} object has no attribute {name!r}")
    relation: Relation | None = self.__dict__.get("_relation")
    if relation is not None:
        raise NotLoaded(
            f"{model.__name__}.{name} is not loaded: only the key of {relation.label} is known. "
            f"Load it with 'await instance.{relation.accessor}', "
            f"or with the query by {_loader(relation)}({relation.name!r})."
        )
    if self.__dict__.get("_adding"):
        raise NotLoaded(f"{model.__name__}.{name} has no value yet: the database gives it when the instance is saved.")
    raise NotLoaded(
        f"{model.__name__}.{name} is not loaded: the query deferred it. "
        f"Load it with 'await instance', or leave {name!r} out of defer() and in only()."
    )


def _reduce(self: Any, _protocol: object = None) -> tuple[Any, ...]:
    return _restore, (type(self).__mro__[1],), dict(self.__dict__)


def _restore(model: type[Any]) -> Any:
    return object.__new__(unloaded_class(model))


def unloaded_class(model: type[Any]) -> type[Any]:
    """Return the hidden subclass of ``model`` for instances that miss something."""
    found = _classes.get(model)
    if found is None:
        namespace = {
            "__getattr__": _getattr,
            "__reduce_ex__": _reduce,
            "__module__": model.__module__,
            "__qualname__": model.__qualname__,
            "__doc__": model.__doc__,
            "_is_loaded": False,
        }
        # type.__new__ past the metaclass: this is no model of its own.
        found = type.__new__(type(model), model.__name__, (model,), namespace)
        _classes[model] = found
    return found


def make_reference(relation: Relation, owner: Any, attname: str, key: object) -> Any:
    """Return the instance at the other end of ``relation`` that knows only ``attname = key``.

    It remembers the peers of ``owner``: when it is awaited, theirs are loaded with it.
    """
    instance = object.__new__(unloaded_class(relation.remote))
    state, known = instance.__dict__, owner.__dict__
    state[attname] = key
    state["_relation"] = relation
    for name in ("_peers", "_database"):
        if name in known:
            state[name] = known[name]
    return instance


def note_absent(owner: Any, relation: Relation, key: object) -> None:
    """Note that a generic relation of ``owner`` leads to no row: what it refers to is not asked for again."""
    reference = owner.__dict__.get(relation.cache_name)
    if reference is None:
        reference = make_reference(relation, owner, relation.remote_field.attname, key)
        owner.__dict__[relation.cache_name] = reference
    reference.__dict__["_absent"] = True


def is_absent(reference: Any) -> bool:
    """Return whether there is known to be no row that this instance could be."""
    return not reference._is_loaded and "_absent" in reference.__dict__


def mark_loaded(instance: Any) -> None:
    """Make an instance that has everything now a plain one of its model."""
    if not instance._is_loaded:
        instance.__dict__.pop("_relation", None)
        instance.__class__ = type(instance).__mro__[1]


def take_over(instance: Any, row: Any) -> None:
    """Make an unloaded instance the row that was loaded for it; whoever holds it sees the values."""
    if row is not instance:
        instance.__dict__.update(row.__dict__)
    instance.__dict__.pop("_relation", None)
    if row._is_loaded:  # else the query deferred some of it
        mark_loaded(instance)


def _loader(relation: Relation) -> str:
    return "prefetch_related" if relation.many or relation.near_type is not None else "select_related"


def refused(label: str, relation: Relation | None) -> NotLoaded:
    """Return the error of the fetch mode ``raise`` for a relation, or for a deferred instance."""
    if relation is None:
        cure = "load the fields with the query"
    else:
        cure = f"load it with the query by {_loader(relation)}({relation.name!r})"
    return NotLoaded(f"{label} is not loaded, and the fetch mode is 'raise': {cure}.")
