"""Functions of text with PostgreSQL's results. Pure; SQLite calls them."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import uuid
from collections.abc import Callable
from functools import lru_cache

from covet.database.sql.patterns import lower_text, upper_text

Text = str | None


def lower(value: object) -> Text:
    """``covet_lower``."""
    return None if value is None else lower_text(value)


def upper(value: object) -> Text:
    """``covet_upper``."""
    return None if value is None else upper_text(value)


def boolean_text(value: int | None) -> Text:
    """``covet_boolean_text``: a truth value as PostgreSQL writes it."""
    return None if value is None else "true" if value else "false"


def character(code: int | None) -> Text:
    """``covet_chr``."""
    if code is None:
        return None
    if code <= 0:
        raise ValueError("there is no character 0 in a text")
    return chr(code)


def code_point(text: Text) -> int | None:
    """``covet_ord``: the first character's; of the empty text 0."""
    return None if text is None else ord(text[0]) if text else 0


def left(text: Text, count: int | None) -> Text:
    """``covet_left``: the first characters; a negative count leaves off that many at the end."""
    return None if text is None or count is None else text[:count]


def right(text: Text, count: int | None) -> Text:
    """``covet_right``: the last characters; a negative count leaves off that many at the beginning."""
    if text is None or count is None:
        return None
    return text[-count:] if count < 0 else text[max(len(text) - count, 0) :]


def left_pad(text: Text, length: int | None, fill: Text) -> Text:
    """``covet_lpad``: filled up at the beginning; what is longer is cut at the end."""
    if text is None or length is None or fill is None:
        return None
    return _filling(fill, max(length, 0) - len(text)) + text[: max(length, 0)]


def right_pad(text: Text, length: int | None, fill: Text) -> Text:
    """``covet_rpad``: filled up at the end; what is longer is cut there."""
    if text is None or length is None or fill is None:
        return None
    return text[: max(length, 0)] + _filling(fill, max(length, 0) - len(text))


def _filling(fill: str, length: int) -> str:
    if length <= 0 or not fill:
        return ""
    return (fill * (length // len(fill) + 1))[:length]


def repeat(text: Text, count: int | None) -> Text:
    """``covet_repeat``."""
    return None if text is None or count is None else text * count


def reverse(text: Text) -> Text:
    """``covet_reverse``."""
    return None if text is None else text[::-1]


def digest(name: str) -> Callable[[Text], Text]:
    """Return a function that gives a digest of a text's UTF-8 bytes in hexadecimal digits."""

    def hexadecimal(text: Text) -> Text:
        return None if text is None else hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    return hexadecimal


@lru_cache(maxsize=256)
def _like_pattern(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(pattern)
    for each in characters:
        if each == "\\":
            each = next(characters, each)  # noqa: PLW2901 - the character after the escape, as it stands
            parts.append(re.escape(each))
        else:
            parts.append({"%": ".*", "_": "."}.get(each) or re.escape(each))
    return re.compile("".join(parts), re.DOTALL)


def like(pattern: Text, text: object, ignore_case: int) -> int | None:
    """``covet_like``: LIKE with a backslash as the escape character."""
    if pattern is None or text is None:
        return None
    if ignore_case:
        return int(_like_pattern(lower_text(pattern)).fullmatch(lower_text(text)) is not None)
    return int(_like_pattern(pattern).fullmatch(str(text)) is not None)


def uuid4() -> str:
    """``covet_uuid4``."""
    return str(uuid.uuid4())


def uuid7() -> str:
    """``covet_uuid7``: the milliseconds since 1970, then random bits (RFC 9562)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


#: ``(name, number of arguments, function, deterministic)``.
FUNCTIONS: tuple[tuple[str, int, Callable[..., str | int | float | None], bool], ...] = (
    ("covet_boolean_text", 1, boolean_text, True),
    ("covet_chr", 1, character, True),
    ("covet_left", 2, left, True),
    ("covet_like", 3, like, True),
    ("covet_lower", 1, lower, True),
    ("covet_lpad", 3, left_pad, True),
    ("covet_md5", 1, digest("md5"), True),
    ("covet_ord", 1, code_point, True),
    ("covet_repeat", 2, repeat, True),
    ("covet_reverse", 1, reverse, True),
    ("covet_right", 2, right, True),
    ("covet_rpad", 3, right_pad, True),
    ("covet_sha1", 1, digest("sha1"), True),
    ("covet_sha224", 1, digest("sha224"), True),
    ("covet_sha256", 1, digest("sha256"), True),
    ("covet_sha384", 1, digest("sha384"), True),
    ("covet_sha512", 1, digest("sha512"), True),
    ("covet_upper", 1, upper, True),
    ("covet_uuid4", 0, uuid4, False),
    ("covet_uuid7", 0, uuid7, False),
)
