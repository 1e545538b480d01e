"""Functions of text. A value that is no text is taken as its text. A string argument is the path of a field."""

from __future__ import annotations

from typing import Any, cast

from covet.database.orm.expressions import Expression, Func, Transform, Value
from covet.database.orm.expressions.base import OutputField
from covet.database.orm.fields import CharField, IntegerField
from covet.database.orm.fields.integers import IntegerColumn
from covet.database.schema.types import Integer, Text

__all__ = [
    "MD5",
    "SHA1",
    "SHA224",
    "SHA256",
    "SHA384",
    "SHA512",
    "Chr",
    "Concat",
    "LPad",
    "LTrim",
    "Left",
    "Length",
    "Lower",
    "Ord",
    "RPad",
    "RTrim",
    "Repeat",
    "Replace",
    "Reverse",
    "Right",
    "StrIndex",
    "Substr",
    "Trim",
    "Unaccent",
    "Upper",
]

_NUMBER = IntegerField()
_SPACE: Value[str] = Value(" ")
_NOTHING: Value[str] = Value("")


def _count(value: object, name: str, least: int) -> object:
    """Return a number of characters as an expression; a plain one must be at least ``least``."""
    if isinstance(value, str | Expression) or value is None:
        return cast("object", value)
    number = _NUMBER.clean(value)
    if number < least:
        raise ValueError(f"{name!r} must be greater " + ("than 0." if least else "or equal to 0."))
    return Value(number, output_field=_NUMBER)


class _OfText(Transform[str]):
    """A function of one text that gives a text."""

    built_in = True
    returns = Text()


@CharField.register_lookup
class Lower(_OfText):
    """The text in lower case: ``LOWER(name)``; in paths ``name__lower``.

    >>> User.objects.filter(name__lower__startswith="a")  # WHERE LOWER(name) LIKE $1
    """

    function = lookup_name = "lower"


@CharField.register_lookup
class Upper(_OfText):
    """The text in upper case: ``UPPER(name)``; in paths ``name__upper``."""

    function = lookup_name = "upper"


@CharField.register_lookup
class Trim(_OfText):
    """The text without the spaces around it: ``BTRIM(name)``; in paths ``name__trim``."""

    function = lookup_name = "trim"


@CharField.register_lookup
class LTrim(_OfText):
    """The text without the spaces before it: ``LTRIM(name)``; in paths ``name__ltrim``."""

    function = lookup_name = "ltrim"


@CharField.register_lookup
class RTrim(_OfText):
    """The text without the spaces after it: ``RTRIM(name)``; in paths ``name__rtrim``."""

    function = lookup_name = "rtrim"


@CharField.register_lookup
class Reverse(_OfText):
    """The characters in reverse order: ``REVERSE(name)``; in paths ``name__reverse``."""

    function = lookup_name = "reverse"


@CharField.register_lookup
class Unaccent(_OfText):
    """The text without accents, by PostgreSQL's extension ``unaccent``; in paths ``name__unaccent``.

    >>> User.objects.filter(name__unaccent__icontains="jose")  # WHERE UNACCENT(name) ILIKE $1
    """

    function = lookup_name = "unaccent"
    bilateral = True


@CharField.register_lookup
class MD5(_OfText):
    """The MD5 digest in hexadecimal digits: ``MD5(name)``; in paths ``name__md5``."""

    function = lookup_name = "md5"


@CharField.register_lookup
class SHA1(_OfText):
    """The SHA-1 digest in hexadecimal digits; in paths ``name__sha1``. PostgreSQL needs its extension pgcrypto."""

    function = lookup_name = "sha1"


@CharField.register_lookup
class SHA224(_OfText):
    """The SHA-224 digest in hexadecimal digits; in paths ``name__sha224``."""

    function = lookup_name = "sha224"


@CharField.register_lookup
class SHA256(_OfText):
    """The SHA-256 digest in hexadecimal digits; in paths ``name__sha256``.

    >>> User.objects.annotate(key=SHA256("email"))  # ENCODE(SHA256(CONVERT_TO(email, 'UTF8')), 'hex')
    """

    function = lookup_name = "sha256"


@CharField.register_lookup
class SHA384(_OfText):
    """The SHA-384 digest in hexadecimal digits; in paths ``name__sha384``."""

    function = lookup_name = "sha384"


@CharField.register_lookup
class SHA512(_OfText):
    """The SHA-512 digest in hexadecimal digits; in paths ``name__sha512``."""

    function = lookup_name = "sha512"


