"""Frozen: the base of the small classes that statements, schemas and plans are made of.

Such a class reads like a frozen dataclass with slots, and to a type checker it is one. A dataclass has half a dozen
methods written, compiled and run for it at import, and most programs call few of them: there are a hundred of these
classes. Here ``__init__`` is made with the first instance of the class, and the other methods are shared by all.

A class of which a field holds a descriptor (a ``Field`` of a model) is better a dataclass: mypy takes such a field of
any other frozen class for what its ``__get__`` returns.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

from covet._codegen import define

_FrozenT = TypeVar("_FrozenT", bound="Frozen")


class FrozenType(type):
    """Makes slots of the annotations of a class, and keeps the defaults that stood beside them."""

    fields_: tuple[str, ...]
    defaults_: dict[str, object]

    def __new__(
        mcs: type[FrozenType], name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, eq: bool = True
    ) -> FrozenType:
        """Make the class; with ``eq=False``, an instance equals itself alone."""
        annotations: dict[str, object] = namespace.get("__annotations__", {})
        own = tuple(field for field, kind in annotations.items() if "ClassVar[" not in str(kind))
        above = [base for base in bases if isinstance(base, FrozenType)]
        inherited = tuple(field for base in above for field in base.fields_)
        fields = (*inherited, *(field for field in own if field not in inherited))
        defaults = {field: default for base in above for field, default in base.defaults_.items()}
        defaults |= {field: namespace.pop(field) for field in own if field in namespace}
        namespace["__slots__"] = fields[len(inherited) :]
        namespace["fields_"] = namespace["__match_args__"] = fields
        namespace["defaults_"] = defaults
        namespace["values_"] = attrgetter(*fields) if fields else type  # of one field: its value, without a tuple
        namespace.setdefault("__init__", _first_init)
        if not eq:
            namespace |= {"__eq__": object.__eq__, "__hash__": object.__hash__}
        return super().__new__(mcs, name, bases, namespace)


def _first_init(self: Frozen, *args: object, **named: object) -> None:
    """Give the class the ``__init__`` of its fields, and call it."""
    kind = next(each for each in type(self).__mro__ if vars(each).get("__init__") is _first_init)
    assert isinstance(kind, FrozenType)  # noqa: S101 - for the checkers: no other class has this __init__
    parameters = [f"{field}=default_{field}" if field in kind.defaults_ else field for field in kind.fields_]
    lines = [f"    set_{field}(self, {field})" for field in kind.fields_]
    if hasattr(kind, "__post_init__"):
        lines.append("    self.__post_init__()")
    source = "\n".join([f"def __init__({', '.join(['self', *parameters])}):", *(lines or ["    pass"]), ""])
    namespace = {f"set_{field}": getattr(kind, field).__set__ for field in kind.fields_}
    namespace |= {f"default_{field}": default for field, default in kind.defaults_.items()}
    init = define("__init__", source, namespace)
    setattr(kind, "__init__", init)  # noqa: B010 - a checker refuses the assignment of a method
    init(self, *args, **named)


@dataclass_transform(frozen_default=True)
class Frozen(metaclass=FrozenType):
    """Base of frozen classes with slots: the annotated fields make the parameters, equality, hash and repr.

    >>> class Point(Frozen):
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0)
    (Point(x=1, y=0), True)
    """

    fields_: ClassVar[tuple[str, ...]]
    defaults_: ClassVar[dict[str, object]]
    values_: ClassVar[Any]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        values = self.values_
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        return hash(self.values_(self))

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{field}={getattr(self, field)!r}' for field in self.fields_)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: a {type(self).__name__} does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: a {type(self).__name__} does not change")

    def __reduce__(self) -> tuple[type[Frozen], tuple[object, ...]]:
        return type(self), tuple(getattr(self, field) for field in self.fields_)


def replace(instance: _FrozenT, /, **changes: object) -> _FrozenT:
    """Copy an instance with other values for some of its fields."""
    return type(instance)(**{field: getattr(instance, field) for field in instance.fields_} | changes)
