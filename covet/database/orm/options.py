"""Options: what covet knows about a model (``Model._meta``), and the resolution of paths such as ``author__age__gt``.

A path is resolved once a model: the answer is kept and is the same object every time, so that query states can be
compared by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from covet._lru import LRU
from covet.database.orm.lookups import EXACT, Lookup, LookupField, Resolved, resolve_lookup
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError, ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform
    from covet.database.orm.fields.base import Field
    from covet.database.orm.generics import GenericKey
    from covet.database.orm.indexes import CheckConstraint, ExclusionConstraint, Index, UniqueConstraint
    from covet.database.orm.peers import FetchMode
    from covet.database.orm.relations import Relation

#: The most relations that one path may cross, and the most characters it may have.
MAX_DEPTH = 10
MAX_LENGTH = 1_000
#: The most sets of fields that a model keeps generated code for: one for INSERT, one for each ``update_fields``.
_MAX_COLLECTORS = 64
#: The most names of filtered relations that a model remembers.
_MAX_NAMES = 256


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedPath:
    """``posts__status__in`` -> the relations to cross, the field at their end and the lookup.

    One object for each path of a model; compared and hashed by identity.
    """

    path: str
    relations: tuple[Relation, ...]
    field: Field[Any]
    lookup: Lookup
    negated: bool
    #: The last name is a relation: an instance of this model may be compared with it.
    target: type[Any] | None
    #: The value may be NULL: the column, or a relation on the way has no row.
    nullable: bool
    #: The first relation on the way that leads to many rows, or None.
    first_many: int | None
    #: What checks a value: the field, or what the transforms make of it.
    output: LookupField
    #: ``created__date``: applied to the field, in this order, before the lookup compares.
    transforms: tuple[PathTransform, ...] = ()
    #: The lookup takes one parameter and compares the column itself.
    plain: bool = False
    #: A key of several columns: the paths of those.
    parts: tuple[ResolvedPath, ...] = ()

    @property
    def is_presence(self) -> bool:
        """Whether the path is one relation to many rows and no more: NULL means that there is no related row."""
        return self.target is not None and not self.field.null and self.first_many == len(self.relations) - 1

    def to_many(self) -> tuple[Relation, ...]:
        """Return the relations up to the last one that leads to many rows: each of them multiplies the rows."""
        last = max((index for index, relation in enumerate(self.relations) if relation.many), default=-1)
        return self.relations[: last + 1]


def with_parts(path: ResolvedPath) -> ResolvedPath:
    """Return a path that knows the paths of its columns, where it leads to a key of several."""
    parts = path.field.parts
    if len(parts) == 1:
        return path
    before = path.path.rpartition("__")[0]
    prefix = f"{before}__" if before else ""
    if path.relations and path.relations[-1].kind == "reverse":
        prefix = f"{path.path}__"
    return replace(
        path,
        parts=tuple(replace(path, path=f"{prefix}{part.name}", field=part, target=None) for part in parts),
    )


class GenericPath(NamedTuple):
    """``notes__content__in`` -> the generic relation, the path before it and what follows it."""

    generic: GenericKey
    before: str
    rest: tuple[str, ...]


class Options:
    """Everything about a model that its fields and ``Meta`` say."""

    #: The function that was generated to make instances; written by ``construction``.
    construct: Callable[[dict[str, Any], dict[str, Any]], bool] | None = None
    #: The fields as the class declares them, and the names of a composite key: what ``lay_out`` reads.
    declarations: tuple[Field[Any], ...] = ()
    key_declaration: tuple[str, ...] = ()
    schema: str | None = None
    db_table_comment: str | None = None
    default_related_name: str | None = None
    fetch_mode: FetchMode | None = None

    def __init__(self, model: type[Any], label: str) -> None:
        self.model = model
        #: The name in messages and in the counts of ``delete()``.
        self.label = label
        #: What generic relations store for this model.
        self.generic_label = label
        self.db_table = ""
        self.abstract = False
        self.managed = True
        self.ordering: tuple[Any, ...] = ()
        self.get_latest_by: tuple[str, ...] = ()
        self.unique_together: tuple[tuple[str, ...], ...] = ()
        self.indexes: tuple[Index, ...] = ()
        self.constraints: tuple[UniqueConstraint | CheckConstraint | ExclusionConstraint, ...] = ()
        self.relations: dict[str, Relation] = {}
        #: Relations to rows of several models.
        self.generics: dict[str, GenericKey] = {}
        #: The foreign keys that point here, as reverse relations; those without an accessor too.
        self.dependants: list[Relation] = []
        #: Relations whose model is not defined yet: name -> how the declaration refers to it.
        self.pending: dict[str, str] = {}
        #: Called once when the next of these is resolved.
        self.on_resolved: list[Callable[[], None]] = []
        #: The fields and relations as declared, for subclasses to copy.
        self.templates: dict[str, Any] = {}
        self.managers: dict[str, Any] = {}
        #: The functions that were generated to save instances; read by ``query.collection``.
        self.collectors: LRU[Hashable, Any] = LRU(_MAX_COLLECTORS)
        #: Makes a queryset of all rows, past every custom manager; set by the metaclass.
        self.base_queryset: Callable[[], Any] = self.require_concrete
        #: Names that only annotations declare, verified when the models are complete.
        self.declared: dict[str, str] = {}
        #: The tables that many-to-many relations declared here made for themselves.
        self.link_models: list[type[Any]] = []
        self.take_fields((), {}, (), None)
        self._start_paths()

    def _start_paths(self) -> None:
        """Begin to remember what paths lead to."""
        #: Paths with a lookup, as ``filter`` takes them; read directly on the hot path.
        self.paths: dict[str, ResolvedPath] = {}
        self._value_paths: dict[str, ResolvedPath] = {}
        self._field_paths: dict[str, ResolvedPath] = {}
        #: What FilteredRelation names; one object for each question.
        self.relation_names: LRU[tuple[str, str], Any] = LRU(_MAX_NAMES)
        self._key_paths: dict[tuple[Relation, Lookup], ResolvedPath] = {}

    def __repr__(self) -> str:
        return f"<Options of {self.label}>"

    # -- fields ----------------------------------------------------------------------------

    @property
    def pk(self) -> Field[Any]:
        """The primary key; one of several columns is a field of its own whose ``parts`` they are."""
        if self._pk is None:
            raise ModelDefinitionError(f"{self.label} has no primary key.")
        return self._pk

    @property
    def single_pk(self) -> Field[Any]:
        """The primary key of one column; one of several is refused."""
        if len(self.key) > 1:
            names = ", ".join(field.name for field in self.key)
            raise ModelDefinitionError(
                f"{self.label} has a primary key of several fields ({names}); this needs one of a single field."
            )
        found: Field[Any] = self.pk
        return found

    def take_fields(
        self,
        fields: Iterable[Field[Any]],
        by_name: dict[str, Field[Any]],
        key: tuple[Field[Any], ...],
        pk: Field[Any] | None,
    ) -> None:
        """Take the fields that are columns, in their order, all fields by their names, and the key."""
        self.fields: tuple[Field[Any], ...] = tuple(fields)
        self._by_name = by_name
        #: The fields of the primary key; several: a composite key.
        self.key = key
        self.key_names = frozenset(field.attname for field in key)
        self._pk = pk

    def columns_of(self, name: str) -> tuple[Field[Any], ...]:
        """Return the fields that are the columns of a name: one, those of a key of several or of a generic relation."""
        generic = self.generics.get(name)
        return self.get_field(name).parts if generic is None else (generic.type_field, generic.key_field)

    def relations_of(self, field: Field[Any]) -> list[Relation]:
        """Return the foreign keys that have ``field`` among their columns."""
        forward = (relation for relation in self.relations.values() if relation.kind == "forward")
        return [relation for relation in forward if any(part is field for part in relation.local_field.parts)]

    @property
    def key_waits_for(self) -> str | None:
        """The reference to a model that is not defined which a part of the key is, or None."""
        return next((self.pending[field.name] for field in self.key if field.name in self.pending), None)

    def check_columns(self) -> None:
        """Refuse two fields that are the same column."""
        seen: dict[str, str] = {}
        for field in self.fields:
            other = seen.setdefault(field.column, field.name)
            if other != field.name:
                raise ModelDefinitionError(
                    f"{self.label}: {other} and {field.name} are both the column {field.column!r}."
                )

    def resolved(self, name: str) -> None:
        """Note that the model which ``name`` refers to is there; tell who waits for it."""
        self.pending.pop(name, None)
        waiting, self.on_resolved = self.on_resolved, []
        for callback in waiting:
            callback()

    def find_field(self, name: str) -> Field[Any] | None:
        """Return the field of that name (``pk`` and ``author_id`` included), or None."""
        return self._pk if name == "pk" else self._by_name.get(name)

    def get_field(self, name: str) -> Field[Any]:
        """Return the field of that name, or raise ``FieldError`` with the choices."""
        field = self.find_field(name)
        if field is None:
            raise self.unknown(name)
        return field

    def named(self, names: Iterable[str]) -> list[Field[Any]]:
        """Return the columns of these names."""
        return [column for name in names for column in self.columns_of(name)]

    def generic_path(self, key: str) -> GenericPath | None:
        """Return what a keyword says about a generic relation: ``content__in``, ``notes__content``; or None."""
        options, parts = self, key.split("__")
        for position, name in enumerate(parts):
            generic = options.generics.get(name)
            if generic is not None:
                return GenericPath(generic, "__".join(parts[:position]), tuple(parts[position + 1 :]))
            relation = options.relations.get(name)
            if relation is None:
                return None
            options = relation.remote._meta
        return None

    def add_relation(self, relation: Relation) -> None:
        """Add one direction of a relation; paths that were resolved before are forgotten."""
        self.relations[relation.name] = relation
        self.forget_paths()

    def forget_paths(self) -> None:
        """Forget what was worked out for the fields and relations that were there before."""
        self.construct = None
        self.paths.clear()
        self._value_paths.clear()
        self._field_paths.clear()
        self.collectors.clear()

    def key_path(self, relation: Relation, lookup: Lookup = EXACT) -> ResolvedPath:
        """Return the path from this model, where ``relation`` leads, back to the key of the side it comes from."""
        if relation.through is None:
            field = relation.remote_field.name
            return self.resolve_field(field) if lookup is EXACT else self.resolve(f"{field}__{lookup.name}")
        found = self._key_paths.get((relation, lookup))
        if found is None:
            source = relation.through.source
            found = self._key_paths[relation, lookup] = with_parts(ResolvedPath(
                path=f"{relation.label} of", relations=(relation.through.back,), field=source, lookup=lookup,
                negated=False, target=None, nullable=True, first_many=0, output=source,
            ))  # fmt: skip
        return found

    def require_concrete(self) -> None:
        """Raise for an abstract model, which has no rows."""
        if self.abstract:
            raise ModelDefinitionError(f"{self.label} is abstract: it has no table. Ask one of its subclasses.")

    def names(self) -> list[str]:
        """Return every name that a path may begin with."""
        return sorted({field.name for field in self.fields} | self.relations.keys() | self.generics.keys())

    def unknown(self, name: str, path: str = "") -> FieldError:
        """Return the error for a name that is not on this model."""
        where = f" (in {path!r})" if path and path != name else ""
        if isinstance(getattr(self.model, name, None) if name.isidentifier() else None, property):
            return FieldError(
                f"{self.label}.{name}{where} is a Python property; the database does not know it. "
                "Filter by fields, or use raw()."
            )
        if name in self.generics:
            return FieldError(self.generics[name].no_path(where))
        if name in self.pending:
            return FieldError(
                f"{self.label}.{name}{where} refers to {self.pending[name]}, and no model of that name is defined."
            )
        return FieldError(f"{self.label} has no field {name[:80]!r}{where}. {choices(name[:80], self.names())}")

    # -- paths -----------------------------------------------------------------------------

    def resolve(self, path: str) -> ResolvedPath:
        """Resolve a path that may end in a lookup; no lookup means ``exact``."""
        found = self.paths.get(path)
        if found is None:
            found = self.paths[path] = self._resolve(path, "lookup")
        return found

    def resolve_value(self, path: str) -> ResolvedPath:
        """Resolve a path to a field, a relation or a transform of a field; a lookup at its end is an error."""
        found = self._value_paths.get(path)
        if found is None:
            found = self._value_paths[path] = self._resolve(path, "transform")
        return found

    def resolve_field(self, path: str) -> ResolvedPath:
        """Resolve a path to a field or a relation; anything after it is an error."""
        found = self._field_paths.get(path)
        if found is None:
            found = self._field_paths[path] = self._resolve(path, "nothing")
        return found

    def _resolve(self, path: str, may_follow: Literal["lookup", "transform", "nothing"]) -> ResolvedPath:
        if len(path) > MAX_LENGTH:
            raise FieldError(f"A path of {len(path)} characters is too long; the limit is {MAX_LENGTH}.")
        walk = _Walk(self, path)
        parts = path.split("__")
        position = 0
        while position < len(parts) and walk.step(parts[position], *parts[position + 1 : position + 2]):
            position += 1
        rest = parts[position:]
        if rest and (missing := walk.missing(rest[0])) is not None:
            raise walk.options.unknown(missing, path)
        if rest and (position == 0 or may_follow == "nothing"):
            raise walk.options.unknown(rest[0], path) if walk.field is None else walk.no_lookup(rest[0])
        return walk.finish(walk.lookup(rest, lookup=may_follow == "lookup"))


class _Walk:
    """One walk along a path: where it stands and what it crossed."""

    def __init__(self, options: Options, path: str) -> None:
        self.options = options
        self.path = path
        self.crossed: list[Relation] = []
        self.field: Field[Any] | None = None
        self.pending: Relation | None = None  # named, but crossed only if a name follows
        self.depth = 0

    def step(self, name: str, following: str = "") -> bool:
        """Take one name; False when it is not a name of the model where the walk stands."""
        if self.field is not None and self.pending is None:
            return False
        options = self.options if self.pending is None else self.pending.remote._meta
        relation = options.relations.get(name)
        field = options.find_field(name)
        if relation is None and field is None:
            return False
        if self.pending is not None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise FieldError(f"{self.path[:80]!r} crosses more than {MAX_DEPTH} relations.")
            last = self.pending.steps[-1]
            if (
                last.kind == "forward"
                and (own := last.local_for(field)) is not None
                and not _goes_on(relation, following)
            ):
                # ``author__id`` is the column ``author_id``, ``tags__id`` the column ``tag_id`` of the table between.
                self.crossed.extend(self.pending.steps[:-1])
                self.field, self.pending = own, None
                return True
            self.crossed.extend(self.pending.steps)
        self.options, self.pending = options, relation
        self.field = field if field is not None or relation is None else _end_of(relation)
        return True

    def missing(self, name: str) -> str | None:
        """Return the reference to a model that is not defined which keeps the walk from ``name``, if that is why."""
        if self.field is not None and self.field.name in self.options.pending:
            return self.field.name
        options = self.options if self.pending is None else self.pending.remote._meta
        return name if self.field is None and name in options.pending else None

    def lookup(self, rest: list[str], *, lookup: bool) -> Resolved:
        if self.field is None:
            raise self.options.unknown(self.path)
        unknown = self._unknown_lookup if lookup else self._unknown_transform
        return resolve_lookup(self.field, rest, unknown, lookup=lookup)

    def no_lookup(self, name: str) -> FieldError:
        if self.pending is not None:
            remote: Options = self.pending.remote._meta
            return remote.unknown(name.partition("__")[0], self.path)
        label = f"{self.options.label}.{self.field.name}" if self.field is not None else self.options.label
        return FieldError(f"{label} is a field; {name[:80]!r} after it (in {self.path[:80]!r}) leads nowhere.")

    def _unknown_transform(self, name: str, _known: Iterable[str]) -> FieldError:
        return self.no_lookup(name)

    def _unknown_lookup(self, name: str, known: Iterable[str]) -> FieldError:
        if self.pending is not None:
            remote: Options = self.pending.remote._meta
            return remote.unknown(name, self.path)
        field = self.field.name if self.field is not None else ""
        return FieldError(f"{self.options.label}.{field} has no lookup {name[:80]!r}. {choices(name[:80], known)}")

    def finish(self, resolved: Resolved) -> ResolvedPath:
        target: type[Any] | None = None
        field = self.field
        if self.pending is not None:
            target = self.pending.remote
            steps = self.pending.steps
            self.crossed.extend(steps[:-1] if steps[-1].kind == "forward" else steps)
            field = _end_of(self.pending)
        if field is None:
            raise self.options.unknown(self.path)
        many = [index for index, relation in enumerate(self.crossed) if relation.many]
        return with_parts(
            ResolvedPath(
                path=self.path,
                relations=tuple(self.crossed),
                field=field,
                lookup=resolved.lookup,
                negated=resolved.negated,
                target=target,
                nullable=field.null or any(relation.optional for relation in self.crossed),
                first_many=many[0] if many else None,
                output=resolved.output if resolved.transforms else field,
                transforms=resolved.transforms,
                plain=_is_plain(resolved),
            )
        )


def _is_plain(resolved: Resolved) -> bool:
    lookup = resolved.lookup
    listed = lookup.takes_list and resolved.output.holds_lists
    return lookup.arity == 1 and not resolved.negated and not resolved.transforms and not listed


def _end_of(relation: Relation) -> Field[Any]:
    """Return the column that stands for the related row itself: the foreign key that leads to it, or its own key."""
    last = relation.steps[-1]
    if last.kind == "forward":
        return last.local_field
    pk: Field[Any] = last.remote._meta.pk
    return pk


def _goes_on(relation: Relation | None, following: str) -> bool:
    """Return whether ``following`` is a name of the model that ``relation`` leads to."""
    if relation is None or not following:
        return False
    options: Options = relation.remote._meta
    return following in options.relations or options.find_field(following) is not None
