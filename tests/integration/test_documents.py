"""Documents: paths, lookups, null and absence, functions, partial updates. The same answers on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    BooleanField,
    Cast,
    Count,
    F,
    FieldError,
    IntegerField,
    JSONField,
    Q,
    Sum,
    TextField,
    ValidationError,
    Value,
    create_all,
)
from covet.database import capture_queries
from covet.exceptions import DataError
from covet.functions import (
    KT,
    Coalesce,
    JSONArray,
    JSONNull,
    JSONObject,
    JSONRemove,
    JSONSet,
    KeyTextTransform,
    KeyTransform,
    Lower,
)
from tests.conftest import Database
from tests.models.kennel import ALL, Dog, Kennel

#: By the name of the dog.
DOCUMENTS: dict[str, Any] = {
    "full": {"a": 1, "owner": {"name": "Ann", "tel": None}, "items": [{"price": 1}, {"price": 5.5}]},
    "null": {"a": None},
    "zero": {"0": "zero", "b": {"c": "Text"}},
    "list": [1, "x", [2]],
    "text": "str",
    "number": 5,
    "true": True,
    "float": {"a": 1.0},
    "string": {"a": "1"},
    "bool": {"a": True},
    "array": {"a": [1, 2]},
    "object": {"a": {"x": 1, "y": 2}},
    "empty": {},
    "none": [],
    "odd": {"a.b": 1, "a__b": 2, 'say "hi"': 3, "é": 4, "'": 5, "$.a": 6, "*": 7, "-1": 8, "": 9, "a[0]": 10},
}


@pytest.fixture(params=["data", "old"])
async def column(request: pytest.FixtureRequest, database: Database) -> str:
    """Name a column of the type jsonb, and one of the type json."""
    await create_all(ALL)
    name: str = request.param
    await Dog.objects.bulk_create([Dog(name=dog, **{name: document}) for dog, document in DOCUMENTS.items()])
    await Dog.create(name="sql null", **{name: None})
    await Dog.create(name="json null", **{name: JSONNull()})
    return name


@pytest.fixture
async def dogs(database: Database) -> Database:
    await create_all(ALL)
    await Dog.objects.bulk_create([Dog(name=dog, data=document) for dog, document in DOCUMENTS.items()])
    return database


async def named(condition: Q) -> set[str]:
    return set(await Dog.objects.filter(condition).values_list("name", flat=True))


A_KEY = {"full", "null", "float", "string", "bool", "array", "object"}
EVERYTHING = {*DOCUMENTS, "sql null", "json null"}


@pytest.mark.parametrize(
    ("lookup", "value", "found"),
    [
        ("a", 1, {"full", "float"}),
        ("a", 1.0, {"full", "float"}),
        ("a", "1", {"string"}),
        ("a", True, {"bool"}),
        ("a", None, {"null"}),
        ("a", [1, 2], {"array"}),
        ("a", {"y": 2, "x": 1}, {"object"}),
        ("a__not", 1, EVERYTHING - {"full", "float"}),
        ("a__x", 1, {"object"}),
        ("a__1", 2, {"array"}),
        ("a__-1", 2, {"array"}),
        ("a__5", 2, set[str]()),
        ("owner__name", "Ann", {"full"}),
        ("owner__tel", None, {"full"}),
        ("items__0__price", 1, {"full"}),
        ("items__-1__price", 5.5, {"full"}),
        ("items__0__price__gte", 1, {"full"}),
        ("items__0__price__lt", 1, set[str]()),
        ("0", "zero", {"zero"}),
        ("0", 1, {"list"}),
        ("-1", [2], {"list"}),
        ("-1", 8, {"odd"}),
        ("a__isnull", False, A_KEY),
        ("a__isnull", True, EVERYTHING - A_KEY),
        ("a__gt", 0, {"full", "float", "bool", "array", "object"}),
        ("a__range", (1, 2), {"full", "float"}),
        ("a__in", [1, "1", [1, 2]], {"full", "float", "string", "array"}),
        ("a__in", [None], set[str]()),
        ("a__contains", 1, {"full", "float", "array"}),
        ("a__contains", {"x": 1}, {"object"}),
        ("a__has_key", "x", {"object"}),
        ("b__c__icontains", "EX", {"zero"}),
        ("b__c__startswith", "Te", {"zero"}),
        ("b__c__istartswith", "te", {"zero"}),
        ("b__c__endswith", "xt", {"zero"}),
        ("b__c__iexact", "tEXT", {"zero"}),
        ("b__c__regex", "^T.x", {"zero"}),
        ("b__c__like", "T_xt", {"zero"}),
        ("a__startswith", "1", {"full", "float", "string"}),
        ("has_key", "a", A_KEY),
        ("has_key", "x", {"list"}),
        ("has_key", "str", {"text"}),
        ("has_key", 0, {"zero"}),
        ("has_keys", ["a", "items"], {"full"}),
        ("has_keys", [], EVERYTHING - {"sql null"}),
        ("has_any_keys", ["b", "items"], {"full", "zero"}),
        ("contains", {"a": 1}, {"full", "float"}),
        ("contains", {"owner": {"name": "Ann"}}, {"full"}),
        ("contains", {"items": [{"price": 1}]}, {"full"}),
        ("contains", "x", {"list"}),
        ("contains", [[2]], {"list"}),
        ("contained_by", {"a": 1, "z": 2}, {"float", "empty"}),
        ("contained_by", [1, "x", [2, 3]], {"list", "none"}),
        ("in", [5, "str", {}], {"number", "text", "empty"}),
        ("exact", {"a": 1}, {"float"}),
        ("gt", 5, EVERYTHING - {"text", "number", "none", "sql null", "json null"}),
        ("icontains", "STR", {"text"}),
        ("isnull", True, {"sql null"}),
        ("exact", None, {"json null"}),
    ],
)
async def test_a_lookup_finds_the_same_rows_everywhere(column: str, lookup: str, value: Any, found: set[str]) -> None:
    condition = Q(**{f"{column}__{lookup}": value})
    assert await named(condition) == found
    assert await named(~condition) == EVERYTHING - found


@pytest.mark.parametrize("key", [key for key in DOCUMENTS["odd"] if key != "-1"])
async def test_any_text_may_be_a_key(dogs: Database, key: str) -> None:
    value = DOCUMENTS["odd"][key]
    found = Dog.objects.annotate(part=KeyTransform(key, "data")).filter(part=value)
    assert await found.values_list("name", flat=True) == ["odd"]
    assert await found.values_list("part", flat=True) == [value]
    text = Dog.objects.filter(data__has_key=key).annotate(part=KeyTextTransform(key, "data"))
    assert await text.values_list("part", flat=True) == [str(value)]


@pytest.mark.parametrize(
    "key", ["a' = '1') OR 1=1 --", '"', "%s", "\\", "a.b.c", "..", "#-1", "{a}", "a,b", "?", "$1", str(2**70), "01x"]
)
async def test_a_key_is_a_parameter_and_walks_no_path(dogs: Database, key: str) -> None:
    with capture_queries() as queries:
        assert await Dog.objects.filter(**{f"data__{key}": 1}).count() == 0
        assert await Dog.objects.filter(data__has_key=key).count() == 0
        assert await Dog.objects.filter(**{f"data__{key}__isnull": False}).count() == 0
    assert all(key not in query.sql for query in queries if len(key) > 2)


async def test_a_key_that_no_document_can_have_is_refused(dogs: Database) -> None:
    with pytest.raises(FieldError, match="a NUL character or a lone surrogate"):
        Dog.objects.filter(**{"data__a\0": 1})
    with pytest.raises(ValidationError, match="'has_key' takes keys: a key is a string or an int, not float"):
        Dog.objects.filter(data__has_key=1.5)
    with pytest.raises(ValidationError, match="'has_keys' takes a list of keys, not str"):
        Dog.objects.filter(data__has_keys="ab")
    with pytest.raises(ValidationError, match="NaN"):
        Dog.objects.filter(data__a=float("nan"))


async def test_paths_compile_to_one_step_with_parameters(dogs: Database) -> None:
    with capture_queries() as queries:
        assert await Dog.objects.filter(data__owner__name="Ann").count() == 1
        assert await Dog.objects.filter(data__owner__name__icontains="an").count() == 1
        assert await Dog.objects.filter(data__has_key="owner").count() == 1
        assert await Dog.objects.filter(data__contains={"a": 1}).count() == 2
    by_name: list[str]
    if dogs.name == "postgresql":
        by_name = [
            '("dogs"."data" #> $1::text[]) = $2::jsonb',
            '("dogs"."data" #>> $2::text[]) ILIKE $1',
            '("dogs"."data" ? $1::text)',
            '("dogs"."data" @> $1::jsonb)',
        ]
    else:
        by_name = [
            'covet_json_at("dogs"."data", ?1) COLLATE covet_json = ?2',
            'INSTR(covet_lower(covet_json_text_at("dogs"."data", ?2)), ?1) > 0',
            'covet_json_exists("dogs"."data", ?1)',
            'covet_json_contains("dogs"."data", ?1)',
        ]
    assert [query.sql.partition(" WHERE ")[2] for query in queries] == by_name
    given = [["owner", "name"], "Ann"] if dogs.name == "postgresql" else ['["owner", "name"]', '"Ann"']
    assert [list(value) if isinstance(value, tuple) else value for value in queries[0].args] == given or (
        dogs.name == "postgresql" and str(queries[0].args[1]) == '"Ann"'
    )


async def test_null_of_json_is_not_null_of_sql(database: Database) -> None:
    await create_all(ALL)
    await Dog.create(name="sql", data=None)
    await Dog.create(name="json", data=Value(None, JSONField()))
    created = await Dog.create(name="too", data=JSONNull())
    assert created.data is None
    assert await named(Q(data__isnull=True)) == {"sql"}
    assert await named(Q(data=None)) == {"json", "too"}
    assert await named(Q(data=Value(None, JSONField()))) == {"json", "too"}
    assert await named(~Q(data=None)) == {"sql"}
    await Dog.objects.filter(name="json").update(data=None)
    await Dog.objects.filter(name="sql").update(data=JSONNull())
    assert await named(Q(data__isnull=True)) == {"json"}


async def test_an_expression_is_no_document_to_insert(dogs: Database) -> None:
    with pytest.raises(FieldError, match="it cannot be inserted"):
        await Dog.create(name="x", data=F("age"))


async def test_documents_are_sorted_alike(dogs: Database) -> None:
    found = await Dog.objects.exclude(name="odd").order_by("data").values_list("data", flat=True)
    shown = [[], "str", 5, True, [1, "x", [2]], {}, {"a": None}, {"a": "1"}, {"a": 1.0}, {"a": True}, {"a": [1, 2]}]
    shown += [DOCUMENTS["object"], DOCUMENTS["zero"], DOCUMENTS["full"]]
    assert found == shown
    parts = await Dog.objects.filter(data__a__isnull=False).order_by("-data__a", "id").values_list("name", flat=True)
    assert parts == ["object", "array", "bool", "full", "float", "string", "null"]


async def test_parts_are_values_groups_and_aggregates(dogs: Database) -> None:
    rows = await Dog.objects.filter(name="full").values("data__owner__name", "data__items__1", "data__missing")
    assert rows == [{"data__owner__name": "Ann", "data__items__1": {"price": 5.5}, "data__missing": None}]
    grouped = (
        await Dog.objects.filter(data__a__isnull=False).values("data__a").annotate(n=Count("id")).order_by("data__a")
    )
    assert [(row["data__a"], row["n"]) for row in grouped][:4] == [(None, 1), ("1", 1), (1, 2), (True, 1)]
    total = await Dog.objects.aggregate(n=Count("data__a"), s=Sum(Cast(F("data__items__0__price"), IntegerField())))
    assert total == {"n": 7, "s": 1}
    assert await Dog.objects.filter(data__items__0__price__lt=F("age")).values_list("name", flat=True) == ["full"]
    assert await Dog.objects.filter(data__a=F("data__items__0__price")).values_list("name", flat=True) == ["full"]
    shown = Dog.objects.filter(name__in=["full", "empty"]).order_by("id")
    filled = shown.annotate(part=Coalesce("data__a", Value([], JSONField())))
    assert await filled.values_list("part", flat=True) == [1, []]


async def test_kt_is_text(dogs: Database) -> None:
    found = Dog.objects.annotate(t=KT("data__b__c")).filter(t="Text")
    assert await found.values_list("t", flat=True) == ["Text"]
    texts = dict(await Dog.objects.annotate(t=KT("data__a")).filter(t__isnull=False).values_list("name", "t"))
    assert texts == {
        "full": "1",
        "float": "1.0",
        "string": "1",
        "bool": "true",
        "array": "[1, 2]",
        "object": '{"x": 1, "y": 2}',
    }
    assert await Dog.objects.order_by(Lower(KT("data__b__c")), "-id").values_list("name", flat=True).first() == "zero"
    with pytest.raises(FieldError, match="no path into a document"):
        Dog.objects.annotate(t=KT("name"))


async def test_a_path_crosses_relations(dogs: Database) -> None:
    kennel = await Kennel.create(name="north", facts={"rooms": [{"beds": 2}]})
    await Dog.objects.filter(name="full").update(kennel=kennel)
    assert await named(Q(kennel__facts__rooms__0__beds=2)) == {"full"}
    assert await Dog.objects.filter(kennel__isnull=False).values_list("kennel__facts__rooms__0__beds", flat=True) == [2]
    text = Dog.objects.filter(kennel__isnull=False).annotate(beds=KT("kennel__facts__rooms__0__beds"))
    assert await text.values_list("beds", flat=True) == ["2"]
    assert await Kennel.objects.filter(dogs__data__a=1).count() == 1
    assert await Kennel.objects.exclude(dogs__data__a=1).count() == 0


async def test_documents_are_built(dogs: Database) -> None:
    card = JSONObject(name="name", low=Lower("name"), old=JSONArray("age", F("data__a"), Value(True), Value(None)))
    with capture_queries() as queries:
        found = await Dog.objects.filter(name="full").annotate(card=card).values_list("card", flat=True)
    assert found == [{"name": "full", "low": "full", "old": [3, 1, True, None]}]
    function = "JSONB_BUILD_OBJECT(" if dogs.name == "postgresql" else "covet_json_object("
    assert function in queries[0].sql
    with pytest.raises(FieldError, match="the first argument is no document"):
        Dog.objects.annotate(bad=JSONSet("name", a=1))


async def test_update_changes_parts_of_a_document(column: str) -> None:
    full = Dog.objects.filter(name="full")
    with capture_queries() as queries:
        await full.update(**{f"{column}__owner__name": "Bob", f"{column}__new__deep__key": [1], f"{column}__a": None})
    assert len(queries) == 1
    after = {**DOCUMENTS["full"], "a": None, "new": {"deep": {"key": [1]}}}
    after["owner"] = {"name": "Bob", "tel": None}
    assert getattr(await full.get(), column) == after
    await full.update(**{f"{column}__items__0__price": F("age"), f"{column}__items__9": "last"})
    assert (await full.values_list(f"{column}__items", flat=True)) == [[{"price": 3}, {"price": 5.5}, "last"]]
    await Dog.objects.filter(name__in=["sql null", "json null"]).update(**{f"{column}__a": 1})
    assert await named(Q(**{column: {"a": 1}})) == {"float", "sql null", "json null"}


async def test_json_set_and_remove_take_any_key(dogs: Database) -> None:
    odd = Dog.objects.filter(name="odd")
    with capture_queries() as queries:
        await odd.update(data=JSONSet("data", {("a__b",): "new", ("'; --", "x"): 1}, é=None))
        await odd.update(data=JSONRemove("data", ("a.b",), "*", "missing__too"))
    assert all("--" not in query.sql for query in queries)
    wanted = {**DOCUMENTS["odd"], "a__b": "new", "'; --": {"x": 1}, "é": None}
    del wanted["a.b"], wanted["*"]
    assert (await odd.get()).data == wanted
    lists = Dog.objects.filter(name="list")
    await lists.update(data=JSONRemove(JSONSet("data", {(1,): "y", (-9,): "first"}), "3__0"))
    assert (await lists.get()).data == ["first", 1, "y", []]
    dog = await odd.get()
    dog.data = JSONSet("data", saved=True)
    await dog.save()
    assert dog.data["saved"] is True


async def test_a_value_in_the_way_is_an_error(dogs: Database) -> None:
    with pytest.raises(DataError):
        await Dog.objects.filter(name="string").update(data__a__b=1)
    with pytest.raises(DataError):
        await Dog.objects.filter(name="list").update(data__key=1)
    with pytest.raises(DataError):
        await Dog.objects.filter(name="list").update(data=JSONRemove("data", "key"))
    with pytest.raises(FieldError, match="as a whole and in part"):
        await Dog.objects.update(data={}, data__a=1)
    with pytest.raises(FieldError):
        await Dog.objects.update(name__a=1)


async def test_casts_make_documents_and_read_them(dogs: Database) -> None:
    made = Dog.objects.filter(name="full").annotate(
        number=Cast("age", JSONField()),
        read=Cast(Value('{"a": [1]}'), JSONField()),
        truth=Cast(KeyTransform("a", Cast(Value('{"a": true}'), JSONField())), BooleanField()),
        rounded=Cast(F("data__items__1__price"), IntegerField()),
        text=Cast(F("data__owner"), TextField()),
    )
    found = await made.values_list("number", "read", "truth", "rounded", "text")
    assert found == [(3, {"a": [1]}, True, 6, '{"tel": null, "name": "Ann"}')]


async def test_numbers_stay_exact(database: Database) -> None:
    await create_all(ALL)
    big = 2**80 + 1
    await Dog.create(name="big", data={"n": big, "f": 0.1, "s": 1e-7})
    assert await named(Q(data__n=big)) == {"big"}
    assert await named(Q(data__n__gt=big)) == set()
    assert await named(Q(data__n__gt=big - 1)) == {"big"}
    assert await named(Q(data__f=0.1, data__s__lt=1)) == {"big"}
    found = await Dog.objects.annotate(n=KT("data__n"), s=KT("data__s")).values_list("data__n", "n", "s")
    assert found == [(big, str(big), "0.0000001")]
    await Dog.objects.update(data__x=1)
    assert (await Dog.objects.get()).data == {"n": big, "f": 0.1, "s": 1e-7, "x": 1}


async def test_the_plan_is_the_same_for_other_values(dogs: Database) -> None:
    for value in (1, "1", True, None, [1, 2]):
        assert await Dog.objects.filter(data__a=value).count() >= 1


async def test_conditions_of_the_field_are_the_lookups_of_that_name(dogs: Database) -> None:
    data = Dog.data
    for condition, keyword in [
        (data["a"] == 1, Q(data__a=1)),
        (data["owner"]["name"] == "Ann", Q(data__owner__name="Ann")),
        (data["owner"]["name"].icontains("an"), Q(data__owner__name__icontains="an")),
        (data["items"][0]["price"] >= 1, Q(data__items__0__price__gte=1)),
        (data["a"].in_([1, "1"]), Q(data__a__in=[1, "1"])),
        (data["a"].is_null(False), Q(data__a__isnull=False)),
        (data["a"].contains({"x": 1}), Q(data__a__contains={"x": 1})),
        (data["a"].has_key("x"), Q(data__a__has_key="x")),
        (data.contains({"a": 1}), Q(data__contains={"a": 1})),
        (data.contained_by({"a": 1, "b": 2}), Q(data__contained_by={"a": 1, "b": 2})),
        (data.has_key("a"), Q(data__has_key="a")),
        (data.has_keys(["a", "owner"]), Q(data__has_keys=["a", "owner"])),
        (data.has_any_keys(["b", "owner"]), Q(data__has_any_keys=["b", "owner"])),
    ]:
        assert Dog.objects.filter(condition).sql()[0] == Dog.objects.filter(keyword).sql()[0]
        assert await named(condition) == await named(keyword) != set()
    assert await named(data["a.b"] == 1) == {"odd"}
    assert await named(data["a__b"] == 2) == {"odd"}
    assert await Dog.objects.filter(name="full").values_list(data["owner"]["name"], flat=True) == ["Ann"]
    with pytest.raises(TypeError, match="not iterable"):
        iter(data)
