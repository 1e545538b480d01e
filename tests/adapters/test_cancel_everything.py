"""Cancellation at every single step of everything that is no transaction of the program's own.

Each scenario is run again and again, cancelled one step later each time, until it is through before the cancellation
comes. After each run: what it wrote is there wholly or not at all, the pool is full, no task is left behind, nobody was
told anything aloud, and the cancellation was heard of.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from covet import CharField, ForeignKey, IntegerField, ManyToManyField, Model, ReverseManager, create_all, drop_all
from covet.database import Adapter
from covet.database.transaction import transaction
from tests.adapters.cancelling import MODES, MOST_STEPS, pool_is_full, quietly, run_cancelled

LARGE = 60


class CancelMark(Model):
    name = CharField(max_length=20, unique=True)


class CancelShelf(Model):
    name = CharField(max_length=20, unique=True)
    size = IntegerField(default=0)
    volumes: ReverseManager[CancelVolume]


class CancelVolume(Model):
    title = CharField(max_length=20)
    shelf = ForeignKey(CancelShelf, related_name="volumes")
    marks = ManyToManyField(CancelMark, related_name="volumes")


class CancelExtra(Model):
    name = CharField(max_length=20)


MODELS = [CancelMark, CancelShelf, CancelVolume]


@pytest.fixture
async def shelves(adapter: Adapter) -> Adapter:
    await create_all(MODELS)
    return adapter


class Scenario:
    """What is cancelled, and what must be true afterwards."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    async def before(self, step: int) -> None:
        """Prepare a run."""

    async def work(self, step: int) -> None:
        raise NotImplementedError

    async def after(self, step: int, *, cancelled: bool) -> None:
        """Look what is there."""


class Create(Scenario):
    async def work(self, step: int) -> None:
        await CancelShelf.create(name=f"{step}")

    async def after(self, step: int, *, cancelled: bool) -> None:
        assert cancelled or await CancelShelf.objects.filter(name=f"{step}").exists()


class Save(Scenario):
    async def before(self, step: int) -> None:
        self.shelf = await CancelShelf.create(name=f"{step}")

    async def work(self, step: int) -> None:
        self.shelf.size = 7
        await self.shelf.save()

    async def after(self, step: int, *, cancelled: bool) -> None:
        size = (await CancelShelf.objects.get(name=f"{step}")).size
        assert size == 7 or (cancelled and size == 0)


class DeleteCascade(Scenario):
    async def before(self, step: int) -> None:
        self.shelf = await CancelShelf.create(name=f"{step}")
        await self.shelf.volumes.bulk_create([CancelVolume(title="a"), CancelVolume(title="b")])

    async def work(self, step: int) -> None:
        await self.shelf.delete()

    async def after(self, step: int, *, cancelled: bool) -> None:
        left = await CancelShelf.objects.count() + await CancelVolume.objects.count()
        assert left == 0 or (cancelled and left == 3)
        await CancelShelf.objects.delete()


class BulkCreate(Scenario):
    async def work(self, step: int) -> None:
        await CancelShelf.objects.bulk_create(
            [CancelShelf(name=f"{step}-{number}") for number in range(LARGE)], batch_size=LARGE // 3
        )

    async def after(self, step: int, *, cancelled: bool) -> None:
        count = await CancelShelf.objects.filter(name__startswith=f"{step}-").count()
        assert count == LARGE or (cancelled and count == 0)


