"""What kind of value each argument of a function is, by the function's dialect-neutral name. Pure data.

A letter an argument: a dialect turns the value into that kind where it is another (``LOWER(CAST(n AS text))``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

#: t text, b text or bytes, i integer, f floating-point number, d decimal, n any number as it is.
ArgumentKind: TypeAlias = Literal["t", "b", "i", "f", "d", "n"]

_TEXT: tuple[ArgumentKind, ...] = ("t",)

SIGNATURES: Mapping[str, tuple[ArgumentKind, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("lower", "upper", "trim", "ltrim", "rtrim", "reverse", "ord", "unaccent"), _TEXT),
        **dict.fromkeys(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), _TEXT),
        "chr": ("i",),
        "left": ("t", "i"),
        "length": ("b",),
        "lpad": ("t", "i", "t"),
        "repeat": ("t", "i"),
        "replace": ("t", "t", "t"),
        "right": ("t", "i"),
        "rpad": ("t", "i", "t"),
        "strpos": ("t", "t"),
        "substr": ("t", "i", "i"),
    }
)
