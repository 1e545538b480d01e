"""Common tables (CTEs), plain and recursive: the SQL, what it finds, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from covet import (
    CTE,
    Cast,
    CharField,
    Count,
    DecimalField,
    Exists,
    F,
    FieldError,
    ForeignKey,
    Func,
    Max,
    Model,
    OuterRef,
    Param,
    Prefetch,
    Q,
    Subquery,
    Sum,
    TextField,
    Value,
    create_all,
)
from covet.database import capture_queries
from covet.database.schema.types import Text
from tests.conftest import Database
from tests.models.library import ALL, Post, Tag, Writer


class Concat(Func[str]):
    forms: ClassVar[Mapping[str, str]] = {"": "({0} || {1} || {2})"}
    returns = Text()


class Folder(Model):
    name = CharField(max_length=10)
    price = DecimalField(max_digits=6, decimal_places=2, default=Decimal("1.00"))
    parent = ForeignKey("Folder", nullable=True, related_name="children")

    parent_id: int | None


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (1 view), b (2), c (3) by ann and d (4) by bob; cy has none."""
    await create_all(ALL)
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    for title, views, author in (("a", 1, ann), ("b", 2, ann), ("c", 3, ann), ("d", 4, bob)):
        await Post.create(title=title, views=views, author=author)
    return database


@pytest.fixture
async def folders(database: Database) -> Database:
    """Store root > (home > (ann, bob), etc), and a folder beside it."""
    await create_all([Folder])
    root = await Folder.create(name="root")
    home = await Folder.create(name="home", parent=root, price="2.50")
    await Folder.create(name="etc", parent=root)
    for name in ("ann", "bob"):
        await Folder.create(name=name, parent=home)
    await Folder.create(name="other")
    return database


def counts(least: int = 0, **options: Any) -> CTE:
    per_author = Post.objects.filter(views__gte=least).values("author").annotate(n=Count("id"))
    return CTE(per_author, name="counts", **options)


def plain(sql: str) -> str:
    return sql.replace("$", "?").replace("::bigint", "").replace("::integer", "")


async def test_a_common_table_is_joined_and_its_columns_are_values(library: Database) -> None:
    table = counts(1)
    writers = Writer.objects.join(table, on=Q(pk=table.col.author)).annotate(n=table.col.n).filter(n__gt=1)
    with capture_queries() as queries:
        rows = await writers
    assert [(row.name, row.annotation("n", int)) for row in rows] == [("ann", 3)]
    assert plain(queries.sql[0]) == (
        'WITH "counts" AS (SELECT "t2"."author_id" AS "author", COUNT("t2"."id") AS "n" FROM "posts" AS "t2" '
        'WHERE "t2"."views" >= ?1 GROUP BY "t2"."author_id") '
        'SELECT "writers"."id", "writers"."name", "t1"."n" FROM "writers" '
        'INNER JOIN "counts" AS "t1" ON "writers"."id" = "t1"."author" WHERE "t1"."n" > ?2'
    )


async def test_paths_begin_with_the_name_of_the_join(library: Database) -> None:
    table = counts()
    joined = Writer.objects.join(table, on=Q(pk=F("counts__author")), kind="left")
    assert await joined.order_by("-counts__n", "name").values_list("name", "counts__n") == (
        [("cy", None), ("ann", 3), ("bob", 1)]
    )
    assert await joined.filter(counts__n__in=[1, 2]).values_list("name", flat=True) == ["bob"]
    assert await joined.exclude(counts__n=3).order_by("name").values_list("name", flat=True) == ["bob", "cy"]
    assert await joined.filter(counts__n__isnull=True).values_list("name", flat=True) == ["cy"]
    assert await joined.annotate(twice=F("counts__n") * 2).filter(name="ann").values_list("twice", flat=True) == [6]


async def test_a_common_table_is_read_as_rows(library: Database) -> None:
    table = counts()
    with capture_queries() as queries:
        assert [row["n"] for row in await table.queryset().order_by("-n")] == [3, 1]
    assert (
        plain(queries.sql[0])
        .replace(" NULLS FIRST", "")
        .endswith(
            'GROUP BY "t1"."author_id") SELECT "posts"."author", "posts"."n" FROM "counts" AS "posts" '
            'ORDER BY "posts"."n" DESC'
        )
    )
    assert await table.queryset().filter(n__gt=1).count() == 1
    assert await table.queryset().exists()
    assert await table.queryset().aggregate(most=Max("n"), all=Sum("n")) == {"most": 3, "all": 4}
    popular = CTE(Post.objects.filter(views__gte=3).annotate(twice=F("views") * 2), name="popular")
    found = await popular.queryset().select_related("author").order_by("-views")
    assert [(post.title, post.author.name, post.annotation("twice", int)) for post in found] == (
        [("d", "bob", 8), ("c", "ann", 6)]
    )
    assert await popular.queryset().filter(author__name="ann").values_list("title", flat=True) == ["c"]


