"""Validators: what they take and what they refuse."""

from __future__ import annotations

import re

import pytest

from covet.database.orm.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    RegexValidator,
    URLValidator,
    validate_email,
    validate_slug,
    validate_unicode_slug,
)
from covet.exceptions import ValidationError

GOOD_ADDRESSES = [
    "a@b.co",
    "first.last+tag@example.org",
    "o'neil@example.org",
    "x@sub.sub.example.museum",
    "x@localhost",
    "x@xn--bcher-kva.example",
    "ö@bücher.example",
    '"with blank"@example.org'.replace(" ", "_"),
    "x@[192.0.2.1]",
    "x@[IPv6:2001:db8::1]",
]
BAD_ADDRESSES = [
    "",
    "@",
    "a",
    "a@",
    "@b.co",
    "a@b",
    "a b@example.org",
    "a@b@example.org",
    ".a@example.org",
    "a.@example.org",
    "a..b@example.org",
    "a@-b.co",
    "a@b-.co",
    "a@b..co",
    "a@.b.co",
    "a@b.co.",
    "a@1.2.3.4",
    "a@[300.0.0.1]",
    "a@[IPv6:zz]",
    "a@b.co\n",
    "a\0@b.co",
    '""@example.org',
    '"a"b"@example.org',
    "a" * 65 + "@example.org",
    "a@" + "b" * 64 + ".org",
    "a@" + ".".join(["b" * 60] * 6),
    "a" * 100_000,
]
GOOD_URLS = [
    "http://example.org",
    "https://example.org:8443/a/b?c=d&e=f#g",
    "HTTPS://EXAMPLE.ORG/",
    "ftp://user:pass@example.org/",
    "http://localhost:8000",
    "http://192.0.2.1/",
    "http://[2001:db8::1]:80/",
    "https://bücher.example/ü",
    "https://example.org./",
]
BAD_URLS = [
    "",
    "example.org",
    "//example.org",
    "http:",
    "http:/example.org",
    "http://",
    "http:///path",
    "http://?q",
    "http://exa mple.org",
    "http://example.org/\n",
    "http://-a.org",
    "http://example",
    "http://example.org:0",
    "http://example.org:70000",
    "http://example.org:x",
    "http://[zz]/",
    "http://[::1",
    "javascript:alert(1)",
    "mailto:a@b.co",
    "http://1.2.3.400",
]


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_an_email_address_passes(address: str) -> None:
    validate_email(address)


@pytest.mark.parametrize("address", BAD_ADDRESSES, ids=range(len(BAD_ADDRESSES)))
def test_what_is_no_email_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="Enter a valid e-mail address"):
        validate_email(address)


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_url_passes(url: str) -> None:
    URLValidator()(url)


@pytest.mark.parametrize("url", BAD_URLS)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="begins with http:// or https:// or ftp:// or ftps://"):
        URLValidator()(url)


def test_a_url_validator_keeps_to_its_schemes() -> None:
    validate = URLValidator(scheme for scheme in ["SSH", "git"])
    validate("ssh://example.org")
    validate("git://example.org")
    with pytest.raises(ValidationError, match="begins with ssh:// or git://"):
        validate("http://example.org")


def test_slugs_are_ascii_unless_unicode_is_allowed() -> None:
    validate_slug("aZ0_-")
    validate_unicode_slug("ä-ß_9")
    for value in ("ä", "a b", "", "a\n"):
        with pytest.raises(ValidationError):
            validate_slug(value)
    for value in ("a b", "", "ä\n", "a/b"):
        with pytest.raises(ValidationError):
            validate_unicode_slug(value)


def test_limits_include_the_limit() -> None:
    MinValueValidator(3)(3)
    MaxValueValidator(3)(3)
    MinLengthValidator(3)("abc")
    MaxLengthValidator(3)("abc")
    for validator, value in (
        (MinValueValidator(3), 2),
        (MaxValueValidator(3), 4),
        (MinLengthValidator(3), "ab"),
        (MaxLengthValidator(3), "abcd"),
    ):
        with pytest.raises(ValidationError, match="3"):
            validator(value)


def test_a_regex_must_match_or_with_inverse_must_not() -> None:
    RegexValidator(r"^[A-Z]{3}$")("EUR")
    RegexValidator(re.compile("b", re.IGNORECASE))("aBc")
    with pytest.raises(ValidationError, match="three capitals"):
        RegexValidator(r"^[A-Z]{3}$", "three capitals")("eur")
    RegexValidator("x", inverse=True)("a")
    with pytest.raises(ValidationError):
        RegexValidator("x", inverse=True)("axa")


def test_equal_validators_are_equal() -> None:
    assert MinValueValidator(3) == MinValueValidator(3)
    assert URLValidator(["http"]) != URLValidator(["https"])
