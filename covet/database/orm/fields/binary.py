"""BinaryField."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.orm.fields.sizes import MAX_BYTES, read_size
from covet.database.schema.types import Binary

_T = TypeVar("_T")
_Bytes = TypeVar("_Bytes", default=bytes)


class BinaryOptions(FieldOptions[_T], total=False):
    """The options of BinaryField."""

    max_length: int


class BinaryField(Field[_Bytes]):
    """``bytes``; ``max_length`` counts bytes and is checked in Python.

    >>> thumbnail = BinaryField(max_length=65536, null=True)

    ``thumbnail bytea NULL``
    """

    extra_options = frozenset(BinaryOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: BinaryField[bytes], *, nullable: No = ..., null: No = ..., **options: Unpack[BinaryOptions[bytes]]
        ) -> None: ...
        @overload
        def __init__(
            self: BinaryField[bytes | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[BinaryOptions[bytes | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: BinaryField[bytes | None], *, null: Yes, **options: Unpack[BinaryOptions[bytes | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Bytes, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.max_length = read_size(self, "max_length", options.get("max_length"), 1, MAX_BYTES)

    @property
    @override
    def logical_type(self) -> Binary:
        return Binary()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is bytes:
            return value
        kind = type_of(value)
        if issubclass(kind, bytes):
            return bytes.__getitem__(value, slice(None))
        if issubclass(kind, bytearray):
            return b"".join((value,))
        if kind is memoryview:
            try:
                return value.tobytes()
            except ValueError as error:
                raise self.invalid("the memoryview was released.") from error
        raise self.refused(value, "bytes")

    @override
    def validate(self, value: Any) -> None:
        if len(value) > (self.max_length or MAX_BYTES):
            raise self.invalid(f"the value has {len(value)} bytes, {self.max_length or MAX_BYTES} are allowed.", "size")
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        return FastCheck("type({v}) is bytes and len({v}) <= {longest}", {"longest": self.max_length or MAX_BYTES})