@CharField.register_lookup
class Length(Transform[int]):
    """The number of characters: ``LENGTH(name)``; in paths ``name__length``.

    >>> User.objects.filter(name__length__gt=20)  # WHERE LENGTH(name) > $1
    """

    function = lookup_name = "length"
    built_in = True
    returns = Integer(32)


@CharField.register_lookup
class Ord(Transform[int]):
    """The code point of the first character, 0 of the empty text: ``ASCII(name)``; in paths ``name__ord``."""

    function = lookup_name = "ord"
    built_in = True
    returns = Integer(32)


@IntegerColumn.register_lookup
class Chr(_OfText):
    """The character of a code point: ``CHR(number)``; in paths ``number__chr``."""

    function = lookup_name = "chr"


class Concat(Func[str]):
    """Texts one after another; NULL counts as the empty text.

    >>> User.objects.annotate(full=Concat("first", Value(" "), "last"))  # CONCAT(first, $1, last)
    """

    function = "concat"
    built_in = True
    returns = Text()

    def __init__(self, *expressions: object, output_field: OutputField | None = None) -> None:
        if len(expressions) < 2:  # noqa: PLR2004 - as the message says
            raise ValueError("Concat must take at least two expressions.")
        super().__init__(*expressions, output_field=output_field)


class Left(Func[str]):
    """The first characters.

    >>> User.objects.annotate(initial=Left("name", 1))  # LEFT(name, $1)
    """

    function = "left"
    built_in = True
    returns = Text()

    def __init__(self, expression: object, length: object, output_field: OutputField | None = None) -> None:
        super().__init__(expression, _count(length, "length", 1), output_field=output_field)


class Right(Func[str]):
    """The last characters: ``RIGHT(name, $1)``."""

    function = "right"
    built_in = True
    returns = Text()

    def __init__(self, expression: object, length: object, output_field: OutputField | None = None) -> None:
        super().__init__(expression, _count(length, "length", 1), output_field=output_field)


class _Pad(Func[str]):
    built_in = True
    returns = Text()

    def __init__(
        self, expression: object, length: object, fill_text: object = _SPACE, output_field: OutputField | None = None
    ) -> None:
        super().__init__(expression, _count(length, "length", 0), fill_text, output_field=output_field)


class LPad(_Pad):
    """Filled up at the beginning to a length; a longer text is cut at its end.

    >>> Invoice.objects.annotate(shown=LPad("number", 8, Value("0")))  # LPAD(CAST(number AS text), $1, $2)
    """

    function = "lpad"


class RPad(_Pad):
    """Filled up at the end to a length; a longer text is cut there: ``RPAD(name, $1, $2)``."""

    function = "rpad"


class Repeat(Func[str]):
    """The text several times: ``REPEAT(name, $1)``."""

    function = "repeat"
    built_in = True
    returns = Text()

    def __init__(self, expression: object, number: object, output_field: OutputField | None = None) -> None:
        super().__init__(expression, _count(number, "number", 0), output_field=output_field)


class Replace(Func[str]):
    """Every occurrence of a text replaced by another, or removed.

    >>> User.objects.update(name=Replace("name", Value("  "), Value(" ")))  # SET name = REPLACE(name, $1, $2)
    """

    function = "replace"
    built_in = True
    returns = Text()

    def __init__(
        self, expression: object, text: object, replacement: object = _NOTHING, output_field: OutputField | None = None
    ) -> None:
        super().__init__(expression, text, replacement, output_field=output_field)


class StrIndex(Func[int]):
    """Where a text first occurs in another, counted from 1; 0 where it does not: ``STRPOS(name, $1)``."""

    function = "strpos"
    built_in = True
    returns = Integer(32)

    def __init__(self, string: object, substring: object, output_field: OutputField | None = None) -> None:
        super().__init__(string, substring, output_field=output_field)


class Substr(Func[str]):
    """Part of a text, from a position that counts from 1.

    >>> User.objects.annotate(area=Substr("phone", 1, 3))  # SUBSTR(phone, $1, $2)
    """

    function = "substr"
    built_in = True
    returns = Text()

    def __init__(
        self, expression: object, pos: object, length: object = None, output_field: OutputField | None = None
    ) -> None:
        rest: tuple[Any, ...] = () if length is None else (_count(length, "length", 0),)
        super().__init__(expression, _count(pos, "pos", 1), *rest, output_field=output_field)
