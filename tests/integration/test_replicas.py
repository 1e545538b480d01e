"""Reads from a real streaming replica: what was written is seen, whatever the replica has replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from covet import CharField, Model, create_all, get_adapter, transaction
from covet.database import CapturedQueries, DatabaseConfig, capture_queries, close_all, set_replicas
from covet.database.config import forget
from covet.exceptions import ConfigurationError, NotSupportedError
from tests.postgresql_replica import replica_of
from tests.postgresql_server import database_on, own_server


class ReplicaNote(Model):
    text = CharField(max_length=50)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with own_server() as server, database_on(server) as primary, replica_of(primary) as replica:
        yield primary, replica


@pytest.fixture
async def control(servers: tuple[str, str]) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to the replica that pauses and resumes what it replays."""
    connection = await asyncpg.connect(servers[1])
    yield connection
    await connection.execute("SELECT pg_wal_replay_resume()")
    await connection.close()


@pytest.fixture(autouse=True)
async def databases(servers: tuple[str, str]) -> AsyncIterator[None]:
    primary, replica = servers
    DatabaseConfig(primary, replace=True)
    DatabaseConfig(replica, alias="replica", replace=True)
    await get_adapter().execute("DROP TABLE IF EXISTS replica_notes")
    await create_all([ReplicaNote])
    await ReplicaNote.create(text="first")
    set_replicas("replica")
    yield
    set_replicas()
    await close_all()
    forget()


async def caught_up(control: asyncpg.Connection) -> None:
    """Wait until the replica has replayed everything and may be asked again."""
    position = await get_adapter().fetch_value("SELECT pg_current_wal_insert_lsn()::text")
    for _ in range(500):
        if await control.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position):
            await asyncio.sleep(0.06)
            return
        await asyncio.sleep(0.01)
    raise AssertionError("The replica does not catch up.")


def where(queries: CapturedQueries) -> list[str]:
    """Return the aliases that queries of the table went to."""
    return [event.alias for event in queries if "replica_notes" in event.sql]


async def test_reads_go_to_the_replica_that_has_everything_and_cost_nothing_more(control: asyncpg.Connection) -> None:
    await caught_up(control)
    await ReplicaNote.objects.count()
    with capture_queries() as queries:
        assert await ReplicaNote.objects.count() == 1
        assert [note.text for note in await ReplicaNote.objects.all()] == ["first"]
        assert await get_adapter().fetch_value("SELECT text FROM replica_notes") == "first"
    assert where(queries) == ["replica"] * 3
    assert len(queries) == 3  # positions are not asked again before the next write


async def test_what_was_written_is_read_from_the_primary_until_the_replica_has_it(
    control: asyncpg.Connection,
) -> None:
    await caught_up(control)
    await control.execute("SELECT pg_wal_replay_pause()")
    await ReplicaNote.create(text="second")
    with capture_queries() as queries:
        for _ in range(5):
            assert await ReplicaNote.objects.count() == 2
    assert where(queries) == ["default"] * 5
    await control.execute("SELECT pg_wal_replay_resume()")
    await caught_up(control)
    with capture_queries() as queries:
        assert await ReplicaNote.objects.count() == 2
    assert where(queries) == ["replica"]


async def test_every_read_after_every_write_sees_it(control: asyncpg.Connection) -> None:
    """The same with a replica that follows as it can: nothing may be missed, by whatever task it was written."""
    for number in range(2, 60):
        if number % 3 == 0:
            async with transaction():
                await ReplicaNote.create(text=f"{number}")
        elif number % 3 == 1:
            await asyncio.gather(ReplicaNote.create(text=f"{number}"))
        else:
            await get_adapter().execute("INSERT INTO replica_notes (text) VALUES ($1)", [f"{number}"])
        assert await ReplicaNote.objects.count() == number
        if number % 10 == 0:
            await asyncio.sleep(0.06)


async def test_inside_a_transaction_no_replica_is_read(control: asyncpg.Connection) -> None:
    await caught_up(control)
    with capture_queries() as queries:
        async with transaction():
            assert await ReplicaNote.objects.count() == 1
        async with transaction(read_only=True):
            assert await ReplicaNote.objects.count() == 1
        async with transaction():
            assert len(await ReplicaNote.objects.select_for_update()) == 1
    assert where(queries) == ["default"] * 3


