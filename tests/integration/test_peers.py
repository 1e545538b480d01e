"""Awaiting a relation or a deferred field loads it for the whole result: a fixed number of queries, never one a row."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref

import pytest

from covet import (
    CharField,
    ForeignKey,
    IntegerField,
    Model,
    ModelDefinitionError,
    NotLoaded,
    ReverseManager,
    create_all,
    set_fetch_mode,
)
from covet.database import capture_queries
from tests.conftest import Database


class PeerCountry(Model):
    name = CharField(max_length=20)
    towns: ReverseManager[PeerTown]


class PeerTown(Model):
    name = CharField(max_length=20)
    size = IntegerField(default=0)
    country = ForeignKey(PeerCountry, related_name="towns")
    houses: ReverseManager[PeerHouse]


class PeerHouse(Model):
    town = ForeignKey(PeerTown, related_name="houses")
    former_town = ForeignKey(PeerTown, null=True, on_delete="SET_NULL", related_name="+")


@pytest.fixture
async def houses(database: Database) -> Database:
    await create_all([PeerCountry, PeerTown, PeerHouse])
    countries = await PeerCountry.objects.bulk_create([PeerCountry(name=f"c{i}") for i in range(3)])
    towns = await PeerTown.objects.bulk_create([PeerTown(name=f"t{i}", country=countries[i % 3]) for i in range(6)])
    await PeerHouse.objects.bulk_create(
        [PeerHouse(town=towns[i % 6], former_town=towns[0] if i % 2 else None) for i in range(20)]
    )
    return database


async def test_a_loop_that_awaits_two_forward_relations_is_three_queries(houses: Database) -> None:
    with capture_queries() as queries:
        names = [(await (await house.town).country).name for house in await PeerHouse.objects.order_by("id")]
    assert names[:4] == ["c0", "c1", "c2", "c0"]
    assert len(queries) == 3


async def test_tasks_that_await_together_ask_once(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")
    with capture_queries() as queries:
        towns = await asyncio.gather(*(house.town for house in found))
    assert [town.name for town in towns[:7]] == ["t0", "t1", "t2", "t3", "t4", "t5", "t0"]
    assert len(queries) == 1


async def test_a_relation_of_a_joined_instance_is_loaded_for_all_of_them(houses: Database) -> None:
    with capture_queries() as queries:
        for house in await PeerHouse.objects.select_related("town"):
            assert (await house.town.country).name
    assert len(queries) == 2


async def test_reverse_relations_in_nested_loops_are_one_query_a_level(houses: Database) -> None:
    with capture_queries() as queries:
        counted = [
            len(await town.houses) for country in await PeerCountry.objects.all() for town in await country.towns
        ]
    assert sum(counted) == 20
    assert len(queries) == 3


async def test_a_loaded_reverse_relation_is_a_sequence_and_knows_its_owner(houses: Database) -> None:
    countries = await PeerCountry.objects.order_by("id")
    await countries[0].towns
    with capture_queries() as queries:
        assert [len(country.towns) for country in countries] == [2, 2, 2]
        assert all(town.country is country for country in countries for town in country.towns)
    assert len(queries) == 0


async def test_deferred_fields_are_loaded_for_the_whole_result(houses: Database) -> None:
    with capture_queries() as queries:
        names = [(await town).name for town in await PeerTown.objects.only("size").order_by("id")]
    assert names == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert len(queries) == 2


async def test_a_deferred_field_is_not_saved_as_null(houses: Database) -> None:
    house = await PeerHouse.objects.only("town").order_by("-id").first()
    assert house is not None
    with pytest.raises(NotLoaded, match=r"PeerHouse\.former_town was deferred"):
        await house.save(update_fields=["former_town"])
    assert (await PeerHouse.objects.get(id=house.id)).former_town is not None
    town = await PeerTown.objects.only("name").order_by("id").first()
    assert town is not None
    town.name = "renamed"
    await town.save()
    assert await PeerTown.objects.filter(id=town.id).values_list("name", "size") == [("renamed", 0)]


async def test_a_null_key_is_none_without_a_query(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")
    with capture_queries() as queries:
        assert found[0].former_town is None
        assert await found[0].load(PeerHouse.former_town) is None
    assert len(queries) == 0


async def test_the_reference_that_was_held_is_the_instance_that_is_loaded(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")
    first, seventh = found[0].town, found[6].town
    assert await first is first
    assert first is found[0].town
    assert (first.name, seventh.name) == ("t0", "t0")


async def test_a_single_instance_loads_alone(houses: Database) -> None:
    house = await PeerHouse.objects.order_by("id").first()
    assert house is not None
    with capture_queries() as queries:
        assert (await house.town).name == "t0"
    assert len(queries) == 1


async def test_an_instance_does_not_keep_its_result_alive(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")
    kept, gone = found[0], weakref.ref(found[1])
    del found
    gc.collect()
    assert gone() is None
    assert (await kept.town).name == "t0"


async def test_copies_and_pickles_load_alone(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")
    sent = pickle.loads(pickle.dumps(found[0]))
    assert sent == found[0]
    assert (await sent.town).name == "t0"
    reference = pickle.loads(pickle.dumps(found[1].town))
    assert (await reference).name == "t1"
    assert (await copy.copy(found[2]).town).name == "t2"


async def test_a_cancelled_load_leaves_the_others_their_turn(houses: Database) -> None:
    found = await PeerHouse.objects.order_by("id")

    async def load(house: PeerHouse) -> str:
        return (await house.town).name

    tasks = [asyncio.create_task(load(house)) for house in found]
    await asyncio.sleep(0)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:7] == ["t1", "t2", "t3", "t4", "t5", "t0"]


async def test_fetch_mode_one_loads_row_by_row(houses: Database) -> None:
    with capture_queries() as queries:
        for house in await PeerHouse.objects.fetch_mode("one").order_by("id").limit(3):
            assert (await house.town).name
    assert len(queries) == 4


async def test_fetch_mode_raise_refuses_to_load_and_names_the_cure(houses: Database) -> None:
    with capture_queries() as queries:
        house = await PeerHouse.objects.fetch_mode("raise").order_by("id").first()
        assert house is not None
        with pytest.raises(NotLoaded, match=r"PeerHouse.town is not loaded.*select_related\('town'\)"):
            await house.town
        town = await PeerTown.objects.fetch_mode("raise").order_by("id").first()
        assert town is not None
        with pytest.raises(NotLoaded, match=r"PeerTown.houses is not loaded.*prefetch_related\('houses'\)"):
            await town.houses
    assert len(queries) == 2
    assert len(await town.houses.all()) == 4
    joined = await PeerHouse.objects.fetch_mode("raise").select_related("town").order_by("id").first()
    assert joined is not None
    assert (await joined.town).name == "t0"
    with pytest.raises(NotLoaded, match="fetch mode"):
        await joined.town.country
    partial = await PeerTown.objects.fetch_mode("raise").only("size").order_by("id").first()
    assert partial is not None
    with pytest.raises(NotLoaded, match="fetch mode"):
        await partial


async def test_the_fetch_mode_of_everything_is_overruled_by_a_query(houses: Database) -> None:
    set_fetch_mode("raise")
    try:
        house = await PeerHouse.objects.order_by("id").first()
        assert house is not None
        with pytest.raises(NotLoaded):
            await house.town
        other = await PeerHouse.objects.fetch_mode("peers").order_by("id").first()
        assert other is not None
        assert (await other.town).name == "t0"
    finally:
        set_fetch_mode("peers")


async def test_the_fetch_mode_of_a_model(houses: Database) -> None:
    class StrictHouse(Model):
        town = ForeignKey(PeerTown, related_name="+")

        class Meta:
            db_table = "peer_houses"
            managed = False
            fetch_mode = "raise"

    house = await StrictHouse.objects.first()
    assert house is not None
    with pytest.raises(NotLoaded):
        await house.town


def test_an_unknown_fetch_mode_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="Did you mean 'peers'"):
        PeerHouse.objects.fetch_mode("peer")  # type: ignore[arg-type]
    with pytest.raises(ModelDefinitionError, match="Choices: one, peers, raise"):

        class Wrong(Model):
            class Meta:
                fetch_mode = "never"


async def test_what_one_row_leads_to_is_loaded_together_though_its_result_is_gone(houses: Database) -> None:
    with capture_queries() as queries:
        town = await PeerTown.objects.get(name="t1")
        former = [await house.load(PeerHouse.former_town) for house in await town.houses]
    assert [each and each.name for each in former] == ["t0"] * 4
    assert len(queries) == 3
    with capture_queries() as queries:
        country = await PeerCountry.objects.prefetch_related("towns").get(name="c0")
        assert [len(await town.houses) for town in country.towns] == [4, 3]
    assert len(queries) == 3
    with capture_queries() as queries:
        house = await PeerHouse.objects.filter(town__name="t3").earliest("id")
        country = await (await house.town).country
        assert [len(await town.houses) for town in await country.towns] == [4, 3]
    assert len(queries) == 5


async def test_what_one_row_leads_to_does_not_keep_it_alive(houses: Database) -> None:
    town = await PeerTown.objects.get(name="t1")
    house = (await town.houses)[0]
    assert house.town is town
    country = await PeerCountry.objects.get(name="c1")
    other = (await country.towns)[0]
    del other.__dict__["_related_country"]
    gone = weakref.ref(country)
    del country
    gc.collect()
    assert gone() is None
    assert len(await other.houses) == 4
