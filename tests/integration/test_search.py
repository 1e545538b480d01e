"""Text search and similarity on PostgreSQL; what says no on SQLite."""

from __future__ import annotations

from typing import Any

import pytest

from covet import Field, Model, SearchVectorField, TextField, create_all, get_adapter
from covet.database import capture_queries
from covet.exceptions import NotSupportedError
from covet.functions import (
    SearchHeadline,
    SearchQuery,
    SearchRank,
    SearchVector,
    TrigramDistance,
    TrigramSimilarity,
    TrigramStrictWordDistance,
    TrigramStrictWordSimilarity,
    TrigramWordDistance,
    TrigramWordSimilarity,
)
from tests.conftest import Database


class Page(Model):
    title = TextField()
    body = TextField(nullable=True)


class Indexed(Model):
    body = TextField()
    words: Field[str | None] = SearchVectorField(nullable=True)


PAGES = [
    ("Cheese", "Swiss cheese has holes; blue cheeses have none."),
    ("Bread", "The baker bakes bread with cheese."),
    ("Nothing", None),
]


@pytest.fixture
async def pages(database: Database) -> Database:
    await create_all([Page])
    await Page.objects.bulk_create([Page(title=title, body=body) for title, body in PAGES])
    return database


async def titles(query: Any) -> list[str]:
    found: list[str] = await query.order_by("id").values_list("title", flat=True)
    return found


async def test_search_finds_words_in_any_form(pages: Database) -> None:
    search = Page.objects.filter(body__search="cheeses hole")
    if pages.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite has no text search"):
            await search
        return
    with capture_queries() as queries:
        assert await titles(search) == ["Cheese"]
    assert 'WHERE (TO_TSVECTOR("pages"."body") @@ PLAINTO_TSQUERY($1::text))' in queries[0].sql
    assert await titles(Page.objects.exclude(body__search="hole")) == ["Bread", "Nothing"]
    assert await titles(Page.objects.filter(title__search="'; DROP TABLE pages --")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (SearchQuery("cheese blue"), ["Cheese"]),
        (SearchQuery("blue cheese", search_type="phrase"), ["Cheese"]),
        (SearchQuery("cheese blue", search_type="phrase"), []),
        (SearchQuery('"swiss cheese" or bread', search_type="websearch"), ["Cheese", "Bread"]),
        (SearchQuery("cheese & !bread", search_type="raw"), ["Cheese"]),
        (SearchQuery("cheese") & ~SearchQuery("holes"), ["Bread"]),
        (SearchQuery("baker") | SearchQuery("swiss"), ["Cheese", "Bread"]),
        (SearchQuery("baking", config="english"), ["Bread"]),
        (SearchQuery("baking", config="simple"), []),
    ],
)
async def test_queries_of_every_kind(pages: Database, query: Any, found: list[str]) -> None:
    search = Page.objects.annotate(words=SearchVector("title", "body", config="english")).filter(words=query)
    if pages.name == "sqlite":
        with pytest.raises(NotSupportedError, match=r"SQLite has no (text search|trigrams)"):
            await search
        return
    assert await titles(search) == found


async def test_rank_weights_and_headline(pages: Database) -> None:
    if pages.name == "sqlite":
        for expression in (SearchRank("body", "x"), SearchHeadline("body", "x"), TrigramSimilarity("body", "x")):
            with pytest.raises(NotSupportedError, match=r"SQLite has no (text search|trigrams)"):
                await Page.objects.annotate(value=expression)
        return
    vector = SearchVector("title", weight="A") + SearchVector("body", weight="D")
    ranked = Page.objects.annotate(words=vector, rank=SearchRank(vector, "cheese")).filter(words="cheese")
    with capture_queries() as queries:
        found = await ranked.order_by("-rank").values_list("title", "rank")
    assert [title for title, _ in found] == ["Cheese", "Bread"]
    assert found[0][1] > found[1][1] > 0
    assert "'" not in queries[0].sql
    weighted = SearchRank(vector, "cheese", weights=[0, 0, 0, 1], normalization=2, cover_density=True)
    zero = await Page.objects.filter(title="Bread").annotate(rank=weighted).values_list("rank", flat=True)
    assert zero == [0.0]
    line = SearchHeadline("body", SearchQuery("bread"), start_sel="<", stop_sel='">"', max_words=5, min_words=2)
    shown = await Page.objects.filter(title="Bread").annotate(line=line).values_list("line", flat=True)
    assert shown[0].count("<bread") == 1


async def test_a_vector_is_a_column(database: Database) -> None:
    if database.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite has no column type for TsVector"):
            await create_all([Indexed])
        return
    await create_all([Indexed])
    await Indexed.create(body="cats and dogs")
    await Indexed.objects.update(words=SearchVector("body", config="english"))
    assert await Indexed.objects.filter(words="cat").count() == 1
    assert await Indexed.objects.filter(words__search=SearchQuery("cow") | SearchQuery("dog")).count() == 1
    assert (await Indexed.objects.get()).words == "'cat':1 'dog':3"


async def test_trigrams_need_their_extension(pages: Database) -> None:
    if pages.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite has no trigrams"):
            await Page.objects.filter(title__trigram_similar="x")
        return
    for query in (
        Page.objects.filter(title__trigram_similar="x"),
        Page.objects.annotate(value=TrigramSimilarity("title", "x")),
        Page.objects.annotate(value=TrigramDistance("title", "x")),
    ):
        with pytest.raises(NotSupportedError, match="needs the extension pg_trgm: run CREATE EXTENSION pg_trgm"):
            await query
    await get_adapter().execute("CREATE EXTENSION pg_trgm")
    try:
        assert await titles(Page.objects.filter(title__trigram_similar="chease")) == ["Cheese"]
        assert await titles(Page.objects.filter(body__trigram_word_similar="bakr")) == ["Bread"]
        assert await titles(Page.objects.filter(body__trigram_strict_word_similar="bread")) == ["Bread"]
        values = Page.objects.filter(title="Cheese").annotate(
            a=TrigramSimilarity("title", "cheese"),
            b=TrigramDistance("title", "cheese"),
            c=TrigramWordSimilarity("cheese", "body"),
            d=TrigramWordDistance("cheese", "body"),
            e=TrigramStrictWordSimilarity("cheese", "body"),
            f=TrigramStrictWordDistance("cheese", "body"),
        )
        assert await values.values_list("a", "b", "c", "d", "e", "f") == [(1.0, 0.0, 1.0, 0.0, 1.0, 0.0)]
        nearest = Page.objects.order_by(TrigramDistance("title", "bred")).values_list("title", flat=True)
        assert await nearest.first() == "Bread"
    finally:
        await get_adapter().execute("DROP EXTENSION pg_trgm")


def test_what_search_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="SearchVector\\(\\) has no weight 'E'"):
        SearchVector("body", weight="E")
    kind: Any = "fuzzy"
    with pytest.raises(ValueError, match="SearchQuery\\(\\) has no type 'fuzzy'"):
        SearchQuery("x", search_type=kind)
    with pytest.raises(ValueError, match="four weights"):
        SearchRank("body", "x", weights=[1])
    wrong: Any = {"width": 3}
    with pytest.raises(TypeError, match="SearchHeadline\\(\\) has no option 'width'"):
        SearchHeadline("body", "x", **wrong)
