"""Registry: every concrete model by name, and references by name that wait for their model.

References are ``"Post"`` or ``"app.Post"`` (the module's path, or its beginning, before the last dot). A reference is
looked for in the module of the class that makes it first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from covet.exceptions import ModelDefinitionError

_models: dict[str, dict[str, type[Any]]] = {}
_waiting: list[tuple[str, str, Callable[[type[Any]], None]]] = []


def register(model: type[Any]) -> None:
    """Make ``model`` known and serve the references that waited for it. A redefinition replaces."""
    _models.setdefault(model.__name__, {})[f"{model.__module__}.{model.__qualname__}"] = model
    still: list[tuple[str, str, Callable[[type[Any]], None]]] = []
    ready: list[tuple[Callable[[type[Any]], None], type[Any]]] = []
    for reference, module, callback in _waiting:
        found = find(reference, module)
        if found is None:
            still.append((reference, module, callback))
        else:
            ready.append((callback, found))
    _waiting[:] = still
    for callback, found in ready:
        callback(found)


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


def _is_under(model: type[Any], prefix: str) -> bool:
    return not prefix or f"{model.__module__}.".startswith(f"{prefix}.")


def when_ready(reference: str, module: str, callback: Callable[[type[Any]], None]) -> None:
    """Call ``callback`` with the model as soon as it exists, which may be now."""
    found = find(reference, module)
    if found is None:
        _waiting.append((reference, module, callback))
    else:
        callback(found)


def all_models() -> list[type[Any]]:
    """Return every concrete model, in the order of definition."""
    return [model for models in _models.values() for model in models.values()]


def unresolved() -> list[str]:
    """Return the references that no model answers yet."""
    return sorted({reference for reference, _, _ in _waiting})
