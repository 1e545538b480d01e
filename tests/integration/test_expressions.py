"""Expressions of every kind: the SQL that they make and what they find."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import pytest
from typing_extensions import override

from covet import (
    ArraySubquery,
    BooleanField,
    Case,
    Cast,
    CharField,
    Collate,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    FieldError,
    Func,
    IntegerField,
    Lookup,
    Model,
    OuterRef,
    Q,
    RawSQL,
    Subquery,
    TextField,
    Transform,
    ValidationError,
    Value,
    When,
    create_all,
)
from covet.database import capture_queries
from covet.database.schema.types import Integer, Text
from covet.exceptions import NotSupportedError, ProgrammingError
from tests.conftest import Database
from tests.models.library import ALL, Post, Writer


class Label(CharField[str]):
    """A field class of its own, so that what is registered here is nowhere else."""


@Label.register_lookup
class Initial(Transform[str]):
    lookup_name = "initial"
    forms: ClassVar = {"postgresql": "LEFT({0}, 1)", "sqlite": "SUBSTR({0}, 1, 1)"}
    returns = Text()


@Label.register_lookup
class LongerThan(Lookup):
    name = "longer_than"
    sql = "LENGTH({0}) > {1}"

    @override
    def prepare(self, field: Any, value: Any) -> int:
        return int(value)

    @override
    def param_type(self, field: Any) -> Integer:
        return Integer(64)


class OnlySQLite(Func[int]):
    forms: ClassVar = {"sqlite": "UNICODE({0})"}
    returns = Integer(64)


class Item(Model):
    label = Label(max_length=20)
    price = DecimalField(max_digits=8, decimal_places=2)
    number = IntegerField()
    sold = BooleanField(nullable=True)


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (1 view), b (2), c (3) by ann, ann, bob; and a writer without posts, cy."""
    await create_all([*ALL, Item])
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    for title, views, author in (("a", 1, ann), ("b", 2, ann), ("c", 3, bob)):
        await Post.create(title=title, views=views, author=author)
    for label, price, number, sold in (("apple", "1.50", 2, True), ("pear", "10", 3, False), ("fig", "2", 5, None)):
        await Item.create(label=label, price=price, number=number, sold=sold)
    return database


async def asked(queryset: Any) -> tuple[str, Any]:
    """Return the statement, its placeholders alike on both databases, and the rows."""
    with capture_queries() as queries:
        rows = await queryset
    return queries.sql[0].replace("$", "?"), rows


NEWEST = Post.objects.filter(author=OuterRef("pk")).order_by("-views").values_list("title", flat=True)


async def test_a_subquery_is_a_value_of_each_row(library: Database) -> None:
    writers = Writer.objects.annotate(newest=Subquery(NEWEST[:1])).order_by("name").values_list("name", "newest")
    sql, rows = await asked(writers)
    assert (
        '(SELECT "t1"."title" FROM "posts" AS "t1" WHERE "t1"."author_id" = "writers"."id" '
        'ORDER BY "t1"."views" DESC LIMIT ?1)'
    ) in sql.replace(" NULLS LAST", "").replace(" NULLS FIRST", "")
    assert rows == [("ann", "b"), ("bob", "c"), ("cy", None)]


async def test_a_subquery_can_be_filtered_ordered_and_computed_with(library: Database) -> None:
    views = Subquery(Post.objects.filter(author=OuterRef("id")).order_by("-views").values("views")[:1])
    writers = Writer.objects.annotate(best=views)
    assert await writers.filter(best__gte=2).order_by("-best").values_list("name", flat=True) == ["bob", "ann"]
    assert await writers.annotate(more=F("best") * 10).order_by("name").values_list("more", flat=True) == [20, 30, None]
    best = Post.objects.filter(author=OuterRef("author")).order_by("-views").values("views")[:1]
    assert await Post.objects.filter(views=Subquery(best)).order_by("title").values_list("title", flat=True) == [
        "b",
        "c",
    ]


async def test_a_subquery_is_the_new_value_of_an_update(library: Database) -> None:
    await Writer.objects.filter(name="ann").update(name=Subquery(NEWEST[:1]))
    assert sorted(await Writer.objects.values_list("name", flat=True)) == ["b", "bob", "cy"]


