"""The guide's table of field types: each value comes back equal and of the same type, or is refused before SQL."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from covet import (
    ArrayField,
    CharField,
    DatabaseError,
    DecimalField,
    EnumField,
    IntegerField,
    Model,
    ModelDefinitionError,
    ValidationError,
    create_all,
)
from covet.database import capture_queries, get_adapter
from tests.conftest import Database
from tests.models.columns import Everything, Level, Status

BERLIN = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2024, 5, 31, 12, 30, 15, 123456, tzinfo=dt.UTC)

ROUND_TRIPS: list[tuple[str, Any]] = [
    ("integer", 2**31 - 1),
    ("integer", -(2**31)),
    ("integer", 0),
    ("big", 2**63 - 1),
    ("big", -(2**63)),
    ("small", 2**15 - 1),
    ("small", -(2**15)),
    ("positive", 0),
    ("positive", 2**31 - 1),
    ("positive_big", 2**63 - 1),
    ("positive_small", 2**15 - 1),
    ("char", ""),
    ("char", "x" * 10),
    ("char", "ä€😀" + "e\u0301"),
    ("char", " \t\n' \"\\"),
    ("free_char", "y" * 100_000),
    ("text", "z" * 10_000_000),
    ("text", "%s $1 ? {} \\ ' \" -- ;"),
    ("flag", True),
    ("flag", False),
    ("moment", NOON),
    ("moment", dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)),
    ("moment", dt.datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=dt.UTC)),
    ("moment", dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)),
    ("naive_moment", dt.datetime(2024, 5, 31, 12, 30, 15, 123456)),
    ("day", dt.date(2024, 2, 29)),
    ("day", dt.date(1, 1, 2)),
    ("day", dt.date(9999, 12, 30)),
    ("clock", dt.time(0, 0)),
    ("clock", dt.time(23, 59, 59, 999999)),
    ("free_decimal", Decimal("0.1")),
    ("free_decimal", Decimal("12345678901234567890123456789012345678901234567890.0123456789")),
    ("free_decimal", Decimal("-1e-30")),
    ("price", Decimal("99999999.99")),
    ("price", Decimal("-0.01")),
    ("number", 0.1 + 0.2),
    ("number", 1.7976931348623157e308),
    ("number", 5e-324),
    ("number", 1.0),
    ("number", math.inf),
    ("document", {"nested": {"list": [1, 2.5, "x", None, True, {}], "": []}}),
    ("document", []),
    ("document", "a text"),
    ("document", 0),
    ("document", False),
    ("old_document", {"b": 1, "a": [None]}),
    ("numbers", []),
    ("numbers", [1, 2, -(2**31)]),
    ("words", ["a,b", '"', "{}", "", None, "NULL"]),
    ("status", Status.DRAFT),
    ("named_status", Status.PUBLISHED),
    ("level", Level.HIGH),
    ("binary", b"\x00\xff"),
    ("binary", b""),
    ("binary", bytes(range(256)) * 4096),
    ("email", "alice@example.com"),
    ("slug", "a-slug_1"),
    ("url", "https://example.com/a?b=c#d"),
    ("uuid", UUID("12345678-1234-5678-1234-567812345678")),
    ("took", dt.timedelta(days=-1, microseconds=1)),
    ("took", dt.timedelta(days=36500, seconds=1)),
    ("address", "192.168.0.1"),
    ("address", "2001:db8::1"),
]


def label(value: object) -> str:
    text = f"{value!r}"
    return text if len(text) < 40 else f"{text[:30]}..{len(text)}"


@pytest.mark.parametrize(("name", "value"), ROUND_TRIPS, ids=label)
async def test_value_comes_back_equal_and_of_the_same_type(database: Database, name: str, value: Any) -> None:
    await create_all(models=[Everything])
    made = await Everything.create(**{name: value})
    found = getattr(await Everything.objects.get(id=made.id), name)
    assert found == value
    assert isinstance(found, type(value))  # a driver may have a UUID class of its own, derived from Python's
    assert getattr(made, name) == value
    (row,) = await Everything.objects.values(name)
    assert row == {name: value}
    assert isinstance(row[name], type(value))
    assert await Everything.objects.values_list(name, flat=True) == [value]


@pytest.mark.parametrize(
    ("name", "value"),
    [pair for pair in ROUND_TRIPS if pair[0] not in {"document", "old_document"} and len(repr(pair[1])) < 10_000],
    ids=label,
)
async def test_stored_value_is_found_by_itself(database: Database, name: str, value: Any) -> None:
    await create_all(models=[Everything])
    made = await Everything.create(**{name: value})
    await Everything.create()
    assert await Everything.objects.filter(**{name: value}) == [made]
    assert await Everything.objects.filter(**{f"{name}__in": [value]}) == [made]


@pytest.mark.parametrize(
    ("name", "value"),
    [pair for pair in ROUND_TRIPS if len(repr(pair[1])) < 10_000],
    ids=label,
)
async def test_bulk_created_value_comes_back_equal(database: Database, name: str, value: Any) -> None:
    await create_all(models=[Everything])
    await Everything.objects.bulk_create([Everything(**{name: value}), Everything()])
    assert await Everything.objects.order_by("id").values_list(name, flat=True) == [value, None]


@pytest.mark.parametrize("name", sorted({name for name, _ in ROUND_TRIPS}))
async def test_null_comes_back_as_none(database: Database, name: str) -> None:
    await create_all(models=[Everything])
    made = await Everything.create(**{name: None})
    assert getattr(await Everything.objects.get(id=made.id), name) is None
    assert await Everything.objects.filter(**{f"{name}__isnull": True}).count() == 1
    # In a comparison with a document None is the document null (Django's rule).
    equal = 0 if "document" in name else 1
    assert await Everything.objects.filter(**{name: None}).count() == equal


REFUSED: list[tuple[str, Any]] = [
    ("integer", 2**31),
    ("integer", 1.5),
    ("integer", "12a"),
    ("integer", math.nan),
    ("big", 2**63),
    ("small", 2**15),
    ("positive", -1),
    ("char", "x" * 11),
    ("char", "nul\0"),
    ("char", "\ud800"),
    ("flag", "perhaps"),
    ("moment", "yesterday"),
    ("moment", dt.datetime.min.replace(tzinfo=dt.UTC)),  # the driver would store infinity
    ("moment", dt.datetime.max.replace(tzinfo=dt.UTC)),
    ("naive_moment", dt.datetime.min),  # noqa: DTZ901 - it has no zone
    ("naive_moment", dt.datetime.max),  # noqa: DTZ901
    ("day", dt.date.min),
    ("day", dt.date.max),
    ("moment", 5),
    ("day", "31.05.2024"),
    ("day", dt.datetime(2024, 5, 31)),
    ("clock", "25:00"),
    ("free_decimal", Decimal("NaN")),
    ("price", Decimal("0.001")),
    ("price", Decimal(100_000_000)),
    ("number", math.nan),
    ("document", {1, 2}),
    ("document", {"x": math.nan}),
    ("numbers", "123"),
    ("numbers", [1, "x"]),
    ("numbers", [None]),
    ("words", ["x" * 21]),
    ("status", "unknown"),
    ("level", 5),
    ("binary", "text"),
    ("email", "not-an-email"),
    ("email", f"{'a' * 250}@example.com"),
    ("slug", "no slug"),
    ("url", "no url"),
    ("uuid", "1234"),
    ("took", "1 day"),
    ("address", "300.1.1.1"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=label)
async def test_value_that_cannot_be_stored_exactly_is_refused_before_sql(
    database: Database, name: str, value: Any
) -> None:
    await create_all(models=[Everything])
    with capture_queries() as queries:
        with pytest.raises(ValidationError) as caught:
            await Everything.create(**{name: value})
        with pytest.raises(ValidationError):
            await Everything.objects.bulk_create([Everything(), Everything(**{name: value})])
    assert list(caught.value.errors) == [name]
    assert queries == []


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("integer", "12", 12),
        ("integer", 3.0, 3),
        ("char", 5, "5"),
        ("moment", dt.datetime(2024, 5, 31, 12, 0), dt.datetime(2024, 5, 31, 12, 0, tzinfo=dt.UTC)),
        ("moment", dt.datetime(2024, 5, 31, 14, 0, tzinfo=BERLIN), dt.datetime(2024, 5, 31, 12, 0, tzinfo=dt.UTC)),
        ("moment", "2024-05-31T12:00:00Z", dt.datetime(2024, 5, 31, 12, 0, tzinfo=dt.UTC)),
        ("naive_moment", dt.datetime(2024, 5, 31, 14, 0, tzinfo=BERLIN), dt.datetime(2024, 5, 31, 12, 0)),
        ("price", 5, Decimal("5.00")),
        ("price", "5.5", Decimal("5.50")),
        ("number", 2, 2.0),
        ("status", "draft", Status.DRAFT),
        ("uuid", "12345678123456781234567812345678", UUID("12345678-1234-5678-1234-567812345678")),
        ("address", "2001:DB8:0::1", "2001:db8::1"),
        ("numbers", (1, 2), [1, 2]),
        ("document", {"t": (1, 2)}, {"t": [1, 2]}),
    ],
)
async def test_value_of_another_type_is_converted_where_that_is_exact(
    database: Database, name: str, given: Any, stored: Any
) -> None:
    await create_all(models=[Everything])
    made = await Everything.create(**{name: given})
    found = getattr(await Everything.objects.get(id=made.id), name)
    assert found == stored
    assert isinstance(found, type(stored))
    assert getattr(made, name) == stored
    assert isinstance(getattr(made, name), type(stored))


async def test_moment_is_read_aware_and_in_utc(database: Database) -> None:
    await create_all(models=[Everything])
    await Everything.create(moment=dt.datetime(2024, 5, 31, 14, 0, tzinfo=BERLIN))
    found = (await Everything.objects.get()).moment
    assert found is not None
    assert found.tzinfo is not None
    assert found.utcoffset() == dt.timedelta(0)
    assert found.hour == 12


async def test_json_null_inside_of_a_document_is_not_sql_null(database: Database) -> None:
    await create_all(models=[Everything])
    await Everything.create(document={"x": None})
    await Everything.create(document=None)
    assert await Everything.objects.filter(document__isnull=True).count() == 1
    assert [row.document for row in await Everything.objects.filter(document__isnull=False)] == [{"x": None}]


COLUMN_TYPES = {
    "id": "bigint",
    "integer": "integer",
    "big": "bigint",
    "small": "smallint",
    "positive": "integer",
    "positive_big": "bigint",
    "positive_small": "smallint",
    "char": "character varying(10)",
    "free_char": "character varying",
    "text": "text",
    "flag": "boolean",
    "moment": "timestamp with time zone",
    "naive_moment": "timestamp without time zone",
    "day": "date",
    "clock": "time without time zone",
    "free_decimal": "numeric",
    "price": "numeric(10,2)",
    "number": "double precision",
    "document": "jsonb",
    "old_document": "json",
    "numbers": "integer[]",
    "words": "character varying(20)[]",
    "status": "character varying(9)",
    "named_status": "character varying(9)",
    "level": "integer",
    "binary": "bytea",
    "email": "character varying(255)",
    "slug": "character varying(50)",
    "url": "character varying(200)",
    "uuid": "uuid",
    "took": "interval",
    "address": "inet",
}


async def test_postgresql_columns_have_the_documented_types(database: Database) -> None:
    if database.name != "postgresql":
        return  # the types of SQLite are free; what they hold is tested by the round trips
    await create_all(models=[Everything])
    rows = await get_adapter().fetch_all(
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
        "WHERE attrelid = 'everything'::regclass AND attnum > 0"
    )
    types = {row["attname"]: row["type"] for row in rows}
    assert types == COLUMN_TYPES


async def test_positive_column_refuses_a_negative_number_of_raw_sql(database: Database) -> None:
    await create_all(models=[Everything])
    with pytest.raises(DatabaseError):
        await get_adapter().execute("INSERT INTO everything (positive) VALUES ($1)", [-1])


async def test_enum_is_stored_by_its_value_or_by_its_name(database: Database) -> None:
    await create_all(models=[Everything])
    await Everything.create(status=Status.DRAFT, named_status=Status.DRAFT, level=Level.LOW)
    row = await get_adapter().fetch_one("SELECT status, named_status, level FROM everything")
    assert row is not None
    assert tuple(row) == ("draft", "DRAFT", 1)


async def test_char_field_without_a_length_is_legal() -> None:
    class Free(Model):
        name = CharField()

    assert Free.name.max_length is None


def test_decimal_field_takes_both_limits_or_none() -> None:
    with pytest.raises(ModelDefinitionError, match="decimal_places"):
        DecimalField(max_digits=5)


def test_array_and_enum_fields_say_what_they_need() -> None:
    with pytest.raises(ModelDefinitionError, match="IntegerField"):
        ArrayField()  # type: ignore[call-overload]
    with pytest.raises(ModelDefinitionError, match="Enum"):
        EnumField()  # type: ignore[call-overload]
    assert ArrayField(IntegerField(), size=3).size == 3
