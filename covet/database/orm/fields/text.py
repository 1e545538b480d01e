"""Text fields: CharField, TextField, and the formats EmailField, SlugField and URLField."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, overload
from uuid import UUID

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.orm.fields.sizes import MAX_BYTES, read_size
from covet.database.orm.validators import URLValidator, validate_email, validate_slug, validate_unicode_slug
from covet.database.schema.types import LogicalType, Text, Varchar

_T = TypeVar("_T")
_Str = TypeVar("_Str", default=str)

#: The longest varchar of PostgreSQL.
_MAX_LENGTH: Final = 10_485_760
#: The most bytes of a character in UTF-8.
_MAX_CHARACTER: Final = 4


class TextOptions(FieldOptions[_T], total=False):
    """The options of text fields. Lengths count code points."""

    max_length: int
    min_length: int
    db_collation: str


class SlugOptions(TextOptions[_T], total=False):
    """The options of SlugField."""

    allow_unicode: bool


class URLOptions(TextOptions[_T], total=False):
    """The options of URLField."""

    schemes: Iterable[str]


def storable_text(field: Field[Any], text: str) -> str:
    """Return ``text`` if both databases can store it: no NUL, no lone surrogate, not too large."""
    if "\0" in text:
        raise field.invalid("the text holds a NUL character, which not every database can store.")
    size = len(text)
    if not text.isascii():
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            # Not `from error`: it carries the text.
            raise field.invalid(f"the text holds a lone surrogate at position {error.start}.") from None
    if size > MAX_BYTES:
        raise field.invalid(f"the text is larger than {MAX_BYTES} bytes.", "size")
    return text


class CharField(Field[_Str]):
    """``str`` of at most ``max_length`` characters; of any length without it.

    >>> username = CharField(max_length=100, unique=True)

    ``username varchar(100) NOT NULL UNIQUE``
    """

    extra_options = frozenset(TextOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: CharField[str], *, nullable: No = ..., null: No = ..., **options: Unpack[TextOptions[str]]
        ) -> None: ...
        @overload
        def __init__(
            self: CharField[str | None], *, nullable: Yes, null: Yes = ..., **options: Unpack[TextOptions[str | None]]
        ) -> None: ...
        @overload
        def __init__(self: CharField[str | None], *, null: Yes, **options: Unpack[TextOptions[str | None]]) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.max_length: int | None = read_size(self, "max_length", options.get("max_length"), 1, _MAX_LENGTH)
        self.min_length = read_size(self, "min_length", options.get("min_length"), 0, _MAX_LENGTH)
        self.db_collation = options.get("db_collation")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise self.contradiction(f"min_length={self.min_length} and max_length={self.max_length}")

    @property
    @override
    def logical_type(self) -> LogicalType:
        return Varchar(self.max_length)

    @override
    def coerce(self, value: Any) -> Any:
        return storable_text(self, value if type(value) is str else self._to_text(value))

    def _to_text(self, value: object) -> str:
        kind = type_of(value)
        if issubclass(kind, str) and isinstance(value, str):
            return str.__str__(value)
        if issubclass(kind, int) and isinstance(value, int) and kind is not bool:
            try:
                return int.__repr__(value)
            except ValueError as error:  # more digits than Python turns into text
                raise self.invalid("the integer has too many digits.", "size") from error
        if issubclass(kind, Decimal) and isinstance(value, Decimal):
            return str(Decimal(value))
        if kind is UUID:
            return str(value)
        raise self.refused(value, "a text")

    @override
    def validate(self, value: Any) -> None:
        if not value and self.blank is not None:
            if self.blank:
                return
            raise self.invalid("the text is empty.", "blank")
        if self.max_length is not None and len(value) > self.max_length:
            raise self.invalid(f"the text has {len(value)} characters, {self.max_length} are allowed.", "size")
        if self.min_length is not None and len(value) < self.min_length:
            raise self.invalid(f"the text has {len(value)} characters, {self.min_length} are needed.", "size")
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        shortest = max(self.min_length or 0, 1 if self.blank is False else 0)
        longest = min(self.max_length or MAX_BYTES, MAX_BYTES // _MAX_CHARACTER)
        # Text with a line break beyond ASCII is left to ``clean``: what is printable holds neither NUL nor surrogate.
        test = (
            "type({v}) is str and {shortest} <= len({v}) <= {longest} "
            "and ('\\0' not in {v} if {v}.isascii() else {v}.isprintable())"
        )
        return FastCheck(test, {"shortest": shortest, "longest": longest})


class TextField(CharField[_Str]):
    """``str`` of any length; ``max_length`` is checked in Python only.

    >>> body = TextField()

    ``body text NOT NULL``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: TextField[str], *, nullable: No = ..., null: No = ..., **options: Unpack[TextOptions[str]]
        ) -> None: ...
        @overload
        def __init__(
            self: TextField[str | None], *, nullable: Yes, null: Yes = ..., **options: Unpack[TextOptions[str | None]]
        ) -> None: ...
        @overload
        def __init__(self: TextField[str | None], *, null: Yes, **options: Unpack[TextOptions[str | None]]) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @property
    @override
    def logical_type(self) -> LogicalType:
        return Text()


