"""Foreign keys beyond the usual: other target columns, no other side, constraints left out, deferred or cascading."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    CharField,
    FieldError,
    ForeignKey,
    IntegerField,
    IntegrityError,
    ManyToManyField,
    Model,
    ModelDefinitionError,
    OneToOneField,
    Prefetch,
    ReverseManager,
    ValidationError,
    create_all,
    get_adapter,
    transaction,
)
from covet.database import capture_queries
from covet.database.orm.tables import table_of
from tests.conftest import Database


class Country(Model):
    code = CharField(max_length=2, unique=True)
    name = CharField(max_length=50)

    cities: ReverseManager[City]


class City(Model):
    name = CharField(max_length=50)
    country = ForeignKey(Country, to_field="code", related_name="cities", on_update="CASCADE", db_column="country")
    twin = ForeignKey("self", nullable=True, on_delete="SET_NULL", related_name="+")

    country_id: str


class Capital(Model):
    country = OneToOneField(Country, to_field="code", related_name="capital")
    city = OneToOneField(City, primary_key=True, related_name="rule")


class Log(Model):
    """Refers to a city that may be gone."""

    city = ForeignKey(City, db_constraint=False, related_name="logs")
    text = CharField(max_length=20, default="")

    city_id: int


class Node(Model):
    """Two rows of a cycle refer to each other from the first moment on."""

    number = IntegerField(unique=True)
    next = ForeignKey("self", to_field="number", deferrable=True, related_name="previous")


ALL: list[type[Any]] = [Country, City, Capital, Log, Node]


@pytest.fixture
async def atlas(database: Database) -> Database:
    await create_all(ALL)
    at, fr = await Country.create(code="at", name="Austria"), await Country.create(code="fr", name="France")
    wien, paris = await City.create(name="Wien", country=at), await City.create(name="Paris", country=fr)
    await City.create(name="Graz", country=at, twin=paris)
    await Capital.create(country=at, city=wien)
    return database


async def names(rows: Any) -> list[str]:
    return sorted(row.name for row in await rows)


async def test_to_field_is_what_the_column_holds(atlas: Database) -> None:
    graz = await City.objects.get(name="Graz")
    assert graz.country_id == "at"
    assert (await graz.country).name == "Austria"
    austria = await Country.objects.get(code="at")
    assert await names(austria.cities.all()) == ["Graz", "Wien"]
    assert await names(City.objects.filter(country=austria)) == ["Graz", "Wien"]
    assert await names(City.objects.filter(country="at")) == ["Graz", "Wien"]
    assert await names(City.objects.filter(country__in=Country.objects.filter(name="France"))) == ["Paris"]
    assert await names(Country.objects.filter(cities__name="Paris")) == ["France"]
    assert await names(Country.objects.exclude(cities__name="Paris")) == ["Austria"]


async def test_to_field_is_loaded_by_every_strategy(atlas: Database) -> None:
    for queryset in (City.objects.select_related("country"), City.objects.prefetch_related("country")):
        assert sorted(city.country.name for city in await queryset) == ["Austria", "Austria", "France"]
    lean = Prefetch("country", Country.objects.only("name"))
    assert sorted(c.country.name for c in await City.objects.prefetch_related(lean)) == ["Austria", "Austria", "France"]
    countries = await Country.objects.prefetch_related("cities").order_by("code")
    assert [sorted(city.name for city in country.cities) for country in countries] == [["Graz", "Wien"], ["Paris"]]


async def test_to_field_must_be_unique() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Country\.name.* is not unique"):

        class Bad(Model):
            country = ForeignKey(Country, to_field="name", related_name="+")


async def test_a_changed_key_cascades_where_on_update_says_so(atlas: Database) -> None:
    assert table_of(City).foreign_keys[0].on_update == "CASCADE"
    assert table_of(Capital).foreign_keys[0].on_update == "NO ACTION"
    await Country.objects.filter(code="fr").update(code="FR")
    assert (await City.objects.get(name="Paris")).country_id == "FR"


async def test_one_to_one_may_be_the_primary_key(atlas: Database) -> None:
    wien = await City.objects.get(name="Wien")
    capital = await Capital.objects.select_related("country", "city").get()
    assert capital.pk == wien.id
    assert capital.city.rule is capital  # type: ignore[attr-defined]  # no annotation declares it
    assert capital.country.capital is capital
    assert await City.objects.filter(rule__country__code="at") == [wien]
    assert await City.objects.filter(rule=capital) == [wien]
    assert await names(City.objects.filter(rule__isnull=True)) == ["Graz", "Paris"]
    assert await names(City.objects.exclude(rule__isnull=True)) == ["Wien"]


async def test_one_to_one_refuses_a_second_row(atlas: Database) -> None:
    graz = await City.objects.get(name="Graz")
    with pytest.raises(IntegrityError):
        await Capital.create(country=await Country.objects.get(code="at"), city=graz)


async def test_plus_gives_the_other_side_no_name(atlas: Database) -> None:
    assert {name for name, relation in City._meta.relations.items() if relation.kind == "reverse"} == {"rule", "logs"}
    assert not hasattr(City, "city_set")
    with pytest.raises(FieldError, match="City has no field 'city'"):
        City.objects.filter(city__name="Graz")
    paris = await City.objects.get(name="Paris")
    assert (await paris.delete())[0] == 1
    assert await City.objects.filter(name="Graz", twin=None).count() == 1


async def test_a_reference_without_a_constraint_may_dangle(atlas: Database) -> None:
    assert table_of(Log).foreign_keys == ()
    wien = await City.objects.get(name="Wien")
    await Log.create(city=wien, text="here")
    await Log.create(city_id=999, text="gone")
    logs = await Log.objects.select_related("city").order_by("text")
    assert [log.text for log in logs] == ["gone", "here"]
    assert logs[1].city.name == "Wien"
    for gone in (logs[0], (await Log.objects.prefetch_related("city").order_by("text"))[0]):
        assert gone.city.id == 999
        with pytest.raises(City.DoesNotExist):
            await gone.city
    assert await Log.objects.filter(city__name="Wien").count() == 1
    assert await Log.objects.exclude(city__name="Wien").count() == 1


async def test_a_deferrable_constraint_is_checked_at_the_end_of_the_transaction(atlas: Database) -> None:
    async with transaction():
        await Node.create(number=1, next_id=2)
        await Node.create(number=2, next_id=1)
    assert await Node.objects.filter(next__number=1).values_list("number", flat=True) == [2]
    with pytest.raises(IntegrityError):
        async with transaction():
            await Node.create(number=3, next_id=4)
    assert await Node.objects.count() == 2


async def test_two_keys_to_one_model_need_names_of_their_own() -> None:
    with pytest.raises(ModelDefinitionError, match=r"City\.trip_set.*clashes.*related_name"):

        class Trip(Model):
            start = ForeignKey(City)
            end = ForeignKey(City)

    City._meta.relations.pop("trip")
    City._meta.dependants[:] = [r for r in City._meta.dependants if r.remote.__name__ != "Trip"]


async def test_the_name_in_queries_may_differ_from_the_attribute(database: Database) -> None:
    class Shop(Model):
        name = CharField(max_length=20)
        books: Any

    class Book(Model):
        title = CharField(max_length=20)
        shop = ForeignKey(Shop, related_name="books", related_query_name="book")
        others = ManyToManyField(Shop, related_name="others", related_query_name="other")

    await create_all([Shop, Book])
    shop = await Shop.create(name="s")
    book = await Book.create(title="b", shop=shop)
    await book.others.add(shop)
    assert await Shop.objects.filter(book__title="b") == [shop]
    assert await Shop.objects.filter(other__title="b") == [shop]
    assert await shop.books.all() == [book]
    with capture_queries() as queries:
        (found,) = await Shop.objects.prefetch_related("book", "other")
        assert list(found.books) == [book]
        assert list(found.others) == [book]  # type: ignore[attr-defined]  # no annotation declares it
    assert len(queries) == 3
    with pytest.raises(FieldError, match="no field 'books'"):
        Shop.objects.filter(books__title="b")


async def test_a_unique_foreign_key_keeps_its_manager(database: Database) -> None:
    class Car(Model):
        name = CharField(max_length=20)

    class Plate(Model):
        car = ForeignKey(Car, unique=True, related_name="plates")

    await create_all([Car, Plate])
    car = await Car.create(name="c")
    plate = await Plate.create(car=car)
    (found,) = await Car.objects.prefetch_related("plates")
    assert list(found.plates) == [plate]  # type: ignore[attr-defined]  # no annotation declares it
    assert get_adapter() is not None


async def test_a_wrong_key_in_a_condition_names_the_foreign_key(database: Database) -> None:
    with pytest.raises(ValidationError, match=r"^City\.twin: ") as caught:
        City.objects.filter(twin="Ann")
    assert list(caught.value.errors) == ["twin"]
