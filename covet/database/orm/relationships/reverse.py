"""The other side of a relation: its name, and what refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from covet.database.orm.relations import Relation, RelationReference
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covet.database.orm.options import Options


class ReverseNames(NamedTuple):
    """How instances and paths name the other side."""

    accessor: str  #: the attribute; empty: none
    query: str


def reverse_names(options: Options, given: Mapping[str, Any], default_accessor: str) -> ReverseNames:
    """Return the names of the other side: those given, or Django's. ``%(class)s`` is the declaring class's name."""
    own = options.label.lower()
    related_name: str | None = given.get("related_name") or options.default_related_name
    accessor = (related_name or default_accessor).replace("%(class)s", own)
    if accessor.endswith("+"):
        return ReverseNames("", "")
    query: str = given.get("related_query_name") or related_name or own
    return ReverseNames(accessor, query.replace("%(class)s", own))


def same_place(one: Relation, other: Relation) -> bool:
    """Whether two relations come from the same declaration: a class that was defined again."""
    return one is other or (one.origin == other.origin and one.model is other.model)


def attach(relation: Relation, accessor: object, declaration: object) -> None:
    """Give the other side its relation and attribute; refuse a name that is taken."""
    remote: Options = relation.model._meta
    refuse_clash(remote, ReverseNames(relation.accessor, relation.name), relation.origin, declaration)
    remote.add_relation(relation)
    setattr(relation.model, relation.accessor, accessor)


def refuse_clash(remote: Options, names: ReverseNames, origin: tuple[str, str, str], declaration: object) -> None:
    """Refuse names of the other side that mean something there already, unless the same declaration gave them."""
    for name in names:
        if not name.isidentifier() or "__" in name:
            raise ModelDefinitionError(
                f"{declaration!r}: {name!r} cannot name its other side: an identifier without a double underscore can."
            )
    other: object = remote.find_field(names.accessor) or remote.find_field(names.query)
    known = [r for r in remote.relations.values() if r.name == names.query or r.accessor == names.accessor]
    other = other or next((_declared_by(relation) for relation in known if relation.origin != origin), None)
    if other is None:
        bases = (vars(base) for base in remote.model.__mro__)
        taken = next((members[names.accessor] for members in bases if names.accessor in members), None)
        if taken is None or isinstance(taken, RelationReference):
            return
        other = f"the attribute {remote.label}.{names.accessor}"
    raise ModelDefinitionError(
        f"{remote.label}.{names.accessor}, the other side of {declaration!r}, clashes with {other}. "
        "Give related_name= another name, or '+' for none."
    )


def _declared_by(relation: Relation) -> object:
    return relation.foreign_key if relation.through is None else f"{relation.origin[1]}.{relation.origin[2]}"
