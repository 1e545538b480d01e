"""Groups: what values() and aggregates group by, group_by(), having() and alias()."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from covet import (
    ArrayAgg,
    Count,
    Exists,
    F,
    FieldError,
    Max,
    OuterRef,
    Q,
    Rank,
    Sum,
    Window,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.shelf import Book, Shelf, fill_shelves


@pytest.fixture
async def shelves(database: Database) -> Database:
    await create_all([Shelf, Book])
    await fill_shelves()
    return database


async def asked(queryset: Any) -> tuple[str, Any]:
    """Return the statement, alike on both databases, and the rows."""
    with capture_queries() as queries:
        rows = await queryset
    sql = queries.sql[0].replace("$", "?")
    for word in ("::bigint", " NULLS LAST", " NULLS FIRST"):
        sql = sql.replace(word, "")
    return sql, rows


# -- Django's rules --------------------------------------------------------------------------


async def test_values_before_an_aggregate_are_the_groups_and_the_order_of_the_model_is_not(shelves: Database) -> None:
    sql, rows = await asked(Book.objects.values("pages").annotate(n=Count("id")).order_by("pages"))
    assert sql == (
        'SELECT "books"."pages", COUNT("books"."id") FROM "books" GROUP BY "books"."pages" ORDER BY "books"."pages"'
    )
    assert rows == [{"pages": 50, "n": 1}, {"pages": 100, "n": 2}, {"pages": None, "n": 1}]
    sql, rows = await asked(Book.objects.values("shelf").annotate(n=Count("id")))
    assert "title" not in sql
    assert {row["shelf"]: row["n"] for row in rows} == {1: 2, 2: 2}


async def test_what_the_order_names_is_grouped_by_too(shelves: Database) -> None:
    sql, rows = await asked(Book.objects.values("shelf").annotate(n=Count("id")).order_by("shelf", "-pages"))
    assert 'GROUP BY "books"."shelf_id", "books"."pages" ORDER BY' in sql
    assert [row["n"] for row in rows] == [1, 1, 1, 1]


async def test_an_annotated_expression_is_a_key(shelves: Database) -> None:
    long = Book.objects.annotate(long=F("pages") + 1).values("long").annotate(n=Count("id")).order_by("-long")
    sql, rows = await asked(long)
    assert sql == (
        'SELECT "books"."pages" + ?1, COUNT("books"."id") FROM "books" '
        'GROUP BY "books"."pages" + ?1 ORDER BY "books"."pages" + ?1 DESC'
    )
    assert rows == [{"long": None, "n": 1}, {"long": 101, "n": 2}, {"long": 51, "n": 1}]


async def test_values_after_an_aggregate_only_choose_columns(shelves: Database) -> None:
    counted = Shelf.objects.annotate(n=Count("books"))
    sql, rows = await asked(counted.values("room", "n").order_by("id"))
    assert 'GROUP BY "shelfs"."id"' in sql
    assert rows == [{"room": "den", "n": 2}, {"room": None, "n": 2}, {"room": "den", "n": 0}]
    grouped = Book.objects.values("shelf").annotate(n=Count("id"))
    sql, rows = await asked(grouped.values_list("n", flat=True))
    assert 'GROUP BY "books"."shelf_id"' in sql
    assert rows == [2, 2]


async def test_plain_values_beside_an_aggregate_are_grouped_by(shelves: Database) -> None:
    grouped = Book.objects.values("shelf").annotate(n=Count("id")).order_by("shelf")
    assert await grouped.annotate(twice=F("shelf_id") * 2).values_list("n", "twice") == [(2, 2), (2, 4)]
    sql, rows = await asked(grouped.values("n", "owner").order_by("shelf", "owner"))
    assert 'GROUP BY "books"."shelf_id", "books"."owner_id"' in sql
    assert [row["n"] for row in rows] == [1, 1, 1, 1]


async def test_an_aggregate_among_the_values_is_no_key(shelves: Database) -> None:
    counted = Shelf.objects.annotate(n=Count("books")).values("room", "n").annotate(most=Max("books__pages"))
    sql, rows = await asked(counted.order_by("room"))
    assert 'GROUP BY "shelfs"."room"' in sql
    assert rows == [{"room": "den", "n": 2, "most": 100}, {"room": None, "n": 2, "most": 100}]


# -- group_by and having ---------------------------------------------------------------------


async def test_group_by_gives_a_row_of_each_combination(shelves: Database) -> None:
    sql, rows = await asked(Book.objects.group_by("shelf__room").annotate(n=Count("id")).order_by("shelf__room"))
    assert sql == (
        'SELECT "t1"."room", COUNT("books"."id") FROM "books" INNER JOIN "shelfs" AS "t1" ON "t1"."id" = '
        '"books"."shelf_id" GROUP BY "t1"."room" ORDER BY "t1"."room"'
    )
    assert rows == [{"shelf__room": "den", "n": 2}, {"shelf__room": None, "n": 2}]
    assert await Book.objects.group_by(Book.pages).order_by("pages") == [{"pages": 50}, {"pages": 100}, {"pages": None}]
    assert await Book.objects.group_by("pages").count() == 3


async def test_group_by_takes_expressions_named_and_unnamed(shelves: Database) -> None:
    big = Book.objects.filter(pages__isnull=False).group_by("sold", big=Q(pages__gt=60)).annotate(n=Count("*"))
    assert await big.order_by("sold") == [
        {"sold": False, "big": False, "n": 1},
        {"sold": True, "big": True, "n": 1},
        {"sold": None, "big": True, "n": 1},
    ]
    sql, rows = await asked(Book.objects.group_by(F("pages") * 2).annotate(n=Count("*")).order_by("-n"))
    assert sql == 'SELECT COUNT(*) FROM "books" GROUP BY "books"."pages" * ?1 ORDER BY COUNT(*) DESC'
    assert rows == [{"n": 2}, {"n": 1}, {"n": 1}]


async def test_having_keeps_groups(shelves: Database) -> None:
    groups = Book.objects.group_by("pages").annotate(n=Count("id"), cost=Sum("price"))
    sql, rows = await asked(groups.having(n__gt=1))
    assert sql.endswith('GROUP BY "books"."pages" HAVING COUNT("books"."id") > ?1')
    assert rows == [{"pages": 100, "n": 2, "cost": Decimal("3.00")}]
    sql, rows = await asked(groups.having(Count("id") > 1, Sum("price") > Decimal(1)).values("pages"))
    assert 'HAVING COUNT("books"."id") > ?1 AND ' in sql
    assert rows == [{"pages": 100}]
    assert await groups.having(Q(n=1) | Q(pages=100)).count() == 3
    counted = Shelf.objects.annotate(n=Count("books")).having(n__gt=0).order_by("id")
    assert [shelf.name for shelf in await counted] == ["one", "two"]


async def test_groups_that_make_no_sense_are_refused(shelves: Database) -> None:
    with pytest.raises(FieldError, match=r"having\(\) is about groups"):
        Book.objects.all().having(title="a")
    with pytest.raises(TypeError, match=r"group_by\(\) takes at least one name or expression"):
        Book.objects.group_by()
    with pytest.raises(TypeError, match=r"group_by\(\) comes before values\(\), and once"):
        Book.objects.group_by("pages").group_by("title")  # type: ignore[arg-type, unused-ignore]  # at run time
    with pytest.raises(FieldError, match=r"group_by\(\): 'n' is an aggregate or a window"):
        Shelf.objects.annotate(n=Count("books")).group_by("n")
    with pytest.raises(FieldError, match=r"group_by\(\): 'place' is an aggregate or a window"):
        Shelf.objects.group_by(place=Window(Rank(), order_by="id"))
    with pytest.raises(TypeError, match=r"group_by\(\) takes names, fields and expressions, not int"):
        Book.objects.group_by(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # what it is about


# -- aggregates without a name ---------------------------------------------------------------


async def test_an_aggregate_may_stand_in_a_condition_or_in_the_order(shelves: Database) -> None:
    sql, rows = await asked(Shelf.objects.filter(Count("books") > 1).order_by("id").values_list("name", flat=True))
    assert sql == (
        'SELECT "shelfs"."name" FROM "shelfs" LEFT JOIN "books" AS "t1" ON "t1"."shelf_id" = "shelfs"."id" '
        'GROUP BY "shelfs"."id" HAVING COUNT("t1"."id") > ?1 ORDER BY "shelfs"."id"'
    )
    assert rows == ["one", "two"]
    ordered = Shelf.objects.order_by(Count("books").desc(), "-name")
    assert [shelf.name for shelf in await ordered] == ["two", "one", "three"]
    assert not hasattr((await ordered)[0], "_0")
    assert await Shelf.objects.exclude(Count("books") > 1).values_list("name", flat=True) == ["three"]
    assert await Shelf.objects.filter(Count("books") * 2 > 3, name="one").count() == 1


async def test_aggregates_over_two_relations_in_conditions_do_not_multiply(shelves: Database) -> None:
    found = Shelf.objects.filter(Count("books") == 2, Count("lent") == 2)
    assert await found.values_list("name", flat=True) == ["two"]
    assert await found.exists()
    assert await found.aggregate(n=Count("*")) == {"n": 1}


# -- alias -----------------------------------------------------------------------------------


async def test_an_alias_is_used_and_not_selected(shelves: Database) -> None:
    aliased = Shelf.objects.alias(n=Count("books")).filter(n__gt=0).order_by("-n", "name")
    sql, rows = await asked(aliased)
    assert sql == (
        'SELECT "shelfs"."id", "shelfs"."name", "shelfs"."room" FROM "shelfs" LEFT JOIN "books" AS "t1" ON '
        '"t1"."shelf_id" = "shelfs"."id" GROUP BY "shelfs"."id" HAVING COUNT("t1"."id") > ?1 '
        'ORDER BY COUNT("t1"."id") DESC, "shelfs"."name"'
    )
    assert [shelf.name for shelf in rows] == ["one", "two"]
    assert not hasattr(rows[0], "n")
    assert await Shelf.objects.alias(big=F("id") * 10).filter(big=20).values() == [
        {"id": 2, "name": "two", "room": None}
    ]


async def test_an_alias_can_be_computed_with_and_promoted(shelves: Database) -> None:
    aliased = Shelf.objects.alias(n=Count("books")).order_by("id")
    doubled: list[Any] = await aliased.annotate(twice=F("n") * 2)
    assert [shelf.twice for shelf in doubled] == [4, 4, 0]
    promoted = aliased.annotate(n=F("n"))
    rows: list[Any] = await promoted
    assert [shelf.n for shelf in rows] == [2, 2, 0]
    assert await promoted.values_list("n", flat=True) == [2, 2, 0]
    assert await aliased.aggregate(Max("n")) == {"n__max": 2}
    with pytest.raises(FieldError, match=r"'n' is an alias and is not selected; annotate\(n=F\('n'\)\) selects it"):
        aliased.values("n")
    with pytest.raises(FieldError, match="The annotation 'n' is there already"):
        aliased.annotate(n=F("id"))


async def test_an_alias_groups_the_values_before_it(shelves: Database) -> None:
    sql, rows = await asked(Book.objects.values("pages").alias(n=Count("id")).filter(n=2))
    assert sql == 'SELECT "books"."pages" FROM "books" GROUP BY "books"."pages" HAVING COUNT("books"."id") = ?1'
    assert rows == [{"pages": 100}]


async def test_equal_questions_with_an_alias_share_a_plan(shelves: Database) -> None:
    first, second = (Shelf.objects.alias(n=Count("books") + number).filter(n=number + 2) for number in (1, 5))
    assert first.state == second.state
    assert hash(first.state) == hash(second.state)
    assert await first.count() == await second.count() == 2


async def test_collected_values_of_groups_and_of_rows_that_exist(shelves: Database) -> None:
    titles = ArrayAgg("title", order_by="title")
    owned = Book.objects.filter(Exists(Shelf.objects.filter(id=OuterRef("owner"))))
    assert await owned.group_by("owner").annotate(titles=titles).order_by("owner") == [
        {"owner": 1, "titles": ["d"]},
        {"owner": 2, "titles": ["a", "c"]},
    ]
