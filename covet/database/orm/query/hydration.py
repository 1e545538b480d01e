"""Hydration: the meaning of result columns -> one generated function for a whole result. Pure.

The function is one Python frame however many rows there are. A loaded value is a plain attribute store; a conversion is
written into the source where the driver's value is not Python's already. For ``User`` with a nullable ``created``::

    def hydrate(rows):
        out = Rows()
        append = out.append
        p0 = Peers(out)
        for c0, c1, c2 in rows:
            o0 = new(m0)
            o0.id = c0
            o0.name = c1
            o0.created = None if c2 is None else fromisoformat(c2)
            o0._peers = p0
            append(o0)
        return out

Rows for many parents are put together by the parent's key in the same loop, and know their parent at once::

    def hydrate(rows, owners, peers):
        out = {key: [] for key in owners}
        p0 = peers
        for c0, c1, c2 in rows:
            o0 = new(m0)
            o0.id = c0
            o0.title = c1
            o0.author_id = c2
            o0._peers = p0
            o0._related_author = owners[c2]
            out[c2].append(o0)
        return list(out.items())

The only text from outside are attribute names; everything else goes in through the namespace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from typing_extensions import is_typeddict

from covet._codegen import define
from covet.database.dialects.base import Dialect
from covet.database.orm.peers import REFUSED, FetchMode, Peers, Rows
from covet.database.orm.query.plan import Hydrate
from covet.database.orm.query.results import Entity, Record, RelatedEntity, Result, ResultColumn
from covet.database.orm.unloaded import unloaded_class
from covet.exceptions import FieldError


def build_hydrator(
    result: Result, dialect: Dialect, width: int, database: str | None, fetch_mode: FetchMode = "peers"
) -> Hydrate:
    """Return the function that turns rows of ``width`` columns into the result.

    ``database`` is the alias that instances remember, None for the default one; ``fetch_mode`` is what awaiting an
    unloaded relation of theirs will do.
    """
    return _Writer(dialect, width, database, _PEERS[fetch_mode]).write(result)


#: What the instances of a result get as their peers, as source.
_PEERS: dict[FetchMode, str] = {"peers": "Peers(out)", "one": "", "raise": "REFUSED"}


class _Writer:
    """Writes the source of one hydrator."""

    def __init__(self, dialect: Dialect, width: int, database: str | None, peers: str) -> None:
        self.peers = peers
        self.dialect = dialect
        self.width = width
        self.database = database
        self.namespace: dict[str, object] = {"new": object.__new__}
        self.before: list[str] = []
        self.body: list[str] = []
        self.entities = 0

    def write(self, result: Result) -> Hydrate:
        if isinstance(result, Record):
            return self._define(result.kind, "rows", "[]", self._record(result))
        self.namespace.update(Rows=Rows, Peers=Peers, REFUSED=REFUSED)
        if result.link is None:
            value = self._entity(result, "        ", self.peers)
            return self._define(result.model.__name__, "rows", "Rows()", value)
        self._linked(result, result.link)
        return self._define(result.model.__name__, "rows, owners, peers", "{key: [] for key in owners}")

    def _define(self, label: str, parameters: str, make: str, value: str | None = None) -> Hydrate:
        """Define the function; each row adds ``value`` to the list that it makes, or goes where the body says."""
        unpack = "".join(f"c{i}, " for i in range(self.width))
        source = "\n".join(
            [
                f"def hydrate({parameters}):",
                f"    out = {make}",
                *([] if value is None else ["    append = out.append"]),
                *self.before,
                f"    for {unpack}in rows:",
                *self.body,
                *([] if value is None else [f"        append({value})"]),
                "    return out" if value is not None else "    return list(out.items())",
                "",
            ]
        )
        function = define("hydrate", source, self.namespace)
        function.__qualname__ = f"hydrate[{label}]"
        return cast("Hydrate", function)

    # -- values ----------------------------------------------------------------------------

    def _value(self, column: ResultColumn) -> str:
        if column.parts:
            value = f"({', '.join(self._value(part) for part in column.parts)})"
            tests = [f"c{part.position} is None" for part in column.parts if part.nullable]
            return f"None if {' or '.join(tests)} else {value}" if column.nullable and tests else value
        name = f"c{column.position}"
        converted = name
        processor = self.dialect.result_processor(column.type)
        if processor is not None:
            self.namespace.update(processor.names)
            converted = processor.template.format(v=name)
        if column.decode is not None:
            self.namespace[f"d{column.position}"] = column.decode
            converted = f"d{column.position}({converted})"
        if converted is name:
            return name
        return f"None if {name} is None else {converted}" if column.nullable else converted

    # -- instances -------------------------------------------------------------------------

    def _linked(self, entity: Entity, link: ResultColumn) -> None:
        """Write what makes a row, and puts it with the others of its parent; its peers are those that these have."""
        (self._once if entity.shared else self._entity)(entity, "        ", "peers")
        key, emit = self._value(link), self.body.append
        if not key.isidentifier():
            emit(f"        key = {key}")
            key = "key"
        if entity.back is not None:
            emit(f"        o0.{_identifier(entity.back)} = owners[{key}]")
        emit(f"        out[{key}].append(o0)")

    def _entity(self, entity: Entity, indent: str, peers: str) -> str:
        number = self.entities
        self.entities += 1
        variable, model = f"o{number}", f"m{number}"
        self.namespace[model] = unloaded_class(entity.model) if entity.partial else entity.model
        emit = self.body.append
        emit(f"{indent}{variable} = new({model})")
        for column in entity.columns:
            emit(f"{indent}{variable}.{_identifier(column.name)} = {self._value(column)}")
        if peers and (entity.partial or entity.model._meta.relations or entity.model._meta.generics):
            self.before.append(f"    p{number} = {peers}")
            emit(f"{indent}{variable}._peers = p{number}")
        if self.database is not None:
            self.namespace["database"] = self.database
            emit(f"{indent}{variable}._database = database")
        # The parents of linked rows may have none.
        above = f"p{number} and p{number}" if peers == "peers" else peers
        for child in entity.related:
            self._related(child, variable, above, indent)
        return variable

    def _related(self, child: RelatedEntity, owner: str, peers: str, indent: str) -> None:
        """Build a joined instance and give it to the one that it was joined to."""
        emit, name = self.body.append, _identifier(child.cache_name)
        emit(f"{indent}if c{child.entity.key[0]} is not None:")
        variable = self._once(child.entity, f"{indent}    ", f"{peers}.under({name!r})" if peers else "")
        emit(f"{indent}    {owner}.{name} = {variable}")
        if child.back is not None:
            emit(f"{indent}    {variable}.{_identifier(child.back)} = {owner}")
        if child.absent:
            emit(f"{indent}else:")
            emit(f"{indent}    {owner}.{name} = None")

    def _once(self, entity: Entity, indent: str, peers: str) -> str:
        """Build an instance once for each key of the result: equal keys share it."""
        seen, variable = f"seen{self.entities}", f"o{self.entities}"
        key = ", ".join(f"c{position}" for position in entity.key)
        key = key if len(entity.key) == 1 else f"({key})"
        self.before.append(f"    {seen} = {{}}")
        emit = self.body.append
        emit(f"{indent}{variable} = {seen}.get({key})")
        emit(f"{indent}if {variable} is None:")
        self._entity(entity, f"{indent}    ", peers)
        emit(f"{indent}    {seen}[{key}] = {variable}")
        return variable

    # -- other shapes ----------------------------------------------------------------------

    def _record(self, record: Record) -> str:
        values = [self._value(column) for column in record.columns]
        if record.kind == "values":
            names = [f"k{i}" for i in range(len(values))]
            self.namespace.update(zip(names, (column.name for column in record.columns), strict=True))
            return f"{{{', '.join(f'{k}: {v}' for k, v in zip(names, values, strict=True))}}}"
        if record.kind == "flat":
            return values[0]
        if record.kind == "into":
            self.namespace["row"] = row_factory(record.row)
            pairs = (f"{_identifier(c.name)}=({v})" for c, v in zip(record.columns, values, strict=True))
            return f"row({', '.join(pairs)})"
        return f"({''.join(f'{value}, ' for value in values)})"


def row_factory(row: type[Any] | None) -> Callable[..., Any]:
    """Return what makes a row of keyword values: the class itself, or ``dict`` for a TypedDict."""
    if row is None or is_typeddict(row):
        return dict
    return row


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise FieldError(f"{name!a} cannot be an attribute of an instance.")
    return name
