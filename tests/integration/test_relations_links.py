"""Many-to-many managers: what they send, what is then in the table, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from covet import FieldError, IntegrityError, create_all, on_commit, transaction
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Club, Membership, Post, Tag, Visit, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    await create_all(ALL)
    return database


async def tags(count: int) -> list[Tag]:
    return await Tag.objects.bulk_create([Tag(name=f"t{number}") for number in range(count)])


async def post(title: str = "p") -> Post:
    author, _ = await Writer.objects.get_or_create(name="ann")
    return await Post.create(title=title, author=author)


async def links() -> set[tuple[int, int]]:
    return set(await Post.tags.through.objects.values_list("post_id", "tag_id"))


async def names(rows: Any) -> list[str]:
    return sorted(row.name for row in await rows.all())


async def test_add_takes_instances_and_keys_in_one_statement(library: Database) -> None:
    p, (a, b, c) = await post(), await tags(3)
    with capture_queries() as queries:
        await p.tags.add(a, b.id, c, a)
    assert len(queries) == 1
    assert queries.sql[0].startswith('INSERT INTO "posts_tags" ("post_id", "tag_id")')
    assert queries.sql[0].endswith('ON CONFLICT ("post_id", "tag_id") DO NOTHING')
    assert await links() == {(p.id, a.id), (p.id, b.id), (p.id, c.id)}


async def test_add_of_what_is_linked_changes_nothing(library: Database) -> None:
    p, (a, b) = await post(), await tags(2)
    await p.tags.add(a)
    await p.tags.add(a, b)
    await p.tags.add()
    assert await links() == {(p.id, a.id), (p.id, b.id)}


async def test_add_from_the_other_side_makes_the_same_link(library: Database) -> None:
    p, (a,) = await post(), await tags(1)
    await a.posts.add(p)
    assert await links() == {(p.id, a.id)}
    assert await p.tags.all() == [a]


async def test_many_links_are_added_in_one_statement_a_batch(library: Database) -> None:
    p, many = await post(), await tags(600)
    with capture_queries() as queries:
        await p.tags.add(*many)
    assert len(queries) == 1
    assert await p.tags.count() == 600


async def test_add_refuses_keys_of_no_row(library: Database) -> None:
    p = await post()
    with pytest.raises(IntegrityError):
        await p.tags.add(12345)
    assert await links() == set()


async def test_remove_is_one_statement_and_leaves_what_is_not_linked_alone(library: Database) -> None:
    p, q, (a, b, c) = await post("p"), await post("q"), await tags(3)
    await p.tags.add(a, b)
    await q.tags.add(a)
    with capture_queries() as queries:
        await p.tags.remove(a, c.id)
    assert len(queries) == 1
    assert queries.sql[0].startswith('DELETE FROM "posts_tags" WHERE "posts_tags"."post_id" = ')
    assert await links() == {(p.id, b.id), (q.id, a.id)}
    await p.tags.remove()
    assert await Tag.objects.count() == 3


async def test_clear_is_one_statement_for_this_instance_only(library: Database) -> None:
    p, q, (a, b) = await post("p"), await post("q"), await tags(2)
    await p.tags.add(a, b)
    await q.tags.add(a)
    with capture_queries() as queries:
        await p.tags.clear()
    assert len(queries) == 1
    assert await links() == {(q.id, a.id)}


async def test_set_deletes_what_goes_and_inserts_what_comes_in_two_statements(library: Database) -> None:
    p, (a, b, c) = await post(), await tags(3)
    await p.tags.add(a, b)
    with capture_queries() as queries:
        await p.tags.set([b, c.id])
    assert [sql.split()[0] for sql in queries.sql] == ["DELETE", "INSERT"]
    assert await links() == {(p.id, b.id), (p.id, c.id)}
    await p.tags.set([])
    assert await links() == set()


async def test_set_with_clear_makes_every_link_anew(library: Database) -> None:
    club, ann = await Club.create(name="c"), await Writer.create(name="ann")
    await club.members.add(ann, through_defaults={"role": "boss"})
    await club.members.set([ann], through_defaults={"role": "other"})
    assert await Membership.objects.values_list("role", flat=True) == ["boss"]
    await club.members.set([ann], clear=True, through_defaults={"role": "other"})
    assert await Membership.objects.values_list("role", flat=True) == ["other"]


async def test_create_inserts_a_row_and_links_it(library: Database) -> None:
    p = await post()
    with capture_queries() as queries:
        tag = await p.tags.create(name="async")
    assert len(queries) == 2
    assert tag.name == "async"
    assert await links() == {(p.id, tag.id)}


async def test_create_that_fails_links_nothing_and_leaves_no_row(library: Database) -> None:
    club = await Club.create(name="c")
    with pytest.raises(TypeError, match="unexpected keyword 'nonsense'"):
        await club.members.create(name="ann", through_defaults={"nonsense": 1})
    assert not await Writer.objects.exists()


async def test_bulk_create_links_every_row(library: Database) -> None:
    p = await post()
    made = await p.tags.bulk_create([Tag(name="a"), Tag(name="b")])
    assert await links() == {(p.id, tag.id) for tag in made}


async def test_get_or_create_looks_among_the_linked_rows(library: Database) -> None:
    p = await post()
    first, created = await p.tags.get_or_create(name="a")
    again, created_again = await p.tags.get_or_create(name="a")
    assert (created, created_again) == (True, False)
    assert first == again
    assert await links() == {(p.id, first.id)}


async def test_update_or_create_updates_a_linked_row_and_links_a_new_one(library: Database) -> None:
    club = await Club.create(name="c")
    ann, created = await club.members.update_or_create({"name": "Ann"}, name="ann", through_defaults={"role": "boss"})
    assert created
    assert ann.name == "Ann"
    same, created = await club.members.update_or_create({"name": "Anna"}, id=ann.id)
    assert not created
    assert same == ann
    assert await names(club.members) == ["Anna"]
    assert await Membership.objects.values_list("role", flat=True) == ["boss"]


async def test_through_defaults_fill_the_other_columns(library: Database) -> None:
    club, ann, bob = await Club.create(name="c"), await Writer.create(name="ann"), await Writer.create(name="bob")
    with capture_queries() as queries:
        await club.members.add(ann, bob, through_defaults={"role": lambda: "guest", "inviter": ann})
    assert len(queries) == 1
    found = await club.memberships.order_by("member_id").values_list("member_id", "role", "inviter_id")
    assert found == [(ann.id, "guest", ann.id), (bob.id, "guest", ann.id)]
    assert await ann.clubs.all() == [club]  # type: ignore[attr-defined]  # no annotation declares it


async def test_a_table_that_allows_a_second_link_is_looked_at_first(library: Database) -> None:
    club, ann, bob = await Club.create(name="c"), await Writer.create(name="ann"), await Writer.create(name="bob")
    await club.guests.add(ann)
    with capture_queries() as queries:
        await club.guests.add(ann, bob)
    assert [sql.split()[0] for sql in queries.sql] == ["SELECT", "INSERT"]
    assert await Visit.objects.count() == 2
    assert await names(club.guests) == ["ann", "bob"]


async def test_a_symmetrical_relation_is_stored_both_ways(library: Database) -> None:
    ann, bob, cy = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    with capture_queries() as queries:
        await ann.friends.add(bob, cy, ann)
    assert len(queries) == 1
    assert await names(bob.friends) == ["ann"]
    assert await names(ann.friends) == ["ann", "bob", "cy"]
    await bob.friends.remove(ann)
    assert await names(ann.friends) == ["ann", "cy"]
    await cy.friends.set([bob])
    assert await names(ann.friends) == ["ann"]
    assert await names(bob.friends) == ["cy"]
    await bob.friends.clear()
    assert await names(cy.friends) == []


async def test_a_relation_to_self_that_is_not_symmetrical_has_two_sides(library: Database) -> None:
    ann, bob = await Writer.create(name="ann"), await Writer.create(name="bob")
    await ann.follows.add(bob)
    assert await names(bob.followers) == ["ann"]
    assert await names(ann.followers) == []
    assert await Writer.objects.filter(follows=bob) == [ann]
    assert await Writer.objects.filter(followers__name="ann") == [bob]


async def test_reading_methods_of_a_manager(library: Database) -> None:
    p, q, (a, b, c) = await post("p"), await post("q"), await tags(3)
    await p.tags.add(a, b, c)
    await q.tags.add(c)
    assert await p.tags.filter(name__in=["t0", "t2"]).order_by("-name") == [c, a]
    assert await p.tags.exclude(name="t1").order_by("name") == [a, c]
    assert await p.tags.order_by("-name").first() == c
    assert await p.tags.get(name="t1") == b
    assert await p.tags.count() == 3
    assert await q.tags.exists()
    assert await q.tags.contains(c)
    assert not await q.tags.contains(a)
    assert [tag async for tag in q.tags] == [c]
    assert await q.tags == [c]
    assert await p.tags.filter(name="t0").update(name="new") == 1
    assert await q.tags.all().delete() == (3, {"Post_tags": 2, "Tag": 1})


async def test_what_is_loaded_is_forgotten_when_links_change(library: Database) -> None:
    p, (a, b) = await post(), await tags(2)
    await p.tags.add(a)
    assert list(await p.tags) == [a]
    assert len(p.tags) == 1
    await p.tags.add(b)
    assert sorted(tag.name for tag in await p.tags) == ["t0", "t1"]


async def test_links_belong_to_the_surrounding_transaction(library: Database) -> None:
    p, (a, b) = await post(), await tags(2)
    told: list[str] = []

    async def fail() -> None:
        async with transaction():
            on_commit(lambda: told.append("committed"))
            await p.tags.add(a)
            await p.tags.set([b])
            await p.tags.create(name="new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await links() == set()
    assert await Tag.objects.count() == 2
    assert told == []


async def test_an_unsaved_instance_has_no_links(library: Database) -> None:
    p, (a,) = await post(), await tags(1)
    unsaved = Post(title="new", author_id=p.author_id)
    for use in (unsaved.tags.add(a), unsaved.tags.create(name="x"), unsaved.tags.set([a]), unsaved.tags.clear()):
        with pytest.raises(ValueError, match=r"Post\.tags: this Post has no key yet; save it first"):
            await use
    with pytest.raises(ValueError, match=r"Post\.tags: this Tag has no key yet; save it first"):
        await p.tags.add(Tag(name="new"))
    with pytest.raises(ValueError, match="save it first"):
        unsaved.tags.all()


async def test_instances_of_another_model_are_refused(library: Database) -> None:
    p = await post()
    with pytest.raises(TypeError, match=r"Post\.tags holds Tag, not Post"):
        await p.tags.add(p)
    with pytest.raises(TypeError, match=r"Post\.tags holds Tag, not Post"):
        await p.tags.set([p])  # type: ignore[list-item]
    with pytest.raises(FieldError, match="'tags' takes a Tag, not a Post"):
        Post.objects.filter(tags=p)


async def test_a_manager_cannot_be_assigned(library: Database) -> None:
    p, (a,) = await post(), await tags(1)
    for owner, name in ((p, "tags"), (a, "posts"), (await Writer.objects.get(), "posts")):
        with pytest.raises(AttributeError, match=rf"cannot be assigned; use await \w+\.{name}\.set"):
            setattr(owner, name, [])


async def test_deleting_a_row_takes_its_links_along_without_reading_them(library: Database) -> None:
    p, q, (a, b) = await post("p"), await post("q"), await tags(2)
    await p.tags.add(a, b)
    await q.tags.add(a)
    with capture_queries() as queries:
        assert await p.delete() == (3, {"Post_tags": 2, "Post": 1})
    assert [sql for sql in queries.sql if "posts_tags" in sql and not sql.startswith("DELETE")] == []
    assert await links() == {(q.id, a.id)}
    assert await a.delete() == (2, {"Post_tags": 1, "Tag": 1})
    assert await links() == set()


async def test_reverse_manager_points_rows_here_and_away(library: Database) -> None:
    ann, bob = await Writer.create(name="ann"), await Writer.create(name="bob")
    one, two, three = [await Post.create(title=title, author=ann) for title in "abc"]
    with capture_queries() as queries:
        await bob.edited.add(one, two.id)
    assert len(queries) == 1
    assert one.editor is bob
    await bob.edited.remove(three, one)
    assert await bob.edited.all() == [two]
    assert one.editor is None
    with capture_queries() as queries:
        await bob.edited.set([two, three])
    assert [sql.split()[0] for sql in queries.sql] == ["UPDATE", "UPDATE"]
    assert await bob.edited.order_by("id") == [two, three]
    await bob.edited.clear()
    assert await bob.edited.count() == 0
    with pytest.raises(FieldError, match="needs a nullable"):
        await ann.posts.remove(one)


async def test_removing_a_row_of_somebody_else_leaves_its_instance_alone(library: Database) -> None:
    ann, bob = await Writer.create(name="ann"), await Writer.create(name="bob")
    p = await Post.create(title="p", author=ann, editor=ann)
    await bob.edited.remove(p)
    assert p.editor is ann
    assert await ann.edited.all() == [p]


async def test_reverse_manager_creates_with_its_key(library: Database) -> None:
    ann = await Writer.create(name="ann")
    p = await ann.posts.create(title="p")
    assert p.author is ann
    same, created = await ann.posts.get_or_create(title="p")
    assert (same, created) == (p, False)
    other, created = await ann.posts.update_or_create({"views": 3}, title="q")
    assert created
    assert other.author_id == ann.id
    with pytest.raises(ValueError, match=r"Writer\.posts: this Writer has no key yet"):
        await Writer(name="new").posts.create(title="x")
