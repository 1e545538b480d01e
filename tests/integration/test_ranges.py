"""Ranges on PostgreSQL: columns, values, lookups, transforms; what says no on SQLite, and what works on both."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal
from typing import Any, cast

import pytest

from covet import (
    ArrayAgg,
    BigIntegerRangeField,
    CharField,
    DateField,
    DateRangeField,
    DateTimeField,
    DateTimeRangeField,
    DecimalField,
    DecimalRangeField,
    F,
    FieldError,
    FloatField,
    Index,
    IntegerField,
    IntegerRangeField,
    Model,
    OuterRef,
    Param,
    Q,
    Range,
    SmallIntegerField,
    Subquery,
    ValidationError,
    Value,
    create_all,
    get_adapter,
)
from covet.database import capture_queries
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.orm.query.planner import SelectPlanner
from covet.exceptions import NotSupportedError
from covet.functions import Coalesce
from tests.conftest import Database

UTC = dt.UTC
NOON = dt.datetime(2024, 5, 31, 12, tzinfo=UTC)
DAY = dt.date(2024, 5, 31)


class Room(Model):
    name = CharField(max_length=20)
    row = SmallIntegerField(nullable=True)
    seats = IntegerRangeField(nullable=True)
    numbers = BigIntegerRangeField(nullable=True)
    price = DecimalRangeField(nullable=True, default_bounds="[]")
    closed = DateRangeField(nullable=True)
    booked = DateTimeRangeField(nullable=True)
    local = DateTimeRangeField(nullable=True, timezone=False)

    class Meta:
        db_table = "rooms"
        indexes = (Index(fields=["booked"], using="gist"),)


class Guest(Model):
    name = CharField(max_length=20)
    age = IntegerField(nullable=True)
    small = SmallIntegerField(nullable=True)
    fee = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    height = FloatField(nullable=True)
    born = DateField(nullable=True)
    seen = DateTimeField(nullable=True)


SEATS: dict[str, Range[int] | None] = {
    "1-4": Range(1, 5),
    "3-9": Range(3, 10),
    "5-": Range(5, None),
    "-0": Range(None, 0, "[]"),
    "all": Range(None, None),
    "empty": Range(empty=True),
    "null": None,
}


on_postgresql = pytest.mark.parametrize("database_target", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_target", ["sqlite"], indirect=True)


@pytest.fixture
async def rooms(database: Database) -> Database:
    await create_all([Room])
    await Room.objects.bulk_create([Room(name=name, seats=seats, row=3) for name, seats in SEATS.items()])
    return database


async def named(condition: Q) -> set[str]:
    return set(await Room.objects.filter(condition).values_list("name", flat=True))


@on_postgresql
@pytest.mark.parametrize(
    ("lookup", "value", "found"),
    [
        ("seats", Range(1, 5), {"1-4"}),
        ("seats", Range(0, 4, "(]"), {"1-4"}),
        ("seats", (1, 5), {"1-4"}),
        ("seats", None, {"null"}),
        ("seats", Range(empty=True), {"empty"}),
        ("seats__in", [Range(1, 5), Range(3, 9, "[]"), None], {"1-4", "3-9"}),
        ("seats__not", Range(1, 5), {*SEATS} - {"1-4"}),
        ("seats__isnull", True, {"null"}),
        ("seats__gt", Range(3, 10), {"5-"}),
        ("seats__lte", Range(1, 5), {"1-4", "-0", "all", "empty"}),
        ("seats__contains", 4, {"1-4", "3-9", "all"}),
        ("seats__contains", Range(3, 4, "[]"), {"1-4", "3-9", "all"}),
        ("seats__contains", [3, 5], {"1-4", "3-9", "all"}),
        ("seats__contains", Range(empty=True), {*SEATS} - {"null"}),
        ("seats__contains", F("row"), {"1-4", "3-9", "all"}),
        ("seats__contains", F("seats"), {*SEATS} - {"null"}),
        ("seats__contained_by", Range(0, 10), {"1-4", "3-9", "empty"}),
        ("seats__overlap", Range(4, 6), {"1-4", "3-9", "5-", "all"}),
        ("seats__fully_lt", Range(5, 9), {"1-4", "-0"}),
        ("seats__fully_gt", Range(None, 3), {"3-9", "5-"}),
        ("seats__not_lt", Range(3, None), {"3-9", "5-"}),
        ("seats__not_gt", Range(None, 5), {"1-4", "-0"}),
        ("seats__adjacent_to", Range(5, 7), {"1-4"}),
        ("seats__startswith", 3, {"3-9"}),
        ("seats__startswith__lt", 4, {"1-4", "3-9"}),
        ("seats__endswith__in", [5, 10], {"1-4", "3-9"}),
        ("seats__startswith__isnull", True, {"-0", "all", "empty", "null"}),
        ("seats__isempty", True, {"empty"}),
        ("seats__lower_inc", False, {"-0", "all", "empty"}),
        ("seats__lower_inf", True, {"-0", "all"}),
        ("seats__upper_inc", True, set[str]()),
        ("seats__upper_inf", True, {"5-", "all"}),
    ],
)
async def test_lookups_of_ranges(rooms: Database, lookup: str, value: Any, found: set[str]) -> None:
    assert await named(Q(**{lookup: value})) == found


@on_postgresql
async def test_negated_lookups_keep_rows_without_a_range(rooms: Database) -> None:
    assert await named(~Q(seats__contains=4)) == {"5-", "-0", "empty", "null"}
    assert await named(~Q(seats__overlap=Range(4, 6))) == {"-0", "empty", "null"}
    assert await named(~Q(seats__isempty=True)) == {*SEATS} - {"empty"}


@pytest.mark.parametrize(
    ("lookup", "value", "sql", "params"),
    [
        ("seats__contains", 4, '("rooms"."seats" @> $1::integer)', [4]),
        ("numbers__contains", 4, '("rooms"."numbers" @> $1::bigint)', [4]),
        ("seats__contains", Range(3, 5), '("rooms"."seats" @> $1::int4range)', [Range(3, 5)]),
        ("seats__contains", F("row"), '("rooms"."seats" @> CAST("rooms"."row" AS integer))', []),
        ("price__contains", 2, '("rooms"."price" @> $1::numeric)', [Decimal(2)]),
        ("seats__contained_by", (3, 5), '("rooms"."seats" <@ $1::int4range)', [Range(3, 5)]),
        ("numbers__overlap", Range(3, 5), '("rooms"."numbers" && $1::int8range)', [Range(3, 5)]),
        ("price__fully_lt", Range(3, 5), '("rooms"."price" << $1::numrange)', [Range(Decimal(3), Decimal(5))]),
        ("price__fully_gt", (3, 5), '("rooms"."price" >> $1::numrange)', [Range(Decimal(3), Decimal(5), "[]")]),
        ("closed__not_lt", (DAY, None), '("rooms"."closed" &> $1::daterange)', [Range(DAY, None)]),
        ("booked__not_gt", (None, NOON), '("rooms"."booked" &< $1::tstzrange)', [Range(None, NOON)]),
        ("local__adjacent_to", (NOON, None), "-|- $1::tsrange)", [Range(NOON.replace(tzinfo=None), None)]),
        ("booked__startswith__year", 2024, 'LOWER("rooms"."booked") BETWEEN $1::timestamptz', None),
        ("closed__endswith", DAY, 'UPPER("rooms"."closed") = $1::date', [DAY]),
        ("seats__isempty", False, 'ISEMPTY("rooms"."seats") = $1::boolean', [False]),
        ("seats", Range(1, 4, "[]"), '"rooms"."seats" = $1', [Range(1, 5)]),
    ],
)
def test_lookups_are_operators_of_postgresql(lookup: str, value: Any, sql: str, params: list[Any] | None) -> None:
    text, arguments = statement(Room.objects.filter(**{lookup: value}))
    assert sql in text
    assert params is None or arguments == params


def statement(query: Any) -> tuple[str, list[Any]]:
    """Return what PostgreSQL would be sent."""
    select, _ = SelectPlanner(query.model, query.state).rows()
    text, params = PostgreSQLDialect().compile(select).bind(query.params)
    return text, list(params)


@on_postgresql
async def test_values_come_back_as_they_were_stored(rooms: Database) -> None:
    later = NOON + dt.timedelta(hours=2)
    room = await Room.objects.create(
        name="x",
        seats=(1, 4),
        numbers=Range(2**40, None, "()"),
        price=(1, "2.50"),
        closed=Range(DAY, DAY, "[]"),
        booked=Range(NOON, later, "(]"),
        local=(NOON, later),
    )
    found = await Room.objects.get(id=room.id)
    assert found.seats == Range(1, 4)
    assert found.numbers == Range(2**40 + 1, None)
    assert found.price == Range(Decimal(1), Decimal("2.50"), "[]")
    assert found.closed == Range(DAY, DAY + dt.timedelta(days=1))
    assert found.booked == Range(NOON, later, "(]")
    assert found.local == Range(NOON.replace(tzinfo=None), later.replace(tzinfo=None))
    assert found.booked is not None
    assert found.booked.upper is not None
    assert found.booked.upper.tzinfo is UTC
    await Room.objects.filter(id=room.id).update(seats=Range(empty=True), booked=None)
    assert await Room.objects.filter(id=room.id).values_list("seats", "booked") == [(Range(empty=True), None)]
    found.seats = Range(7, 8)
    await found.save()
    bounds = Room.objects.filter(id=room.id).values_list("seats__startswith", "seats__endswith")
    assert await bounds == [(7, 8)]
    ordered = (
        await Room.objects.exclude(seats=None).order_by("-seats__startswith", "name").values_list("name", flat=True)
    )
    assert ordered[:2] == ["-0", "all"]


@on_postgresql
async def test_columns_and_indexes_are_those_of_ranges(rooms: Database) -> None:
    rows = await get_adapter().fetch_all(
        "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = 'rooms' ORDER BY 1"
    )
    kinds = {row["column_name"]: row["udt_name"] for row in rows}
    assert {name: kinds[name] for name in ("seats", "numbers", "price", "closed", "booked", "local")} == {
        "seats": "int4range",
        "numbers": "int8range",
        "price": "numrange",
        "closed": "daterange",
        "booked": "tstzrange",
        "local": "tsrange",
    }
    index = await get_adapter().fetch_value("SELECT indexdef FROM pg_indexes WHERE indexname = 'rooms_booked_idx'")
    assert "USING gist (booked)" in index


@on_postgresql
async def test_raw_sql_takes_ranges(rooms: Database) -> None:
    found = await get_adapter().fetch_value("SELECT name FROM rooms WHERE seats = $1", [Range(1, 5)])
    assert found == "1-4"
    [room] = await Room.objects.raw("SELECT * FROM rooms WHERE seats = $1", [Range(1, 5)])
    assert room.seats == Range(1, 5)


@on_postgresql
async def test_a_prepared_query_takes_a_value_of_a_range(rooms: Database) -> None:
    ask = Room.objects.filter(seats__contains=Param("seat")).order_by("name").values_list("name", flat=True).prepare()
    assert await ask(seat=4) == ["1-4", "3-9", "all"]
    assert await ask(seat=0) == ["-0", "all"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seats", 5, "a Range or a pair of bounds is wanted, not int"),
        ("seats", "[1,5)", "a Range or a pair of bounds is wanted, not str"),
        ("seats", (1, 2, 3), "a Range or a pair of bounds is wanted, not tuple"),
        ("seats", (5, 1), "the lower bound of a range must not be above its upper bound"),
        ("seats", Range(1.5, 2.5), "the lower bound: "),
        ("seats", Range(0, 2**31), "the upper bound: "),
        ("seats", Range(0, 2**31 - 1, "[]"), "the upper bound: "),
        ("seats", ("a", "b"), "the lower bound: "),
        ("numbers", Range(0, 2**63), "the upper bound: "),
        ("price", (Decimal("NaN"), 1), "NaN"),
        ("closed", (DAY, dt.date.max), "the upper bound: "),
        ("closed", Range(NOON, None), "the lower bound: a date is wanted, not datetime"),
        ("booked", (DAY, None), "the lower bound: a datetime is wanted, not date"),
    ],
)
def test_values_that_are_no_range_of_the_field_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Room.objects.filter(**{field: value})
    assert f"Room.{field}: " in str(caught.value)
    assert message.lower() in str(caught.value).lower()


def test_lookups_of_texts_are_none_of_ranges() -> None:
    with pytest.raises(FieldError, match="icontains") as caught:
        Room.objects.filter(seats__icontains="1")
    assert "adjacent_to" in str(caught.value)


def test_a_range_is_a_value() -> None:
    half = Range(1, 5)
    assert (half.lower, half.upper, half.bounds, half.isempty) == (1, 5, "[)", False)
    assert (half.lower_inc, half.upper_inc, half.lower_inf, half.upper_inf) == (True, False, False, False)
    assert [number in half for number in (0, 1, 4, 5)] == [False, True, True, False]
    assert [number in Range(1, 5, "(]") for number in (1, 5)] == [False, True]
    assert 10**9 in Range(1, None)
    assert None not in Range(None, None)
    assert Range(None, 3, "[]") == Range(None, 3, "(]")
    assert Range(2, 2, "(]") == Range(empty=True) != Range(None, None)
    assert 2 in Range(2, 2, "[]")
    assert 2 not in Range[int](empty=True)
    assert {half: 1}[Range(1, 5)] == 1
    assert half != Range(1, 5, "[]")
    assert pickle.loads(pickle.dumps(half)) == half
    assert [repr(half), repr(Range(empty=True))] == ["Range(1, 5, '[)')", "Range(empty=True)"]
    assert not Range(1, 1)
    assert half
    with pytest.raises(AttributeError):
        half.lower = 2  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Range(5, 1), ValueError, "must not be above"),
        (lambda: Range(1, 5, cast("Any", "[[")), ValueError, "bounds= is one of"),
        (lambda: Range(1, empty=True), ValueError, "has no bounds"),
        (lambda: Range(NOON, NOON.replace(tzinfo=None)), TypeError, "both are aware or neither"),
        (lambda: Range(1, "a"), TypeError, "these are int and str"),
    ],
)
def test_what_is_no_range_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@on_sqlite
async def test_sqlite_refuses_ranges_by_the_name_of_the_column(database: Database) -> None:
    with pytest.raises(NotSupportedError, match=r"rooms\.seats: SQLite has no range types\. Two columns"):
        await create_all([Room])
    for query in (Room.objects.filter(seats=Range(1, 2)), Room.objects.filter(seats__contains=1)):
        with pytest.raises(NotSupportedError, match="SQLite has no range types"):
            await query


GUESTS: list[dict[str, Any]] = [
    {"name": "a", "age": 1, "small": 1, "fee": Decimal("1.00"), "height": 1.5, "born": DAY, "seen": NOON},
    {
        "name": "b",
        "age": 5,
        "small": 5,
        "fee": Decimal("5.00"),
        "height": 5.5,
        "born": DAY + dt.timedelta(9),
        "seen": NOON,
    },
    {"name": "max", "age": 2**31 - 1, "small": 2**15 - 1, "fee": None, "height": None, "born": None, "seen": None},
]


@pytest.mark.parametrize(
    ("lookup", "value", "found"),
    [
        ("age", Range(1, 5), "a"),
        ("age", Range(1, 5, "(]"), "b"),
        ("age", Range(1, 5, "()"), ""),
        ("age", Range(1, 2, "()"), ""),
        ("age", Range(5, None), "b max"),
        ("age", Range(None, 5, "(]"), "a b"),
        ("age", Range(None, 5), "a"),
        ("age", Range(None, None), "a b max"),
        ("age", Range(empty=True), ""),
        ("age", Range(-(10**20), 10**20), "a b max"),
        ("age", Range(-(2**31) - 1, 5, "()"), "a"),
        ("age", Range(10**20, None), ""),
        ("age", Range(None, 10**20), "a b max"),
        ("age", Range(2**31 - 1, 2**31 - 1, "[]"), "max"),
        ("small", Range(5, 10**6), "b max"),
        ("fee", Range(Decimal(1), Decimal(5)), "a"),
        ("fee", Range(Decimal(1), Decimal(5), "(]"), "b"),
        ("height", Range(1.5, 5.5, "()"), ""),
        ("born", Range(DAY, DAY, "[]"), "a"),
        ("seen", Range(NOON, None), "a b"),
        ("seen__date", Range(None, DAY), ""),
        ("id", Range(None, 0), ""),
    ],
)
async def test_a_value_in_a_range_is_asked_by_its_bounds_on_both_databases(
    database: Database, lookup: str, value: Any, found: str
) -> None:
    await create_all([Guest])
    await Guest.objects.bulk_create([Guest(**values) for values in GUESTS])
    names = (
        await Guest.objects.filter(**{f"{lookup}__contained_by": value}).order_by("id").values_list("name", flat=True)
    )
    assert " ".join(names) == found
    if value.lower is not None:
        rest = await Guest.objects.exclude(**{f"{lookup}__contained_by": value}).values_list("name", flat=True)
        assert {*rest} == {"a", "b", "max"} - {*found.split()}


async def test_contained_by_is_two_comparisons(database: Database) -> None:
    await create_all([Guest])
    with capture_queries() as queries:
        await Guest.objects.filter(fee__contained_by=Range(Decimal(1), Decimal(5)))
    if database.name == "sqlite":
        assert '"fee" COLLATE covet_decimal >= ?1 AND "guests"."fee" COLLATE covet_decimal < ?2' in queries[0].sql
    else:
        assert 'WHERE "guests"."fee" >= $1 AND "guests"."fee" < $2' in queries[0].sql
    with pytest.raises(ValidationError, match="'contained_by' takes a Range, not int"):
        Guest.objects.filter(age__contained_by=5)
    with pytest.raises(ValidationError, match=r"Guest\.age"):
        Guest.objects.filter(age__contained_by=Range("a", "b"))


@on_postgresql
async def test_a_value_in_a_range_of_a_column_is_asked_by_the_operator(rooms: Database) -> None:
    with capture_queries() as queries:
        assert await named(Q(row__contained_by=F("seats"))) == {"1-4", "3-9", "all"}
    assert '("rooms"."seats" @> CAST("rooms"."row" AS integer))' in queries[0].sql


@on_postgresql
async def test_conditions_of_the_field_are_the_lookups_of_that_name(rooms: Database) -> None:
    seats, row, other = Room.seats, Room.row, Range(3, 5)
    for condition, keyword in [
        (seats.contains(4), Q(seats__contains=4)),
        (seats.contains(other), Q(seats__contains=other)),
        (seats.contains(row), Q(seats__contains=F("row"))),
        (seats.contained_by(Range(0, 10)), Q(seats__contained_by=Range(0, 10))),
        (seats.overlap(other), Q(seats__overlap=other)),
        (seats.fully_lt(other), Q(seats__fully_lt=other)),
        (seats.fully_gt(other), Q(seats__fully_gt=other)),
        (seats.not_lt(other), Q(seats__not_lt=other)),
        (seats.not_gt(other), Q(seats__not_gt=other)),
        (seats.adjacent_to(Range(5, 7)), Q(seats__adjacent_to=Range(5, 7))),
        (row.contained_by(Range(1, 5)), Q(row__contained_by=Range(1, 5))),
    ]:
        assert Room.objects.filter(condition).sql() == Room.objects.filter(keyword).sql()
        assert await named(condition) == await named(keyword)


@on_postgresql
async def test_ranges_are_values_wherever_others_are(rooms: Database) -> None:
    few = await Room.objects.filter(name__in=["1-4", "3-9"]).order_by("name")
    for room in few:
        room.seats, room.price = Range(100, 200), Range(Decimal(1), Decimal(2), "()")
    await Room.objects.bulk_update(few, ["seats", "price"])
    assert await Room.objects.filter(seats=Range(100, 200), price=Range(Decimal(1), Decimal(2), "()")).count() == 2
    _, made = await Room.objects.get_or_create(seats=Range(100, 199, "[]"), name="1-4")
    assert not made
    own = Value(Range(1, 2), output_field=IntegerRangeField())
    shown = Room.objects.filter(name="null").annotate(either=Coalesce("seats", own), own=own)
    assert await shown.values_list("either", "own") == [(Range(1, 2), Range(1, 2))]
    assert await shown.filter(either=Range(1, 1, "[]")).count() == 1
    assert await shown.filter(own__contains=1).count() == 1
    lists = await Room.objects.filter(name__in=["5-", "null"]).aggregate(all=ArrayAgg("seats", order_by="name"))
    assert lists == {"all": [Range(5, None), None]}
    assert await Room.objects.order_by().distinct().values_list("seats", flat=True).filter(seats__isnull=True) == [None]
    await Room.objects.filter(name="5-").update(numbers=Range(1, 9), seats=F("seats"))
    assert await Room.objects.filter(numbers__contains=F("row")).values_list("name", flat=True) == ["5-"]
    top = Room.objects.filter(id=OuterRef("id")).values("seats__endswith")
    ends = Room.objects.filter(name="1-4").annotate(end=Subquery(top)).values_list("end", flat=True)
    assert await ends == [200]


async def test_the_range_of_contained_by_has_to_be_known_to_prepare(database: Database) -> None:
    await create_all([Guest])
    ask = Guest.objects.filter(age__contained_by=Param("ages")).prepare()
    with pytest.raises(ValidationError, match=r"Guest\.age: the SQL of 'contained_by' depends on its range"):
        await ask(ages=Range(1, 5))
