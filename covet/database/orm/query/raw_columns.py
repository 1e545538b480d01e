"""Raw columns: what the columns of the user's own SQL mean: fields, fields of related rows, annotations. Pure.

A column is the field of its name, or what ``translations`` says: another field, or a path across relations to one row
(``author__name``), whose columns together make the related instance. Any other column becomes an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from covet.database.orm.query.results import Entity, RelatedEntity, ResultColumn
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.options import Options
    from covet.database.orm.relations import Relation


def raw_entity(model: type[Any], names: Sequence[str], translations: Mapping[str, str]) -> Entity:
    """Return what columns of these names make of a row of ``model``."""
    options: Options = model._meta
    root = _Row(options, "")
    for position, name in enumerate(names):
        root.take(translations.get(name), name, position)
    unknown = [repr(name) for name in translations if name not in names]
    if unknown:
        raise FieldError(
            f"raw() of {options.label}: the statement selects no column {', '.join(unknown)} of translations; "
            f"it selects {', '.join(names)}."
        )
    for row in root.all():
        row.share_keys()
    missing = [field.column for field in options.key if field.attname not in root.columns]
    if missing:
        columns_of_key = ", ".join(repr(field.column) for field in options.key)
        raise FieldError(
            f"raw() of {options.label} must select the primary key {columns_of_key}; it selects {', '.join(names)}."
        )
    return root.entity()


class _Row:
    """The columns of one instance of a row, and the instances that it refers to."""

    def __init__(self, options: Options, path: str) -> None:
        self.options = options
        self.path = path
        self.columns: dict[str, ResultColumn] = {}
        self.children: dict[Relation, _Row] = {}

    def take(self, target: str | None, name: str, position: int) -> None:
        """Take a column: the field of its own name, or what it is translated to."""
        if target is None:
            field = next((f for f in self.options.fields if f.column == name), None) or self.options.find_field(name)
        else:
            *way, last = target.split("__")
            row = self
            for step in way:
                row = row.related(step, target)
            if row is not self:
                row.add(row.options.get_field(last), position, target)
                return
            name, field = target, self.options.find_field(target)
        if field is None or len(field.parts) > 1:
            self.columns[name] = ResultColumn(name, position, None, True)
        else:
            self.add(field, position, name)

    def add(self, field: Field[Any], position: int, name: str) -> None:
        """Take a column that is a field."""
        if len(field.parts) > 1:
            parts = ", ".join(part.name for part in field.parts)
            raise FieldError(f"raw(): {name!r} is a key of several columns; translate to each of them: {parts}.")
        self.columns[field.attname] = ResultColumn(field.attname, position, field.logical_type, True, field.decode)

    def related(self, name: str, target: str) -> _Row:
        """Return the row that a relation of that name leads to."""
        known = {key: relation for key, relation in self.options.relations.items() if not relation.many}
        relation = known.get(name)
        if relation is None:
            raise FieldError(
                f"raw() of {self.options.label}: translations[...] = {target!r}: {name!r} is no relation to one row. "
                f"{choices(name, known)}"
            )
        options: Options = relation.remote._meta
        return self.children.setdefault(relation, _Row(options, f"{self.path}{name}__"))

    def all(self) -> list[_Row]:
        """Return this row and all that it refers to."""
        return [self, *(row for child in self.children.values() for row in child.all())]

    def share_keys(self) -> None:
        """Let what a foreign key and the row at its end have in common stand on both sides."""
        for relation, child in self.children.items():
            for local, remote in relation.pairs:
                here, there = self.columns.get(local.attname), child.columns.get(remote.attname)
                if here is None and there is not None and relation.kind == "forward":
                    self.add(local, there.position, local.name)
                elif there is None and here is not None:
                    child.add(remote, here.position, remote.name)

    def entity(self) -> Entity:
        """Return the instance that the columns make."""
        options = self.options
        key = [self.columns.get(field.attname) for field in options.key]
        found = tuple(column.position for column in key if column is not None)
        if len(found) != len(key):
            names = ", ".join(repr(f"{self.path}{field.attname}") for field in options.key)
            raise FieldError(
                f"raw(): to make a {options.model.__name__} of {self.path}…, select its primary key too and translate "
                f"it to {names}."
            )
        partial = any(field.attname not in self.columns for field in options.fields)
        related = tuple(
            RelatedEntity(relation.cache_name, child.entity(), True, relation.back, relation.kind == "reverse")
            for relation, child in self.children.items()
        )
        return Entity(options.model, tuple(self.columns.values()), found, partial, related)
