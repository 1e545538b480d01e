"""What a row becomes: expressions without names among the columns, and classes of every kind of library."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple, TypedDict

import pytest

from covet import Count, F, Value, create_all
from covet.database import capture_queries
from covet.exceptions import FieldError
from covet.functions import Lower, Upper
from tests.conftest import Database
from tests.models import library
from tests.models.library import Note, Post, Writer


@pytest.fixture(autouse=True)
async def post(database: Database) -> Post:
    await create_all(models=library.ALL)
    ann = await Writer.create(name="Ann")
    post = await Post.create(title="One", views=1, author=ann)
    await Note.create(text="note", post=post)
    return post


# -- expressions without a name --------------------------------------------------------------


async def test_expressions_stand_among_the_columns() -> None:
    with capture_queries() as queries:
        rows = await Post.objects.values_list("title", F("views") + 1, Lower("author__name"))
    assert rows == [("One", 2, "ann")]
    assert queries.sql[0].startswith('SELECT "posts"."title", "posts"."views" + ')
    assert await Post.objects.values_list(Post.views * 10, flat=True) == [10]


async def test_an_expression_is_named_by_its_number() -> None:
    rows = await Post.objects.values("title", F("views") + 1, Lower("title"), again=F("views"))
    assert rows == [{"title": "One", "expr1": 2, "expr2": "one", "again": 1}]
    (row,) = await Post.objects.annotate(expr1=Value(5)).values_list("expr1", Upper("title"), named=True)
    assert row._fields == ("expr1", "expr2")  # type: ignore[attr-defined]  # a named tuple of run time
    assert row == (5, "ONE")


async def test_an_expression_without_a_name_can_be_ordered_by_and_used_in_a_subquery() -> None:
    await Post.create(title="Two", views=5, author=await Writer.create(name="Bob"))
    doubled = Post.objects.values_list(F("views") * 2, flat=True)
    assert await doubled.order_by("-expr1") == [10, 2]
    assert await Post.objects.filter(views__in=Post.objects.values_list(F("views") * 5)).values_list("title") == [
        ("Two",)
    ]


async def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match="int is not a name, a field or an expression"):
        Post.objects.values_list(1)  # type: ignore[call-overload]  # the mistake


# -- row classes -----------------------------------------------------------------------------


class Line(NamedTuple):
    title: str
    by: str


class Entry(TypedDict):
    title: str
    by: str


@dataclass
class Card:
    title: str
    by: str
    shown: bool = field(default=False, init=False)


class OfAttrs:
    """As attrs makes them: what is private is given without the underscore."""

    __attrs_attrs__ = (
        SimpleNamespace(name="title", init=True, alias="title"),
        SimpleNamespace(name="_by", init=True, alias="by"),
        SimpleNamespace(name="later", init=False, alias="later"),
    )

    def __init__(self, *, title: str, by: str) -> None:
        self.got = (title, by)


class OfMsgspec:
    """As msgspec makes them."""

    __struct_fields__ = ("title", "by")

    def __init__(self, title: str, by: str) -> None:
        self.got = (title, by)


class OfPydantic:
    """As pydantic makes them: a field with an alias is given by that."""

    model_config: ClassVar[dict[str, Any]] = {}
    model_fields: ClassVar[dict[str, Any]] = {
        "title": SimpleNamespace(alias=None, validation_alias=None),
        "by": SimpleNamespace(alias="author", validation_alias="writtenBy"),
    }

    def __init__(self, **values: Any) -> None:
        self.got = tuple(values.items())


class OfPydanticByName(OfPydantic):
    model_config: ClassVar[dict[str, Any]] = {"populate_by_name": True}


async def test_a_field_of_another_name_is_given_by_a_path() -> None:
    with capture_queries() as queries:
        assert await Post.objects.into(Line, by="author__name") == [Line("One", "Ann")]
    assert queries.sql[0] == (
        'SELECT "posts"."title", "t1"."name" FROM "posts" '
        'INNER JOIN "writers" AS "t1" ON "t1"."id" = "posts"."author_id"'
    )
    assert await Post.objects.into(Entry, by=F("author__name")) == [{"title": "One", "by": "Ann"}]
    assert await Post.objects.into(Card, by=Upper("author__name"), title="author__name") == [Card("Ann", "ANN")]


async def test_classes_of_libraries_are_known_by_what_they_carry() -> None:
    assert not {"attrs", "msgspec", "pydantic"} & set(sys.modules)
    rows = Post.objects.all()
    assert (await rows.into(OfAttrs, by="author__name"))[0].got == ("One", "Ann")
    assert (await rows.into(OfMsgspec, by="author__name"))[0].got == ("One", "Ann")
    assert (await rows.into(OfPydantic, by="author__name"))[0].got == (("title", "One"), ("writtenBy", "Ann"))
    assert (await rows.into(OfPydanticByName, by="author__name"))[0].got == (("title", "One"), ("by", "Ann"))


async def test_every_field_that_the_query_does_not_give_is_named() -> None:
    class Wrong(NamedTuple):
        title: str
        titel: str
        notes_of: int

    with pytest.raises(
        FieldError, match=r"into\(Wrong\): the query of Post gives no 'titel', 'notes_of'\. Annotate it"
    ):
        Post.objects.into(Wrong)
    found = await Post.objects.annotate(notes_of=Count("notes")).into(Wrong, titel="title")
    assert found == [Wrong("One", "One", 1)]
    with pytest.raises(TypeError, match=r"Line has no field 'bye'\. Did you mean 'by'"):
        Post.objects.into(Line, bye="author__name")
    with pytest.raises(FieldError, match="no field 'nam'"):
        Post.objects.into(Line, by="author__nam")
    with pytest.raises(TypeError, match="declares no fields"):
        Post.objects.into(object)