async def test_exists_is_a_condition_like_any_other(library: Database) -> None:
    popular = Exists(Post.objects.filter(author=OuterRef("pk"), views__gt=1))
    sql, rows = await asked(Writer.objects.filter(popular).order_by("name").values_list("name", flat=True))
    assert (
        'WHERE EXISTS (SELECT 1 FROM "posts" AS "t1" WHERE "t1"."author_id" = "writers"."id" AND "t1"."views" > ?1)'
    ) in sql
    assert rows == ["ann", "bob"]
    assert await Writer.objects.filter(~popular).values_list("name", flat=True) == ["cy"]
    assert await Writer.objects.exclude(popular | Q(name="x")).values_list("name", flat=True) == ["cy"]
    flags = await Writer.objects.annotate(known=popular).order_by("name").values_list("known", flat=True)
    assert flags == [True, True, False]


async def test_an_outer_reference_reaches_two_levels_out(library: Database) -> None:
    same_author = Post.objects.filter(author=OuterRef(OuterRef("pk")), views__gt=OuterRef("views"))
    beaten = Post.objects.filter(Exists(same_author), author=OuterRef("pk"))
    assert await Writer.objects.filter(Exists(beaten)).values_list("name", flat=True) == ["ann"]


async def test_an_outer_reference_crosses_relations_and_names_annotations(library: Database) -> None:
    named = Writer.objects.filter(name=OuterRef("author__name")).values("name")
    assert await Post.objects.annotate(by=Subquery(named)).order_by("title").values_list("by", flat=True) == [
        "ann",
        "ann",
        "bob",
    ]
    double = Post.objects.annotate(double=F("views") * 2)
    twin = Exists(Post.objects.filter(views=OuterRef("double")))
    assert await double.filter(twin).values_list("title", flat=True) == ["a"]


async def test_an_outer_reference_is_checked_where_it_is_used(library: Database) -> None:
    wrong = Post.objects.filter(author=OuterRef("nam"))
    with pytest.raises(FieldError, match=r"Writer has no field 'nam'\. Did you mean 'name'"):
        Writer.objects.filter(Exists(wrong))
    with pytest.raises(FieldError, match="there is none: this query may only be used inside"):
        await wrong


async def test_array_subquery_is_a_list_on_postgresql_and_refused_on_sqlite(library: Database) -> None:
    titles = ArraySubquery(NEWEST)
    writers = Writer.objects.annotate(titles=titles).order_by("name").values_list("titles", flat=True)
    if library.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite has no arrays of a subquery's values"):
            await writers
    else:
        assert await writers == [["b", "a"], ["c"], []]


async def test_case_takes_the_first_branch_that_holds(library: Database) -> None:
    size = Case(
        When(views__lt=2, then=Value("few")), When(Q(views=2) | Q(title="x"), then="title"), default=Value("many")
    )
    sql, rows = await asked(Post.objects.annotate(size=size).order_by("title").values_list("size", flat=True))
    assert 'CASE WHEN "posts"."views" < ?1 THEN ' in sql
    assert rows == ["few", "b", "many"]
    assert await Post.objects.filter(views__gt=Case(When(title="a", then=Value(0)), default=Value(2))).count() == 2
    assert await Post.objects.annotate(n=Case(When(title="a", then=Value(1)))).filter(n=None).count() == 2
    with pytest.raises(TypeError, match=r"Case\(\) takes When\(\.\.\.\) branches, not str"):
        Case(cast("Any", "x"))


async def test_value_is_always_a_parameter(library: Database) -> None:
    evil = "x'; DROP TABLE posts; --"
    sql, rows = await asked(Post.objects.annotate(v=Value(evil)).values_list("v", flat=True)[:1])
    assert "DROP" not in sql
    assert rows == [evil]
    nothing = Post.objects.annotate(v=Value(None, output_field=IntegerField()))
    assert await nothing.filter(v=None).count() == 3
    with pytest.raises(ValidationError):
        Post.objects.annotate(v=Value("x", output_field=IntegerField()))
    with pytest.raises(FieldError, match="for lists and dicts say the type"):
        Post.objects.annotate(v=Value([1]))


async def test_cast_and_wrapper_say_the_type(library: Database) -> None:
    items = Item.objects.order_by("number")
    assert await items.annotate(t=Cast("number", TextField())).values_list("t", flat=True) == ["2", "3", "5"]
    total = ExpressionWrapper(F("price") * F("number"), output_field=DecimalField(max_digits=9, decimal_places=2))
    assert [str(t) for t in await items.annotate(t=total).values_list("t", flat=True)] == ["3.00", "30.00", "10.00"]


