"""UUIDField and GenericIPAddressField: values with one canonical form."""

from __future__ import annotations

import ipaddress
import re
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.schema.types import Inet, Uuid
from covet.exceptions import ModelDefinitionError

_T = TypeVar("_T")
_UUID = TypeVar("_UUID", default=uuid.UUID)
_Str = TypeVar("_Str", default=str)

_UUID_TEXT: Final = re.compile(
    r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
)
_UUID_BYTES: Final = 16
#: The longest text of an address.
_MAX_ADDRESS: Final = 45

Protocol = Literal["both", "IPv4", "IPv6"]
_VERSIONS: Final = {"both": (4, 6), "ipv4": (4,), "ipv6": (6,)}


class UUIDOptions(FieldOptions[_T], total=False):
    """The options of UUIDField. ``auto_generate`` and ``auto_create`` are the same: ``default=uuid4``."""

    auto_generate: bool
    auto_create: bool


class AddressOptions(FieldOptions[_T], total=False):
    """The options of GenericIPAddressField."""

    protocol: Protocol


class UUIDField(Field[_UUID]):
    """``uuid.UUID``.

    >>> id = UUIDField(primary_key=True, default=uuid4)

    ``id uuid PRIMARY KEY``
    """

    extra_options = frozenset(UUIDOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: UUIDField[uuid.UUID], *, nullable: No = ..., null: No = ..., **options: Unpack[UUIDOptions[uuid.UUID]]
        ) -> None: ...
        @overload
        def __init__(
            self: UUIDField[uuid.UUID | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[UUIDOptions[uuid.UUID | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: UUIDField[uuid.UUID | None], *, null: Yes, **options: Unpack[UUIDOptions[uuid.UUID | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _UUID, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        generated = [name for name in ("auto_generate", "auto_create") if options.get(name)]
        if generated and "default" in options:
            raise self.contradiction(f"{generated[0]}=True and a default")
        super()._read_options(options)
        if generated:
            self.default = uuid.uuid4

    @property
    @override
    def logical_type(self) -> Uuid:
        return Uuid()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is uuid.UUID:
            return value
        kind = type_of(value)
        if issubclass(kind, uuid.UUID):  # asyncpg has a UUID of its own
            try:
                return uuid.UUID(int=value.int)
            except Exception as error:  # whatever a foreign subclass raises
                raise self.refused(value, "a UUID") from error
        if issubclass(kind, str):
            text = str.__str__(value)
            if _UUID_TEXT.fullmatch(text) is None:
                raise self.invalid("the text is not a UUID of 32 hexadecimal digits, with or without hyphens.")
            return uuid.UUID(text)
        if kind is bytes:
            if len(value) != _UUID_BYTES:
                raise self.invalid("a UUID has 16 bytes.")
            return uuid.UUID(bytes=value)
        raise self.refused(value, "a UUID")

    @override
    def fast_check(self) -> FastCheck | None:
        return None if self.checks_more else FastCheck("type({v}) is {uuid}", {"uuid": uuid.UUID})


def canonical_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return the one text of an address, the same in every version of Python and as PostgreSQL prints it."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    return str(address)


class GenericIPAddressField(Field[_Str]):
    """An IPv4 or IPv6 address as ``str``, in its canonical form.

    >>> last_ip = GenericIPAddressField(null=True)

    ``last_ip inet NULL``
    """

    extra_options = frozenset(AddressOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: GenericIPAddressField[str],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[AddressOptions[str]],
        ) -> None: ...
        @overload
        def __init__(
            self: GenericIPAddressField[str | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[AddressOptions[str | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: GenericIPAddressField[str | None], *, null: Yes, **options: Unpack[AddressOptions[str | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        protocol = options.get("protocol", "both")
        if not isinstance(protocol, str) or protocol.lower() not in _VERSIONS:
            raise ModelDefinitionError(f"{type(self).__name__}(): protocol must be 'both', 'IPv4' or 'IPv6'.")
        self.protocol = protocol
        self._versions = _VERSIONS[protocol.lower()]

    @property
    @override
    def logical_type(self) -> Inet:
        return Inet()

    @override
    def coerce(self, value: Any) -> Any:
        kind = type_of(value)
        if kind is ipaddress.IPv4Address or kind is ipaddress.IPv6Address:
            address = value
        elif issubclass(kind, str):
            text = str.__str__(value)
            try:
                address = ipaddress.ip_address(text if len(text) <= _MAX_ADDRESS else "")
            except ValueError:
                raise self.invalid("the text is not an IPv4 or IPv6 address.") from None  # the cause holds the text
        else:
            raise self.refused(value, "an IP address")
        if getattr(address, "scope_id", None) is not None:
            raise self.invalid("an address with a zone ('%eth0') cannot be stored.")
        return canonical_address(address)

    @override
    def validate(self, value: Any) -> None:
        if ipaddress.ip_address(value).version not in self._versions:
            raise self.invalid(f"an {self.protocol} address is wanted.")
        super().validate(value)
