"""Field: one column of a model. Options, the check of values, the logical type.

At run time a field is not kept in its model's ``__dict__`` (an instance attribute stays a plain attribute); the
metaclass answers ``User.age`` with it. On a plain mixin class it stays where it was written, as a non-data
descriptor, and works the same.
"""

from __future__ import annotations

import copy
import difflib
import enum
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, Self, TypeAlias, TypedDict, cast, overload

from typing_extensions import TypeVar

from covet.database.orm.expressions import Operators
from covet.database.orm.fields.choices import read_choices
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.orm.fields.registered import Registered
from covet.database.orm.lookups import LookupField
from covet.database.schema.types import LogicalType
from covet.exceptions import ModelDefinitionError, ValidationError

_T = TypeVar("_T")
_V = TypeVar("_V")

# How the overloads of every concrete field say ``nullable``.
Yes: TypeAlias = Literal[True]
No: TypeAlias = Literal[False]


def type_of(value: object) -> type[object]:
    """Return what ``value`` is. Unlike isinstance this never asks ``__class__``, which may lie or raise."""
    return type(value)


class Missing(enum.Enum):
    """The type of MISSING, so that checkers can tell it from every value."""

    MISSING = enum.auto()

    def __repr__(self) -> str:
        return "MISSING"


#: "Nothing was given", where None is a value.
MISSING: Final = Missing.MISSING


#: What other libraries call an option.
SYNONYMS: Final[Mapping[str, str]] = {
    "default_factory": "default",
    "index": "db_index",
    "length": "max_length",
    "server_default": "db_default",
    "comment": "db_comment",
    "precision": "max_digits",
    "scale": "decimal_places",
}


class FieldOptions(TypedDict, Generic[_T], total=False):
    """The options that every field takes."""

    primary_key: bool
    unique: bool
    db_index: bool
    db_column: str
    db_default: Any
    db_comment: str
    default: _T | Callable[[], _T]
    choices: Iterable[tuple[_T, str]]
    validators: Iterable[Callable[[Any], None]]
    blank: bool
    verbose_name: str
    help_text: str
    editable: bool
    error_messages: dict[str, str]
    init: bool  # only read by dataclass_transform (TypedModel)


