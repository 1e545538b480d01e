"""Prepared queries and batched look-ups."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from covet import F, FieldError, Param, Q, ValidationError, create_all, transaction
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Post, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (1 view) to d (4) by ann and bob in turn."""
    await create_all(ALL)
    ann, bob = [await Writer.create(name=name) for name in ("ann", "bob")]
    for at, title in enumerate("abcd"):
        await Post.create(title=title, views=at + 1, author=(ann, bob)[at % 2])
    return database


async def test_a_prepared_query_takes_other_values_each_time(library: Database) -> None:
    find = Post.objects.filter(views__gte=Param("least"), author__name=Param("name")).order_by("title").prepare()
    with capture_queries() as queries:
        assert [p.title for p in await find(least=2, name="bob")] == ["b", "d"]
        assert [p.title for p in await find(least=1, name="ann")] == ["a", "c"]
    assert queries.sql[0] == queries.sql[1]
    assert find.names == ("least", "name")
    first = await find.first(least=3, name="bob")
    assert first is not None
    assert first.title == "d"
    assert await find.first(least=9, name="bob") is None


async def test_gaps_stand_beside_values_conditions_and_lists(library: Database) -> None:
    find = Post.objects.filter(Q(title__in=Param("titles")) | Q(views=Param("views")), id__gt=0).order_by("title")
    prepared = find.values_list("title", flat=True).prepare()
    assert await prepared(titles=["a", "b"], views=4) == ["a", "b", "d"]
    assert await prepared(titles=[], views=3) == ["c"]
    twice = Post.objects.annotate(double=F("views") * 2).filter(double=Param("n")).prepare()
    assert [p.title for p in await twice(n=6)] == ["c"]
    typed = Post.objects.filter(Post.views > Param("n")).prepare()
    assert len(await typed(n=2)) == 2


async def test_values_are_checked_as_filter_checks_them(library: Database) -> None:
    find = Post.objects.filter(views__lt=Param("most")).prepare()
    with pytest.raises(ValidationError, match="the text is not a plain integer"):
        await find(most="many")
    with pytest.raises(ValidationError, match="None is no value for views__lt"):
        await find(most=None)
    with pytest.raises(ValidationError, match="beyond what views__lt holds"):
        await find(most=10**30)
    assert await find(most=-(10**30)) == []
    with pytest.raises(TypeError, match=r"no parameter 'mots'\. Did you mean 'most'"):
        await find(mots=1)
    with pytest.raises(TypeError, match="needs a value for most"):
        await find()


async def test_a_query_with_gaps_cannot_be_run_by_itself(library: Database) -> None:
    await Post.objects.filter(views=1)
    with pytest.raises(TypeError, match=r"parameters without values: prepare\(\) it"):
        await Post.objects.filter(views=Param("views"))
    with pytest.raises(FieldError, match="cannot stand beside 'range'"):
        Post.objects.filter(views__range=Param("both"))
    with pytest.raises(ValueError, match="is no name for a parameter"):
        Param("a b")


class _Undo(Exception):
    """Takes a transaction back; holds what was seen inside."""


async def test_look_ups_of_one_turn_share_a_query(library: Database) -> None:
    writers = Writer.objects.batched()
    keys = await Writer.objects.order_by("id").values_list("id", flat=True)
    with capture_queries() as queries:
        found = await asyncio.gather(*(writers.get_or_none(key) for key in [*keys, keys[0], 10**6]))
    assert len(queries) == 1
    assert [writer and writer.name for writer in found] == ["ann", "bob", "ann", None]
    assert found[0] is found[2]
    with capture_queries() as queries:
        await writers.get(keys[0])
        await writers.get(keys[1])
    assert len(queries) == 2
    with pytest.raises(Writer.DoesNotExist, match="No Writer has this pk"):
        await writers.get(10**6)


async def test_look_ups_in_a_transaction_are_its_own(library: Database) -> None:
    writers = Writer.objects.batched("name")
    inside, outside = asyncio.Event(), asyncio.Event()

    async def in_block() -> tuple[str | None, str | None]:
        async with transaction():
            await Writer.objects.filter(name="ann").update(name="eve")
            inside.set()
            await outside.wait()
            pair = await asyncio.gather(writers.get_or_none("eve"), writers.get_or_none("ann"))
            raise _Undo(*(found and found.name for found in pair))

    async def beside() -> tuple[str | None, str | None]:
        await inside.wait()
        outside.set()
        pair = await asyncio.gather(writers.get_or_none("eve"), writers.get_or_none("ann"))
        eve, ann = pair
        return None if eve is None else eve.name, None if ann is None else ann.name

    for order in ((in_block, beside), (beside, in_block)):
        inside.clear()
        outside.clear()
        answers = await asyncio.gather(*(each() for each in order), return_exceptions=True)
        undone = next(answer for answer in answers if isinstance(answer, _Undo))
        assert undone.args == ("eve", None)
        assert (None, "ann") in answers


async def test_a_cancelled_look_up_leaves_the_others_their_answer(library: Database) -> None:
    by_name = Writer.objects.batched("name")
    first = asyncio.ensure_future(by_name.get("ann"))
    second = asyncio.ensure_future(by_name.get("bob"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "bob"
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(ValidationError):
        await Writer.objects.batched().get("no number")


async def test_batched_look_ups_need_a_unique_field(library: Database) -> None:
    with pytest.raises(FieldError, match="is not unique, so a key is not one row"):
        Post.objects.batched("title")
    with pytest.raises(TypeError, match="without slices"):
        Post.objects.all()[:3].batched()


async def test_sql_shows_the_statement_without_running_it(library: Database) -> None:
    with capture_queries() as queries:
        sql = Post.objects.filter(views__gt=2).order_by("id").only("title").sql()
    assert len(queries) == 0
    assert sql.text.replace("$", "?").endswith('WHERE "posts"."views" > ?1 ORDER BY "posts"."id"')
    assert sql.params == (2,)


async def test_explain_says_how_the_query_runs(library: Database) -> None:
    by_key: Any = Post.objects.filter(id=1)
    text = await by_key.explain()
    plan = await by_key.explain_plan()
    node = next(node for node in plan.walk() if node.table)
    assert node.table == "posts"
    if library.name == "sqlite":
        assert text == "SEARCH posts USING INTEGER PRIMARY KEY (rowid=?)"
        assert plan.indexes == {"PRIMARY KEY"}
        assert (await Post.objects.filter(views=1).explain_plan()).scans == {"posts"}
    else:
        assert "posts" in text
        assert '"Plan"' in await by_key.explain(format="json")
        measured = await by_key.explain_plan(analyze=True)
        assert measured.actual_rows == 1
        assert "Execution Time" in await by_key.explain(analyze=True)


async def test_explain_refuses_what_the_database_does_not_know(library: Database) -> None:
    with pytest.raises(Exception, match="has no EXPLAIN option 'analyse; DROP'"):
        await Post.objects.all().explain(**cast("Any", {"analyse; DROP": True}))
    with pytest.raises(Exception, match="has no EXPLAIN in the format 'html'"):
        await Post.objects.all().explain(format="html")
