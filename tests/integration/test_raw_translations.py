"""raw() with translations: columns that are fields of other names, and fields of related rows."""

from __future__ import annotations

import pytest

from covet import NotLoaded, create_all
from covet.database import capture_queries
from covet.exceptions import FieldError
from tests.conftest import Database
from tests.models import library, orders
from tests.models.library import Biography, Post, Writer

JOINED = (
    "SELECT p.id, p.title, p.views, a.id AS a_id, a.name AS a_name, e.id AS e_id, e.name AS e_name FROM posts p "
    "JOIN writers a ON a.id = p.author_id LEFT JOIN writers e ON e.id = p.editor_id ORDER BY p.id"
)
NAMES = {"a_id": "author__id", "a_name": "author__name", "e_id": "editor__id", "e_name": "editor__name"}


@pytest.fixture
async def posts(database: Database) -> list[Post]:
    await create_all(models=library.ALL)
    ann, bob = await Writer.create(name="ann"), await Writer.create(name="bob")
    await Biography.create(text="life", writer=ann)
    return [
        await Post.create(title="one", views=1, author=ann, editor=bob),
        await Post.create(title="two", views=2, author=ann),
    ]


async def test_columns_of_other_names_are_fields(posts: list[Post]) -> None:
    sql = "SELECT id AS number, title AS headline, author_id AS who, views * 2 AS twice FROM posts ORDER BY id"
    names = {"number": "id", "headline": "title", "who": "author"}
    with capture_queries() as queries:
        first, second = await Post.objects.raw(sql, translations=names)
        assert (first.id, first.title, first.author_id) == (posts[0].id, "one", posts[0].author_id)
        assert second.twice == 4  # type: ignore[attr-defined]  # an annotation of run time
        assert len(queries) == 1
    with pytest.raises(NotLoaded, match="views"):
        _ = first.views
    assert (await first.author).name == "ann"


async def test_columns_of_related_rows_make_those(posts: list[Post]) -> None:
    with capture_queries() as queries:
        one, two = await Post.objects.raw(JOINED, translations=NAMES)
        assert (one.author.name, one.author_id) == ("ann", posts[0].author_id)
        assert one.author is two.author
        assert one.editor is not None
        assert one.editor.name == "bob"
        assert two.editor is None
        assert await one.author is one.author
    assert len(queries) == 1


async def test_a_foreign_key_is_the_key_of_its_row(posts: list[Post]) -> None:
    sql = "SELECT p.*, a.name AS a_name, b.text AS life FROM posts p JOIN writers a ON a.id = p.author_id "
    sql_of_biography = "JOIN biographys b ON b.writer_id = a.id WHERE p.views = $1"
    names = {"a_name": "author__name", "life": "author__biography__text"}
    with pytest.raises(FieldError, match="select its primary key too and translate it to 'author__biography__id'"):
        await Post.objects.raw(sql + sql_of_biography, [1], translations=names)
    whole = "SELECT p.*, a.name AS a_name FROM posts p JOIN writers a ON a.id = p.author_id WHERE p.views = $1"
    with capture_queries() as queries:
        (post,) = await Post.objects.raw(whole, [1], translations={"a_name": "author__name"})
        assert (post.author.id, post.author.name) == (posts[0].author_id, "ann")
    assert len(queries) == 1


async def test_the_other_side_of_a_relation_to_one(posts: list[Post]) -> None:
    sql = (
        "SELECT a.*, b.id AS b_id, b.text AS life FROM writers a LEFT JOIN biographys b ON b.writer_id = a.id "
        "ORDER BY a.id"
    )
    names = {"b_id": "biography__id", "life": "biography__text"}
    with capture_queries() as queries:
        ann, bob = await Writer.objects.raw(sql, translations=names)
        assert (await ann.biography).text == "life"
        assert (await ann.biography).writer_id == ann.id
        assert bob.biography is None
    assert len(queries) == 1


async def test_keys_of_several_columns_are_named_one_by_one(database: Database) -> None:
    await create_all(models=orders.ALL)
    tenant = await orders.Tenant.create(name="t")
    order = await orders.Order.create(tenant=tenant, number=7, title="seven")
    await orders.Item.create(order=order, position=1, name="nut")
    sql = "SELECT i.*, o.title AS o_title FROM items i JOIN orders o ON o.number = i.order_number"
    (item,) = await orders.Item.objects.raw(sql, translations={"o_title": "order__title"})
    assert (item.order.pk, item.order.title) == (order.pk, "seven")
    with pytest.raises(FieldError, match="'order__pk' is a key of several columns"):
        await orders.Item.objects.raw(sql, translations={"o_title": "order__pk"})


async def test_translations_that_lead_nowhere_are_refused(posts: list[Post]) -> None:
    with pytest.raises(FieldError, match="selects no column 'headline' of translations; it selects id, title"):
        await Post.objects.raw("SELECT id, title FROM posts", translations={"headline": "title"})
    with pytest.raises(FieldError, match="'notes' is no relation to one row"):
        await Post.objects.raw("SELECT id, title FROM posts", translations={"title": "notes__text"})
    with pytest.raises(FieldError, match="no field 'nam'"):
        await Post.objects.raw("SELECT id, title FROM posts", translations={"title": "author__nam"})
    with pytest.raises(FieldError, match="must select the primary key 'id'"):
        await Post.objects.raw("SELECT id FROM posts", translations={"id": "views"})
