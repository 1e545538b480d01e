"""detect_n_plus_one(): a loop that loads row by row is found, with its line and the call that would cure it."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from covet import (
    CharField,
    GenericForeignKey,
    GenericRelation,
    Model,
    Prefetch,
    create_all,
    prefetch_related_objects,
    transaction,
)
from covet.database.adapters.instrumentation import HOOKS
from covet.exceptions import NPlusOneError
from covet.testing import NPlusOne, NPlusOneWarning, detect_n_plus_one
from tests.conftest import Database
from tests.models.library import ALL, Biography, Post, Tag, Writer


@pytest.fixture
async def library(database: Database) -> None:
    """Three writers with a post each, two tags on every post, a biography each."""
    await create_all(ALL)
    tags = await Tag.objects.bulk_create([Tag(name=name) for name in ("x", "y")])
    for number in range(3):
        writer = await Writer.create(name=f"w{number}")
        await Biography.create(text="b", writer=writer)
        post = await Post.create(title=f"p{number}", author=writer)
        await post.tags.add(*tags)


pytestmark = pytest.mark.usefixtures("library")


async def seen(work: Callable[[], Coroutine[Any, Any, object]]) -> NPlusOne:
    """Return the only finding of some work."""
    async with detect_n_plus_one(mode="collect") as report:
        await work()
    (finding,) = report
    return finding


async def test_a_forward_relation_loaded_one_by_one_is_found_with_line_and_cure() -> None:
    async def work() -> None:
        for post in await Post.objects.fetch_mode("one").order_by("id"):
            await post.author  # the line

    finding = await seen(work)
    lines, first = inspect.getsourcelines(work)
    assert (finding.model, finding.relation, finding.count) == (Writer, "Post.author", 3)
    assert finding.cure == "select_related('author')"
    assert finding.advice == "Add .select_related('author') to the query that loads Post."
    assert finding.file == __file__
    assert finding.line == first + next(n for n, line in enumerate(lines) if "# the line" in line)
    assert finding.caller is not None
    assert finding.caller.function == "work"
    assert finding.sql.startswith("SELECT ")
    assert finding.alias == "default"
    assert str(finding).startswith(f"3 queries for Post.author at tests/integration/{Path(__file__).name}:")


async def of_separate_results() -> None:
    for key in await Post.objects.values_list("id", flat=True):
        post = await Post.objects.order_by("title").filter(title__gt="").filter(id=key).first()
        assert post is not None
        await post.author


async def test_rows_of_different_results_have_no_peers_and_are_found() -> None:
    async with detect_n_plus_one(mode="collect") as report:
        await of_separate_results()
    assert [(f.relation, f.cure, f.count) for f in report] == [
        (None, "filter(id__in=[...])", 3),
        ("Post.author", "select_related('author')", 3),
    ]


async def posts_of_each() -> None:
    for writer in await Writer.objects.all():
        await writer.posts.all()


async def some_posts_of_each() -> None:
    for writer in await Writer.objects.all():
        await writer.posts.filter(views=0).order_by("title")


async def posts_by_hand() -> None:
    for writer in await Writer.objects.all():
        await Post.objects.filter(author=writer)


async def tags_of_each() -> None:
    for post in await Post.objects.all():
        await post.tags.all()


async def tags_by_hand() -> None:
    for post in await Post.objects.all():
        await Tag.objects.filter(posts=post)


async def counted() -> None:
    for writer in await Writer.objects.all():
        await writer.posts.count()


async def asked_whether() -> None:
    for post in await Post.objects.all():
        await post.tags.exists()


async def single_rows() -> None:
    for post in await Post.objects.all():
        await Writer.objects.get(id=post.author_id)


async def by_name() -> None:
    for name in ("w0", "w1", "w2"):
        await Writer.objects.filter(name=name).first()


async def biographies() -> None:
    for writer in await Writer.objects.fetch_mode("one"):
        await writer.biography


async def deferred() -> None:
    for post in await Post.objects.only("title").fetch_mode("one"):
        await post


async def prefetched_singly() -> None:
    for post in await Post.objects.all():
        await prefetch_related_objects([post], "tags")


async def again_and_again() -> None:
    for _ in range(3):
        await Tag.objects.all()


async def prefetched_with_a_repeated_query() -> None:
    for writer in await Writer.objects.all():
        await Post.objects.filter(author=writer).prefetch_related("tags")


CASES = {
    posts_of_each: (Post, "Writer.posts", "prefetch_related('posts')"),
    some_posts_of_each: (Post, "Writer.posts", "prefetch_related(Prefetch('posts', queryset=...))"),
    posts_by_hand: (Post, "Writer.posts", "prefetch_related('posts')"),
    tags_of_each: (Tag, "Post.tags", "prefetch_related('tags')"),
    tags_by_hand: (Tag, "Post.tags", "prefetch_related('tags')"),
    counted: (Post, "Writer.posts", "annotate(posts_count=Count('posts'))"),
    asked_whether: (Tag, "Post.tags", "annotate(tags_count=Count('tags'))"),
    single_rows: (Writer, None, "filter(id__in=[...])"),
    by_name: (Writer, None, "filter(name__in=[...])"),
    biographies: (Biography, "Writer.biography", "select_related('biography')"),
    deferred: (Post, None, "only(...)"),
    prefetched_singly: (Tag, "Post.tags", "prefetch_related('tags')"),
    again_and_again: (Tag, None, "Tag.objects..."),
    prefetched_with_a_repeated_query: (Post, "Writer.posts", "prefetch_related('posts')"),
}


@pytest.mark.parametrize("work", CASES, ids=lambda work: work.__name__)
async def test_every_kind_of_loop_is_found_and_named(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    finding = await seen(work)
    assert (finding.model, finding.relation, finding.cure) == CASES[work]
    assert finding.count == 3
    assert finding.caller is not None
    assert finding.caller.function == work.__name__


async def test_a_key_that_is_looked_up_names_the_relations_that_bring_it() -> None:
    advice = (await seen(single_rows)).advice
    assert advice.startswith("Ask once for all: Writer.objects.filter(id__in=[...]); or add .select_related('author')")
    assert "where the key is Post.author" in advice


async def test_what_is_loaded_for_all_at_once_is_no_finding() -> None:
    async with detect_n_plus_one():
        for post in await Post.objects.select_related("editor").prefetch_related("tags", Prefetch("notes")):
            await post.author
            assert len(post.tags) == 2
        for writer in await Writer.objects.all():
            await writer.posts
        async for post in Post.objects.prefetch_related("tags").iterator(chunk_size=2):
            assert len(post.tags) == 2
        await Post.objects.filter(title="p0").first()
        await Post.objects.filter(title="p0").first()  # another line
        for post in await Post.objects.all():
            await post.save()  # writes are the business of budgets


async def load_author(post: Post) -> None:
    await post.author


async def test_tasks_of_the_block_are_seen_with_their_line_and_others_are_not() -> None:
    stop = asyncio.Event()

    async def apart() -> None:
        while not stop.is_set():
            await Tag.objects.filter(name="x").first()

    outside = asyncio.create_task(apart())
    async with detect_n_plus_one(mode="collect") as report:
        posts = await Post.objects.fetch_mode("one")
        await asyncio.gather(*(load_author(post) for post in posts))
    stop.set()
    await outside
    (finding,) = report
    assert (finding.relation, finding.count) == ("Post.author", 3)
    assert finding.caller is not None
    assert finding.caller.function == "load_author"


async def test_awaitables_in_tasks_of_their_own_are_placed_at_the_block() -> None:
    async with detect_n_plus_one(mode="collect") as report:
        await asyncio.gather(*(post.author for post in await Post.objects.fetch_mode("one")))
    (finding,) = report
    assert finding.file == __file__
    assert finding.relation == "Post.author"


async def test_recursion_is_one_place() -> None:
    async def down(keys: list[int]) -> None:
        if keys:
            await Writer.objects.get(id=keys[0])
            await down(keys[1:])

    assert (await seen(lambda: down([1, 2, 3]))).count == 2  # the first is called from elsewhere


async def test_nested_blocks_each_see_their_own_statements() -> None:
    with detect_n_plus_one(mode="collect") as outer:
        await by_name()
        with detect_n_plus_one(mode="collect") as inner:
            await counted()
    assert [finding.cure for finding in inner] == ["annotate(posts_count=Count('posts'))"]
    assert len(outer) == 2
    assert HOOKS.callbacks == ()


async def test_the_error_names_everything_and_an_error_of_the_block_goes_first() -> None:
    with pytest.raises(NPlusOneError) as caught:
        async with detect_n_plus_one():
            await by_name()
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value).startswith("N+1: 3 queries for Writer at tests/integration/test_n_plus_one.py:")
    assert "w1" not in str(caught.value)  # no values
    assert [type(finding) for finding in caught.value.findings] == [NPlusOne]
    with pytest.raises(LookupError):
        async with detect_n_plus_one():
            await by_name()
            raise LookupError


async def test_a_warning_stands_at_the_line_and_a_transaction_changes_nothing() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with detect_n_plus_one(mode="warn"), transaction():
            await counted()
    (warning,) = caught
    assert warning.category is NPlusOneWarning
    assert warning.filename == __file__
    assert linecache_text(warning.lineno).strip() == "await writer.posts.count()"


def linecache_text(line: int) -> str:
    return Path(__file__).read_text("utf-8").splitlines()[line - 1]


@pytest.mark.parametrize("allow", ["Writer.posts", "Writer.*", "Post", "test_n_plus_one.py", "tests/*/test_n_*"])
async def test_what_is_allowed_is_no_finding(allow: str) -> None:
    async with detect_n_plus_one(allow=["Other", allow]):
        await posts_of_each()


async def test_a_threshold_is_the_number_that_is_too_many() -> None:
    async with detect_n_plus_one(threshold=4):
        await posts_of_each()
    with pytest.raises(NPlusOneError):
        async with detect_n_plus_one(threshold=3):
            await posts_of_each()


async def test_another_database_is_not_watched() -> None:
    async with detect_n_plus_one(using="other"):
        await posts_of_each()


async def test_wrong_options_are_refused_and_a_block_is_opened_once() -> None:
    with pytest.raises(ValueError, match=r"no mode 'loud'\. Choices: raise, warn, collect\."):
        detect_n_plus_one(mode="loud")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 or more, not 1"):
        detect_n_plus_one(threshold=1)
    with pytest.raises(TypeError, match="a list of patterns"):
        detect_n_plus_one(allow="Post")
    detector = detect_n_plus_one()
    with detector:
        await counted_once()
        with pytest.raises(RuntimeError, match="open already"), detector:
            pass
    with detector as report:
        assert len(report) == 0


async def counted_once() -> None:
    await Post.objects.count()


class Remark(Model):
    text = CharField(max_length=10)
    content = GenericForeignKey()


class Photo(Model):
    remarks = GenericRelation(Remark)


async def test_generic_relations_are_found_and_prefetched() -> None:
    await create_all([Remark, Photo])
    for _ in range(3):
        await Remark.create(text="x", content=await Photo.create())

    async def forward() -> None:
        for remark in await Remark.objects.fetch_mode("one"):
            await remark.load(Remark.content)

    async def back() -> None:
        for photo in await Photo.objects.all():
            await photo.remarks.all()

    finding = await seen(forward)
    assert (finding.relation, finding.cure, finding.count) == (
        "Remark.content",
        "prefetch_related('content')",
        3,
    )
    finding = await seen(back)
    assert (finding.relation, finding.cure, finding.count) == ("Photo.remarks", "prefetch_related('remarks')", 3)