class Field(Registered, Operators[_T]):
    """``Model.field`` is the field itself, ``instance.field`` is a ``_T``.

    Subclass it for a type of your own: give ``logical_type`` and override ``coerce``, and ``to_db`` with ``from_db``
    where the Python type is not the one that the logical type stands for.

    >>> class PointField(Field[Point]):
    ...     @property
    ...     def logical_type(self) -> LogicalType:
    ...         return Text()
    ...
    ...     def coerce(self, value: Any) -> Point:
    ...         if type(value) is Point:
    ...             return value
    ...         raise self.refused(value, "a Point")
    ...
    ...     def to_db(self, value: Any) -> str:
    ...         return f"{value.x},{value.y}"
    ...
    ...     def from_db(self, value: Any) -> Point:
    ...         return Point(*map(float, value.split(",")))
    """

    #: Options that this class understands besides those of every field.
    extra_options: ClassVar[frozenset[str]] = frozenset()
    #: The keys that ``error_messages`` may have.
    error_codes: ClassVar[frozenset[str]] = frozenset({"null", "invalid", "blank", "choices", "size", "bounds"})
    #: The least value that the column itself accepts; the table gets a CHECK for it.
    min_bound: ClassVar[int | None] = None

    name: str = ""  #: the name on the model
    attname: str = ""  #: the instance attribute that holds the column's value: ``name``, or ``author_id``
    column: str = ""  #: the column in the table
    model: type[Any] | None = None  #: the concrete model that owns it
    #: The collation of a text column.
    db_collation: str | None = None
    #: What an integer column holds; None for other columns.
    lowest: int | None = None
    highest: int | None = None
    #: What None means in a comparison for equality, if not SQL NULL.
    null_literal: object = None
    #: The values are lists: a list of them is no parameter.
    holds_lists: bool = False
    #: ``bind_processor`` and ``result_processor`` of a field that belongs to a model; plain attributes, read often.
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        if args:
            raise TypeError(f"{type(self).__name__}() takes keyword options only.")
        self._read_options(options)

    def _read_options(self, options: dict[str, Any]) -> None:
        self._refuse_unknown(options)
        null, nullable = options.get("null"), options.get("nullable")
        if null is not None and nullable is not None and bool(null) != bool(nullable):
            raise self.contradiction(f"null={null} and nullable={nullable}")
        self.options = options
        self.null = bool(null or nullable)
        self.primary_key = bool(options.get("primary_key", False))
        self.unique = bool(options.get("unique", False))
        self.db_index = bool(options.get("db_index", False))
        self.db_column: str | None = options.get("db_column")
        self.db_comment: str | None = options.get("db_comment")
        self.db_default: object = options.get("db_default", MISSING)
        self.default: object = self._checked_default(options.get("default", MISSING))
        self.choices: tuple[tuple[Any, str], ...] = read_choices(type(self).__name__, options.get("choices"))
        self.validators: tuple[Callable[[Any], None], ...] = tuple(options.get("validators") or ())
        #: None: nothing was said, an empty text is a value like any other.
        self.blank: bool | None = options.get("blank")
        self.verbose_name: str = options.get("verbose_name", "")
        self.help_text: str = options.get("help_text", "")
        self.editable = bool(options.get("editable", True))
        self.error_messages: dict[str, str] = dict(options.get("error_messages") or {})
        unknown = self.error_messages.keys() - self.error_codes
        if unknown:
            raise ModelDefinitionError(
                f"{type(self).__name__}(): error_messages has no {', '.join(sorted(unknown))}. "
                f"Choices: {', '.join(sorted(self.error_codes))}."
            )
        if self.primary_key and self.null:
            raise self.contradiction("primary_key=True and nullable=True")

    def _checked_default(self, default: object) -> object:
        if isinstance(default, (list, dict, set, bytearray)):
            kind = type(cast("object", default)).__name__
            cure = f"default={kind}" if not default else f"a function: default=lambda: {kind}(...)"
            raise ModelDefinitionError(
                f"{type(self).__name__}(): all instances would share one default {kind}. Write {cure}."
            )
        if default is None and not self.null:
            raise self.contradiction("default=None and a column that is not nullable")
        return default

    def _refuse_unknown(self, options: dict[str, Any]) -> None:
        known = FieldOptions.__annotations__.keys() | {"null", "nullable"} | self.extra_options
        for name in options:
            if name not in known:
                near = SYNONYMS.get(name) or next(iter(difflib.get_close_matches(name, sorted(known), 1)), None)
                meant = f" Did you mean {near!r}?" if near in known else ""
                raise TypeError(
                    f"{type(self).__name__}() has no option {name!r}.{meant} Choices: {', '.join(sorted(known))}."
                )

    def contradiction(self, options: str) -> ModelDefinitionError:
        """Return the error for options that exclude each other."""
        return ModelDefinitionError(f"{type(self).__name__}(): {options} contradict.")

    # -- belonging to a model --------------------------------------------------------------

    def __set_name__(self, owner: type[Any], name: str) -> None:
        if not self.name:
            self.name = self.attname = name

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> _T: ...
    def __get__(self, instance: object | None, owner: type[Any], /) -> Any:
        # Runs only for class access and for a mixin's field on an instance without the value.
        if instance is None:
            return self
        raise AttributeError(f"{owner.__name__}.{self.name} has no value on this instance.")

    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: _T, /) -> None: ...

    def contribute_to_class(self, model: type[Any], name: str) -> None:
        """Become the field ``name`` of ``model``; called once by the metaclass, on a copy of its own."""
        self.model = model
        self.name = name
        self.attname = self.get_attname(name)
        self.column = self.db_column or self.attname
        self.encode, self.decode = self.bind_processor, self.result_processor
        self.settle()

    def settle(self) -> None:
        """Bring the default and the choices into the field's own type, or refuse the definition."""
        try:
            if self.default is not MISSING and self.default is not None and not callable(self.default):
                self.default = self._checked_default(self.coerce(self.default))
            self.choices = tuple((None if value is None else self.coerce(value), text) for value, text in self.choices)
        except ValidationError as error:
            raise ModelDefinitionError(f"The default or a choice is refused by its own field: {error}") from error

    def get_attname(self, name: str) -> str:
        """Return the instance attribute that holds the column's value."""
        return name

    def lineage(self) -> tuple[type[Any], ...]:
        """Return the classes whose ``field`` attribute this field answers: its model and that model's bases."""
        return self.model.__mro__ if self.model is not None else ()

    @property
    def parts(self) -> tuple[Field[Any], ...]:
        """The fields of its columns: itself, but for a key of several columns."""
        return (self,)

    def value_in(self, state: Mapping[str, Any]) -> Any:
        """Return its value among the attributes of an instance, or None."""
        return state.get(self.attname)

    def clone(self) -> Self:
        """Return a copy that belongs to no model yet."""
        return copy.copy(self)

    # -- the column ------------------------------------------------------------------------

    @property
    def logical_type(self) -> LogicalType:
        """The logical column type."""
        raise ModelDefinitionError(f"{type(self).__name__} has no column type.")

    @property
    def identity(self) -> bool:
        """Whether the database numbers the rows by this column."""
        return False

    # -- values ----------------------------------------------------------------------------

    def has_default(self) -> bool:
        """Whether Python has a default for a new instance."""
        return self.default is not MISSING

    def get_default(self) -> Any:
        """Return the default of a new instance: the value, or what the callable gives; None without one."""
        default = self.default
        if default is MISSING:
            return None
        return default() if callable(default) else default

    def coerce(self, value: Any) -> Any:
        """Return ``value`` (never None) as this field's Python type, or raise ``ValidationError``.

        Exact or refused: no truncated float, no cut string. Bounds and lengths belong to ``validate``.
        """
        return value

    def validate(self, value: Any) -> None:
        """Check a coerced value (never None): bounds, lengths, choices, validators. Raise ``ValidationError``."""
        if self.choices and not any(value == choice for choice, _ in self.choices):
            shown = ", ".join(repr(choice) for choice, _ in self.choices)
            raise self.invalid(f"the value is not one of the choices: {shown}.", "choices")
        for validator in self.validators:
            try:
                validator(value)
            except ValidationError as error:
                raise self.invalid("; ".join(m for messages in error.errors.values() for m in messages)) from error
            except ValueError as error:
                raise self.invalid(str(error)) from error

    def clean(self, value: Any) -> Any:
        """Return what may be stored: coerced and validated. None passes where the column is nullable."""
        if value is None:
            if self.null:
                return None
            raise self.invalid("this field cannot be null.", "null")
        value = self.coerce(value)
        self.validate(value)
        return value

    @property
    def checks_more(self) -> bool:
        """Whether ``validate`` has choices or validators to ask."""
        return bool(self.choices or self.validators)

    def fast_check(self) -> FastCheck | None:
        """Return a test that is true only for values (never None) that ``clean`` gives back as they are, or None.

        Saving writes it into generated code and asks ``clean`` where it is false. It is read once a model, and it holds
        for the class that defines it: one that overrides ``coerce``, ``validate`` or ``clean`` may define its own.
        """
        return None

    def prepare(self, value: Any) -> Any:
        """Return ``value`` (never None) as the right side of a comparison: coerced, without bounds and choices."""
        return self.coerce(value)

    def pre_save(self, instance: Any, *, adding: bool) -> Any:  # noqa: ARG002 - for the fields that override it
        """Return the value to store for ``instance``; fields such as ``auto_now`` set it here."""
        return instance.__dict__.get(self.attname)

    def pre_save_test(self, *, adding: bool) -> FastCheck | None:  # noqa: ARG002 - for the fields that override it
        """Return a test that is false where ``pre_save`` only gives the attribute's value back; None: it always does.

        ``{v}`` is that value, ``state`` the instance's dict. Like ``fast_check`` it is read once and holds for the
        class that defines it.
        """
        return None

    # -- the logical type's value ----------------------------------------------------------

    def to_db(self, value: Any) -> Any:
        """Return the logical type's Python value for a coerced value (never None). Override it with ``from_db``."""
        return value

    def from_db(self, value: Any) -> Any:
        """Return this field's value for what the logical type gives (never None)."""
        return value

    @property
    def bind_processor(self) -> Callable[[Any], Any] | None:
        """``to_db``, or None where it changes nothing."""
        return None if type(self).to_db is _same_to_db else self.to_db

    @property
    def result_processor(self) -> Callable[[Any], Any] | None:
        """``from_db``, or None where it changes nothing."""
        return None if type(self).from_db is _same_from_db else self.from_db

    # -- lookups ---------------------------------------------------------------------------

    def output_of(self, logical: LogicalType) -> LookupField:
        """Return the field that checks the values of an expression of that type that is made of this field."""
        if logical == self.logical_type:
            return self
        found = field_of(logical).clone()
        found.name, found.model = self.name, self.model
        return found

    # -- errors ----------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """``User.age``; empty for a field that belongs to nothing."""
        return f"{self.model.__name__}.{self.name}" if self.model is not None else self.name

    def invalid(self, message: str, code: str = "invalid") -> ValidationError:
        """Return the error for a refused value; ``error_messages`` may replace the message of a ``code``."""
        message = self.error_messages.get(code, message)
        return ValidationError({self.name: [message]}, label=self.label)

    def refused(self, value: object, wanted: str) -> ValidationError:
        """Return the error for a value of a type that the field does not take. Names the type, never the value."""
        return self.invalid(f"{wanted} is wanted, not {type(value).__name__}.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.label}>"


#: Makes the field for a logical type; filled with ``outputs.OUTPUT_FIELDS`` when all fields are there.
OUTPUTS: dict[type[LogicalType], Callable[[Any], Field[Any]]] = {}


def field_of(logical: LogicalType) -> Field[Any]:
    """Return a field of that type that belongs to no model: it checks values and knows the lookups."""
    make = OUTPUTS.get(type(logical))
    if make is None:
        raise TypeError(f"There is no field for {logical!r}.")
    return make(logical)


# What a field without a conversion of its own has.
_same_to_db: Final[object] = Field[Any].to_db
_same_from_db: Final[object] = Field[Any].from_db


def nullable(field: Field[_V]) -> Field[_V | None]:
    """Return a nullable copy of a field of your own, typed so.

    >>> location = nullable(PointField())

    ``location text NULL``. The fields of covet take ``nullable=True`` themselves.
    """
    copied = field.clone()
    if copied.primary_key:
        raise copied.contradiction("primary_key=True and nullable()")
    copied.null = True
    copied.options = {**copied.options, "nullable": True}
    return cast("Field[_V | None]", copied)
