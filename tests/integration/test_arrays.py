"""Arrays: lookups, items and parts, functions that change them. The same answers on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from covet import F, FieldError, Q, ValidationError, create_all
from covet.database import capture_queries
from covet.functions import ArrayAppend, ArrayCat, ArrayPrepend, ArrayRemove, ArrayReplace, Lower
from tests.conftest import Database
from tests.models.kennel import ALL, Dog

TAGS: dict[str, Any] = {
    "none": [],
    "a": ["a"],
    "ab": ["a", "b"],
    "ba": ["b", "a"],
    "abc": ["a", "b", "c"],
    "hole": ["a", None],
    "null": None,
}
GRIDS: dict[str, Any] = {"a": [[1, 2], [3, 4]], "ab": [[5]], "none": []}


@pytest.fixture
async def dogs(database: Database) -> Database:
    await create_all(ALL)
    rows = [
        Dog(name=name, tags=tags, grid=GRIDS.get(name), flags=[True, False], prices=[Decimal("1.5")])
        for name, tags in TAGS.items()
    ]
    await Dog.objects.bulk_create(rows)
    return database


async def named(condition: Q) -> set[str]:
    return set(await Dog.objects.filter(condition).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("lookup", "value", "found"),
    [
        ("tags", ["a", "b"], {"ab"}),
        ("tags", [], {"none"}),
        ("tags__in", [["a"], ["b", "a"], []], {"a", "ba", "none"}),
        ("tags__in", [], set[str]()),
        ("tags__not_in", [["a"]], {*TAGS} - {"a"}),
        ("tags__contains", ["a"], {"a", "ab", "ba", "abc", "hole"}),
        ("tags__contains", ["b", "a"], {"ab", "ba", "abc"}),
        ("tags__contains", [], {*TAGS} - {"null"}),
        ("tags__contains", [None], set[str]()),
        ("tags__contained_by", ["b", "a"], {"none", "a", "ab", "ba"}),
        ("tags__overlap", ["c", "b"], {"ab", "ba", "abc"}),
        ("tags__overlap", [None], set[str]()),
        ("tags__len", 2, {"ab", "ba", "hole"}),
        ("tags__len__lt", 1, {"none"}),
        ("tags__0", "a", {"a", "ab", "abc", "hole"}),
        ("tags__1__isnull", True, {"none", "a", "hole", "null"}),
        ("tags__1__in", ["a", "b"], {"ab", "ba", "abc"}),
        ("tags__0__istartswith", "A", {"a", "ab", "abc", "hole"}),
        ("tags__9", "a", set[str]()),
        ("tags__0_2", ["a", "b"], {"ab", "abc"}),
        ("tags__1_9", [], {"none", "a"}),
        ("tags__0_2__len", 1, {"a"}),
        ("tags__contains", F("tags"), {*TAGS} - {"null", "hole"}),
        ("grid__len", 2, {"a"}),
        ("grid__1__0", 3, {"a"}),
        ("grid__1", [3, 4], {"a"}),
        ("grid__0_1", [[5]], {"ab"}),
        ("grid__contains", [[4]], {"a"}),
        ("grid__overlap", [[5, 9]], {"ab"}),
        ("flags__0", True, {*TAGS}),
        ("flags__contains", [False], {*TAGS}),
        ("prices__0", Decimal("1.50"), {*TAGS}),
        ("prices__contains", [Decimal("1.5")], {*TAGS}),
    ],
)
async def test_a_lookup_finds_the_same_rows_everywhere(
    dogs: Database, lookup: str, value: Any, found: set[str]
) -> None:
    condition = Q(**{lookup: value})
    assert await named(condition) == found
    assert await named(~condition) == {*TAGS} - found


async def test_lookups_compile_to_operators_of_arrays(dogs: Database) -> None:
    with capture_queries() as queries:
        await Dog.objects.filter(tags__contains=["a"]).count()
        await Dog.objects.filter(tags__overlap=["a"]).count()
        await Dog.objects.filter(tags__len=2).count()
        await Dog.objects.filter(tags__0="a").count()
        await Dog.objects.filter(tags__0_2=["a"]).count()
    if dogs.name == "postgresql":
        made = [
            '("dogs"."tags" @> $1::varchar[])',
            '("dogs"."tags" && $1::varchar[])',
            'CARDINALITY("dogs"."tags") = $1::integer',
            '"dogs"."tags"[$1::integer + 1] = $2::varchar',
            '"dogs"."tags"[$1::integer + 1:$2::integer] = $3::varchar[]',
        ]
    else:
        made = [
            'covet_array_contains("dogs"."tags", ?1)',
            'covet_array_overlap("dogs"."tags", ?1)',
            'covet_array_length("dogs"."tags") = ?1',
            'covet_array_at("dogs"."tags", ?1) = ?2',
            'covet_array_part("dogs"."tags", ?1, ?2) = ?3',
        ]
    assert [query.sql.partition(" WHERE ")[2] for query in queries] == made


async def test_items_and_parts_are_values(dogs: Database) -> None:
    dog = Dog.objects.filter(name="abc")
    assert await dog.values_list("tags__0", "tags__1_3", "tags__len", "flags__1", "prices__0") == [
        ("a", ["b", "c"], 3, False, Decimal("1.50"))
    ]
    parts = dog.annotate(first=F("tags")[0], rest=F("tags")[1:], two=F("tags")[0:2], letter=F("name")[0])
    assert await parts.values_list("first", "rest", "two", "letter") == [("a", ["b", "c"], ["a", "b"], "a")]
    assert await Dog.objects.filter(name="a").values_list("grid__0", "grid__1__1", "grid__1_2") == [
        ([1, 2], 4, [[3, 4]])
    ]
    assert await Dog.objects.order_by("-tags__len", "id").values_list("name", flat=True).first() == "null"
    assert await Dog.objects.filter(tags__0=F("name")).values_list("name", flat=True) == ["a"]


async def test_arrays_change_in_the_database(dogs: Database) -> None:
    dog = Dog.objects.filter(name="ab")
    with capture_queries() as queries:
        await dog.update(tags=ArrayAppend("tags", "c"))
    changed = "ARRAY_APPEND(" if dogs.name == "postgresql" else "covet_array_append("
    assert changed in queries[0].sql
    await dog.update(tags=ArrayPrepend("tags", Lower("name")))
    assert (await dog.get()).tags == ["ab", "a", "b", "c"]
    await dog.update(tags=ArrayCat(ArrayRemove("tags", "ab"), ["a", "z"]))
    assert (await dog.get()).tags == ["a", "b", "c", "a", "z"]
    await dog.update(tags=ArrayReplace("tags", "a", None))
    assert (await dog.get()).tags == [None, "b", "c", None, "z"]
    await dog.update(
        tags=ArrayRemove("tags", None), flags=ArrayAppend("flags", True), prices=ArrayRemove("prices", Decimal("1.50"))
    )
    found = await dog.get()
    assert (found.tags, found.flags, found.prices) == (["b", "c", "z"], [True, False, True], [])
    await Dog.objects.filter(name="null").update(tags=ArrayAppend("tags", "x"))
    await Dog.objects.filter(name="none").update(tags=ArrayCat("tags", F("tags")))
    assert await named(Q(tags=["x"])) == {"null"}
    assert await Dog.objects.filter(name="a").annotate(more=ArrayCat("tags", ["q"])).values_list("more", flat=True) == [
        ["a", "q"]
    ]


async def test_what_an_array_cannot_is_refused(dogs: Database) -> None:
    with pytest.raises(ValidationError, match="a list or tuple is wanted, not str"):
        Dog.objects.filter(tags__contains="a")
    with pytest.raises(FieldError, match="has no lookup 'x'"):
        Dog.objects.filter(tags__x="a")
    with pytest.raises(FieldError, match="the first argument is no array"):
        Dog.objects.annotate(more=ArrayAppend("name", "x"))
    with pytest.raises(FieldError, match="cannot be sliced; a text or an array is wanted"):
        Dog.objects.annotate(part=F("age")[0])
    with pytest.raises(ValidationError):
        Dog.objects.annotate(more=ArrayAppend("flags", "x"))


async def test_conditions_of_the_field_are_the_lookups_of_that_name(dogs: Database) -> None:
    for condition, keyword in [
        (Dog.tags.contains(["a"]), Q(tags__contains=["a"])),
        (Dog.tags.contained_by(["b", "a"]), Q(tags__contained_by=["b", "a"])),
        (Dog.tags.overlap(["c", "b"]), Q(tags__overlap=["c", "b"])),
        (Dog.tags.overlap(Dog.tags), Q(tags__overlap=F("tags"))),
        (Dog.tags.len() > 2, Q(tags__len__gt=2)),
        (Dog.tags[0] == "a", Q(tags__0="a")),
        (Dog.tags[1].in_(["a", "b"]), Q(tags__1__in=["a", "b"])),
        (Dog.tags[0].istartswith("A"), Q(tags__0__istartswith="A")),
        (Dog.tags[:2] == ["a", "b"], Q(tags__0_2=["a", "b"])),
        (Dog.grid[1] == [3, 4], Q(grid__1=[3, 4])),
    ]:
        assert Dog.objects.filter(condition).sql()[0] == Dog.objects.filter(keyword).sql()[0]
        assert await named(condition) == await named(keyword) != set()
    rest = Dog.objects.filter(name="abc").annotate(rest=Dog.tags[1:]).values_list("rest", Dog.tags[0])
    assert await rest == [(["b", "c"], "a")]
    ordered = (
        await Dog.objects.exclude(tags=None).order_by(Dog.tags.len().desc(), "name").values_list("name", flat=True)
    )
    assert ordered[0] == "abc"


def test_an_array_is_counted_from_its_beginning_and_has_no_end() -> None:
    for part in (-1, slice(None, None, 2), slice(-1, None), slice(3, 1)):
        with pytest.raises(ValueError, match=r"array"):
            _ = Dog.tags[part]
    with pytest.raises(TypeError, match="not iterable"):
        iter(Dog.tags)
