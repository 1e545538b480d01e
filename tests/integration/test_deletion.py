"""delete(): each rule of ``on_delete``, the statements that it takes, and what is said about rows in the way."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    DB_CASCADE,
    DB_SET_DEFAULT,
    DB_SET_NULL,
    SET,
    CharField,
    CompositePrimaryKey,
    ForeignKey,
    GenericForeignKey,
    GenericRelation,
    IntegerField,
    IntegrityError,
    ManyToManyField,
    Model,
    ModelDefinitionError,
    create_all,
    transaction,
)
from covet.database import capture_queries, get_adapter
from covet.exceptions import ForeignKeyViolation, ProtectedError, RestrictedError
from tests.conftest import Database


class Artist(Model):
    name = CharField(max_length=20)


class Album(Model):
    name = CharField(max_length=20)
    artist = ForeignKey(Artist, on_delete="CASCADE", related_name="albums")


class Song(Model):
    name = CharField(max_length=20)
    artist = ForeignKey(Artist, on_delete="CASCADE", related_name="songs")
    album = ForeignKey(Album, on_delete="RESTRICT", related_name="songs")


class Contract(Model):
    artist = ForeignKey(Artist, on_delete="PROTECT", related_name="contracts")


class Mood(Model):
    songs = ManyToManyField(Song, related_name="moods")


MUSIC: list[type[Any]] = [Artist, Album, Song, Contract, Mood]


@pytest.fixture
async def music(database: Database) -> Database:
    """Two artists with two albums each, each with a song; one mood for all songs."""
    await create_all(MUSIC)
    mood = await Mood.create()
    for n in (1, 2):
        artist = await Artist.create(name=f"artist{n}")
        for name in ("a", "b"):
            album = await Album.create(name=name, artist=artist)
            await mood.songs.add(await Song.create(name=name, artist=artist, album=album))
    return database


def verbs(queries: Any) -> list[str]:
    """Return what statements begin with and which table they are about."""
    return [f"{sql.split()[0]} {sql.split('FROM ')[1].split()[0]}" for sql in queries.sql]


async def test_a_song_restricts_its_album_and_is_named_by_the_error(music: Database) -> None:
    album = await Album.objects.order_by("id").first()
    assert album is not None
    with pytest.raises(RestrictedError) as caught:
        await album.delete()
    assert str(caught.value) == (
        "Cannot delete Album: 1 row of Song refers to it by Song.album (on_delete=RESTRICT): <Song: 1>."
    )
    assert caught.value.restricted_objects == (await Song.objects.get(id=1),)
    assert (caught.value.model, caught.value.table, caught.value.columns) == (Song, "songs", ("album_id",))
    assert await Album.objects.count() == 4


async def test_restrict_allows_what_goes_with_a_common_ancestor(music: Database) -> None:
    artist = await Artist.objects.get(name="artist1")
    with capture_queries() as queries:
        counted = await artist.delete()
    assert counted == (7, {"Mood_songs": 2, "Song": 2, "Album": 2, "Artist": 1})
    assert await Song.objects.values_list("artist__name", flat=True) == ["artist2", "artist2"]
    assert verbs(queries) == [
        'SELECT "artists"',
        'SELECT "albums"',
        'SELECT "songs"',
        'SELECT "contracts"',
        'SELECT "songs"',  # restricted, and not deleted: none
        'DELETE "moods_songs"',
        'DELETE "songs"',
        'DELETE "albums"',
        'DELETE "artists"',
    ]


async def test_protect_refuses_also_below_a_cascade_and_names_every_row_in_the_way(music: Database) -> None:
    artist = await Artist.objects.get(name="artist1")
    contracts = await Contract.objects.bulk_create([Contract(artist=artist) for _ in range(5)])
    with pytest.raises(ProtectedError) as caught:
        await Artist.objects.all().delete()
    assert str(caught.value) == (
        "Cannot delete Artist: 5 rows of Contract refer to it by Contract.artist (on_delete=PROTECT): "
        "<Contract: 1>, <Contract: 2>, <Contract: 3>, …."
    )
    assert caught.value.protected_objects == tuple(contracts)
    assert await Artist.objects.count() == 2
    assert await Song.objects.count() == 4


async def test_rows_that_nothing_refers_to_go_unread_in_one_statement(music: Database) -> None:
    with capture_queries() as queries:
        assert await Song.objects.filter(name="a").delete() == (4, {"Mood_songs": 2, "Song": 2})
    assert verbs(queries) == ['SELECT "songs"', 'DELETE "moods_songs"', 'DELETE "songs"']
    with capture_queries() as queries:
        assert await Contract.objects.all().delete() == (0, {})
    assert queries.sql == ['DELETE FROM "contracts"']


async def test_the_number_of_statements_does_not_grow_with_the_rows(music: Database) -> None:
    artist = await Artist.objects.get(name="artist1")
    album = await Album.create(name="long", artist=artist)
    await Song.objects.bulk_create([Song(name=f"s{n}", artist=artist, album=album) for n in range(40_000)])
    with capture_queries() as queries:
        count, _ = await artist.delete()
    assert count == 7 + 1 + 40_000
    assert len(queries) == 9


async def test_a_query_that_prefetches_or_joins_can_be_deleted(music: Database) -> None:
    rows = Album.objects.prefetch_related("songs").select_related("artist").filter(artist__name="artist9")
    assert await rows.delete() == (0, {})


async def test_deletion_belongs_to_the_transaction_around_it(music: Database) -> None:
    with pytest.raises(LookupError):
        async with transaction():
            assert (await Artist.objects.all().delete())[0] == 14
            raise LookupError
    assert await Artist.objects.count() == 2


# -- SET_NULL, SET_DEFAULT, SET ---------------------------------------------------------------


class Shelf(Model):
    name = CharField(max_length=20, unique=True)


async def lost_and_found() -> Shelf:
    shelf, _ = await Shelf.objects.get_or_create(name="lost")
    return shelf


class Box(Model):
    shelf = ForeignKey(Shelf, on_delete=SET(lost_and_found), related_name="boxes")
    spare = ForeignKey(Shelf, on_delete="SET_NULL", null=True, related_name="+")
    fallback = ForeignKey(Shelf, on_delete="SET_DEFAULT", default=1, related_name="+")
    name = ForeignKey(Shelf, on_delete=SET("lost"), null=True, to_field="name", related_name="+")


@pytest.fixture
async def shelves(database: Database) -> list[Shelf]:
    await create_all([Shelf, Box])
    return await Shelf.objects.bulk_create([Shelf(name=name) for name in ("one", "two", "three", "lost")])


async def test_keys_are_emptied_or_changed_in_one_statement_each(shelves: list[Shelf]) -> None:
    one, two, _, lost = shelves
    boxes = [Box(shelf=two, spare=two, fallback=two, name=two) for _ in range(3)]
    await Box.objects.bulk_create([*boxes, Box(shelf=one, fallback=one)])
    with capture_queries() as queries:
        assert await two.delete() == (1, {"Shelf": 1})
    rows = await Box.objects.order_by("id").values_list("shelf_id", "spare_id", "fallback_id", "name_id")
    assert rows == [(lost.id, None, one.id, "lost")] * 3 + [(one.id, None, one.id, None)]
    assert [sql.split()[0] for sql in queries.sql].count("UPDATE") == 4


async def test_the_function_of_set_is_called_only_for_rows(shelves: list[Shelf]) -> None:
    await Shelf.objects.filter(name="lost").delete()
    await Shelf.objects.filter(name="two").delete()
    assert await Shelf.objects.filter(name="lost").count() == 0


async def test_set_takes_an_instance_a_key_and_functions_of_either_kind(shelves: list[Shelf]) -> None:
    for value, wanted in ((shelves[0], shelves[0]), (7, 7), (lambda: 8, 8), (lost_and_found, shelves[3])):
        assert await SET(value).resolve() == wanted
    assert repr(SET("secret")) == "SET"


async def test_a_default_that_is_deleted_itself_is_an_integrity_error(shelves: list[Shelf]) -> None:
    await Box.create(shelf=shelves[1], fallback=shelves[0])
    with pytest.raises(ForeignKeyViolation):
        await shelves[0].delete()
    assert await Shelf.objects.count() == 4
    assert await Box.objects.values_list("fallback_id", flat=True) == [shelves[0].id]


# -- what is left to the database -------------------------------------------------------------


class Site(Model):
    name = CharField(max_length=20)


class Page(Model):
    site = ForeignKey(Site, on_delete=DB_CASCADE, related_name="pages")
    mirror = ForeignKey(Site, on_delete=DB_SET_NULL, null=True, related_name="+")
    origin = ForeignKey(Site, on_delete=DB_SET_DEFAULT, db_default=1, related_name="+")


async def test_database_side_kinds_are_left_to_the_database(database: Database) -> None:
    await create_all([Site, Page])
    sites = await Site.objects.bulk_create([Site(name=f"s{n}") for n in range(3)])
    await Page.create(site=sites[1], mirror=sites[2], origin=sites[2])
    await Page.create(site=sites[2], mirror=sites[0], origin=sites[0])
    with capture_queries(transactions=True) as queries:
        assert await sites[2].delete() == (1, {"Site": 1})
    assert verbs(queries) == ['DELETE "sites"']
    assert await Page.objects.values_list("site_id", "mirror_id", "origin_id") == [(sites[1].id, None, sites[0].id)]


@pytest.mark.parametrize(
    ("on_delete", "options", "message"),
    [
        ("DB_SET_NULL", {}, r"ForeignKey\(on_delete='DB_SET_NULL'\) needs nullable=True\."),
        ("SET_DEFAULT", {}, r"needs a default\."),
        (DB_SET_DEFAULT, {"default": 1}, r"needs a db_default\."),
        (DB_CASCADE, {"db_constraint": False}, r"needs the constraint in the database"),
        ("SET", {}, r"on_delete='SET'\): choose one of CASCADE, .*, DB_SET_DEFAULT or SET\(\.\.\.\)\."),
    ],
)
def test_rules_that_cannot_work_are_refused_where_they_are_written(
    on_delete: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelDefinitionError, match=message):
        ForeignKey(Site, on_delete=on_delete, related_name="+", **options)


def test_a_database_side_kind_is_no_rule_for_on_update() -> None:
    with pytest.raises(ModelDefinitionError, match=r"on_update='DB_CASCADE'\): choose one of CASCADE, PROTECT"):
        ForeignKey(Site, on_update="DB_CASCADE", related_name="+")  # type: ignore[call-overload]


# -- circles ----------------------------------------------------------------------------------


class Team(Model):
    captain = ForeignKey("Player", on_delete="RESTRICT", null=True, related_name="+")
    league = ForeignKey("League", on_delete="CASCADE", related_name="+")


class Player(Model):
    team = ForeignKey(Team, on_delete="RESTRICT", related_name="+")
    league = ForeignKey("League", on_delete="CASCADE", related_name="+")


class League(Model):
    size = IntegerField(default=0)


async def test_rows_that_restrict_each_other_go_when_an_ancestor_goes(database: Database) -> None:
    await create_all([Team, Player, League])
    league, other = await League.create(), await League.create()
    for each in (league, other):
        team = await Team.create(league=each)
        team.captain = await Player.create(team=team, league=each)
        await team.save()
    with pytest.raises(RestrictedError, match=r"1 row of Player refers to it by Player\.team"):
        await Team.objects.filter(league=league).delete()
    assert await league.delete() == (3, {"Team": 1, "Player": 1, "League": 1})
    (left,) = await Team.objects.all()
    assert left.captain is not None
    assert await Player.objects.count() == 1


class Node(Model):
    parent = ForeignKey("self", on_delete="RESTRICT", null=True, related_name="children")


async def test_a_parent_is_restricted_by_children_that_stay_not_by_those_that_go(database: Database) -> None:
    await create_all([Node])
    root = await Node.create()
    child = await Node.create(parent=root)
    await Node.create(parent=child)
    with pytest.raises(RestrictedError, match=r"refers to it by Node\.parent \(on_delete=RESTRICT\): <Node: 3>"):
        await Node.objects.filter(id__in=[root.id, child.id]).delete()
    assert await Node.objects.all().delete() == (3, {"Node": 3})


# -- keys of several columns ------------------------------------------------------------------


class Seat(Model):
    pk = CompositePrimaryKey("row", "number")
    row = IntegerField()
    number = IntegerField()
    code = IntegerField(unique=True)


class Ticket(Model):
    seat = ForeignKey(Seat, to_field="code", related_name="tickets")


async def test_rows_with_a_key_of_several_columns_go_however_many_there_are(database: Database) -> None:
    await create_all([Seat, Ticket])
    await Seat.objects.bulk_create([Seat(row=n % 7, number=n, code=n) for n in range(1_500)])
    await Ticket.objects.bulk_create([Ticket(seat_id=n) for n in range(20)])
    assert await Seat.objects.filter(number__lt=1_490).delete() == (1_510, {"Ticket": 20, "Seat": 1_490})
    assert await Seat.objects.count() == 10


# -- generic relations ------------------------------------------------------------------------


class Remark(Model):
    content = GenericForeignKey()


class Photo(Model):
    remarks = GenericRelation(Remark)
    cover = ForeignKey("self", null=True, related_name="+")


async def test_rows_of_a_generic_relation_go_unread_and_those_of_others_stay(database: Database) -> None:
    await create_all([Remark, Photo, Site])
    photo = await Photo.create()
    other = await Photo.create(cover=photo)
    for content in (photo, photo, other, await Site.create(name="s")):
        await Remark.create(content=content)
    with capture_queries() as queries:
        assert await photo.delete() == (5, {"Remark": 3, "Photo": 2})
    assert verbs(queries)[-2:] == ['DELETE "remarks"', 'DELETE "photos"']
    assert await Remark.objects.values_list("content_type", flat=True) == ["Site"]


# -- past the ORM -----------------------------------------------------------------------------


async def test_the_constraints_say_the_same_to_other_programs(music: Database) -> None:
    adapter = get_adapter()
    await Contract.create(artist_id=2)
    for sql in ("DELETE FROM albums WHERE id = 1", "DELETE FROM artists WHERE id = 2"):
        with pytest.raises(IntegrityError):
            await adapter.execute(sql)
    await adapter.execute("DELETE FROM artists WHERE id = 1")  # albums and songs go together
    assert await Song.objects.count() == 2
