"""FastCheck: a test of a value as source text, for the functions that are generated for a model. Pure.

A field's ``clean`` costs several Python calls, and nearly every value that is saved passes it unchanged. So a field may
offer a test that is written into generated code::

    FastCheck("type({v}) is int and {low} <= {v} <= {high}", {"low": -32768, "high": 32767})

``{v}`` becomes a local variable, every other name a name of the function's own namespace: no value stands in the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from covet._frozen import Frozen


class FastCheck(Frozen):
    """An expression over ``{v}`` and ``names``."""

    template: str
    names: Mapping[str, object] = MappingProxyType({})

    def write(self, variable: str, number: int, namespace: dict[str, object]) -> str:
        """Return the expression over ``variable``; its names go into ``namespace``, told apart by ``number``."""
        own = {name: f"{name}_{number}" for name in self.names}
        namespace.update((own[name], value) for name, value in self.names.items())
        return self.template.format(v=variable, **own)


def holds(owner: object, promise: str, *methods: str) -> bool:
    """Whether what the method ``promise`` says of ``methods`` is still so.

    Not when a subclass overrides one of them without saying anew what it promises.
    """
    if not vars(owner).keys().isdisjoint(methods):
        return False
    for kind in type(owner).__mro__:
        own = vars(kind)
        if promise in own:
            return True
        if not own.keys().isdisjoint(methods):
            return False
    return False
