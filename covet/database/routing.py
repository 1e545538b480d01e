"""Routing: which database a query goes to that names none.

Without routers that is the default one, or the one that an instance came from, and nothing is asked. With routers each
of them is asked once a query, in order; the first that names an alias decides. Django's interface, so its routers work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Self

from covet.database.adapters.base import Adapter
from covet.database.adapters.block import innermost
from covet.database.connections import DEFAULT, adapter_for, by_alias
from covet.exceptions import ConfigurationError

_METHODS: Final = ("db_for_read", "db_for_write", "allow_relation", "allow_migrate")
_routers: list[object] = []


class Origin(str):
    """The alias that an instance came from: a router goes before it, ``using()`` goes before a router."""

    __slots__ = ()


class _About(Origin):
    """An alias for a question that an instance leads to: routers get it as a hint."""

    def __new__(cls, alias: str, instance: object = None) -> Self:
        found = super().__new__(cls, alias)
        found.instance = instance
        return found

    instance: object


class Router:
    """A router that has no opinion; override what yours decides.

    ::

        class Archive(Router):
            def db_for_read(self, model, **hints):
                return "archive" if model is OldOrder else None

            db_for_write = db_for_read

        set_routers(Archive())

    ``None`` leaves the answer to the next router. Any object with some of these methods is one.
    """

    def db_for_read(self, model: type[Any], /, **hints: Any) -> str | None:  # noqa: ARG002 - for those that override
        """Return the alias that a query of ``model`` reads from. ``hints["instance"]`` is the row that leads to it."""
        return None

    def db_for_write(self, model: type[Any], /, **hints: Any) -> str | None:  # noqa: ARG002
        """Return the alias that rows of ``model`` are written to. ``hints["instance"]`` is the row, if it is one."""
        return None

    def allow_relation(self, first: Any, second: Any, /, **hints: Any) -> bool | None:  # noqa: ARG002
        """Say whether two stored rows of different databases may refer to each other."""
        return None

    def allow_migrate(
        self,
        db: str,  # noqa: ARG002
        app_label: str,  # noqa: ARG002
        /,
        model_name: str | None = None,  # noqa: ARG002
        **hints: Any,  # noqa: ARG002
    ) -> bool | None:
        """Say whether the table of a model is made in a database; ``app_label`` is its module."""
        return None


def set_routers(*routers: object) -> None:
    """Ask these routers from now on, in this order, in the whole process; without one, none.

    ``set_routers(Archive(), ReplicaRouter(["replica"]))``
    """
    for router in routers:
        if isinstance(router, type) or not any(callable(getattr(router, name, None)) for name in _METHODS):
            raise ConfigurationError(
                f"set_routers() takes objects with some of the methods {', '.join(_METHODS)}; {router!r} has none."
            )
    _routers[:] = routers


def reading(alias: str | None, model: type[Any]) -> Adapter:
    """Return the adapter that a query of ``model`` reads from."""
    if _routers and type(alias) is not str:
        alias = _for_read(alias, model)
    found = by_alias.get(alias)  # as adapter_for() does, without a call more for each query
    return found if found is not None else adapter_for(alias)


def writing(alias: str | None, model: type[Any], instance: object = None) -> Adapter:
    """Return the adapter that rows of ``model`` are written to."""
    if _routers and type(alias) is not str:
        alias = _for_write(alias, model, instance)
    found = by_alias.get(alias)
    return found if found is not None else adapter_for(alias)


def about(instance: object, alias: str | None) -> str | None:
    """Return ``alias`` for a question that an instance leads to: its related rows, or itself."""
    if not _routers or type(alias) is str:
        return alias
    return _About(DEFAULT if alias is None else alias, instance)


def related_allowed(first: Any, second: Any) -> bool:
    """Say whether two stored rows may refer to each other."""
    one, other = first.__dict__.get("_database"), second.__dict__.get("_database")
    for router in _routers:
        answer = _call(router, "allow_relation", first, second)
        if answer is not None:
            return bool(answer)
    return bool(one == other)


def table_allowed(alias: str, model: type[Any]) -> bool:
    """Say whether the table of ``model`` is made in a database."""
    for router in _routers:
        answer = _call(router, "allow_migrate", alias, model.__module__, model_name=model.__name__.lower(), model=model)
        if answer is not None:
            return bool(answer)
    return True


def _for_read(alias: str | None, model: type[Any]) -> str:
    block = innermost.get()
    if block is not None:
        # In a transaction what it wrote must be seen: a copy of the database would not know it yet.
        written = _for_write(alias, model, None)
        if block.of(adapter_for(written)) is not None:
            return written
    return _chosen("db_for_read", alias, model, None)


def _for_write(alias: str | None, model: type[Any], instance: object) -> str:
    return _chosen("db_for_write", alias, model, instance)


def _chosen(method: str, alias: str | None, model: type[Any], instance: object) -> str:
    if isinstance(alias, _About):
        instance = alias.instance
    hints = {} if instance is None else {"instance": instance}
    for router in _routers:
        answer = _call(router, method, model, **hints)
        if answer is not None:
            return str(answer)
    return DEFAULT if alias is None else str(alias)


def _call(router: object, method: str, *args: object, **hints: object) -> object:
    function: Callable[..., object] | None = getattr(router, method, None)
    return None if function is None else function(*args, **hints)