async def test_stream_reads_the_replica_as_other_reads_do(control: asyncpg.Connection) -> None:
    await caught_up(control)
    with capture_queries() as queries:
        assert [note.text async for note in ReplicaNote.objects.iterator()] == ["first"]
    assert where(queries) == ["replica"]
    await control.execute("SELECT pg_wal_replay_pause()")
    await ReplicaNote.create(text="second")
    with capture_queries() as queries:
        assert len([note async for note in ReplicaNote.objects.iterator(chunk_size=2)]) == 2
        async with transaction():
            assert len([note async for note in ReplicaNote.objects.iterator()]) == 2
    assert set(where(queries)) == {"default"}
    await control.execute("SELECT pg_wal_replay_resume()")
    await get_adapter().execute("CREATE SEQUENCE IF NOT EXISTS stream_numbers")
    await caught_up(control)
    numbers = "SELECT nextval('stream_numbers')"  # which a copy refuses, and the primary then gives
    assert len([rows async for rows in get_adapter().stream(numbers, (), 10)]) == 1
    for alias in ("default", "replica"):
        assert get_adapter(alias).pool_status().in_use == 0


async def test_row_from_the_replica_is_saved_to_the_primary_and_its_alias_reads_the_replica_itself(
    control: asyncpg.Connection,
) -> None:
    await caught_up(control)
    with capture_queries() as queries:
        note = await ReplicaNote.objects.get()
        note.text = "changed"
        await note.save()
    assert where(queries) == ["replica", "default"]
    assert (await ReplicaNote.objects.get()).text == "changed"
    await control.execute("SELECT pg_wal_replay_pause()")
    await note.delete()
    assert await ReplicaNote.objects.count() == 0
    assert await ReplicaNote.objects.using("replica").count() == 1
    await control.execute("SELECT pg_wal_replay_resume()")


async def test_function_that_writes_is_called_on_the_primary(control: asyncpg.Connection) -> None:
    await get_adapter().execute("CREATE SEQUENCE IF NOT EXISTS replica_numbers")
    await caught_up(control)
    first = await get_adapter().fetch_value("SELECT nextval('replica_numbers')")
    await asyncio.sleep(0.06)
    assert await get_adapter().fetch_value("SELECT nextval('replica_numbers')") == first + 1


async def test_replica_that_is_not_there_is_left_alone(servers: tuple[str, str]) -> None:
    DatabaseConfig("postgresql://nobody@127.0.0.1:1/none", alias="gone", replace=True, connect_timeout=1)
    set_replicas("gone")
    with capture_queries() as queries:
        for _ in range(3):
            assert await ReplicaNote.objects.count() == 1
    assert where(queries) == ["default"] * 3
    set_replicas("gone", "replica")
    for _ in range(200):
        with capture_queries() as queries:
            assert await ReplicaNote.objects.count() == 1
        if where(queries) == ["replica"]:
            break
        await asyncio.sleep(0.02)
    assert where(queries) == ["replica"]


async def test_connections_of_the_replica_that_are_killed_are_not_seen(control: asyncpg.Connection) -> None:
    await caught_up(control)
    await asyncio.gather(*(ReplicaNote.objects.count() for _ in range(5)))
    await control.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'covet'")
    assert await asyncio.gather(*(ReplicaNote.objects.count() for _ in range(10))) == [1] * 10


async def test_database_is_no_copy_of_itself_and_a_file_has_no_replicas(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="no copy of itself"):
        set_replicas("default")
    DatabaseConfig(f"sqlite:///{tmp_path}/a.db", alias="file")
    DatabaseConfig(f"sqlite:///{tmp_path}/b.db", alias="file2")
    with pytest.raises(NotSupportedError, match="SQLite has no replicas"):
        set_replicas("file2", of="file")
    with pytest.raises(ConfigurationError, match=r"'file' \(SQLite\) is no copy of 'default' \(PostgreSQL\)"):
        set_replicas("file")