async def test_collate_sorts_under_another_collation(library: Database) -> None:
    name = "C" if library.name == "postgresql" else "BINARY"
    sql, rows = await asked(Item.objects.order_by(Collate("label", name)).values_list("label", flat=True))
    assert f'ORDER BY "items"."label" COLLATE "{name}"' in sql
    assert rows == ["apple", "fig", "pear"]
    with pytest.raises(ValueError, match="is not the name of a collation"):
        Collate("label", 'C"; DROP TABLE items')


async def test_raw_sql_takes_parameters_and_nothing_else(library: Database) -> None:
    extra = RawSQL("length(label) + $1", [10], output_field=IntegerField())
    assert await Item.objects.annotate(n=extra).order_by("n").values_list("n", flat=True) == [13, 14, 15]
    with pytest.raises(ProgrammingError, match="one placeholder"):
        Item.objects.annotate(n=RawSQL("length(label) + $1", []))


async def test_a_boolean_expression_is_a_condition(library: Database) -> None:
    assert await Item.objects.filter(F("sold").as_condition()).values_list("label", flat=True) == ["apple"]
    unsold = Item.objects.exclude(F("sold").as_condition()).order_by("label")
    assert await unsold.values_list("label", flat=True) == ["fig", "pear"]
    with pytest.raises(FieldError, match="is no condition: it yields no truth value"):
        Item.objects.filter(F("label").as_condition())


async def test_a_transform_stands_in_every_path(library: Database) -> None:
    initial = 'LEFT("items"."label", 1)' if library.name == "postgresql" else 'SUBSTR("items"."label", 1, 1)'
    sql, rows = await asked(Item.objects.filter(label__initial="p").values_list("label", flat=True))
    assert f"WHERE {initial} = ?1" in sql
    assert rows == ["pear"]
    assert await Item.objects.filter(label__initial__in=["a", "f"]).count() == 2
    assert await Item.objects.exclude(label__initial="a").order_by("label__initial").values("label__initial") == [
        {"label__initial": "f"},
        {"label__initial": "p"},
    ]
    assert await Item.objects.annotate(i=Initial("label")).filter(i__gt="a", i__startswith="p").count() == 1
    assert await Item.objects.filter(label__initial=F("label__initial")).count() == 3
    assert await Item.objects.filter(label__initial=None).count() == 0


async def test_a_lookup_of_ones_own(library: Database) -> None:
    sql, rows = await asked(Item.objects.filter(label__longer_than=4).values_list("label", flat=True))
    assert 'WHERE LENGTH("items"."label") > ?1' in sql
    assert rows == ["apple"]
    with pytest.raises(FieldError, match=r"has no lookup 'longer_tan'\. Did you mean 'longer_than'"):
        Item.objects.filter(label__longer_tan=4)
    with pytest.raises(FieldError, match="has no lookup 'longer_than'"):
        Writer.objects.filter(name__longer_than=4)


async def test_a_function_of_ones_own(library: Database) -> None:
    lower = Func("label", function="UPPER", output_field=TextField())
    assert await Item.objects.annotate(u=lower).filter(u="FIG").count() == 1
    with pytest.raises(ValueError, match="is not the name of an SQL function"):
        Func("label", function="UPPER(label); --")
    first = Item.objects.annotate(n=OnlySQLite("label"))
    if library.name == "sqlite":
        assert await first.filter(n=ord("f")).count() == 1
    else:
        with pytest.raises(NotSupportedError, match="PostgreSQL has no form of 'OnlySQLite'; it is defined for sqlite"):
            await first


async def test_expressions_stand_among_the_values_of_in(library: Database) -> None:
    assert await Item.objects.filter(number__in=[F("number"), 99]).count() == 3
    assert await Item.objects.filter(number__in=[F("number") + 1, 5]).values_list("label", flat=True) == ["fig"]


async def test_equal_questions_share_a_plan(library: Database) -> None:
    def question(title: str, limit: int) -> Any:
        best = Subquery(NEWEST.filter(views__lt=limit)[:1])
        case = Case(When(name=title, then=Value(title)), default=Cast(Value(limit), TextField()))
        return Writer.objects.annotate(best=best, case=case)

    first, second = question("a", 1), question("b", 2)
    assert first.state == second.state
    assert hash(first.state) == hash(second.state)
    assert first.params != second.params
