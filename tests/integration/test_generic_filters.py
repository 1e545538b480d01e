"""Generic relations: what queries ask across them and of them, with the SQL."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    CharField,
    Count,
    FieldError,
    GenericForeignKey,
    GenericRelation,
    Model,
    Q,
    ValidationError,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.remarks import ALL, Article, Document, Like, Notice, Photo, Remark, Sticker, store


@pytest.fixture
async def remarks(database: Database) -> Database:
    """Store an owner, articles a and b, photo p and five remarks."""
    await create_all(ALL)
    await store()
    return database


def texts(rows: Any) -> str:
    return "".join(sorted(row.text for row in rows))


def names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows)


async def test_filtering_across_joins_by_key_and_label(remarks: Database) -> None:
    with capture_queries() as queries:
        found = await Article.objects.filter(remarks__text="3")
    assert [row.title for row in found] == ["b"]
    sign = "?" if remarks.name == "sqlite" else "$"
    assert (
        'FROM "articles" INNER JOIN "remarks" AS "t1" ON "t1"."object_id" = "articles"."id" '
        f'AND "t1"."content_type" = {sign}1 WHERE "t1"."text" = {sign}2' in queries.sql[0]
    )
    assert await Photo.objects.filter(remarks__text="3") == []
    assert [row.title for row in await Article.objects.exclude(remarks__text="3")] == ["a"]
    assert await Article.objects.filter(remarks__isnull=True) == []
    assert [p.url for p in await Photo.objects.filter(remarks=await Remark.objects.get(text="4"))] == ["p"]


async def test_the_constant_label_stands_beside_parameters_of_every_kind(remarks: Database) -> None:
    query = Article.objects.filter(Q(remarks__text__in=["1", "3"]) & ~Q(remarks__text="9"), rank__in=[1, 2])
    found = await query.filter(stickers__isnull=True).order_by("title")[0:5]
    assert [row.title for row in found] == ["a", "b"]
    assert await query.count() == 2
    assert await query.filter(remarks__text="nothing").exists() is False
    assert await query.update(rank=7) == 2
    assert await Article.objects.filter(remarks__text="3").delete() == (2, {"Remark": 1, "Article": 1})


async def test_the_other_model_asks_across_by_the_related_query_name(remarks: Database) -> None:
    assert texts(await Remark.objects.filter(article__title="a")) == "12"
    assert texts(await Remark.objects.filter(article__owner__name="ann", article__rank=1)) == "12"
    assert texts(await Remark.objects.filter(photo__url="p")) == "4"
    assert texts(await Remark.objects.exclude(article__title="a")) == "345"
    assert texts(await Remark.objects.filter(article__isnull=True)) == "45"
    a = await Article.objects.get(title="a")
    assert texts(await Remark.objects.filter(article=a)) == "12"
    assert texts(await Remark.objects.filter(article__id=a.id)) == "12"
    assert await Remark.objects.order_by("text").values_list("text", "article__title") == [
        ("1", "a"),
        ("2", "a"),
        ("3", "b"),
        ("4", None),
        ("5", None),
    ]


async def test_keys_of_text_are_joined_as_text(remarks: Database) -> None:
    document, article = await Document.create(name="d"), await Article.objects.get(title="a")
    await document.stickers.create(name="x")
    await article.stickers.create(name="y")
    await Sticker.create(name="z", kind="Article", key="no number")
    assert [d.name for d in await Document.objects.filter(stickers__name="x")] == ["d"]
    assert [a.title for a in await Article.objects.filter(stickers__name="y")] == ["a"]
    assert names(await Sticker.objects.filter(article__title="a")) == ["y"]
    assert names(await Sticker.objects.filter(document__name="d")) == ["x"]
    assert await Document.objects.annotate(n=Count("stickers")).values_list("n", flat=True) == [1]


async def test_a_short_column_of_text_cuts_no_key(remarks: Database) -> None:
    class Pin(Model):
        kind = CharField(max_length=20)
        key = CharField(max_length=1)
        on = GenericForeignKey("kind", "key")

    class Board(Model):
        pins = GenericRelation(Pin, related_query_name="board")

    await create_all([Pin, Board])
    one, ten = [await Board.create(id=key) for key in (1, 10)]
    pin = await one.pins.create()
    assert await Board.objects.filter(pins=pin) == [one]
    assert await Pin.objects.filter(board__id=10) == []
    assert await Pin.objects.filter(on__in=Board.objects.filter(id=10)) == []
    with pytest.raises(ValidationError):
        await ten.pins.create()


async def test_a_queryset_is_compared_with_keys_of_text(remarks: Database) -> None:
    document, article = await Document.create(name="d"), await Article.objects.get(title="a")
    await document.stickers.create(name="x")
    await article.stickers.create(name="y")
    with capture_queries() as queries:
        assert names(await Sticker.objects.filter(on__in=Article.objects.filter(title="a"))) == ["y"]
    assert 'IN (SELECT CAST("t1"."id" AS ' in queries.sql[0]
    assert names(await Sticker.objects.filter(on__in=Document.objects.all())) == ["x"]
    assert names(await Sticker.objects.exclude(on__in=Document.objects.all())) == ["y"]


async def test_aggregates_count_the_rows_of_their_own_model(remarks: Database) -> None:
    await (await Article.objects.get(title="a")).stickers.create(name="x")
    rows = await Article.objects.annotate(n=Count("remarks"), m=Count("stickers")).order_by("title")
    assert [(row.annotation("n", int), row.annotation("m", int)) for row in rows] == [(2, 1), (1, 0)]
    assert await Photo.objects.annotate(n=Count("remarks")).values_list("n", flat=True) == [1]
    assert await Photo.objects.aggregate(n=Count("remarks")) == {"n": 1}


async def test_filtering_by_what_is_referred_to(remarks: Database) -> None:
    a, b = await Article.objects.order_by("title")
    p = await Photo.objects.get(url="p")
    assert a.id == p.id
    with capture_queries() as queries:
        assert texts(await Remark.objects.filter(content=a)) == "12"
    sign = "?" if remarks.name == "sqlite" else "$"
    assert f'WHERE "remarks"."content_type" = {sign}1 AND "remarks"."object_id" = {sign}2' in queries.sql[0]
    assert texts(await Remark.objects.filter(content__in=[b, p])) == "34"
    assert texts(await Remark.objects.filter(content__in=[])) == ""
    assert texts(await Remark.objects.exclude(content=a)) == "345"
    assert texts(await Remark.objects.filter(content__not=a)) == "345"
    assert texts(await Remark.objects.exclude(content__in=[a, p])) == "35"
    assert texts(await Remark.objects.filter(Q(content=p) | Q(text="1"))) == "14"
    assert texts(await Remark.objects.filter(content__in=Article.objects.filter(rank=1))) == "12"
    assert await Remark.objects.get_or_create(content=p, defaults={"text": "new"}) == (
        await Remark.objects.get(text="4"),
        False,
    )


async def test_filtering_by_nothing(remarks: Database) -> None:
    await Sticker.create(name="none")
    await Sticker.create(name="half", kind="Article")
    some = await Sticker.create(name="some", on=await Article.objects.get(title="a"))
    assert names(await Sticker.objects.filter(on=None)) == ["half", "none"]
    assert names(await Sticker.objects.filter(on__isnull=True)) == ["half", "none"]
    assert await Sticker.objects.filter(on__isnull=False) == [some]
    assert await Sticker.objects.exclude(on=None) == [some]
    assert names(await Sticker.objects.exclude(on=await Article.objects.get(title="a"))) == ["half", "none"]


async def test_filtering_by_what_a_related_row_refers_to(remarks: Database) -> None:
    a, p = await Article.objects.get(title="a"), await Photo.objects.get(url="p")
    notices = [await Notice.create(remark=remark) for remark in await Remark.objects.order_by("text")]
    assert await Notice.objects.filter(remark__content=p) == [notices[3]]
    assert await Notice.objects.exclude(remark__content__in=[a, p]).order_by("id") == [notices[2], notices[4]]
    assert await Notice.objects.filter(remark__content=None) == []
    assert await Notice.objects.filter(remark__content__isnull=False).count() == 5


async def test_what_a_generic_relation_is_not_asked_is_refused(remarks: Database) -> None:
    with pytest.raises(FieldError, match=r"Remark.content takes an instance of a model, not int"):
        Remark.objects.filter(content=1)
    with pytest.raises(FieldError, match=r"'in' takes instances or a queryset, not Article"):
        Remark.objects.filter(content__in=await Article.objects.get(title="a"))
    with pytest.raises(FieldError, match=r"takes an instance of a model, not str"):
        Remark.objects.filter(content__in="ab")
    with pytest.raises(FieldError, match=r"\(in 'content__title'\) is a generic relation: .* related_query_name"):
        Remark.objects.filter(content__title="a")
    with pytest.raises(FieldError, match=r"is a generic relation"):
        Remark.objects.order_by("content")
    with pytest.raises(FieldError, match=r"is a generic relation"):
        Remark.objects.filter(content__gt=await Article.objects.get(title="a"))
    with pytest.raises(FieldError, match=r"'isnull' takes True or False"):
        Remark.objects.filter(content__isnull=1)
    with pytest.raises(FieldError, match=r"a queryset stands on the right of 'in' only"):
        Remark.objects.filter(content=Article.objects.all())
    with pytest.raises(FieldError, match=r"takes a queryset of instances, not of values"):
        Remark.objects.filter(content__in=Article.objects.values("id"))
    with pytest.raises(FieldError, match=r"Like.target refers to Document, not to Article \(types=\)"):
        Like.objects.filter(target__in=Article.objects.all())