class InsertMany(BulkCreate):
    async def work(self, step: int) -> None:
        shelves = (CancelShelf(name=f"{step}-{number}") for number in range(LARGE))
        await CancelShelf.objects.insert_many(shelves, batch_size=LARGE // 3)


class BulkUpdate(Scenario):
    async def before(self, step: int) -> None:
        self.shelves = await CancelShelf.objects.bulk_create([CancelShelf(name=f"{step}-{at}") for at in range(9)])

    async def work(self, step: int) -> None:
        for shelf in self.shelves:
            shelf.size = 7
        await CancelShelf.objects.bulk_update(self.shelves, ["size"], batch_size=4)

    async def after(self, step: int, *, cancelled: bool) -> None:
        changed = await CancelShelf.objects.filter(name__startswith=f"{step}-", size=7).count()
        assert changed == 9 or (cancelled and changed == 0)


class Upsert(Scenario):
    async def work(self, step: int) -> None:
        await CancelShelf.objects.upsert({"size": 1}, name=f"{step}")

    async def after(self, step: int, *, cancelled: bool) -> None:
        sizes = await CancelShelf.objects.filter(name=f"{step}").values_list("size", flat=True)
        assert sizes == [1] or (cancelled and sizes == [])


class GetOrCreate(Scenario):
    async def work(self, step: int) -> None:
        await CancelShelf.objects.get_or_create({"size": 1}, name=f"{step}")

    async def after(self, step: int, *, cancelled: bool) -> None:
        sizes = await CancelShelf.objects.filter(name=f"{step}").values_list("size", flat=True)
        assert sizes == [1] or (cancelled and sizes == [])


class UpdateOrCreate(Scenario):
    async def before(self, step: int) -> None:
        await CancelShelf.create(name=f"{step}")

    async def work(self, step: int) -> None:
        await CancelShelf.objects.update_or_create({"size": 1}, name=f"{step}")
        await CancelShelf.objects.update_or_create({"size": 2}, name=f"new {step}")

    async def after(self, step: int, *, cancelled: bool) -> None:
        names = [f"{step}", f"new {step}"]
        own = await CancelShelf.objects.filter(name__in=names).order_by("id").values_list("size", flat=True)
        assert own == [1, 2] or (cancelled and own in ([0], [1]))


class Query(Scenario):
    async def before(self, step: int) -> None:
        if step == 0:
            await CancelShelf.objects.bulk_create([CancelShelf(name=f"{number}") for number in range(20)])

    async def work(self, step: int) -> None:
        assert len(await CancelShelf.objects.filter(size=0)) == 20
        assert await CancelShelf.objects.count() == 20
        assert len([shelf async for shelf in CancelShelf.objects.order_by("id")]) == 20


class Stream(Query):
    async def work(self, step: int) -> None:
        seen = [shelf.name async for shelf in CancelShelf.objects.order_by("id").iterator(chunk_size=6)]
        assert seen == [f"{number}" for number in range(20)]


class StreamThatIsLeft(Query):
    async def work(self, step: int) -> None:
        rows = cast("Any", CancelShelf.objects.order_by("id").iterator(chunk_size=6))
        async with aclosing(rows):
            async for _ in rows:
                break


class StreamInTransaction(Query):
    async def work(self, step: int) -> None:
        async with transaction():
            async for shelf in CancelShelf.objects.order_by("id").iterator(chunk_size=6):
                if shelf.name == "3":
                    await CancelShelf.objects.filter(id=shelf.id).update(size=0)


class PrefetchRelated(Scenario):
    async def before(self, step: int) -> None:
        if step == 0:
            shelf = await CancelShelf.create(name="a")
            mark = await CancelMark.create(name="m")
            for volume in await shelf.volumes.bulk_create([CancelVolume(title="a"), CancelVolume(title="b")]):
                await volume.marks.add(mark)

    async def work(self, step: int) -> None:
        (shelf,) = await CancelShelf.objects.prefetch_related("volumes__marks")
        assert [mark.name for volume in shelf.volumes for mark in volume.marks] == ["m", "m"]
        (again,) = await CancelShelf.objects.all()
        volumes = await again.volumes  # loaded when it is awaited
        assert (await volumes[0].shelf).name == "a"


class Links(Scenario):
    async def before(self, step: int) -> None:
        shelf = await CancelShelf.create(name=f"{step}")
        self.volume = await CancelVolume.create(title="a", shelf=shelf)
        self.marks = await CancelMark.objects.bulk_create([CancelMark(name=f"{step}-{at}") for at in range(3)])
        await self.volume.marks.add(self.marks[0])

    async def work(self, step: int) -> None:
        await self.volume.marks.set(self.marks[1:])

    async def after(self, step: int, *, cancelled: bool) -> None:
        names = await self.volume.marks.order_by("id").values_list("name", flat=True)
        assert names == [f"{step}-1", f"{step}-2"] or (cancelled and names == [f"{step}-0"])


class Locked(Save):
    async def work(self, step: int) -> None:
        async with transaction() as tx:
            if self.adapter.dialect.supports_row_locks:
                await CancelShelf.objects.select_for_update().get(name=f"{step}")
                await tx.advisory_lock("cancelled")
                await tx.lock_table(CancelMark)
            await CancelShelf.objects.filter(name=f"{step}").update(size=7)


class Raw(Scenario):
    async def work(self, step: int) -> None:
        insert = "INSERT INTO cancel_shelfs (name, size) VALUES ($1, $2)"
        await self.adapter.execute(insert, [f"{step}", 0])
        await self.adapter.execute_many(insert, [[f"{step}-{number}", 0] for number in range(5)])
        assert await self.adapter.fetch_value("SELECT count(*) FROM cancel_shelfs WHERE name = $1", [f"{step}"]) == 1
        assert len(await CancelShelf.objects.raw("SELECT * FROM cancel_shelfs WHERE name = $1", [f"{step}"])) == 1

    async def after(self, step: int, *, cancelled: bool) -> None:
        count = await CancelShelf.objects.filter(name__startswith=f"{step}-").count()
        assert count == 5 or (cancelled and count == 0)


class Session(Scenario):
    """A statement that changes its session, which is put back before anybody else gets it."""

    async def work(self, step: int) -> None:
        if self.adapter.dialect.name == "postgresql":
            await self.adapter.execute("SET extra_float_digits = 0")
        else:
            await self.adapter.execute("PRAGMA foreign_keys = OFF")

    async def after(self, step: int, *, cancelled: bool) -> None:
        if self.adapter.dialect.name == "postgresql":
            assert await self.adapter.fetch_value("SHOW extra_float_digits") == "1"
        else:
            assert (await self.adapter.execute("PRAGMA foreign_keys"))[0][0] == 1


class Tables(Scenario):
    async def before(self, step: int) -> None:
        await drop_all([CancelExtra])

    async def work(self, step: int) -> None:
        await create_all([CancelExtra])


SCENARIOS = [
    Create, Save, DeleteCascade, BulkCreate, InsertMany, BulkUpdate, Upsert, GetOrCreate, UpdateOrCreate,
    Query, Stream, StreamThatIsLeft, StreamInTransaction, PrefetchRelated, Links, Locked, Raw, Session, Tables,
]  # fmt: skip


async def cancel_each_step(scenario: Scenario, mode: str) -> int:
    """Run a scenario, cancelled one step later each time; return how many cancellations there were."""
    in_time = 0
    for step in range(MOST_STEPS):
        await scenario.before(step)
        cancelled = await run_cancelled(scenario.work(step), step, mode)
        await pool_is_full(scenario.adapter)
        await scenario.after(step, cancelled=cancelled)
        in_time = 0 if cancelled else in_time + 1
        if in_time == 3:
            return step - 2
    raise AssertionError("The scenario did not get through.")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda kind: kind.__name__)
