"""Functions of random values: the same on both databases, and what Python says where it has the function."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import covet.database
from covet import (
    CharField,
    DateTimeField,
    DecimalField,
    Expression,
    FloatField,
    IntegerField,
    Model,
    TextField,
    Value,
    create_all,
)
from covet import functions as f
from covet.database import DatabaseConfig
from covet.database.orm.functions import math as number_functions
from covet.exceptions import DatabaseError
from tests import postgresql_server

MOMENT = DateTimeField()
TEXT, NUMBER, FLOAT, DECIMAL = TextField(), IntegerField(), FloatField(), DecimalField()
ERROR = "an error"


class Single(Model):
    name = CharField(max_length=5)

    class Meta:
        db_table = "singles"


@pytest.fixture
async def two_databases(postgresql_url: str, tmp_path: Path) -> AsyncIterator[None]:
    await postgresql_server.empty(postgresql_url)
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'one.sqlite3'}", alias="one", replace=True)
    DatabaseConfig(url=postgresql_url, alias="two", replace=True)
    for alias in ("one", "two"):
        await create_all(models=[Single], using=alias)
        await Single.objects.using(alias).create(name="x")
    yield
    await covet.database.close_all()


async def both(expressions: dict[str, Expression[Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of all expressions on SQLite and on PostgreSQL."""
    query = Single.objects.annotate(**expressions).values(*expressions)
    return (await query.using("one"))[0], (await query.using("two"))[0]


async def each(expression: Expression[Any]) -> tuple[Any, Any]:
    """Return the value of one expression on SQLite and on PostgreSQL; what has none is an error."""
    found: list[Any] = []
    for alias in ("one", "two"):
        try:
            rows = await Single.objects.using(alias).annotate(v=expression).values_list("v", flat=True)
        except DatabaseError:
            found.append(ERROR)
        else:
            found.append(rows[0])
    return found[0], found[1]


reading = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4).map(
    lambda number: number.normalize() + 0
)
floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9).filter(
    lambda number: number == 0 or abs(number) > 1e-9
)
small = st.integers(0, 15)


@given(text=texts, other=texts, count=small)
@example(text="", other="", count=0)
@reading
async def test_functions_of_text(two_databases: None, text: str, other: str, count: int) -> None:
    value, part = Value(text, TEXT), Value(other, TEXT)
    number = Value(count, NUMBER)
    negative = Value(-count, NUMBER)
    oracle: dict[str, tuple[Expression[Any], Any]] = {
        "concat": (f.Concat(value, part), text + other),
        "first": (f.Left(value, count + 1), text[: count + 1]),
        "but_last": (f.Left(value, negative), text[: -count or 0] if count else ""),
        "final": (f.Right(value, count + 1), text[-count - 1 :]),
        "but_first": (f.Right(value, negative), text[count:] if count else ""),
        "long": (f.Length(value), len(text)),
        "front": (f.LPad(value, number, part), _left_pad(text, count, other)),
        "back": (f.RPad(value, count, part), _right_pad(text, count, other)),
        "left_trimmed": (f.LTrim(value), text.lstrip(" ")),
        "right_trimmed": (f.RTrim(value), text.rstrip(" ")),
        "trimmed": (f.Trim(value), text.strip(" ")),
        "code": (f.Ord(value), ord(text[0]) if text else 0),
        "repeated": (f.Repeat(value, count), text * count),
        "replaced": (f.Replace(value, part, Value("é")), text.replace(other, "é") if other else text),
        "reversed": (f.Reverse(value), text[::-1]),
        "place": (f.StrIndex(value, part), text.find(other) + 1),
        "middle": (f.Substr(value, count + 1, count), text[count : count + count]),
        "rest": (f.Substr(value, count + 1), text[count:]),
    }
    one, two = await both({name: expression for name, (expression, _) in oracle.items()})
    wanted = {name: result for name, (_, result) in oracle.items()}
    assert two == wanted
    assert one == wanted


def _left_pad(text: str, length: int, fill: str) -> str:
    return ((fill * length)[: max(length - len(text), 0)] + text)[:length] if fill else text[:length]


def _right_pad(text: str, length: int, fill: str) -> str:
    return (text + (fill * length))[:length] if fill else text[:length]


@given(text=st.text(st.characters(codec="utf-8", categories=["Lu", "Ll", "Nd", "Zs"]), max_size=8))
@reading
async def test_digests_and_case(two_databases: None, text: str) -> None:
    # Letters that a database's own tables do not know yet are not compared.
    assume(all(unicodedata.bidirectional(each) and ord(each) < 0x250 for each in text))
    value = Value(text, TEXT)
    names = ("MD5", "SHA224", "SHA256", "SHA384", "SHA512", "Lower", "Upper")
    one, two = await both({name.lower() + "_of": getattr(f, name)(value) for name in names})
    assert one == two


ONE_NUMBER = (
    f.Abs, f.Ceil, f.Floor, f.Round, f.Sign, f.Sqrt, f.Exp, f.Ln, f.Sin, f.Cos, f.Tan, f.Cot,
    f.ASin, f.ACos, f.ATan, f.Degrees, f.Radians,
)  # fmt: skip
TWO_NUMBERS = (f.ATan2, f.Log, f.Mod, f.Power)


