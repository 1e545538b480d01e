"""get_or_create, update_or_create and upsert when many tasks, and two processes, write the same rows at once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import pytest

from covet import CharField, IntegerField, Model, create_all
from covet.database import DatabaseConfig
from tests.conftest import Database

KEYS = 4
TASKS = 100


class Racer(Model):
    name = CharField(max_length=10, unique=True)
    number = IntegerField(default=0)
    laps = IntegerField(default=0)

    class Meta:
        db_table = "racers"


async def run_once(way: str, name: str, number: int) -> tuple[int, bool]:
    """Write a row of this name; return its key and whether it is new."""
    match way:
        case "get_or_create":
            racer, created = await Racer.objects.get_or_create(name=name, defaults={"number": number})
        case "update_or_create":
            racer, created = await Racer.objects.update_or_create(name=name, defaults={"number": number})
        case "upsert":
            racer, created = await Racer.objects.upsert({"number": number}, name=name)
            assert racer.number == number
        case _:
            mine = Racer(name=name, number=number)
            ((racer, created),) = await Racer.objects.bulk_upsert(
                [mine], unique_fields=["name"], update_fields=["number"]
            )
    assert racer.name == name
    return racer.id, created


async def race(way: str, start: int) -> list[tuple[str, int, bool]]:
    """Run many tasks at once; return what each got."""

    async def one(number: int) -> tuple[str, int, bool]:
        name = f"r{number % KEYS}"
        return (name, *await run_once(way, name, start + number))

    return await asyncio.gather(*(one(number) for number in range(TASKS)))


async def check(found: list[tuple[str, int, bool]], numbers: range) -> None:
    """Every name is one row, which everybody got and one of them made."""
    rows = dict(await Racer.objects.values_list("name", "id"))
    assert sorted(rows) == [f"r{at}" for at in range(KEYS)]
    assert all(rows[name] == key for name, key, _ in found)
    assert Counter(name for name, _, created in found if created) == dict.fromkeys(rows, 1)
    assert all(number in numbers for number in await Racer.objects.values_list("number", flat=True))


WAYS = ["get_or_create", "update_or_create", "upsert", "bulk_upsert"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_hundred_tasks_make_one_row_of_each_name(database: Database, way: str) -> None:
    await create_all(models=[Racer])
    for _ in range(3):
        await Racer.objects.delete()
        await check(await race(way, 0), range(TASKS))


@pytest.mark.parametrize("way", WAYS)
async def test_two_processes_make_one_row_of_each_name(database: Database, way: str) -> None:
    await create_all(models=[Racer])
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, database.url, way, str(start),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for start in (0, 1000)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    found: list[Any] = [tuple(each) for answer, _ in answers for each in json.loads(answer)]
    assert len(found) == 2 * TASKS
    await check(found, range(1000 + TASKS))


async def main(url: str, way: str, start: str) -> None:
    """Be one of the two processes."""
    DatabaseConfig(url=url)
    await Racer.objects.count()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    sys.stdout.write(json.dumps(await race(way, int(start))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