async def test_the_first_and_last_rows_of_values_are_by_all_their_columns(library: Database) -> None:
    assert await counts().queryset().first() == {"author": 1, "n": 3}
    assert await counts().queryset().last() == {"author": 2, "n": 1}
    assert await counts().queryset().order_by("n").last() == {"author": 1, "n": 3}


async def test_a_common_table_of_instances_is_prefetched(library: Database) -> None:
    popular = CTE(Post.objects.filter(views__gte=2), name="popular").queryset().order_by("title")
    writers = await Writer.objects.prefetch_related(Prefetch("posts", queryset=popular)).order_by("name")
    assert [[post.title for post in writer.posts] for writer in writers] == [["b", "c"], ["d"], []]


async def test_count_exists_and_aggregate_of_a_query_that_joins_one(library: Database) -> None:
    table = counts()
    joined = Writer.objects.join(table, on=Q(pk=table.col.author))
    assert await joined.count() == 2
    assert await joined.filter(counts__n__gt=1).count() == 1
    assert await joined.filter(counts__n__gt=1).exists()
    assert not await joined.filter(counts__n__gt=3).exists()
    assert await joined.aggregate(n=Sum("counts__n"), most=Max(table.col.n)) == {"n": 4, "most": 3}
    assert await joined.order_by("name")[:1].aggregate(n=Sum("counts__n")) == {"n": 3}
    assert await joined.distinct().count() == 2


async def test_aggregates_stand_beside_the_columns_of_a_join(library: Database) -> None:
    table = counts()
    joined = Writer.objects.join(table, on=Q(pk=table.col.author)).order_by("name")
    beside = joined.annotate(n=table.col.n, posts_too=Count("posts"))
    assert await beside.values_list("name", "n", "posts_too") == [("ann", 3, 3), ("bob", 1, 1)]
    ones = Post.objects.join(table, on=Q(author_id=table.col.author))
    assert await ones.values("counts__n").annotate(k=Count("id")).order_by("counts__n") == (
        [{"counts__n": 1, "k": 1}, {"counts__n": 3, "k": 3}]
    )


async def test_querysets_inside_share_the_common_table_of_the_query(library: Database) -> None:
    table = counts()
    busy = table.queryset().filter(n__gt=1).values("author")
    with capture_queries() as queries:
        alone = await Writer.objects.filter(pk__in=busy)
        shared = await Writer.objects.with_cte(table).filter(pk__in=busy)
    assert [w.name for w in alone] == [w.name for w in shared] == ["ann"]
    assert queries.sql[0].index("WITH") > 0
    assert queries.sql[1].startswith('WITH "counts" AS (')
    assert queries.sql[1].count("WITH") == 1
    other = counts(4).queryset().values("author")  # another common table of that name hides the outer one
    assert [w.name for w in await Writer.objects.with_cte(table).filter(pk__in=other)] == ["bob"]


async def test_common_tables_build_on_each_other(library: Database) -> None:
    table = counts()
    named = CTE(Writer.objects.join(table, on=Q(pk=table.col.author)).values("name", n=table.col.n), name="named")
    assert await named.queryset().order_by("n").values_list("name", "n") == [("bob", 1), ("ann", 3)]
    both = Writer.objects.with_cte(table, named).join(named, on=Q(name=named.col.name)).filter(named__n=3)
    with capture_queries() as queries:
        assert [w.name for w in await both] == ["ann"]
    assert queries.sql[0].count("WITH") == 1


async def test_the_rows_of_a_query_with_common_tables_are_updated_and_deleted(library: Database) -> None:
    table = counts()
    busy = Writer.objects.join(table, on=Q(pk=table.col.author)).filter(counts__n__gt=1)
    assert await busy.update(name="busy") == 1
    assert await Writer.objects.filter(pk__in=table.queryset().filter(n=1).values("author")).update(name="idle") == 1
    assert sorted(await Writer.objects.values_list("name", flat=True)) == ["busy", "cy", "idle"]
    popular = CTE(Post.objects.filter(views__gte=3), name="popular")
    assert (await Post.objects.join(popular, on=Q(pk=popular.col.id)).filter(popular__title="c").delete())[0] == 1
    assert (await Post.objects.filter(pk__in=popular.queryset()).delete())[0] == 1
    assert await Post.objects.order_by("id").values_list("title", flat=True) == ["a", "b"]