def shown(value: Any) -> str:
    """Return a value with the digits that it shows; the driver writes some decimals with an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def alike(one: Any, two: Any) -> bool:
    """Say whether both databases gave the same: of the same type, and for floats but for the last digits."""
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-13, abs_tol=1e-300)
    return type(one) is type(two) and one == two and shown(one) == shown(two)


@pytest.mark.parametrize("function", ONE_NUMBER)
@given(real=floats, small_real=st.floats(-1, 1), whole=st.integers(-(10**6), 10**6))
@example(real=0.0, small_real=0.0, whole=0)
@example(real=2.5, small_real=-0.5, whole=25)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_functions_of_one_number(
    two_databases: None, function: Callable[[Any], Expression[Any]], real: float, small_real: float, whole: int
) -> None:
    for value in (Value(real, FLOAT), Value(small_real, FLOAT), Value(whole, NUMBER)):
        one, two = await each(function(value))
        assert alike(one, two), (value.value, one, two)


@pytest.mark.parametrize("function", ONE_NUMBER)
@given(number=decimals)
@example(number=Decimal("1.1"))
@example(number=Decimal("0.0001"))
@example(number=Decimal("-2.5"))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_functions_of_one_decimal(
    two_databases: None, function: Callable[[Any], Expression[Any]], number: Decimal
) -> None:
    assume(function is not f.Exp or abs(number) < 200)
    one, two = await each(function(Value(number, DECIMAL)))
    if function in ONE_NUMBER[8:] and ERROR not in (one, two):
        # From floats, whose last digits are the mathematical library's own.
        assert isinstance(one, Decimal)
        assert math.isclose(one, two, rel_tol=1e-13)
    else:
        assert alike(one, two), (number, one, two)


@pytest.mark.parametrize("function", TWO_NUMBERS)
@given(left=decimals, right=decimals)
@example(left=Decimal(2), right=Decimal("0.5"))
@example(left=Decimal("0.5"), right=Decimal(3))
@example(left=Decimal("1.05"), right=Decimal(-7))
@example(left=Decimal(0), right=Decimal(0))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_functions_of_two_numbers(
    two_databases: None, function: Callable[[Any, Any], Expression[Any]], left: Decimal, right: Decimal
) -> None:
    if function is f.Power:
        right = right % 20
    for first, second in (
        (Value(left, DECIMAL), Value(right, DECIMAL)),
        (Value(float(left), FLOAT), Value(float(right), FLOAT)),
        (Value(int(left), NUMBER), Value(int(right), NUMBER)),
        (Value(int(left), NUMBER), Value(right, DECIMAL)),
    ):
        one, two = await each(function(first, second))
        same = math.isclose(one, two, rel_tol=1e-13) if function is f.ATan2 else alike(one, two)
        assert same, (first.value, second.value, one, two)


@given(number=decimals, real=floats, whole=st.integers(-(2**31) + 1, 2**31 - 1), digits=st.integers(-4, 6))
@reading
async def test_rounding(two_databases: None, number: Decimal, real: float, whole: int, digits: int) -> None:
    one, two = await both(
        {
            "number": f.Round(Value(number, DECIMAL), digits),
            "real": f.Round(Value(real, FLOAT), digits),
            "whole": f.Round(Value(whole, NUMBER), digits),
        }
    )
    assert one == two
    assert one["number"] == number.quantize(Decimal(1).scaleb(-digits), "ROUND_HALF_UP")


ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo"]
moments = st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2037, 12, 30), timezones=st.just(dt.UTC))


@given(moment=moments, zone=st.sampled_from([*map(ZoneInfo, ZONES), dt.UTC, dt.timezone(dt.timedelta(hours=-9.5))]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_functions_of_moments(two_databases: None, moment: dt.datetime, zone: dt.tzinfo) -> None:
    value, shown = Value(moment, MOMENT), moment.astimezone(zone)
    iso = shown.isocalendar()
    wanted = {
        "year": shown.year, "iso_year": iso.year, "quarter": (shown.month + 2) // 3, "month": shown.month,
        "week": iso.week, "week_day": iso.weekday % 7 + 1, "iso_week_day": iso.weekday, "day": shown.day,
        "hour": shown.hour, "minute": shown.minute, "second": shown.second,
    }  # fmt: skip
    one, two = await both({f"{part}_of": f.Extract(value, part, tzinfo=zone) for part in wanted})
    assert one == {f"{part}_of": number for part, number in wanted.items()}
    assert one == two
    kinds = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
    cut = {f"{kind}_of": f.Trunc(value, kind, tzinfo=zone) for kind in kinds}
    one, two = await both({**cut, "date_of": f.TruncDate(value, zone), "time_of": f.TruncTime(value, zone)})
    assert one == two
    assert (one["date_of"], one["time_of"]) == (shown.date(), shown.time())
    assert one["day_of"].astimezone(zone).date() == shown.date()
    assert one["second_of"] == moment.replace(microsecond=0)


def test_every_function_of_numbers_is_compared() -> None:
    known = {each.__name__ for each in (*ONE_NUMBER, *TWO_NUMBERS)}
    assert known | {"Pi", "Random"} == set(number_functions.__all__)
