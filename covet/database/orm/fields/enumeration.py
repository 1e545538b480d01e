"""EnumField: a member of an Enum, stored by its value or by its name."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.sizes import read_size
from covet.database.schema.types import Integer, LogicalType, NativeEnum, Varchar
from covet.exceptions import DecodeError, ModelDefinitionError

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)

_MAX_LENGTH: Final = 10_485_760
_WIDTHS: Final = (32, 64)


class EnumOptions(FieldOptions[_T], total=False):
    """The options of EnumField. ``db_type`` names an enum type of the database."""

    store: Literal["value", "name"]
    db_type: str
    max_length: int


class EnumField(Field[_T]):
    """A member of ``enum``. Text values make a text column as long as the longest, int values an integer column.

    >>> status = EnumField(Status, default=Status.DRAFT)

    ``status varchar(5) NOT NULL``. ``store="name"`` keeps the names; ``db_type="status"`` makes it a native enum
    type where the database has them.
    """

    extra_options = frozenset(EnumOptions.__annotations__) | {"enum"}

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: EnumField[_E],
            enum: type[_E],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[EnumOptions[_E]],
        ) -> None: ...
        @overload
        def __init__(
            self: EnumField[_E | None],
            enum: type[_E],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[EnumOptions[_E | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: EnumField[_E | None], enum: type[_E], *, null: Yes, **options: Unpack[EnumOptions[_E | None]]
        ) -> None: ...
        def __init__(self, enum: Any, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _T, /) -> None: ...
    else:

        def __init__(self, enum: Any = None, **options: Any) -> None:
            super().__init__(enum=enum, **options)

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        kind = options["enum"]
        if not (isinstance(kind, type) and issubclass(kind, Enum) and len(kind)):
            raise ModelDefinitionError("EnumField() needs an Enum class with members, such as EnumField(Status).")
        self.enum: type[Enum] = kind
        super()._read_options(options)
        self.store: str = options.get("store", "value")
        if self.store not in ("value", "name"):
            raise ModelDefinitionError(f"EnumField({kind.__name__}): store must be 'value' or 'name'.")
        #: What the column holds -> the member. Aliases are read as their member.
        self._members: dict[object, Enum] = {}
        if self.store == "name":
            self._members.update(kind.__members__)
        else:
            self._members.update((member.value, member) for member in kind if self._storable(member))
        self._type = self._read_type(options)

    def _storable(self, member: Enum) -> bool:
        if type(member.value) in (str, int):
            return True
        raise ModelDefinitionError(
            f"EnumField({self.enum.__name__}): the value of {member.name} is neither str nor int; use store='name'."
        )

    def _read_type(self, options: dict[str, Any]) -> LogicalType:
        name = self.enum.__name__
        db_type = options.get("db_type")
        texts = [stored for stored in self._members if isinstance(stored, str)]
        if len(texts) == len(self._members):
            if db_type is not None:
                if not isinstance(db_type, str) or not db_type or "max_length" in options:
                    raise ModelDefinitionError(f"EnumField({name}): db_type is the name of a type, without max_length.")
                return NativeEnum(db_type, tuple(texts))
            longest = max(1, *map(len, texts))
            length = read_size(self, "max_length", options.get("max_length"), longest, _MAX_LENGTH)
            return Varchar(length or longest)
        if texts:
            raise ModelDefinitionError(f"EnumField({name}): the values are str and int; use store='name'.")
        if db_type is not None or "max_length" in options:
            raise ModelDefinitionError(f"EnumField({name}): int values have neither db_type nor max_length.")
        return Integer(self._width())

    def _width(self) -> int:
        values = [member.value for member in self.enum]
        for bits in _WIDTHS:
            if all(-(1 << (bits - 1)) <= value < 1 << (bits - 1) for value in values):
                return bits
        raise ModelDefinitionError(f"EnumField({self.enum.__name__}): a value needs more than 64 bits.")

    @property
    @override
    def logical_type(self) -> LogicalType:
        return self._type

    # -- values ----------------------------------------------------------------------------

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is self.enum:
            return value
        kind = type_of(value)
        member: Enum | None = None
        if issubclass(kind, str):
            member = self._member(str.__str__(value))
        elif issubclass(kind, int) and kind is not bool:
            member = self._member(int.__int__(value))
        else:
            raise self.refused(value, f"a {self.enum.__name__}")
        if member is None:
            shown = ", ".join(repr(stored) for stored in self._members)
            raise self.invalid(f"the value is none of {self.enum.__name__}: {shown}.", "choices")
        return member

    def _member(self, stored: object) -> Enum | None:
        member = self._members.get(stored)
        if member is None and self.store == "value":
            try:
                member = self.enum(stored)  # combined flags, and what _missing_ knows
            except Exception:  # noqa: BLE001 - whatever a user's _missing_ raises: there is no such member
                return None
        return member

    @override
    def validate(self, value: Any) -> None:
        kind = self._type
        # An IntFlag may hold bits that have no name.
        if isinstance(kind, Integer) and not -(1 << (kind.bits - 1)) <= value.value < 1 << (kind.bits - 1):
            raise self.invalid(f"the value is out of range of {kind.bits} bits.", "bounds")
        super().validate(value)

    @override
    def to_db(self, value: Any) -> Any:
        return value.value if self.store == "value" else value.name

    @override
    def from_db(self, value: Any) -> Any:
        member = self._members.get(value) or self._member(value)
        if member is None:
            raise DecodeError(f"{self.label}: the database holds a value that is no member of {self.enum.__name__}.")
        return member