async def test_the_database_is_told_whether_to_materialize(library: Database) -> None:
    for option, word in ((True, "AS MATERIALIZED ("), (False, "AS NOT MATERIALIZED ("), (None, "AS (")):
        table = counts(materialized=option)
        with capture_queries() as queries:
            assert len(await table.queryset()) == 2
        assert word in queries.sql[0]


async def test_common_tables_stand_in_unions_subqueries_and_exists(library: Database) -> None:
    table = counts()
    joined = Writer.objects.join(table, on=Q(pk=table.col.author))
    one, many = joined.filter(counts__n=1), joined.filter(counts__n=3)
    assert [w.name for w in await one.union(many).order_by("name")] == ["ann", "bob"]
    mine = table.queryset().filter(author=OuterRef("pk"))
    assert await Writer.objects.filter(Exists(mine)).count() == 2
    assert await Writer.objects.annotate(k=Subquery(mine.values("n"))).order_by("name").values_list("k", flat=True) == (
        [3, 1, None]
    )
    posts = Post.objects.filter(views=OuterRef("counts__n"))
    assert [w.name for w in await joined.filter(Exists(posts)).order_by("name")] == ["ann", "bob"]


async def test_equal_questions_with_other_values_share_a_plan(library: Database) -> None:
    def query(least: int) -> Any:
        table = counts(least)
        return Writer.objects.join(table, on=Q(pk=table.col.author)).filter(counts__n=1).order_by("name")

    assert query(1).state == query(4).state
    assert hash(query(1).state) == hash(query(4).state)
    assert [w.name for w in await query(1)] == ["bob"]
    assert [w.name for w in await query(3)] == ["ann", "bob"]


async def test_a_prepared_query_takes_values_into_its_common_tables(library: Database) -> None:
    table = CTE(Post.objects.filter(views__gte=Param[int]("least")).values("author").annotate(n=Count("id")), name="c")
    ask = Writer.objects.join(table, on=Q(pk=table.col.author)).filter(c__n=1).order_by("name").prepare()
    assert [w.name for w in await ask(least=1)] == ["bob"]
    assert [w.name for w in await ask(least=3)] == ["ann", "bob"]


def below(start: str, **options: Any) -> CTE:
    return CTE.recursive(
        Folder.objects.filter(name=start).annotate(depth=Value(0), path=Cast("name", TextField())),
        lambda tree: Folder.objects.join(tree, on=Q(parent=tree.col.id)).annotate(
            depth=tree.col.depth + 1, path=Cast("name", TextField())
        ),
        name="tree",
        **options,
    )


async def test_a_recursive_common_table_finds_descendants(folders: Database) -> None:
    with capture_queries() as queries:
        found = await below("root", all=True).queryset().order_by("depth", "name")
    assert [(f.name, f.annotation("depth", int)) for f in found] == (
        [("root", 0), ("etc", 1), ("home", 1), ("ann", 2), ("bob", 2)]
    )
    assert queries.sql[0].startswith('WITH RECURSIVE "tree" AS (')
    assert " UNION ALL " in queries.sql[0]
    assert await below("home").queryset().filter(depth__gt=0).count() == 2
    assert await Folder.objects.filter(pk__in=below("home").queryset()).order_by("id").values_list(
        "name", flat=True
    ) == ["home", "ann", "bob"]


async def test_a_recursive_common_table_finds_ancestors(folders: Database) -> None:
    up = CTE.recursive(
        Folder.objects.filter(name="bob").values("id", "parent", "name", steps=Value(0)),
        lambda up: Folder.objects.join(up, on=Q(id=up.col.parent)).values(
            "id", "parent", "name", steps=up.col.steps + 1
        ),
        name="up",
    )
    assert await up.queryset().order_by("steps").values_list("name", flat=True) == ["bob", "home", "root"]


async def test_columns_of_a_recursion_may_outgrow_the_first_rows(folders: Database) -> None:
    tree = CTE.recursive(
        Folder.objects.filter(parent=None).values("id", path=F("name"), cost=F("price")),
        lambda tree: Folder.objects.join(tree, on=Q(parent=tree.col.id)).values(
            "id", path=Concat(tree.col.path, Value("/"), "name"), cost=tree.col.cost + F("price")
        ),
        name="tree",
    )
    assert await tree.queryset().order_by("path").values_list("path", "cost") == [
        ("other", Decimal("1.00")),
        ("root", Decimal("1.00")),
        ("root/etc", Decimal("2.00")),
        ("root/home", Decimal("3.50")),
        ("root/home/ann", Decimal("4.50")),
        ("root/home/bob", Decimal("4.50")),
    ]


