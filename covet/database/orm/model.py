"""Model: a class is a table, an instance is a row. Active record: instances save and delete themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, cast, overload

from typing_extensions import ParamSpec, TypeVar, dataclass_transform

from covet.database.orm import fields as f
from covet.database.orm.construction import constructor
from covet.database.orm.expressions import Expression
from covet.database.orm.manager import DefaultManager
from covet.database.orm.metaclass import ModelMeta
from covet.database.orm.query import increments, loading, writes
from covet.database.orm.query.upserts import insert_new
from covet.database.orm.relations import RelationReference
from covet.database.orm.relationships import (
    ForeignKey,
    GenericForeignKey,
    GenericRelation,
    ManyToManyField,
    OneToOneField,
    ReverseManager,
    ReverseOneToOne,
)
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError, MultipleObjectsReturned, NotLoaded, ObjectDoesNotExist

if TYPE_CHECKING:
    from covet.database.orm.options import Options

_T = TypeVar("_T")
_M = TypeVar("_M", bound="Model[Any]")
_P = ParamSpec("_P")
_PK = TypeVar("_PK", default=int)


class PrimaryKey:
    """``instance.pk`` is the value of the primary key, ``User.pk`` its field, whatever its name."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[Model[_PK]], /) -> f.Field[_PK]: ...
        @overload
        def __get__(self, instance: Model[_PK], owner: type[Any], /) -> _PK: ...
        def __get__(self, instance: Any, owner: Any, /) -> Any: ...
        def __set__(self, instance: Model[_PK], value: _PK, /) -> None: ...

    else:

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is None:
                return owner._meta.pk
            return instance.__dict__.get(owner._meta.pk.attname)

        def __set__(self, instance: Any, value: Any) -> None:
            instance.__dict__[type(instance)._meta.pk.attname] = value


