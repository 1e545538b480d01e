"""Collection: instances -> the values to write, by one function that is generated for a model. No I/O.

Saving asks every field for ``pre_save`` and ``clean``. Both are Python calls, and nearly always they give back what is
there: the generated function tests that itself (``Field.fast_check``, ``Field.pre_save_test``) and calls them where
the test fails. Instances are one Python frame, however many there are. For ``User`` with a nullable ``age``::

    def collect(instances, rows, masks):
        for instance in instances:
            state = instance.__dict__
            mask = 0
            try:
                v0 = state['id']
                v1 = state['name']
                v2 = state['age']
            except KeyError:
                v0 = state.get('id')
                v1 = state.get('name')
                v2 = state.get('age')
            if v0 is None:
                mask |= 1
            elif type(v0) is int and low_0 <= v0 <= high_0:
                pass
            elif issubclass(type(v0), Expression):
                raise refused(field_0)
            else:
                v0 = state['id'] = clean_0(v0)
            if type(v1) is str and shortest_1 <= len(v1) <= longest_1 and (...):
                pass
            elif v1 is None and 'name' not in state:
                mask |= 2
            ...
            rows.append((v0, v1, v2))
            masks.append(mask)

A row has a value for every field; ``mask`` has the bits of those that are not parameters: what the database fills in an
INSERT, what an expression computes in an UPDATE. The only text from outside are attribute names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from covet._codegen import define
from covet.database.orm.expressions import Expression, Value
from covet.database.orm.fields.base import Field
from covet.database.orm.fields.fast_check import holds
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options

Row = tuple[object, ...]
#: ``(instances, rows, masks)``: appends a row and a mask for each instance.
Collect = Callable[[Iterable[Any], list[Row], list[int]], None]

# What a field without a rule of its own about None has.
_clean: Final[object] = Field[Any].clean


class Split(NamedTuple):
    """The fields of a mask: their positions in a row that are parameters, and the fields that are none."""

    given: tuple[int, ...]
    others: tuple[Field[Any], ...]


class Collector:
    """The generated function of some fields of a model."""

    def __init__(self, options: Options, fields: tuple[Field[Any], ...], *, adding: bool, validate: bool) -> None:
        self.fields = fields
        self.collect: Collect = _Writer(fields, adding=adding, validate=validate).write(options.label)
        self._splits: dict[int, Split] = {}

    def split(self, mask: int) -> Split:
        """Return what a mask means."""
        found = self._splits.get(mask)
        if found is None:
            given = tuple(at for at in range(len(self.fields)) if not mask >> at & 1)
            others = tuple(field for at, field in enumerate(self.fields) if mask >> at & 1)
            found = self._splits[mask] = Split(given, others)
        return found


def insert_collector(options: Options, *, validate: bool) -> Collector:
    """Return what collects every field of new instances."""
    found: Collector | None = options.collectors.get(validate)
    if found is None:
        found = Collector(options, options.fields, adding=True, validate=validate)
        options.collectors.put(validate, found)
    return found


def update_collector(options: Options, fields: tuple[Field[Any], ...], *, validate: bool) -> Collector:
    """Return what collects these fields of instances that are rows already."""
    key = (fields, validate)
    found: Collector | None = options.collectors.get(key)
    if found is None:
        found = Collector(options, fields, adding=False, validate=validate)
        options.collectors.put(key, found)
    return found


def _refused(field: Field[Any]) -> FieldError:
    return FieldError(f"{field!r}: an expression needs a row; it cannot be inserted.")


def _null_of(field: Field[Any], expression: Expression[Any]) -> tuple[object, None]:
    """Return what is stored for ``Value(None, JSONField())``, and what the instance has then."""
    if isinstance(expression, Value) and expression.value is None and expression.output_field is not None:
        return field.null_literal, None
    raise _refused(field)


class _Writer:
    """Writes the source of one function."""

    def __init__(self, fields: tuple[Field[Any], ...], *, adding: bool, validate: bool) -> None:
        self.fields = fields
        self.adding = adding
        self.validate = validate
        self.namespace: dict[str, object] = {"Expression": Expression, "refused": _refused, "null_of": _null_of}
        self.body: list[str] = []

    def write(self, label: str) -> Collect:
        known = [self._knows_pre_save(field) for field in self.fields]
        # A pre_save of somebody else may set other attributes: what comes after it is read after it.
        early = known.index(False) if False in known else len(known)
        self._read(early)
        for number, field in enumerate(self.fields):
            self._prepare(number, field, late=number >= early, known=known[number])
            if self.validate:
                self._check(number, field, known=known[number])
            else:
                self._take(number, field)
        row = "".join(f"{self._encoded(number, field)}, " for number, field in enumerate(self.fields))
        source = "\n".join(
            [
                "def collect(instances, rows, masks):",
                "    for instance in instances:",
                "        state = instance.__dict__",
                "        mask = 0",
                *(f"        {line}" for line in self.body),
                f"        rows.append(({row}))",
                "        masks.append(mask)",
                "",
            ]
        )
        function = define("collect", source, self.namespace)
        function.__qualname__ = f"collect[{label}]"
        return cast("Collect", function)

    def _read(self, count: int) -> None:
        """Read the attributes that no pre_save can change."""
        if count:
            names = [_literal(field) for field in self.fields[:count]]
            self.body += ["try:", *(f"    v{number} = state[{name}]" for number, name in enumerate(names))]
            self.body += [
                "except KeyError:",
                *(f"    v{number} = state.get({name})" for number, name in enumerate(names)),
            ]

    # -- pre_save --------------------------------------------------------------------------

    @staticmethod
    def _knows_pre_save(field: Field[Any]) -> bool:
        return holds(field, "pre_save_test", "pre_save")

    def _prepare(self, number: int, field: Field[Any], *, late: bool, known: bool) -> None:
        value = f"v{number}"
        if late and known:
            self.body.append(f"{value} = state.get({_literal(field)})")
        test = field.pre_save_test(adding=self.adding) if known else None
        if test is None and known:
            return
        self.namespace[f"pre_save_{number}"] = field.pre_save
        call = f"{value} = pre_save_{number}(instance, adding={self.adding})"
        if test is not None:
            self.body.append(f"if {test.write(value, number, self.namespace)}:")
            call = f"    {call}"
        self.body.append(call)

    # -- clean -----------------------------------------------------------------------------

    def _check(self, number: int, field: Field[Any], *, known: bool) -> None:
        """Emit ``if .. elif .. else`` of one field: nothing to do, no value, an expression, a value to clean."""
        value, name, bit = f"v{number}", _literal(field), 1 << number
        branches: list[tuple[str, str]] = []
        # What a pre_save of somebody else gives is not in the state yet: it is always cleaned and set.
        fast = field.fast_check() if known and holds(field, "fast_check", "coerce", "validate", "clean") else None
        if fast is not None:
            branches.append((fast.write(value, number, self.namespace), "pass"))
        takes_none = field.null and known and type(field).clean is _clean
        if self.adding and field.identity:
            branches.insert(0, (f"{value} is None", f"mask |= {bit}"))
        elif self.adding and takes_none:
            branches.append((f"{value} is None", f"mask |= 0 if {name} in state else {bit}"))
        elif self.adding:
            branches.append((f"{value} is None and {name} not in state", f"mask |= {bit}"))
        elif takes_none:
            branches.append((f"{value} is None", f"state[{name}] = None"))
        branches.append(self._expression(number, field))
        self.namespace[f"clean_{number}"] = field.clean
        self._branches(branches, f"{value} = state[{name}] = clean_{number}({value})")

    def _take(self, number: int, field: Field[Any]) -> None:
        """Emit the branches of a field whose value is taken as it is."""
        value, name, bit = f"v{number}", _literal(field), 1 << number
        branches: list[tuple[str, str]] = []
        if self.adding:
            absent = f"{value} is None" if field.identity else f"{value} is None and {name} not in state"
            branches.append((absent, f"mask |= {bit}"))
        branches.append(self._expression(number, field))
        self._branches(branches, f"state[{name}] = {value}")

    def _expression(self, number: int, field: Field[Any]) -> tuple[str, str]:
        test = f"issubclass(type(v{number}), Expression)"
        if not self.adding:
            return test, f"mask |= {1 << number}"
        self.namespace[f"field_{number}"] = field
        if field.null_literal is None:
            return test, f"raise refused(field_{number})"
        return test, f"v{number}, state[{_literal(field)}] = null_of(field_{number}, v{number})"

    def _branches(self, branches: list[tuple[str, str]], otherwise: str) -> None:
        for position, (test, action) in enumerate(branches):
            self.body += [f"{'elif' if position else 'if'} {test}:", f"    {action}"]
        self.body += ["else:", f"    {otherwise}"]

    def _encoded(self, number: int, field: Field[Any]) -> str:
        """Return the value as the logical type has it."""
        value = f"v{number}"
        if field.encode is None:
            return value
        self.namespace[f"encode_{number}"] = field.encode
        computed = "" if self.adding else f" or mask & {1 << number}"
        return f"{value} if {value} is None{computed} else encode_{number}({value})"


def _literal(field: Field[Any]) -> str:
    """Return the name of the attribute as a literal of the source."""
    if not field.attname.isidentifier():
        raise FieldError(f"{field.attname!a} cannot be an attribute of an instance.")
    return repr(field.attname)