class FormattedField(CharField[_Str]):
    """Text of a format: an own default length and a check of every value."""

    default_length: int = 255

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        if self.max_length is None:
            self.max_length = self.default_length
        self.validators = (self._format(options), *self.validators)

    def _format(self, options: dict[str, Any]) -> Callable[[Any], None]:
        """Return the check of the format."""
        raise NotImplementedError


class EmailField(FormattedField[_Str]):
    """An e-mail address of at most 255 characters; its form is checked, nothing is sent.

    >>> email = EmailField(unique=True)

    ``email varchar(255) NOT NULL UNIQUE``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: EmailField[str], *, nullable: No = ..., null: No = ..., **options: Unpack[TextOptions[str]]
        ) -> None: ...
        @overload
        def __init__(
            self: EmailField[str | None], *, nullable: Yes, null: Yes = ..., **options: Unpack[TextOptions[str | None]]
        ) -> None: ...
        @overload
        def __init__(
            self: EmailField[str | None], *, null: Yes, **options: Unpack[TextOptions[str | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @override
    def _format(self, options: dict[str, Any]) -> Callable[[Any], None]:
        return validate_email


class SlugField(FormattedField[_Str]):
    """Letters, digits, ``-`` and ``_``, at most 50; indexed unless ``db_index=False``.

    >>> slug = SlugField(unique=True)

    ``slug varchar(50) NOT NULL UNIQUE``
    """

    extra_options = frozenset(SlugOptions.__annotations__)
    default_length = 50

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: SlugField[str], *, nullable: No = ..., null: No = ..., **options: Unpack[SlugOptions[str]]
        ) -> None: ...
        @overload
        def __init__(
            self: SlugField[str | None], *, nullable: Yes, null: Yes = ..., **options: Unpack[SlugOptions[str | None]]
        ) -> None: ...
        @overload
        def __init__(self: SlugField[str | None], *, null: Yes, **options: Unpack[SlugOptions[str | None]]) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.db_index = bool(options.get("db_index", True))

    @override
    def _format(self, options: dict[str, Any]) -> Callable[[Any], None]:
        return validate_unicode_slug if options.get("allow_unicode") else validate_slug


class URLField(FormattedField[_Str]):
    """An absolute URL of at most 200 characters, by default of http, https, ftp or ftps.

    >>> homepage = URLField(schemes=["https"], null=True)

    ``homepage varchar(200) NULL``
    """

    extra_options = frozenset(URLOptions.__annotations__)
    default_length = 200

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: URLField[str], *, nullable: No = ..., null: No = ..., **options: Unpack[URLOptions[str]]
        ) -> None: ...
        @overload
        def __init__(
            self: URLField[str | None], *, nullable: Yes, null: Yes = ..., **options: Unpack[URLOptions[str | None]]
        ) -> None: ...
        @overload
        def __init__(self: URLField[str | None], *, null: Yes, **options: Unpack[URLOptions[str | None]]) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Str, /) -> None: ...

    @override
    def _format(self, options: dict[str, Any]) -> Callable[[Any], None]:
        schemes = options.get("schemes")
        return URLValidator() if schemes is None else URLValidator(schemes)