async def test_whatever_is_cancelled_at_each_step_leaves_nothing_by_half(
    shelves: Adapter, scenario: type[Scenario], mode: str
):
    tasks = len(asyncio.all_tasks())
    with quietly():
        runs = await cancel_each_step(scenario(shelves), mode)
        await asyncio.sleep(0.01)
    print(f"{shelves.dialect.name}, {scenario.__name__}, {mode}: {runs} cancellations, 0 bad")  # noqa: T201 - its figures
    assert runs >= 1
    assert len(asyncio.all_tasks()) == tasks
    await nobody_is_in_a_transaction(shelves)


async def nobody_is_in_a_transaction(adapter: Adapter) -> None:
    if adapter.dialect.name == "postgresql":
        idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert await adapter.fetch_value(idle) == 0


@pytest.mark.parametrize("mode", MODES)
async def test_wait_for_a_connection_cancelled_at_each_step_loses_no_place(
    adapter: Adapter, configure: Callable[..., Adapter], mode: str
):
    other = configure(pool_size=1, max_overflow=0)
    runs = 0
    with quietly():
        loop = asyncio.get_running_loop()
        for step in range(MOST_STEPS):
            held = [await other.checkout(write=True)]
            if adapter.dialect.name == "sqlite":  # reads have connections of their own
                held.append(await other.checkout(write=False))
            for session, pool in held:
                loop.call_later(0.001 * (step % 3), pool.give, session)
            cancelled = await run_cancelled(both_kinds(other), step, mode)
            await asyncio.sleep(0.003)
            await pool_is_full(other)
            assert other.pool_status().waiting == 0
            if not cancelled:
                break
            runs += 1
    print(f"{adapter.dialect.name}, wait for a connection, {mode}: {runs} cancellations, 0 bad")  # noqa: T201 - its figures
    assert runs >= 2
    await other.close()


