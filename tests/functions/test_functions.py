"""What the table of cases cannot say: functions without a fixed value, what one database lacks, what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from covet import (
    Collate,
    DateTimeField,
    F,
    FieldError,
    ValidationError,
    Value,
    create_all,
    get_adapter,
    transaction,
)
from covet.database import capture_queries
from covet.exceptions import DatabaseError, NotSupportedError
from covet.functions import (
    SHA1,
    UUID4,
    UUID7,
    Ceil,
    Chr,
    Coalesce,
    Concat,
    Extract,
    ExtractHour,
    ExtractQuarter,
    Left,
    Ln,
    Lower,
    LPad,
    Now,
    Random,
    RandomUUID,
    Repeat,
    Round,
    Sqrt,
    Substr,
    TransactionNow,
    Trunc,
    TruncDate,
    TruncMonth,
    Unaccent,
)
from tests.conftest import Database
from tests.functions.things import ALL, BERLIN, Maker, Thing, value_of


@pytest.fixture
async def things(database: Database) -> Database:
    await create_all(ALL)
    return database


# -- functions without a fixed value -----------------------------------------------------------


async def test_now_is_the_present_in_utc(things: Database) -> None:
    await Thing.create()
    now = await value_of(Now())
    assert abs(now - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert now.tzinfo is dt.UTC
    assert await Thing.objects.filter(made__lte=Now()).count() == 0
    await Thing.objects.update(made=Now())
    assert await Thing.objects.filter(made__lte=Now()).count() == 1


async def test_transaction_now_stands_still_in_a_transaction(things: Database) -> None:
    await Thing.create()
    if things.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite does not know when a transaction began"):
            await value_of(TransactionNow())
        return
    async with transaction():
        begun = await value_of(TransactionNow())
        assert await value_of(TransactionNow()) == begun
        assert await value_of(Now()) > begun


async def test_random_numbers_differ_by_row_and_sort_rows(things: Database) -> None:
    await Thing.objects.bulk_create([Thing(number=number) for number in range(50)])
    drawn = await Thing.objects.annotate(value=Random()).values_list("value", flat=True)
    assert len(set(drawn)) > 40
    assert all(0 <= each < 1 for each in drawn)
    with capture_queries() as queries:
        shuffled = await Thing.objects.order_by("?").values_list("number", flat=True)
    assert "RANDOM()" in queries.sql[0].upper().replace("COVET_", "")
    assert sorted(shuffled) == list(range(50))
    assert shuffled != list(range(50))


async def test_identifiers_are_new_for_each_row(things: Database) -> None:
    await Thing.objects.bulk_create([Thing(), Thing()])
    for function, version in ((UUID4, 4), (RandomUUID, 4), (UUID7, 7)):
        found = await Thing.objects.annotate(value=function()).values_list("value", flat=True)
        assert [each.version for each in found] == [version, version]
        assert found[0] != found[1]
    seven = await value_of(UUID7())
    milliseconds = seven.int >> 80
    assert abs(milliseconds / 1000 - dt.datetime.now(dt.UTC).timestamp()) < 60


# -- what a database may lack ------------------------------------------------------------------


async def test_sha1_needs_pgcrypto_on_postgresql(things: Database) -> None:
    await Thing.create(name="abc")
    if things.name == "sqlite":
        assert await value_of(SHA1("name")) == "a9993e364706816aba3e25717850c26c9cd0d89d"
    else:
        with pytest.raises(NotSupportedError, match="needs the extension pgcrypto"):
            await value_of(SHA1("name"))


async def test_unaccent_takes_the_accents_off_both_sides(things: Database) -> None:
    await Thing.create(name="Élan José")
    if things.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite has no unaccent"):
            await Thing.objects.filter(name__unaccent="x")
        return
    await get_adapter().execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    try:
        assert await value_of(Unaccent("name")) == "Elan Jose"
        assert await Thing.objects.filter(name__unaccent__icontains="jösé").count() == 1
        assert await Thing.objects.filter(name__unaccent="Elan José").count() == 1
        with pytest.raises(FieldError, match="'in' cannot follow a transform of both sides"):
            Thing.objects.filter(name__unaccent__in=["x"])
    finally:
        await get_adapter().execute("DROP EXTENSION unaccent")


async def test_what_has_no_result_is_an_error(things: Database) -> None:
    await Thing.create(number=-1, name="x")
    for expression in (Sqrt("number"), Ln("number"), Chr(F("number") + 1)):
        with pytest.raises(DatabaseError):
            await value_of(expression)


# -- NULL as a value ---------------------------------------------------------------------------


async def test_is_distinct_from_keeps_rows_that_an_outer_join_lacks(things: Database) -> None:
    maker = await Maker.create(name="ann")
    await Thing.create(number=1, maker=maker)
    await Thing.create(number=2)
    numbers = Thing.objects.order_by("number").values_list("number", flat=True)
    assert await numbers.filter(maker__name__is_distinct_from="ann") == [2]
    assert await numbers.exclude(maker__name__is_distinct_from="ann") == [1]
    assert await numbers.filter(maker__name__is_not_distinct_from=F("name")) == [2]
    assert await numbers.exclude(maker__name__is_not_distinct_from=F("name")) == [1]


async def test_a_number_that_no_column_holds_is_distinct_from_all(things: Database) -> None:
    await Thing.create(number=1)
    await Thing.create()
    assert await Thing.objects.filter(number__is_distinct_from=2**40).count() == 2
    assert await Thing.objects.exclude(number__is_distinct_from=2**40).count() == 0
    assert await Thing.objects.filter(number__is_not_distinct_from=2**40).count() == 0
    assert await Thing.objects.filter(F("number").is_not_distinct_from(None)).count() == 1


# -- patterns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a%", ["a*b", "a_b", "ab", "abb", "axxb"]),
        ("a_b", ["a*b", "a_b", "abb"]),
        ("a\\_b", ["a_b"]),
        ("a*b", ["a*b"]),
        ("a?b", []),
        ("[a]%", []),
        ("%\n%", ["x\ny"]),
        ("", []),
    ],
)
async def test_like_reads_patterns_as_sql_does(things: Database, pattern: str, found: list[str]) -> None:
    for name in ("a*b", "a_b", "ab", "abb", "axxb", "x\ny"):
        await Thing.create(name=name)
    names = Thing.objects.order_by(Collate("name", "C" if things.name == "postgresql" else "BINARY"))
    assert await names.filter(name__like=pattern).values_list("name", flat=True) == found
    by_field = await names.filter(F("name").like(pattern)).values_list("name", flat=True)
    assert by_field == found
    assert await names.filter(name__ilike=pattern.upper()).values_list("name", flat=True) == found
    beside = names.filter(name__like=Lower(Value(pattern.upper())))
    assert await beside.values_list("name", flat=True) == found


async def test_like_tells_cases_apart_and_ilike_does_not(things: Database) -> None:
    for name in ("abb", "Abb", "Éa", "éa"):
        await Thing.create(name=name)
    assert await Thing.objects.filter(F("name").like("A%")).values_list("name", flat=True) == ["Abb"]
    assert await Thing.objects.filter(F("name").ilike("A%")).count() == 2
    assert await Thing.objects.filter(F("name").ilike("É_")).count() == 2


def test_a_pattern_cannot_end_in_its_escape_character() -> None:
    with pytest.raises(ValidationError, match="cannot end in a single backslash"):
        Thing.objects.filter(name__like="a\\")
    assert Thing.objects.filter(name__like="a\\\\").params == ("a\\\\",)


# -- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Left("name", 0), "'length' must be greater than 0"),
        (lambda: LPad("name", -1), "'length' must be greater or equal to 0"),
        (lambda: Repeat("name", -1), "'number' must be greater or equal to 0"),
        (lambda: Substr("name", 0), "'pos' must be greater than 0"),
        (lambda: Coalesce("name"), "Coalesce must take at least two expressions"),
        (lambda: Concat("name"), "Concat must take at least two expressions"),
        (lambda: Extract("made", "yeer"), r"Extract\(\) has no part 'yeer'\. Did you mean 'year'"),
        (lambda: Extract("made"), r"Extract\(\) has no part"),
        (lambda: Trunc("made", "century"), r"Trunc\(\) has no part 'century'"),
        (lambda: F("name")[-1], "negative numbers are not supported"),
        (lambda: F("name")[3:1], "cannot end before it begins"),
        (lambda: F("name")[::2], "has no step"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (ExtractHour("day"), r"ExtractHour\('day', 'hour'\): a date has no 'hour'"),
        (ExtractQuarter("name"), "a value of type Varchar has no 'quarter'"),
        (TruncDate("day"), "a datetime is wanted, not a value of type Date"),
        (TruncMonth("day", tzinfo=BERLIN), "tzinfo= is for datetimes; a date is in no zone"),
        (TruncMonth("day", output_field=DateTimeField()), "cut to the month, a date is no Timestamp"),
        (F("number")[0:2], r"F\('number'\)\[0:2\]: a value of type Integer cannot be sliced"),
    ],
)
def test_a_function_of_the_wrong_type_is_refused_where_it_is_written(expression: Any, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        Thing.objects.annotate(value=expression)


def test_an_f_is_no_sequence() -> None:
    with pytest.raises(TypeError):
        iter(cast("Any", F("name")))
    with pytest.raises(TypeError, match="takes an int or a slice"):
        F("name")[cast("Any", "a")]


async def test_whole_numbers_keep_their_parentheses(things: Database) -> None:
    await Thing.create(number=2, made="2024-12-01T00:00:00Z")
    assert await value_of(Ceil(F("number") + 1) * 2) == 6
    assert await value_of(Round(F("number") + 1) * 2) == 6
    assert await value_of(Value(12) / ExtractQuarter("made")) == 3
    assert await value_of(F("number").bitxor(3) * 5) == 5
    assert await value_of(Round(F("number") * 6, -1)) == 10


async def test_functions_group_and_sort(things: Database) -> None:
    for moment, number in (("2024-05-01T00:00:00Z", 1), ("2024-05-31T23:59:00Z", 2), ("2024-06-01T00:00:00Z", 4)):
        await Thing.create(made=moment, number=number)
    by_month = Thing.objects.values("made__month").order_by("-made__month")
    assert await by_month.values_list("made__month", flat=True).distinct() == [6, 5]
    assert await Thing.objects.order_by("-made__day", "number").values_list("number", flat=True) == [2, 1, 4]
