"""Field: one column of a model. Options, the check of values, the logical type.

At run time a field is not kept in its model's ``__dict__`` (an instance attribute stays a plain attribute); the
metaclass answers ``User.age`` with it. On a plain mixin class it stays where it was written, as a non-data
descriptor, and works the same.
"""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypedDict, overload

from typing_extensions import Self, TypeVar

from covet.database.orm.expressions import Operators
from covet.database.schema.types import LogicalType
from covet.exceptions import ModelDefinitionError, ValidationError

_T = TypeVar("_T")


class Missing(enum.Enum):
    """The type of MISSING, so that checkers can tell it from every value."""

    MISSING = enum.auto()

    def __repr__(self) -> str:
        return "MISSING"


#: "Nothing was given", where None is a value.
MISSING: Final = Missing.MISSING


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


class Field(Operators[_T]):
    """``Model.field`` is the field itself, ``instance.field`` is a ``_T``.

    Subclass it for a type of your own: set ``logical_type`` and override ``coerce``.
    """

    #: Options that this class understands besides those of every field.
    extra_options: ClassVar[frozenset[str]] = frozenset()

    name: str = ""  #: the name on the model
    attname: str = ""  #: the instance attribute that holds the column's value: ``name``, or ``author_id``
    column: str = ""  #: the column in the table
    model: type[Any] | None = None  #: the concrete model that owns it

    def __init__(self, *args: Any, **options: Any) -> None:
        if args:
            raise TypeError(f"{type(self).__name__}() takes keyword options only.")
        self._read_options(options)

    def _read_options(self, options: dict[str, Any]) -> None:
        self._refuse_unknown(options)
        null, nullable = options.get("null"), options.get("nullable")
        if null is not None and nullable is not None and bool(null) != bool(nullable):
            raise ModelDefinitionError(f"{type(self).__name__}(): null={null} and nullable={nullable} contradict.")
        self.options = options
        self.null = bool(null or nullable)
        self.primary_key = bool(options.get("primary_key", False))
        self.unique = bool(options.get("unique", False))
        self.db_index = bool(options.get("db_index", False))
        self.db_column: str | None = options.get("db_column")
        self.db_default: object = options.get("db_default", MISSING)
        self.default: object = options.get("default", MISSING)
        choices = options.get("choices")
        self.choices: tuple[tuple[Any, str], ...] = tuple(choices) if choices is not None else ()
        self.validators: tuple[Callable[[Any], None], ...] = tuple(options.get("validators", ()))
        if self.primary_key and self.null:
            raise ModelDefinitionError(f"{type(self).__name__}(): a primary key cannot be nullable.")

    def _refuse_unknown(self, options: dict[str, Any]) -> None:
        known = FieldOptions.__annotations__.keys() | {"null", "nullable"} | self.extra_options
        for name in options:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__}() has no option {name!r}. Choices: {', '.join(sorted(known))}."
                )

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

    def get_attname(self, name: str) -> str:
        """Return the instance attribute that holds the column's value."""
        return name

    def lineage(self) -> tuple[type[Any], ...]:
        """Return the classes whose ``field`` attribute this field answers: its model and that model's bases."""
        return self.model.__mro__ if self.model is not None else ()

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
        if self.choices and all(value != choice for choice, _ in self.choices):
            shown = ", ".join(repr(choice) for choice, _ in self.choices)
            raise self.invalid(f"the value is not one of the choices: {shown}.")
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
            raise self.invalid("this field cannot be null.")
        value = self.coerce(value)
        self.validate(value)
        return value

    def prepare(self, value: Any) -> Any:
        """Return ``value`` (never None) as the right side of a comparison with this field."""
        return self.coerce(value)

    def pre_save(self, instance: Any, *, adding: bool) -> Any:
        """Return the value to store for ``instance``; fields such as ``auto_now`` set it here."""
        return instance.__dict__.get(self.attname)

    def invalid(self, message: str) -> ValidationError:
        """Return the error for a refused value."""
        label = f"{self.model.__name__}.{self.name}" if self.model is not None else self.name
        return ValidationError({self.name: [f"{label}: {message}" if label else message]})

    def __repr__(self) -> str:
        owner = f"{self.model.__name__}." if self.model is not None else ""
        return f"<{type(self).__name__}: {owner}{self.name}>"
