"""Construction: keyword arguments -> the attributes of a new instance, by one function that is generated for a model.

For a ``User`` with ``name``, ``tags = ArrayField(.., default=list)`` and a ``number`` that the database numbers::

    def construct(state, values):
        complete = True
        state['_adding'] = True
        take = values.pop
        state['id'] = take('id', None)
        state['name'] = take('name', None)
        state['tags'] = take('tags') if 'tags' in values else default_2()
        if 'number' in values:
            state['number'] = take('number')
        else:
            complete = False
        return complete

What is left in ``values`` is no column. The only text from outside are attribute names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from covet._codegen import define
from covet.database.orm.fields.base import MISSING, Field

if TYPE_CHECKING:
    from covet.database.orm.options import Options

#: ``(state, values)``: moves the columns from the keywords to the instance; False when the database gives one of them.
Construct = Callable[[dict[str, Any], dict[str, Any]], bool]

# What a field has that makes no default of its own.
_get_default: Final[object] = Field[Any].get_default


def constructor(options: Options) -> Construct:
    """Return the function of a model, made at its first instance. An abstract model is refused."""
    options.require_concrete()
    namespace: dict[str, object] = {}
    lines = ["complete = True", "state['_adding'] = True", "take = values.pop"]
    for number, field in enumerate(options.fields):
        lines += _statements(field, number, namespace)
    source = "\n".join(["def construct(state, values):", *(f"    {line}" for line in (*lines, "return complete")), ""])
    function = define("construct", source, namespace)
    function.__qualname__ = f"construct[{options.label}]"
    found = options.construct = cast("Construct", function)
    return found


def _statements(field: Field[Any], number: int, namespace: dict[str, object]) -> list[str]:
    name = repr(field.attname)  # an identifier: the metaclass checked it
    if not field.has_default():
        if field.db_default is MISSING:
            return [f"state[{name}] = take({name}, None)"]
        return [f"if {name} in values:", f"    state[{name}] = take({name})", "else:", "    complete = False"]
    default = f"default_{number}"
    if type(field).get_default is not _get_default:
        namespace[default] = field.get_default
    else:
        namespace[default] = field.default
        if not callable(field.default):
            return [f"state[{name}] = take({name}, {default})"]
    return [f"state[{name}] = take({name}) if {name} in values else {default}()"]