async def test_a_circle_ends_where_equal_rows_are_dropped(folders: Database) -> None:
    root, bob = await Folder.objects.get(name="root"), await Folder.objects.get(name="bob")
    await Folder.objects.filter(pk=root.pk).update(parent=bob)
    ids = CTE.recursive(
        Folder.objects.filter(name="home").values("id"),
        lambda ids: Folder.objects.join(ids, on=Q(parent=ids.col.id)).values("id"),
        name="ids",
    )
    assert await ids.queryset().count() == 5


async def test_a_whole_tree_is_updated_and_deleted(folders: Database) -> None:
    assert await Folder.objects.filter(pk__in=below("home").queryset()).update(price=9) == 3
    assert await Folder.objects.filter(price=9).count() == 3
    assert (await Folder.objects.filter(pk__in=below("home").queryset()).delete())[0] == 3
    assert await Folder.objects.order_by("name").values_list("name", flat=True) == ["etc", "other", "root"]


def test_unknown_columns_are_named_with_the_choices() -> None:
    table = counts()
    with pytest.raises(FieldError, match=r"The CTE 'counts' has no column 'nn'. Did you mean 'n'\? Choices: author, n"):
        _ = table.col.nn
    joined = Writer.objects.join(table, on=Q(pk=table.col.author))
    with pytest.raises(FieldError, match=r"'counts' has no column 'm' \(in 'counts__m__gt'\).* Choices: author, n"):
        joined.filter(counts__m__gt=1)
    with pytest.raises(FieldError, match="'counts' is a joined source, no column; write counts__column"):
        joined.order_by("counts")
    with pytest.raises(FieldError, match=r"The CTE 'counts' has no column 'title'\. Choices: author, n"):
        table.queryset().filter(title="a")
    with pytest.raises(FieldError, match=r"The CTE 'counts' has no column 'views'\. Choices: author, n"):
        table.queryset().order_by("-views")
    with pytest.raises(FieldError, match=r"does not read the CTE 'counts'\. Join it first"):
        Writer.objects.annotate(n=table.col.n)


def test_names_that_clash_are_refused() -> None:
    table = counts()
    joined = Writer.objects.join(table, on=Q(pk=table.col.author))
    with pytest.raises(FieldError, match="'posts' cannot name a CTE: it is the table of Post"):
        CTE(Post.objects.all(), name="posts")
    with pytest.raises(FieldError, match="cannot name a CTE: use ASCII"):
        CTE(Post.objects.all(), name='x" AS (SELECT 1) --')
    with pytest.raises(FieldError, match="another CTE of the name 'counts'"):
        joined.with_cte(counts(7))
    with pytest.raises(FieldError, match="'counts' conflicts with the join"):
        joined.annotate(counts=F("id"))
    with pytest.raises(FieldError, match="'counts' conflicts with the join"):
        joined.join(table, on=Q(pk=table.col.author))
    with pytest.raises(FieldError, match="'posts' conflicts with an attribute of Writer"):
        Writer.objects.join(table, on=Q(pk=table.col.author), name="posts")
    twice = joined.join(table, on=Q(pk=F("again__author")), name="again")
    assert twice.annotate(n=table.col.n).state.annotations[0].expression.source == "counts"  # type: ignore[union-attr]


def test_a_recursion_needs_a_step_that_reads_it() -> None:
    first = Folder.objects.filter(parent=None)
    with pytest.raises(TypeError, match=r"takes the first rows and then a function.*not QuerySet"):
        CTE.recursive(first, first, name="tree")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="does not join the CTE"):
        CTE.recursive(first, lambda _tree: Folder.objects.all(), name="tree")
    with pytest.raises(FieldError, match="the first has id, the step id, name"):
        CTE.recursive(
            first.values("id"),
            lambda tree: Folder.objects.join(tree, on=Q(parent=tree.col.id)).values("id", "name"),
            name="tree",
        )
    with pytest.raises(TypeError, match="both of instances, or both of values"):
        CTE.recursive(first, lambda tree: Folder.objects.join(tree, on=Q(parent=tree.col.id)).values("id"), name="tree")


def test_what_is_no_queryset_is_refused() -> None:
    with pytest.raises(TypeError, match=r"CTE\(\) takes a queryset, not ModelMeta"):
        CTE(Tag, name="tags_of")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match=r"CTE\(\) takes no queryset with OuterRef"):
        CTE(Post.objects.filter(author=OuterRef("pk")), name="mine")
    with pytest.raises(TypeError, match=r"select_for_update"):
        CTE(Tag.objects.select_for_update(), name="tags_of")
    with pytest.raises(TypeError, match=r"with_cte\(\) takes CTEs, not QuerySet"):
        Writer.objects.with_cte(Tag.objects.all())  # type: ignore[arg-type]
