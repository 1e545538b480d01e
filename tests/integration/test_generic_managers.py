"""The other side of generic relations: writing through the manager, and deleting."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    create_all,
    transaction,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.remarks import ALL, Article, Document, Notice, Photo, Remark, Sticker


@pytest.fixture
async def articles(database: Database) -> tuple[Article, Article]:
    await create_all(ALL)
    return await Article.create(title="a"), await Article.create(title="b")


Pair = tuple[Article, Article]


def texts(rows: Any) -> str:
    return "".join(sorted(row.text for row in rows))


def names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows)


# -- the manager -----------------------------------------------------------------------------


async def test_create_is_one_insert_that_refers(articles: Pair) -> None:
    a, _ = articles
    with capture_queries() as queries:
        remark = await a.remarks.create(text="1")
        assert remark.content is a
    assert len(queries) == 1
    assert (remark.content_type, remark.object_id) == ("Article", a.id)


async def test_the_methods_of_a_queryset_ask_among_its_own_rows(articles: Pair) -> None:
    a, b = articles
    await a.remarks.bulk_create([Remark(text="1"), Remark(text="2")])
    await b.remarks.create(text="3")
    with capture_queries() as queries:
        assert texts(await a.remarks.all()) == "12"
        assert texts(await a.remarks.filter(text="2")) == "2"
        assert texts(await a.remarks.exclude(text="2")) == "1"
        assert await a.remarks.count() == 2
        assert await a.remarks.exists()
        assert not await a.remarks.filter(text="3").exists()
        first = await a.remarks.order_by("-text").first()
        assert first is not None
        assert first.content is a
        assert await a.remarks.values_list("text", flat=True) == ["1", "2"]
    assert len(queries) == 8
    assert [texts([remark]) async for remark in b.remarks] == ["3"]


async def test_get_or_create_looks_among_its_own_rows(articles: Pair) -> None:
    a, b = articles
    await b.remarks.create(text="1")
    mine, created = await a.remarks.get_or_create(text="1")
    assert created
    assert mine.content == a
    assert await a.remarks.get_or_create(text="1") == (mine, False)
    changed, created = await a.remarks.update_or_create({"content": b}, text="1")
    assert (changed, created) == (mine, False)
    assert await b.remarks.count() == 2


async def test_add_is_one_update_of_instances_and_keys(articles: Pair) -> None:
    a, b = articles
    one, two = await b.remarks.create(text="1"), await b.remarks.create(text="2")
    with capture_queries() as queries:
        await a.remarks.add(one, two.id)
        assert one.content is a
    assert len(queries) == 1
    assert queries.sql[0].startswith('UPDATE "remarks" SET "content_type" = ')
    assert await a.remarks.count() == 2
    await a.remarks.add()
    assert len(queries) == 1


async def test_what_is_taken_away_refers_to_nothing_where_it_may(articles: Pair) -> None:
    a, b = articles
    x, y, z = [await a.stickers.create(name=name) for name in "xyz"]
    other = await b.stickers.create(name="o")
    with capture_queries() as queries:
        await a.stickers.remove(x, other, y.id)
        assert x.on is None
        assert other.on is b
    assert len(queries) == 1
    assert await a.stickers.all() == [z]
    assert await b.stickers.all() == [other]
    with capture_queries() as queries:
        await a.stickers.clear()
    assert len(queries) == 1
    assert await Sticker.objects.filter(on=None).count() == 3


async def test_what_must_refer_is_deleted_when_it_is_taken_away(articles: Pair) -> None:
    a, b = articles
    one, two, _ = [await a.remarks.create(text=text) for text in "123"]
    other = await b.remarks.create(text="o")
    await a.remarks.remove(one, other)
    assert texts(await Remark.objects.all()) == "23o"
    await a.remarks.set([two, other])
    assert texts(await Remark.objects.all()) == "2o"
    assert texts(await a.remarks.all()) == "2o"
    await a.remarks.clear()
    assert await Remark.objects.count() == 0


async def test_set_is_two_statements(articles: Pair) -> None:
    a, b = articles
    x, y = await a.stickers.create(name="x"), await a.stickers.create(name="y")
    z = await b.stickers.create(name="z")
    async with transaction():
        with capture_queries() as queries:
            await a.stickers.set([y, z.id])
        assert len([sql for sql in queries.sql if sql.startswith("UPDATE")]) == 2
    assert names(await a.stickers.all()) == ["y", "z"]
    await a.stickers.set([x], clear=True)
    assert await a.stickers.all() == [x]
    await a.stickers.set([])
    assert await a.stickers.count() == 0


async def test_writing_forgets_what_was_loaded(articles: Pair) -> None:
    a, _ = articles
    assert await a.remarks == []
    await a.remarks.create(text="1")
    assert texts(await a.remarks) == "1"


async def test_the_manager_refuses_what_it_cannot_mean(articles: Pair) -> None:
    a, _ = articles
    with pytest.raises(ValueError, match=r"Article.remarks: this Article has no key yet"):
        await Article(title="new").remarks.create(text="1")
    with pytest.raises(ValueError, match=r"Document.stickers: this Document has no key yet"):
        await Document(name="new").stickers.create(name="x")
    with pytest.raises(TypeError, match=r"Article.remarks holds Remark, not Article"):
        await a.remarks.add(a)
    with pytest.raises(AttributeError, match=r"use await article.remarks.set\(\[...\]\)"):
        a.remarks = []  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


async def test_writing_belongs_to_the_transaction(articles: Pair) -> None:
    a, _ = articles
    with pytest.raises(RuntimeError, match=r"undo"):
        async with transaction():
            await a.remarks.create(text="1")
            raise RuntimeError("undo")
    assert await a.remarks.count() == 0


# -- deleting --------------------------------------------------------------------------------


async def test_deleting_takes_what_refers_to_it_along(articles: Pair) -> None:
    a, b = articles
    photo = await Photo.create(url="p")
    assert photo.id == a.id
    for content in (a, b, photo):
        await Notice.create(remark=await content.remarks.create(text="1"))
        await content.stickers.create(name="x")
    assert await a.delete() == (4, {"Notice": 1, "Remark": 1, "Sticker": 1, "Article": 1})
    assert await Remark.objects.count() == 2
    assert await Article.objects.all().delete() == (4, {"Notice": 1, "Remark": 1, "Sticker": 1, "Article": 1})
    assert [await sticker.load(Sticker.on) for sticker in await Sticker.objects.all()] == [photo]


async def test_do_nothing_leaves_what_refers_behind(articles: Pair) -> None:
    photo = await Photo.create(url="p")
    await photo.stickers.create(name="x")
    assert await photo.delete() == (1, {"Photo": 1})
    (sticker,) = await Sticker.objects.all()
    assert await sticker.load(Sticker.on) is None