async def both_kinds(adapter: Adapter) -> None:
    await adapter.fetch("SELECT 1", ())
    await adapter.fetch_write("SELECT 1", ())


@pytest.fixture
def counted(adapter: Adapter) -> Callable[[], Any]:
    """Return a function that counts the connections there are, as the server or the system sees them."""

    async def count() -> int:
        if adapter.dialect.name == "sqlite":
            return sum("connection" in thread.name.lower() for thread in threading.enumerate())
        found = await adapter.fetch_value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'")
        return int(found)

    return count


async def none_left(count: Callable[[], Any], wanted: int) -> None:
    for _ in range(200):
        if await count() <= wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{await count()} connections are there and not {wanted}.")


@pytest.mark.parametrize("mode", MODES)
async def test_set_up_of_a_connection_cancelled_at_each_step_leaves_none_behind(
    adapter: Adapter, configure: Callable[..., Adapter], counted: Callable[[], Any], mode: str
):
    async def init(_connection: object) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    async def password() -> str:
        await asyncio.sleep(0)
        return "unused"

    options: dict[str, Any] = {"init": init, "init_commands": ["SELECT 1"]}
    if adapter.dialect.name == "postgresql":
        options.update(password=password, application_name="counted")
    before, runs = await counted(), 0
    with quietly():
        for step in range(MOST_STEPS):
            other = configure(**options)
            cancelled = await run_cancelled(both_kinds(other), step, mode)
            await pool_is_full(other)
            assert await other.fetch_value("SELECT 7") == 7
            await other.close()
            await none_left(counted, before)
            if not cancelled:
                break
            runs += 1
    print(f"{adapter.dialect.name}, set-up of a connection, {mode}: {runs} cancellations, 0 bad")  # noqa: T201 - its figures
    assert runs >= 3


@pytest.mark.parametrize("mode", MODES)
async def test_close_cancelled_at_each_step_can_be_done_again_and_leaves_no_connection(
    adapter: Adapter, configure: Callable[..., Adapter], counted: Callable[[], Any], mode: str
):
    options = {"application_name": "counted"} if adapter.dialect.name == "postgresql" else {}
    before, runs = await counted(), 0
    with quietly():
        for step in range(MOST_STEPS):
            other = configure(**options)
            await asyncio.gather(*(both_kinds(other) for _ in range(3)))
            cancelled = await run_cancelled(other.close(), step, mode)
            assert await other.fetch_value("SELECT 7") == 7
            await other.close()
            await none_left(counted, before)
            if not cancelled:
                break
            runs += 1
    print(f"{adapter.dialect.name}, close, {mode}: {runs} cancellations, 0 bad")  # noqa: T201 - its figures
    assert runs >= 1
