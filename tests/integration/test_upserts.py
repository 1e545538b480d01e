"""upsert, bulk_upsert, insert_from and insert_many: the SQL, what is new, what is refused."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from covet import (
    CharField,
    DateTimeField,
    DecimalField,
    F,
    FieldError,
    ForeignKey,
    IntegerField,
    IntegrityError,
    Model,
    ReverseManager,
    UniqueConstraint,
    UUIDField,
    ValidationError,
    Value,
    create_all,
)
from covet.database import capture_queries
from covet.exceptions import ForeignKeyViolation, ProgrammingError, UniqueViolation
from covet.functions import Concat
from tests.conftest import Database


class Owner(Model):
    name = CharField(max_length=10, unique=True)

    jars: ReverseManager[Jar]


class Jar(Model):
    code = CharField(max_length=10, unique=True)
    price = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    shelf = IntegerField(nullable=True)
    place = IntegerField(nullable=True)
    size = IntegerField(default=1)
    owner = ForeignKey(Owner, nullable=True, related_name="jars")
    made = DateTimeField(auto_now_add=True)

    owner_id: int | None

    class Meta:
        constraints = (UniqueConstraint(fields=["shelf", "place"], name="jar_place"),)


class Token(Model[UUID]):
    id = UUIDField(primary_key=True, default=uuid4)
    text = CharField(max_length=10)


class Archive(Model):
    code = CharField(max_length=10, unique=True, db_default="none")
    total = DecimalField(max_digits=8, decimal_places=2, nullable=True)

    class Meta:
        db_table = "archive"


@pytest.fixture(autouse=True)
async def tables(database: Database) -> None:
    await create_all(models=[Owner, Jar, Archive])


async def test_upsert_inserts_and_then_changes_the_same_row(database: Database) -> None:
    with capture_queries(transactions=True) as queries:
        jar, created = await Jar.objects.upsert({"size": 5}, create_defaults={"shelf": 7}, code="a")
    assert (created, jar.size, jar.shelf) == (True, 5, 7)
    if database.name == "postgresql":
        (event,) = queries
        assert event.sql.endswith(
            'ON CONFLICT ("code") DO UPDATE SET "size" = EXCLUDED."size" RETURNING "id", "code", "price", "shelf", '
            '"place", "size", "owner_id", "made", ("xmax" = 0)'
        )
    else:
        assert [event.sql.split()[0] for event in queries] == ["BEGIN", "SELECT", "INSERT", "COMMIT"]
    again, created = await Jar.objects.upsert({"size": 6}, create_defaults={"shelf": 8}, code="a")
    assert (created, again.id, again.size, again.shelf, again.made) == (False, jar.id, 6, 7, jar.made)
    assert await Jar.objects.values_list("code", "size", "shelf") == [("a", 6, 7)]
    await again.save()  # it is a row, not a new instance
    assert await Jar.objects.count() == 1


async def test_upsert_by_the_key_and_by_several_fields() -> None:
    jar, created = await Jar.objects.upsert({"code": "x"}, shelf=1, place=2)
    assert created
    same, created = await Jar.objects.upsert({"code": "y"}, shelf=1, place=2)
    assert (created, same.id, same.code) == (False, jar.id, "y")
    by_key, created = await Jar.objects.upsert({"code": "z"}, id=jar.id)
    assert (created, by_key.shelf) == (False, 1)
    assert (await Jar.objects.upsert({"code": "n"}, id=jar.id + 1))[1]
    owner = await Owner.create(name="ann")
    owned, _ = await Jar.objects.upsert({"owner": owner, "size": 3}, code="z")
    assert (owned.id, owned.owner_id) == (jar.id, owner.id)


async def test_create_defaults_are_for_new_rows_only() -> None:
    jar, created = await Jar.objects.update_or_create({"size": 5}, {"shelf": 8}, code="a")
    assert (created, jar.size, jar.shelf) == (True, 1, 8)
    jar, created = await Jar.objects.update_or_create({"size": 5}, {"shelf": 9}, code="a")
    assert (created, jar.size, jar.shelf) == (False, 5, 8)
    again, created = await Jar.objects.filter(size=5).update_or_create({"shelf": 9}, code="a")
    assert (created, again.id, again.shelf) == (False, jar.id, 9)


async def test_null_in_a_unique_field_meets_no_row() -> None:
    assert (await Jar.objects.upsert({"code": "a"}, shelf=1, place=None))[1]
    assert (await Jar.objects.upsert({"code": "b"}, shelf=1, place=None))[1]


async def test_bulk_upsert_says_which_rows_are_new(database: Database) -> None:
    old = await Jar.objects.bulk_create([Jar(code=f"c{n}", size=n) for n in (1, 3)])
    jars = [Jar(code=f"c{n}", size=n * 10, shelf=n) for n in range(5)]
    with capture_queries() as queries:
        pairs = await Jar.objects.bulk_upsert(jars, unique_fields=["code"], update_fields=["size"])
    assert [jar for jar, _ in pairs] == jars
    assert [created for _, created in pairs] == [True, False, True, False, True]
    assert (jars[1].id, jars[3].id) == (old[0].id, old[1].id)
    assert [jar.shelf for jar in jars] == [0, None, 2, None, 4]
    assert [jar.size for jar in jars] == [0, 10, 20, 30, 40]
    assert len(queries) == (2 if database.name == "sqlite" else 1)
    stored = await Jar.objects.order_by("code").values_list("id", "code", "size", "shelf")
    assert stored == [(jar.id, jar.code, jar.size, jar.shelf) for jar in jars]


async def test_bulk_upsert_in_batches_of_several_kinds_is_all_or_nothing() -> None:
    jars = [Jar(id=None if n % 2 else 1000 + n, code=f"c{n}") for n in range(9)]
    pairs = await Jar.objects.bulk_upsert(jars, unique_fields=["code"], update_fields=["size"], batch_size=2)
    assert all(created for _, created in pairs)
    assert [jar.id for jar in jars[::2]] == [1000, 1002, 1004, 1006, 1008]
    more = [Jar(code=f"d{n}", shelf=1, place=1) for n in range(3)]  # the second breaks another constraint
    with pytest.raises(IntegrityError):
        await Jar.objects.bulk_upsert(more, unique_fields=["code"], update_fields=["size"], batch_size=1)
    assert await Jar.objects.count() == 9
    assert await Jar.objects.bulk_upsert([], unique_fields=["code"], update_fields=["size"]) == []


async def test_two_instances_of_one_row_are_refused() -> None:
    jars = [Jar(code="a", size=1), Jar(code="a", size=2)]
    with pytest.raises(ProgrammingError):
        await Jar.objects.bulk_upsert(jars, unique_fields=["code"], update_fields=["size"])
    assert await Jar.objects.count() == 0


async def test_upserts_refuse_what_they_cannot_do() -> None:
    owner = await Owner.create(name="ann")
    with capture_queries(transactions=True) as queries:
        with pytest.raises(TypeError, match=r"upsert\(\) is for all rows of Jar, not for some of them"):
            await owner.jars.upsert({"size": 1}, code="a")
        with pytest.raises(TypeError, match=r"bulk_upsert\(\) is for all rows of Jar"):
            await Jar.objects.filter(size=1).bulk_upsert([], unique_fields=["code"], update_fields=["size"])
        with pytest.raises(TypeError, match=r"upsert\(\) takes what to change and the unique fields"):
            await Jar.objects.upsert({}, code="a")
        with pytest.raises(TypeError, match=r"upsert\(\) takes what to change and the unique fields"):
            await Jar.objects.upsert({"size": 1})
        with pytest.raises(FieldError, match="nothing"):
            await Jar.objects.upsert({"nothing": 1}, code="a")
        with pytest.raises(ValidationError, match="code"):
            await Jar.objects.upsert({"size": 1}, code="x" * 11)
        with pytest.raises(ValueError, match=r"^unique_fields: Archive\.code has no value\.$"):
            await Archive.objects.bulk_upsert([Archive()], unique_fields=["code"], update_fields=["total"])
        with pytest.raises(TypeError, match="got a Owner"):
            await Jar.objects.bulk_upsert([owner], unique_fields=["code"], update_fields=["size"])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="needs update_fields and unique_fields"):
            await Jar.objects.bulk_upsert([Jar(code="a")], unique_fields=["code"], update_fields=[])
    assert queries == []


async def test_insert_from_copies_rows_without_reading_them(database: Database) -> None:
    await Jar.objects.bulk_create([Jar(code=f"c{n}", price=n, size=n) for n in range(6)])
    source = Jar.objects.filter(size__gte=2).order_by("code").values_list("code", "price")
    with capture_queries(transactions=True) as queries:
        assert await Archive.objects.insert_from(source[:3], ["code", "total"]) == 3
    (event,) = queries
    assert event.sql.startswith('INSERT INTO "archive" ("code", "total") SELECT "jars"."code"')
    assert await Archive.objects.order_by("id").values_list("code", flat=True) == ["c2", "c3", "c4"]
    assert await Archive.objects.insert_from(source.none(), ["code", "total"]) == 0
    every = Jar.objects.order_by().values_list("code", "shelf")
    assert await Jar.objects.insert_from(every, ["code", "shelf"], ignore_conflicts=True) == 0
    with pytest.raises(IntegrityError) as caught:
        await Jar.objects.insert_from(every, ["code", "shelf"])
    assert caught.value.model is Jar


async def test_insert_from_gives_other_fields_their_defaults() -> None:
    await Jar.objects.bulk_create([Jar(code=f"c{n}", price=n, shelf=n, size=9) for n in range(3)])
    doubled = Jar.objects.filter(shelf__lt=2).values_list(Concat("code", Value("x")), F("shelf") + 10)
    assert await Jar.objects.insert_from(doubled, ["code", "shelf"]) == 2
    found = await Jar.objects.filter(shelf__gte=10).order_by("id")
    assert [(jar.code, jar.shelf, jar.size, jar.price) for jar in found] == [("c0x", 10, 1, None), ("c1x", 11, 1, None)]
    assert found[0].made == found[1].made


async def test_insert_from_refuses_what_does_not_fit() -> None:
    with pytest.raises(FieldError, match="it has 1, and the fields are 2"):
        await Archive.objects.insert_from(Jar.objects.values_list("code"), ["code", "total"])
    with pytest.raises(FieldError, match=r"takes a queryset with values\(\) or values_list\(\)"):
        await Archive.objects.insert_from(Jar.objects.all(), ["code", "total"])
    with pytest.raises(FieldError, match="nothing"):
        await Archive.objects.insert_from(Jar.objects.values_list("code"), ["nothing"])
    with pytest.raises(FieldError, match=r"^insert_from\(\): Token\.id would be the same in every row"):
        await Token.objects.insert_from(Jar.objects.values_list("code"), ["text"])


async def test_insert_many_keeps_one_batch_in_memory() -> None:
    most = 0

    def jars() -> Iterator[Jar]:
        nonlocal most
        for number in range(2_000):
            yield Jar(code=f"{number}")
            if number % 100 == 99:
                most = max(most, sum(type(each) is Jar for each in gc.get_objects()))

    told: list[int] = []
    assert await Jar.objects.insert_many(jars(), batch_size=300, progress=told.append) == 2_000
    assert told == [300, 600, 900, 1200, 1500, 1800, 2000]
    assert 100 <= most <= 601  # the batch that was written may still wait to be forgotten
    assert await Jar.objects.count() == 2_000


async def test_insert_many_takes_an_async_iterable_and_is_all_or_nothing() -> None:
    async def jars(count: int) -> AsyncIterator[Jar]:
        for number in range(count):
            yield Jar(code=f"{number % 25}")

    assert await Jar.objects.insert_many(jars(20), batch_size=10) == 20
    await Jar.objects.delete()
    with pytest.raises(IntegrityError):
        await Jar.objects.insert_many(jars(30), batch_size=10)
    assert await Jar.objects.count() == 0
    assert await Jar.objects.insert_many(jars(30), batch_size=25, ignore_conflicts=True) == 30
    assert await Jar.objects.count() == 25
    with pytest.raises(TypeError, match=r"insert_many\(\) is for all rows of Jar"):
        await (await Owner.create(name="ann")).jars.insert_many(jars(1))


async def test_insert_many_copies_on_postgresql(database: Database) -> None:
    owner = await Owner.create(name="ann")
    jars = [Jar(code=f"{n}", price=Decimal(n), shelf=None if n % 2 else n, owner=owner) for n in range(7)]
    with capture_queries(transactions=True) as queries:
        assert await Jar.objects.insert_many(jars, batch_size=4) == 7
    columns = '"jars" ("code", "price", "shelf", "place", "size", "owner_id", "made")'
    if database.name == "postgresql":
        assert [event.sql for event in queries[1:-1]] == [f"COPY {columns} FROM STDIN (FORMAT binary)"] * 2
        assert [event.rows for event in queries[1:-1]] == [4, 3]
    else:
        assert [event.sql for event in queries[1:-1]] == [
            f"INSERT INTO {columns} VALUES {', '.join(['(?, ?, ?, ?, ?, ?, ?)'] * count)}" for count in (4, 3)
        ]
    stored = await Jar.objects.order_by("id").values_list("code", "price", "shelf", "owner_id", "made")
    assert stored == [(jar.code, jar.price, jar.shelf, owner.id, jar.made) for jar in jars]
    with pytest.raises(UniqueViolation) as caught:
        await Jar.objects.insert_many([Jar(code="new"), Jar(code="3")])
    assert (caught.value.model, caught.value.columns) == (Jar, ("code",))
    with pytest.raises(ForeignKeyViolation):
        await Jar.objects.insert_many([Jar(code="new", owner_id=owner.id + 1)])
    with pytest.raises(ValidationError, match=r"^objs\[1\]: Jar\.code"):
        await Jar.objects.insert_many([Jar(code="new"), Jar(code="x" * 11)])
    assert await Jar.objects.count() == 7
    assert await Jar.objects.insert_many([Jar(id=1000, code="x"), Jar(code="y"), Jar(id=1001, code="z")]) == 3
    assert await Jar.objects.filter(code__in=["x", "y", "z"]).count() == 3
