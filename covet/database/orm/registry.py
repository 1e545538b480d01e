"""Registry: every concrete model by name, and references to models that are not defined yet.

References are ``"Post"`` or ``"app.Post"`` (the module's path, or its beginning, before the last dot), or a function
that returns the model. A name is looked for in the module of the class that uses it first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from covet.exceptions import ModelDefinitionError

Reference = str | Callable[[], type[Any]]


class _Waiting(NamedTuple):
    reference: Reference
    module: str
    callback: Callable[[type[Any]], None]


_models: dict[str, dict[str, type[Any]]] = {}
_waiting: list[_Waiting] = []
#: Names without a module that meant a model of another module when they were used: (module, name) -> that model.
_borrowed: dict[tuple[str, str], type[Any]] = {}


def register(model: type[Any]) -> None:
    """Make ``model`` known and serve the references that waited for it. A redefinition replaces."""
    other = _borrowed.get((model.__module__, model.__name__))
    if other is not None:
        raise ModelDefinitionError(
            f"{model.__module__} has used the name {model.__name__!r} before this class, and got "
            f"{other.__module__}.{other.__qualname__}. Define the class before it is referred to, or refer to it by a "
            f"function: lambda: {model.__name__}; where the other one is meant, write "
            f"'{other.__module__}.{other.__name__}'."
        )
    named = _models.setdefault(model.__name__, {})
    place = f"{model.__module__}.{model.__qualname__}"
    named.pop(place, None)  # the newest definition is the last one
    named[place] = model
    waiting, _waiting[:] = list(_waiting), []
    for item in waiting:
        if _names(item, model):
            item.callback(model)
        else:
            when_ready(*item)


def _names(item: _Waiting, model: type[Any]) -> bool:
    """Return whether a function that returns a model waits for just this one, which its module does not have yet."""
    if isinstance(item.reference, str) or item.module != model.__module__:
        return False
    try:
        item.reference()
    except NameError as error:
        return error.name == model.__name__
    return False


def when_ready(reference: Reference, module: str, callback: Callable[[type[Any]], None]) -> None:
    """Call ``callback`` with the model as soon as it exists, which may be now."""
    found = find(reference, module) if isinstance(reference, str) else _called(reference)
    if found is not None and isinstance(reference, str) and "." not in reference and found.__module__ != module:
        _borrowed[module, reference] = found
    if found is None:
        _waiting.append(_Waiting(reference, module, callback))
    else:
        callback(found)


def _called(reference: Callable[[], type[Any]]) -> type[Any] | None:
    try:
        return reference()
    except NameError:  # the class is defined further down
        return None


def find(reference: str, module: str) -> type[Any] | None:
    """Return the model that ``reference`` names, seen from ``module``; None if there is none yet."""
    prefix, _, name = reference.rpartition(".")
    candidates = [model for model in _models.get(name, {}).values() if _is_under(model, prefix)]
    local = [model for model in candidates if model.__module__ == module]
    if local:
        return local[-1]
    if len(candidates) > 1:
        places = ", ".join(sorted(f"{model.__module__}.{name}" for model in candidates))
        raise ModelDefinitionError(f"{reference!r} is ambiguous: {places}. Put the module before the name.")
    return candidates[0] if candidates else None


def resolve(reference: type[Any] | Reference, module: str) -> type[Any] | None:
    """Return the model that a declaration refers to; None if there is none yet."""
    if isinstance(reference, type):
        return reference
    return find(reference, module) if isinstance(reference, str) else _called(reference)


def refers_to(reference: type[Any] | Reference, model: type[Any]) -> bool:
    """Return whether a declaration may refer to ``model``, which need not be registered yet."""
    if isinstance(reference, str):
        prefix, _, name = reference.rpartition(".")
        return name == model.__name__ and _is_under(model, prefix)
    return (reference if isinstance(reference, type) else _called(reference)) is model


def labelled(label: str, module: str) -> type[Any] | None:
    """Return the model whose ``generic_label`` is ``label``, seen from ``module``; None if there is none."""
    candidates = [model for model in all_models() if model._meta.generic_label == label]
    local = [model for model in candidates if model.__module__ == module]
    if local:
        return local[-1]
    if len(candidates) > 1:
        places = " and ".join(sorted(f"{model.__module__}.{model.__qualname__}" for model in candidates))
        raise ModelDefinitionError(f"The label {label!r} is that of {places}. Give one another Meta.generic_label.")
    return candidates[0] if candidates else None


def _is_under(model: type[Any], prefix: str) -> bool:
    return not prefix or f"{model.__module__}.".startswith(f"{prefix}.")


def all_models() -> list[type[Any]]:
    """Return every concrete model, in the order of definition."""
    return [model for models in _models.values() for model in models.values()]
