"""Patterns: bind processors that turn a text to look for into a pattern of the database. Pure.

They are module-level objects, so that two uses of one parameter with the same conversion share a placeholder.
"""

from __future__ import annotations

from covet.database.sql.compiled import BindProcessor


def _like(text: object) -> str:
    # Backslash is LIKE's escape character unless a statement names another.
    return str(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _like_contains(text: object) -> str:
    return f"%{_like(text)}%"


def _like_startswith(text: object) -> str:
    return f"{_like(text)}%"


def _like_endswith(text: object) -> str:
    return f"%{_like(text)}"


#: By kind of ``TextMatch``.
LIKE_PATTERNS: dict[str, BindProcessor] = {
    "contains": _like_contains,
    "startswith": _like_startswith,
    "endswith": _like_endswith,
}


def glob_startswith(text: object) -> str:
    """Return the GLOB pattern of what begins with ``text``."""
    return str(text).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]") + "*"


_GLOB_SPECIAL = {"*": "[*]", "?": "[?]", "[": "[[]"}


def glob_like(text: object) -> str:
    """Return a pattern of LIKE, whose escape character is a backslash, as one of GLOB."""
    parts: list[str] = []
    characters = iter(str(text))
    for each in characters:
        if each == "\\":
            literal = next(characters, each)
            parts.append(_GLOB_SPECIAL.get(literal, literal))
        else:
            parts.append({"%": "*", "_": "?"}.get(each) or _GLOB_SPECIAL.get(each, each))
    return "".join(parts)


_LOWER = str.maketrans(
    {
        "\N{GREEK CAPITAL LETTER SIGMA}": "\N{GREEK SMALL LETTER SIGMA}",
        "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}": "i",
    }
)


def lower_text(text: object) -> str:
    """Return the text in lower case, character by character, as PostgreSQL does it.

    ``str.lower`` gives another letter to a capital sigma at the end of a word, and two to a capital I with a dot.
    """
    value = str(text)
    return value.lower() if value.isascii() else value.translate(_LOWER).lower()


def upper_text(text: object) -> str:
    """Return the text in upper case, character by character; a character that would become two stays (``ß``)."""
    value = str(text)
    upper = value.upper()
    if len(upper) == len(value):
        return upper
    return "".join(each if len(each.upper()) > 1 else each.upper() for each in value)
