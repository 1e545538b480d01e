"""Validators: functions and small classes that raise ``ValidationError`` for a value. Pure; no SQL.

No message holds the value. None of the patterns can take more than linear time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from covet._frozen import Frozen
from covet.exceptions import ValidationError

# Sets of what may not stand there: a set with a range of a million characters takes milliseconds to compile.
_ATOM: Final = re.compile(r"[^\x00- \"(),.:;<>@\[\\\]\x7f]+")  # letters, digits, !#$%&'*+-/=?^_`{|}~ and U+0080 on
_LABEL: Final = re.compile(r"(?!-)[^\x00-,./:-@\[-`{-\xa0]{1,63}(?<!-)")  # letters, digits, "-" and U+00A1 on
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]+")
_UNICODE_SLUG: Final = re.compile(r"[\w-]+")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_PORT: Final = 65_535
_LOCAL_PART: Final = 64
_ADDRESS: Final = 254 + 66  # RFC 5321, and room for a quoted local part
_DOMAIN: Final = 253


def _is_domain(name: str) -> bool:
    """Whether this is a host name of two labels or more whose last is no number, or localhost."""
    labels = name.split(".")
    if len(name) > _DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return name.lower() == "localhost" or (len(labels) > 1 and not labels[-1].isdigit())


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version and "%" not in text
    except ValueError:
        return False


def _is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    if not at or len(text) > _ADDRESS or len(local) > _LOCAL_PART or _SPACE.search(text):
        return False
    inside = local[1:-1]
    quoted = bool(inside) and local[0] == local[-1] == '"' and not {'"', "\\"} & set(inside)
    if not quoted and not all(_ATOM.fullmatch(atom) for atom in local.split(".")):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        literal = domain[1:-1]
        return _is_address(literal, 4) or (literal[:5].lower() == "ipv6:" and _is_address(literal[5:], 6))
    return _is_domain(domain)


def validate_email(value: str) -> None:
    """Refuse what is not the form of an e-mail address.

    >>> validate_email("ann@example.org")
    """
    if not _is_email(value):
        raise ValidationError("Enter a valid e-mail address.")


def validate_slug(value: str) -> None:
    """Refuse anything but ASCII letters, digits, ``-`` and ``_``.

    >>> validate_slug("a-title")
    """
    if _SLUG.fullmatch(value) is None:
        raise ValidationError("Enter a slug of letters, digits, underscores and hyphens.")


def validate_unicode_slug(value: str) -> None:
    """Refuse anything but letters and digits of any script, ``-`` and ``_``.

    >>> validate_unicode_slug("ein-schöner-titel")
    """
    if _UNICODE_SLUG.fullmatch(value) is None:
        raise ValidationError("Enter a slug of letters, digits, underscores and hyphens.")


class URLValidator(Frozen):
    """Refuse what is not an absolute URL of one of the schemes.

    >>> URLValidator(["https"])("https://example.org/")
    """

    schemes: Iterable[str] = ("http", "https", "ftp", "ftps")

    def __post_init__(self) -> None:
        object.__setattr__(self, "schemes", tuple(scheme.lower() for scheme in self.schemes))

    def __call__(self, value: str) -> None:
        if not self._is_url(value):
            raise ValidationError(f"Enter a valid URL that begins with {' or '.join(f'{s}://' for s in self.schemes)}.")

    def _is_url(self, value: str) -> bool:
        if _SPACE.search(value):
            return False
        try:
            parts = urlsplit(value)
            host, port = parts.hostname, parts.port
        except ValueError:  # a bad port or a bad IPv6 address
            return False
        if parts.scheme not in self.schemes or not host or value[len(parts.scheme) : len(parts.scheme) + 3] != "://":
            return False
        if port is not None and not 0 < port <= _PORT:
            return False
        if "[" in parts.netloc:
            return _is_address(host, 6)
        return _is_address(host, 4) or _is_domain(host.removesuffix("."))


class RegexValidator(Frozen):
    """Refuse a text in which ``pattern`` has no match; with ``inverse``, one in which it has.

    >>> RegexValidator(r"^[A-Z]{3}$", "Enter three capital letters.")("EUR")
    """

    pattern: str | re.Pattern[str]
    message: str = "The text has not the form that is wanted."
    inverse: bool = False

    def __call__(self, value: str) -> None:
        if bool(re.search(self.pattern, value)) == self.inverse:
            raise ValidationError(self.message)


class MinValueValidator(Frozen):
    """Refuse a value below ``limit``.

    >>> MinValueValidator(0)(3)
    """

    limit: Any

    def __call__(self, value: Any) -> None:
        if value < self.limit:
            raise ValidationError(f"The value is less than {self.limit}.")


class MaxValueValidator(Frozen):
    """Refuse a value above ``limit``.

    >>> MaxValueValidator(10)(3)
    """

    limit: Any

    def __call__(self, value: Any) -> None:
        if value > self.limit:
            raise ValidationError(f"The value is greater than {self.limit}.")


class MinLengthValidator(Frozen):
    """Refuse a value shorter than ``limit``.

    >>> MinLengthValidator(2)("ab")
    """

    limit: int

    def __call__(self, value: Any) -> None:
        if len(value) < self.limit:
            raise ValidationError(f"The value is shorter than {self.limit}.")


class MaxLengthValidator(Frozen):
    """Refuse a value longer than ``limit``.

    >>> MaxLengthValidator(2)("ab")
    """

    limit: int

    def __call__(self, value: Any) -> None:
        if len(value) > self.limit:
            raise ValidationError(f"The value is longer than {self.limit}.")