class Model(Generic[_PK], metaclass=ModelMeta, base=True):
    """A table, declared as a class.

    >>> class User(Model):
    ...     username = CharField(max_length=100, unique=True)
    ...     age = IntegerField(nullable=True)

    ``CREATE TABLE users (id bigint .. PRIMARY KEY, username varchar(100) NOT NULL UNIQUE, age integer)``. ``id`` is
    there without being declared; ``Model[UUID]`` is a model whose key is a UUID. ``await user.save()`` inserts or
    updates, ``User.objects`` asks.
    """

    if TYPE_CHECKING:
        # No declared type on purpose: it would bind every subclass's ``id = ...`` and ``objects = ...``.
        id = PrimaryKey()
    pk = PrimaryKey()
    objects = DefaultManager()

    DoesNotExist: ClassVar[type[ObjectDoesNotExist]]
    MultipleObjectsReturned: ClassVar[type[MultipleObjectsReturned]]

    _meta: ClassVar[Options]
    #: Not saved yet; set on an instance by ``__init__`` and taken away when it is a row.
    _adding: bool = False
    _is_loaded: ClassVar[bool] = True

    def __init__(self, **values: Any) -> None:
        options = type(self)._meta
        state: dict[str, Any] = self.__dict__  # pyright: ignore[reportAssignmentType]  # it takes the class's
        complete = (options.construct or constructor(options))(state, values)
        for name, value in values.items():  # no columns: relations, properties, pk
            if not self.has_settable(name):
                raise self.unknown_attribute(name)
            if name == "pk" and options.pk.value_in(state) is not None and not options.pk.has_default():
                names = ", ".join(repr(part.name) for part in options.pk.parts)
                raise TypeError(f"{type(self).__name__}() got both 'pk' and {names}.")
            setattr(self, name, value)
        if not complete:
            loading.await_database(self)

    # -- loading ---------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, Any, Self]:
        """Load what is missing, in place, and give the same instance back; free when nothing is.

        >>> author = await post.author  # SELECT .. FROM users WHERE id = $1, once
        """
        return loading.load(self).__await__()

    @overload
    async def load(self, relation: ForeignKey[_T] | ReverseOneToOne[_T], /) -> _T: ...
    @overload
    async def load(self, relation: ManyToManyField[_M] | ReverseManager[_M] | GenericRelation[_M], /) -> list[_M]: ...
    @overload
    async def load(self, relation: GenericForeignKey[_M], /) -> _M | None: ...
    async def load(self, relation: RelationReference, /) -> Any:
        """Load a relation and return it: ``await post.load(Post.editor)`` is a User, or None where the key is NULL.

        None too where a one-to-one relation has no row on the other side, which ``await user.profile`` raises for, and
        where a generic relation refers to a row that is gone.
        """
        if not isinstance(relation, RelationReference):
            raise TypeError(f"load() takes a relation such as Post.author, not {type(relation).__name__}.")
        options: Options = type(self)._meta
        if relation.relation_name in options.generics:
            found = getattr(self, relation.relation_name)
            return None if found is None else await found
        known = options.relations.get(relation.relation_name)
        if known is None or not known.accessor:
            raise FieldError(f"{relation!r} is not a relation of {options.label}.")
        found = getattr(self, known.accessor)
        if found is None or known.kind != "reverse" or known.many:
            return None if found is None else await found
        try:
            return await found
        except known.remote.DoesNotExist:
            vars(self)[known.cache_name] = None
            return None

    async def refresh_from_db(self, *fields: str | Expression[Any], using: str | None = None) -> None:
        """Read the row again, or the given fields of it; loaded relations are forgotten where the key changed."""
        await loading.refresh(self, [name_of(field) for field in fields], using)

    def annotation(self, name: str, kind: type[_T], /) -> _T:
        """Return the value that ``annotate()`` put on this row, checked to be a ``kind``."""
        if name not in self.__dict__:
            raise NotLoaded(f"{type(self).__name__}: the query made no annotation {name!r}.")
        value = self.__dict__[name]
        if not isinstance(value, kind):
            raise TypeError(f"The annotation {name!r} is of type {type(value).__name__}, not {kind.__name__}.")
        return value

    # -- writing ---------------------------------------------------------------------------

    @classmethod
    async def create(cls, **values: Any) -> Self:
        """Insert a row and return it: ``await Post.create(title="Hello", author=user)``."""
        instance = cls(**values)
        await insert_new(instance, None)
        return instance

    async def save(
        self,
        *,
        update_fields: Iterable[str | Expression[Any]] | None = None,
        force_insert: bool = False,
        force_update: bool = False,
        using: str | None = None,
        validate: bool = True,
    ) -> Self:
        """INSERT a new instance, UPDATE one that came from the database; return it.

        ``update_fields`` limits the UPDATE. Every value is checked by its field first (``ValidationError``);
        ``validate=False`` leaves that to the database. An UPDATE that finds no row raises ``DoesNotExist``.
        """
        if force_insert and (force_update or update_fields is not None):
            raise ValueError("save(): force_insert excludes force_update and update_fields.")
        database = using or self.__dict__.get("_database")
        if validate:
            self.clean()
        if (self._adding or force_insert) and not force_update and update_fields is None:
            await writes.insert(self, database, validate=validate)
            return self
        names = None if update_fields is None else [name_of(field) for field in update_fields]
        fields = loading.updatable(self, names)
        if self.pk is None:
            raise ValueError(f"This {type(self).__name__} has no key: it cannot be updated.")
        if fields and not await writes.save_changes(self, fields, database, validate=validate):
            raise self.DoesNotExist(f"This {type(self).__name__} has no row: it cannot be updated.")
        vars(self).pop("_adding", None)
        return self

    async def increment(self, **amounts: Any) -> Self:
        """Add to numbers of the row, whatever they are by now, and set the new values on the instance.

        >>> await post.increment(views=1)  # UPDATE posts SET views = views + $2 WHERE id = $1 RETURNING views
        """
        await increments.step(self, loading.own_rows(self), amounts, 1)
        return self

    async def decrement(self, **amounts: Any) -> Self:
        """Take from numbers of the row, and set the new values on the instance."""
        await increments.step(self, loading.own_rows(self), amounts, -1)
        return self

    async def delete(self, *, using: str | None = None) -> tuple[int, dict[str, int]]:
        """Delete the row and what ``on_delete`` takes with it; return (count, {label: count})."""
        if self.pk is None:
            raise ValueError(f"This {type(self).__name__} has no key: it cannot be deleted.")
        rows = loading.own_rows(self, using)
        found: tuple[int, dict[str, int]] = await rows.delete()
        vars(self)["_adding"] = True
        return found

    def clean(self) -> None:
        """Check the instance as a whole; override it and raise ``ValidationError``. ``save`` and ``create`` call it."""

    # -- what it is ------------------------------------------------------------------------

    @classmethod
    def has_settable(cls, name: str) -> bool:
        """Return whether ``name`` is a field, a relation that can be assigned, or a property with a setter."""
        options: Options = cls._meta
        if options.find_field(name) is not None or name in options.generics:
            return True
        member = getattr(cls, name, None) if name in dir(cls) and not name.startswith("_") else None
        return isinstance(member, property) and member.fset is not None

    @classmethod
    def unknown_attribute(cls, name: str) -> TypeError:
        """Return the error for a keyword that is no field."""
        options: Options = cls._meta
        names = [field.name for field in options.fields]
        return TypeError(f"{options.label}() got an unexpected keyword {name[:80]!r}. {choices(name[:80], names)}")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Model) or other._meta is not self._meta:
            return NotImplemented
        key = self.pk
        return key is not None and key == cast("Model[object]", other).pk

    def __hash__(self) -> int:
        key = self.pk
        if key is None:
            raise TypeError(f"A {type(self).__name__} without a key cannot be hashed; save it first.")
        return hash((self._meta.label, key))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.pk!r}>"


