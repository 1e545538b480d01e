"""Call budgets: how many Python calls in covet a query costs. Counts, never wall time.

A call is a frame that Python enters (a generator that goes on counts again), seen by ``sys.setprofile``. The thread of
an SQLite connection is not seen: it runs one C call a statement. Changing a budget upwards needs a reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import covet
from covet import CharField, DateTimeField, ForeignKey, IntegerField, Model, create_all, get_adapter, transaction
from tests.conftest import Database

ROOT = Path(covet.__file__).parent
ROWS = 50


class BudgetUser(Model):
    name = CharField(max_length=50)
    age = IntegerField(null=True)
    created = DateTimeField(auto_now_add=True)


class BudgetPost(Model):
    title = CharField(max_length=50)
    author = ForeignKey(BudgetUser, related_name="budget_posts")


@contextmanager
def calls() -> Iterator[list[str]]:
    """Collect the Python calls made in covet inside the block."""
    found: list[str] = []

    def hook(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith((str(ROOT), "<covet")):
            found.append(f"{path.removeprefix(str(ROOT))}:{frame.f_code.co_qualname}")

    sys.setprofile(hook)
    try:
        yield found
    finally:
        sys.setprofile(None)


def outside_adapters(found: list[str]) -> list[str]:
    return [call for call in found if "/adapters/" not in call]


@pytest.fixture
async def rows(database: Database) -> Database:
    await create_all([BudgetUser, BudgetPost])
    users = await BudgetUser.objects.bulk_create([BudgetUser(name=f"user {i}", age=i) for i in range(ROWS)])
    await BudgetPost.objects.bulk_create([BudgetPost(title=f"post {i}", author=users[i]) for i in range(ROWS)])
    return database


async def test_filter_of_one_keyword_is_at_most_8_calls(rows: Database) -> None:
    BudgetUser.objects.filter(age__gt=18)
    with calls() as found:
        BudgetUser.objects.filter(age__gt=19)
    assert 0 < len(found) <= 8, found


async def test_warm_plan_look_up_and_bind_is_at_most_6_calls(rows: Database) -> None:
    queryset = BudgetUser.objects.filter(age__gt=18)
    await queryset
    adapter = get_adapter()
    with calls() as found:
        plan = adapter.plans.get((queryset.model, "rows", queryset.state))
        assert plan is not None
        plan.compiled.bind(queryset.params)
    assert 0 < len(found) <= 6, found


async def test_warm_await_of_no_rows_is_at_most_15_calls_besides_the_adapter(rows: Database) -> None:
    await BudgetUser.objects.filter(age__gt=1_000)
    queryset = BudgetUser.objects.filter(age__gt=2_000)
    with calls() as found:
        assert await queryset == []
    assert 0 < len(outside_adapters(found)) <= 15, outside_adapters(found)


async def test_warm_get_by_key_is_at_most_30_calls_besides_the_adapter(rows: Database) -> None:
    first = await BudgetUser.objects.first()
    assert first is not None
    await BudgetUser.objects.get(id=first.id)
    with calls() as found:
        assert (await BudgetUser.objects.get(id=first.id)).id == first.id
    assert 0 < len(outside_adapters(found)) <= 30, outside_adapters(found)


async def per_row(queryset: Any) -> float:
    """Return how many calls each further row costs."""
    counted: list[int] = []
    for limit in (1, ROWS):
        await queryset.limit(limit)
        limited = queryset.limit(limit)
        with calls() as found:
            rows = await limited
        assert len(rows) == limit
        counted.append(len(found))
    return (counted[1] - counted[0]) / (ROWS - 1)


async def test_a_row_of_native_types_is_hydrated_without_a_call(rows: Database) -> None:
    assert await per_row(BudgetUser.objects.only("name", "age")) == 0
    assert await per_row(BudgetUser.objects.all()) == 0


async def test_a_row_with_its_joined_author_is_hydrated_without_a_call(rows: Database) -> None:
    assert await per_row(BudgetPost.objects.select_related("author")) == 0


async def test_values_are_made_without_a_call(rows: Database) -> None:
    assert await per_row(BudgetUser.objects.values("id", "name", "created")) == 0
    assert await per_row(BudgetUser.objects.values_list("id", "name")) == 0


async def test_prefetch_of_one_relation_is_at_most_2_calls_a_row(rows: Database) -> None:
    assert await per_row(BudgetUser.objects.prefetch_related("budget_posts")) <= 2


async def test_bulk_create_of_native_values_is_2_calls_a_row_to_make_it_and_none_to_save_it(rows: Database) -> None:
    author = await BudgetUser.objects.first()
    assert author is not None
    counted: list[list[str]] = []
    for count in (1, ROWS):
        await BudgetPost.objects.bulk_create([BudgetPost(title="warm", author_id=author.id) for _ in range(count)])
        with calls() as making:
            posts = [BudgetPost(title=f"post {i}", author_id=author.id) for i in range(count)]
        with calls() as saving:
            await BudgetPost.objects.bulk_create(posts)
        assert len(making) == 2 * count  # Model.__init__ and what is generated for it
        counted.append(saving)
    assert 0 < len(counted[0]) == len(counted[1]), counted[1]


async def test_warm_create_of_one_row_is_at_most_21_calls_besides_the_adapter(rows: Database) -> None:
    author = await BudgetUser.objects.first()
    assert author is not None
    await BudgetPost.create(title="first", author_id=author.id)
    with calls() as found:
        post = await BudgetPost.create(title="second", author_id=author.id)
    assert post.id > 0
    assert 0 < len(outside_adapters(found)) <= 21, outside_adapters(found)


async def test_warm_save_of_a_row_is_at_most_20_calls_besides_the_adapter(rows: Database) -> None:
    post = await BudgetPost.objects.first()
    assert post is not None
    await post.save()
    post.title = "changed"
    with calls() as found:
        await post.save()
    assert (await BudgetPost.objects.get(id=post.id)).title == "changed"
    assert 0 < len(outside_adapters(found)) <= 20, outside_adapters(found)


async def test_warm_transaction_of_one_insert_and_one_update_is_at_most_143_calls_in_all(rows: Database) -> None:
    async def work() -> None:
        async with transaction():
            user = await BudgetUser.create(name="new", age=1)
            user.age = 2
            await user.save()

    await work()
    with calls() as found:
        await work()
    assert 0 < len(found) <= 143, len(found)


async def test_use_of_an_idle_connection_is_at_most_6_calls(rows: Database) -> None:
    pool = get_adapter().pool
    with calls() as found:
        session = pool.take()
        assert session is not None
        pool.give(session)
    assert len(found) <= 6, found
