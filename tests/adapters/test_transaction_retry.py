"""Retry of decorated functions: after real deadlocks, serialization failures and locked databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from covet.database import Adapter, DatabaseConfig, get_adapter
from covet.database.transaction import Retry, on_commit, transaction
from covet.exceptions import (
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    DatabaseLocked,
    DeadlockDetected,
    SchemaChanged,
    SerializationFailure,
    TransactionError,
    UniqueViolation,
)

QUICK = Retry(attempts=5, first_delay=0.001, longest_delay=0.01)


@pytest.fixture
async def accounts(adapter: Adapter) -> Adapter:
    await adapter.run_script(
        [
            "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL)",
            "INSERT INTO account VALUES (1, 100), (2, 100)",
        ]
    )
    return adapter


@pytest.fixture
async def server_accounts(accounts: Adapter) -> Adapter | None:
    """Return the accounts where transactions can meet; on SQLite there is one writer, so nothing fails that way."""
    return accounts if accounts.dialect.name == "postgresql" else None


async def balances(adapter: Adapter) -> list[int]:
    return [row.balance for row in await adapter.fetch_all("SELECT balance FROM account ORDER BY id")]


async def test_deadlock_is_resolved_by_doing_the_whole_function_again(accounts: Adapter):
    calls: list[tuple[int, int]] = []
    both = asyncio.Barrier(2)
    met = False

    @transaction(retry=QUICK)
    async def move(source: int, target: int) -> str:
        nonlocal met
        calls.append((source, target))
        await accounts.execute("UPDATE account SET balance = balance - 10 WHERE id = $1", [source])
        if accounts.dialect.name == "postgresql" and not met:
            await both.wait()  # each has locked its first row
            met = True
        await accounts.execute("UPDATE account SET balance = balance + 10 WHERE id = $1", [target])
        return f"{source} to {target}"

    assert [*await asyncio.gather(move(1, 2), move(2, 1))] == ["1 to 2", "2 to 1"]
    assert len(calls) == (3 if accounts.dialect.name == "postgresql" else 2)
    assert await balances(accounts) == [100, 100]
    assert accounts.pool_status().in_use == 0


async def test_serialization_failures_are_retried_until_every_increment_is_there(accounts: Adapter):
    calls = 0

    @transaction(isolation="serializable", retry=Retry(attempts=50, first_delay=0.001, longest_delay=0.02))
    async def increment() -> None:
        nonlocal calls
        calls += 1
        balance = await accounts.fetch_value("SELECT balance FROM account WHERE id = 1")
        await asyncio.sleep(0)
        await accounts.execute("UPDATE account SET balance = $1 WHERE id = 1", [balance + 1])

    await asyncio.gather(*(increment() for _ in range(8)))
    assert (await balances(accounts))[0] == 108
    assert calls > 8 if accounts.dialect.name == "postgresql" else calls == 8


async def meet(adapter: Adapter) -> None:
    """Fail by a real serialization failure: read, let another transaction write the same row, write."""
    await adapter.fetch_all("SELECT balance FROM account WHERE id = 1")

    async def outside() -> None:
        await get_adapter("other").execute("UPDATE account SET balance = balance + 1 WHERE id = 1")

    await asyncio.create_task(outside())
    await adapter.execute("UPDATE account SET balance = 0 WHERE id = 1")


async def test_attempts_end_and_the_last_error_says_how_many_there_were(
    server_accounts: Adapter | None, configure: Callable[..., Adapter]
):
    if server_accounts is None:
        return
    configure()
    calls = 0

    @transaction(isolation="repeatable read", retry=Retry(attempts=3, first_delay=0))
    async def hopeless() -> None:
        nonlocal calls
        calls += 1
        await meet(server_accounts)

    with pytest.raises(SerializationFailure) as caught:
        await hopeless()
    assert calls == 3
    assert caught.value.__notes__ == [
        f"The transaction of {hopeless.__qualname__} was tried 3 times, which is what retry= allows."
    ]
    assert (await balances(server_accounts))[0] == 103


async def test_group_of_errors_and_swallowed_errors_are_retried_for_what_broke_the_transaction(
    server_accounts: Adapter | None, configure: Callable[..., Adapter]
):
    if server_accounts is None:
        return
    configure()
    calls = 0

    @transaction(isolation="repeatable read", retry=Retry(attempts=3, first_delay=0))
    async def grouped() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            async with asyncio.TaskGroup() as group:
                group.create_task(meet(server_accounts))
        if calls == 2:
            with pytest.raises(SerializationFailure):
                await meet(server_accounts)
        return calls

    assert await grouped() == 3


async def test_locked_database_is_retried(accounts: Adapter, tmp_path):
    """SQLite's kin of a serialization failure: another process, or another pool, has the write lock for too long."""
    if accounts.dialect.name != "sqlite":
        return
    DatabaseConfig(accounts.config.safe_url, alias="hasty", busy_timeout=0.01)
    hasty = get_adapter("hasty")
    calls = 0
    release = asyncio.Event()

    @transaction(using="hasty", retry=Retry(attempts=100, first_delay=0.01, longest_delay=0.01))
    async def write() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            release.set()
        await hasty.execute("UPDATE account SET balance = 7 WHERE id = 1")

    async def hold() -> None:
        async with transaction():
            await accounts.execute("UPDATE account SET balance = 5 WHERE id = 2")
            await release.wait()

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0.02)
    with pytest.raises(DatabaseLocked):
        await hasty.execute("UPDATE account SET balance = 7 WHERE id = 1")
    await write()
    await holder
    assert calls >= 3
    assert await balances(accounts) == [7, 5]


