"""BooleanField."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.schema.types import Boolean

_Bool = TypeVar("_Bool", default=bool)

_TEXTS: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class BooleanField(Field[_Bool]):
    """``bool``.

    >>> is_active = BooleanField(default=True)

    ``is_active boolean NOT NULL``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: BooleanField[bool], *, nullable: No = ..., null: No = ..., **options: Unpack[FieldOptions[bool]]
        ) -> None: ...
        @overload
        def __init__(
            self: BooleanField[bool | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[bool | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: BooleanField[bool | None], *, null: Yes, **options: Unpack[FieldOptions[bool | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Bool, /) -> None: ...

    @property
    @override
    def logical_type(self) -> Boolean:
        return Boolean()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is bool:
            return value
        kind = type_of(value)
        if issubclass(kind, int):
            number = int.__int__(value)
            if number in (0, 1):
                return number == 1
            raise self.invalid("of the integers only 0 and 1 stand for a bool.")
        if issubclass(kind, str):
            meant = _TEXTS.get(str.__str__(value).lower())
            if meant is None:
                raise self.invalid("the text is none of true, t, 1, false, f, 0.")
            return meant
        raise self.refused(value, "True or False")

    @override
    def fast_check(self) -> FastCheck | None:
        return None if self.checks_more else FastCheck("type({v}) is bool")