#: For code over all models: ``M = TypeVar("M", bound=AnyModel)``.
AnyModel = Model[Any]


def name_of(field: str | Expression[Any]) -> str:
    """Return the name that a field stands for."""
    if isinstance(field, str):
        return field
    if isinstance(field, f.Field):
        return field.name
    raise TypeError(f"{type(field).__name__} is not a name or a field.")


@dataclass_transform(
    kw_only_default=True,
    eq_default=False,
    field_specifiers=(
        f.Field,
        f.AutoField,
        f.BigAutoField,
        f.SmallAutoField,
        f.BooleanField,
        f.SmallIntegerField,
        f.IntegerField,
        f.BigIntegerField,
        f.PositiveSmallIntegerField,
        f.PositiveIntegerField,
        f.PositiveBigIntegerField,
        f.FloatField,
        f.DecimalField,
        f.CharField,
        f.TextField,
        f.EmailField,
        f.SlugField,
        f.URLField,
        f.DateField,
        f.TimeField,
        f.DateTimeField,
        f.DurationField,
        f.UUIDField,
        f.BinaryField,
        f.JSONField,
        f.ArrayField,
        f.EnumField,
        f.GenericIPAddressField,
        ForeignKey,
        OneToOneField,
    ),
)
class TypedModel(Model[_PK], base=True):
    """A Model whose constructor is checked by type checkers: annotate each field.

    >>> class Person(TypedModel):
    ...     username: Field[str] = CharField(max_length=100)

    ``Person(usernam="x")`` and ``await Person.create(username=1)`` are then errors before the program runs.
    """

    if TYPE_CHECKING:
        # Only here: with a ParamSpec, ``model: type[M]; model.create(x=1)`` is an error for mypy (P is Never).
        @classmethod
        async def create(cls: Callable[_P, _T], /, *args: _P.args, **values: _P.kwargs) -> _T: ...  # pyright: ignore[reportIncompatibleMethodOverride]  # the constructor's own parameters