async def test_lost_connection_before_commit_is_retried(server_accounts: Adapter | None, configure):
    if server_accounts is None:
        return
    killer = configure()
    calls = 0

    @transaction(retry=QUICK)
    async def write() -> None:
        nonlocal calls
        calls += 1
        await server_accounts.execute("UPDATE account SET balance = balance + 1 WHERE id = 1")
        if calls == 1:
            pid = await server_accounts.fetch_value("SELECT pg_backend_pid()")
            await killer.fetch_value("SELECT pg_terminate_backend($1, 5000)", [pid])
        await server_accounts.execute("UPDATE account SET balance = balance + 1 WHERE id = 2")

    await write()
    assert calls == 2
    assert await balances(server_accounts) == [101, 101]


async def test_changed_table_inside_a_transaction_is_an_error_of_its_own_and_retried(
    server_accounts: Adapter | None, configure
):
    if server_accounts is None:
        return
    other = configure()
    calls = 0

    @transaction(retry=QUICK)
    async def read() -> int:
        nonlocal calls
        calls += 1
        rows = await server_accounts.fetch("SELECT * FROM account", ())
        return len(rows[0])

    assert await read() == 2
    await other.execute("ALTER TABLE account ADD COLUMN note text")
    assert SchemaChanged.retryable
    assert await read() == 3
    assert calls == 3


async def test_other_errors_and_cancellations_are_not_retried(accounts: Adapter):
    calls = 0

    @transaction(retry=QUICK)
    async def fail(error: BaseException | None) -> None:
        nonlocal calls
        calls += 1
        if error is not None:
            raise error
        await accounts.execute("INSERT INTO account VALUES (1, 1)")

    with pytest.raises(UniqueViolation):
        await fail(None)
    for error in (CommitUnknown("unknown"), RuntimeError(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            await fail(error)
    assert calls == 4


async def test_error_of_a_callback_after_the_commit_never_does_the_work_again(accounts: Adapter):
    calls = 0

    @transaction(retry=QUICK)
    async def with_callback() -> None:
        nonlocal calls
        calls += 1
        await accounts.execute("UPDATE account SET balance = balance + 1 WHERE id = 1")
        on_commit(deadlocked)

    def deadlocked() -> None:
        raise DeadlockDetected("in another transaction, after this one")

    with pytest.raises(DeadlockDetected):
        await with_callback()
    assert calls == 1
    assert (await balances(accounts))[0] == 101


async def test_callbacks_of_attempts_that_failed_are_not_called(
    server_accounts: Adapter | None, configure: Callable[..., Adapter]
):
    if server_accounts is None:
        return
    configure()
    seen: list[int] = []
    calls = 0

    @transaction(isolation="repeatable read", retry=QUICK)
    async def work() -> None:
        nonlocal calls
        calls += 1
        number = calls
        on_commit(lambda: seen.append(number))
        if calls < 3:
            await meet(server_accounts)

    await work()
    assert seen == [3]


async def test_retry_inside_a_transaction_is_the_matter_of_the_outermost_function(accounts: Adapter):
    calls = 0

    @transaction(retry=QUICK)
    async def inner() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise SerializationFailure("made here")

    @transaction(retry=QUICK)
    async def outer() -> int:
        before = calls
        await inner()
        return calls - before

    with pytest.raises(SerializationFailure):
        async with transaction():
            await inner()
    assert calls == 1
    assert await outer() == 1
    assert calls == 3


async def test_retry_of_a_block_is_refused_when_it_is_entered(accounts: Adapter):
    with pytest.raises(TransactionError, match="retry= is for decorated functions"):
        async with transaction(retry=3):
            pass
    assert not accounts.in_transaction()


def test_retry_checks_its_numbers_and_waits_longer_each_time():
    for wrong in (0, -1, True):
        with pytest.raises(TransactionError, match="attempts is a whole number"):
            Retry(attempts=wrong)
    with pytest.raises(TransactionError, match="delays"):
        Retry(first_delay=-1)
    retry = Retry(first_delay=0.1, factor=2, longest_delay=0.3)
    for attempt, longest in ((1, 0.1), (2, 0.2), (3, 0.3), (9, 0.3)):
        assert longest / 2 <= retry.delay(attempt) <= longest


def test_errors_that_are_retried_say_so():
    for kind in (SerializationFailure, DeadlockDetected, DatabaseLocked, ConnectionLost, SchemaChanged):
        assert issubclass(kind, DatabaseError)
        assert kind.retryable
    assert not CommitUnknown.retryable
