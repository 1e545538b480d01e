"""Foreign keys and the way back, statement by statement."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from covet import (
    CharField,
    CovetError,
    FieldError,
    ForeignKey,
    IntegrityError,
    Model,
    ModelDefinitionError,
    ValidationError,
    create_all,
)
from covet.database import capture_queries, get_adapter
from tests.conftest import Database
from tests.models import community
from tests.models.community import Comment, Post, User


@pytest.fixture
async def users(database: Database) -> list[User]:
    """Alice with two posts, bob with one, carol with none."""
    await create_all(models=community.ALL)
    users = [await User.create(username=name) for name in ("alice", "bob", "carol")]
    for author, title in ((users[0], "a1"), (users[0], "a2"), (users[1], "b1")):
        await Post.create(title=title, author=author)
    return users


async def test_foreign_key_makes_an_indexed_column_with_a_cascading_constraint(
    users: list[User], database: Database
) -> None:
    assert Post._meta.get_field("author").column == "author_id"
    adapter = get_adapter()
    with pytest.raises(IntegrityError):
        await adapter.execute("INSERT INTO posts (title, status, views, author_id) VALUES ('x', 'y', 0, 999)")
    await adapter.execute("DELETE FROM users WHERE username = $1", ["alice"])  # the database cascades by itself
    assert await Post.objects.values_list("title", flat=True) == ["b1"]
    if database.name == "postgresql":
        sql = "SELECT indexdef FROM pg_indexes WHERE tablename = 'posts'"
    else:
        sql = "SELECT sql AS indexdef FROM sqlite_master WHERE type = 'index' AND tbl_name = 'posts'"
    assert sum("author_id" in (row["indexdef"] or "") for row in await adapter.fetch_all(sql)) == 1


async def test_column_may_have_another_name(database: Database) -> None:
    class Writer(Model):
        name = CharField(max_length=10)

        class Meta:
            db_table = "writers"

    class Old(Model):
        author = ForeignKey(Writer, on_delete="CASCADE", related_name="+", db_column="user_id")

        class Meta:
            db_table = "old_posts"

    await create_all(models=[Writer, Old])
    writer = await Writer.create(name="alice")
    made = await Old.create(author=writer)
    assert await get_adapter().fetch_value("SELECT user_id FROM old_posts") == writer.id
    assert made.author_id == writer.id  # type: ignore[attr-defined]
    assert await Old.objects.filter(author__name="alice") == [made]
    assert not hasattr(Writer, "old_set")


async def test_related_manager_asks_once(users: list[User]) -> None:
    user = await User.objects.get(id=users[0].id)
    with capture_queries() as queries:
        posts = await user.posts.all()
    assert sorted(post.title for post in posts) == ["a1", "a2"]
    assert all(type(post) is Post for post in posts)
    assert len(queries) == 1
    assert all(post.author is user for post in posts)  # known without asking


async def test_unloaded_relation_is_no_list_and_says_what_to_do(users: list[User]) -> None:
    user = await User.objects.get(id=users[0].id)
    with capture_queries() as queries:
        posts = user.posts
        assert "posts" in repr(posts)
        for attempt in (len, list, bool, lambda p: p[0], lambda p: users in p):
            with pytest.raises(CovetError, match=r"await .*posts\.all\(\)") as caught:
                attempt(posts)
            assert "prefetch_related" in str(caught.value)
    assert queries == []


async def test_select_related_of_a_reverse_key_loads_it_in_one_more_query(users: list[User]) -> None:
    with capture_queries() as queries:
        found = await User.objects.select_related("posts").order_by("id").all()
        assert [[post.title for post in user.posts] for user in found] == [["a1", "a2"], ["b1"], []]
        assert [len(user.posts) for user in found] == [2, 1, 0]
        assert [bool(user.posts) for user in found] == [True, True, False]
        assert found[0].posts[0].title == "a1"
        assert found[0].posts[0] in found[0].posts
        assert "Post" in repr(found[0].posts)
        assert [post.title for post in await found[0].posts.all()] == ["a1", "a2"]
        assert found[0].posts[0].author is found[0]
    assert len(queries) == 2
    assert " JOIN " not in queries[0].sql


async def test_prefetch_related_loads_reverse_keys_in_one_query_a_level(users: list[User]) -> None:
    post = await Post.objects.get(title="a1")
    await Comment.create(text="hm", post=post)
    with capture_queries() as queries:
        found = await User.objects.order_by("id").prefetch_related("posts__comments")
        texts = [[[c.text for c in p.comments] for p in user.posts] for user in found]
    assert texts == [[["hm"], []], [[]], []]
    assert len(queries) == 3


async def test_unknown_relation_is_refused(users: list[User]) -> None:
    for method in ("select_related", "prefetch_related"):
        for name in ("post", "username", "posts__nope", ""):
            with pytest.raises(FieldError):
                await getattr(User.objects, method)(name)


async def test_related_name_stands_on_one_side_only(users: list[User]) -> None:
    assert "posts" in User._meta.relations
    assert await User.objects.filter(posts__title="b1") == [users[1]]


async def test_without_related_name_the_way_back_is_called_after_the_model(database: Database) -> None:
    class Giver(Model):
        name = CharField(max_length=10)

        class Meta:
            db_table = "givers"

    class Gift(Model):
        giver = ForeignKey(Giver, on_delete="CASCADE")

        class Meta:
            db_table = "gifts"

    await create_all(models=[Giver, Gift])
    giver = await Giver.create(name="alice")
    gift = await Gift.create(giver=giver)
    assert await giver.gift_set.all() == [gift]  # type: ignore[attr-defined]
    assert await Giver.objects.filter(gift__id=gift.pk) == [giver]


def test_two_keys_to_one_model_need_names_of_their_own() -> None:
    class Person(Model):
        name = CharField(max_length=10)

    with pytest.raises(ModelDefinitionError, match="related_name"):

        class Letter(Model):
            sender = ForeignKey(Person, on_delete="CASCADE")
            receiver = ForeignKey(Person, on_delete="CASCADE")


async def test_select_related_loads_the_other_side_in_one_query(users: list[User]) -> None:
    with capture_queries() as queries:
        posts = await Post.objects.select_related("author").order_by("id")
        assert [post.author.username for post in posts] == ["alice", "alice", "bob"]
        assert [(await post.author).username for post in posts] == ["alice", "alice", "bob"]
    assert len(queries) == 1
    assert queries[0].sql.count(" JOIN ") == 1


async def test_select_related_follows_two_keys_in_one_query(users: list[User]) -> None:
    await Comment.create(text="hm", post=await Post.objects.get(title="b1"))
    with capture_queries() as queries:
        (comment,) = await Comment.objects.select_related("post__author")
        assert comment.post.author.username == "bob"
    assert len(queries) == 1


async def test_unloaded_key_knows_itself_and_is_loaded_by_await(users: list[User]) -> None:
    post = await Post.objects.get(title="b1")
    with capture_queries() as queries:
        assert post.author_id == users[1].id
        assert post.author.id == users[1].id
        assert post.author.pk == users[1].id
        with pytest.raises(CovetError, match="select_related") as caught:
            _ = post.author.username
        assert "await" in str(caught.value)
    assert queries == []
    reference = post.author
    with capture_queries() as queries:
        author = await post.author
        assert author.username == "bob"
        assert author is reference
        assert post.author is author
        assert (await post.author) is author
    assert len(queries) == 1


async def test_awaiting_one_key_loads_those_of_all_rows_of_the_result(users: list[User]) -> None:
    posts = await Post.objects.order_by("id")
    with capture_queries() as queries:
        names = [(await post.author).username for post in posts]
    assert names == ["alice", "alice", "bob"]
    assert len(queries) == 1


async def test_awaiting_keys_together_gives_each_its_own(users: list[User]) -> None:
    posts = await Post.objects.order_by("id")
    authors = await asyncio.gather(*(post.load(Post.author) for post in posts))
    assert [author.username for author in authors] == ["alice", "alice", "bob"]


class Tree(Model):
    name = CharField(max_length=10)
    parent = ForeignKey("self", on_delete="CASCADE", nullable=True, related_name="children")

    class Meta:
        db_table = "trees"


async def test_key_that_is_null_is_none(database: Database) -> None:
    await create_all(models=[Tree])
    root = await Tree.create(name="root")
    leaf = await Tree.create(name="leaf", parent=root)
    found = await Tree.objects.get(id=root.id)
    assert found.parent is None
    assert await found.load(Tree.parent) is None
    assert await Tree.objects.filter(parent=None) == [root]
    assert await Tree.objects.filter(parent__isnull=False) == [leaf]
    assert await Tree.objects.filter(parent__name="root") == [leaf]
    both = {tree.name: tree.parent for tree in await Tree.objects.select_related("parent")}
    assert both["root"] is None
    assert both["leaf"] == root
    assert {tree.name for tree in await Tree.objects.exclude(parent__name="root")} == {"root"}
    assert await root.children.all() == [leaf]  # type: ignore[attr-defined]
    found.parent = leaf
    assert found.parent_id == leaf.id  # type: ignore[attr-defined]
    found.parent = None
    assert found.parent_id is None  # type: ignore[attr-defined]


async def test_assigning_a_key_forgets_the_loaded_instance(users: list[User]) -> None:
    post = await Post.objects.select_related("author").get(title="b1")
    post.author_id = users[2].id
    assert post.author.id == users[2].id
    assert (await post.author).username == "carol"
    await post.save()
    assert (await Post.objects.get(title="b1")).author_id == users[2].id


async def test_related_manager_filters_counts_and_creates(users: list[User]) -> None:
    alice, bob, carol = users
    assert await alice.posts.filter(title="a1").count() == 1
    assert [p.title for p in await alice.posts.exclude(title="a1")] == ["a2"]
    assert [p.title for p in await alice.posts.order_by("-title")] == ["a2", "a1"]
    assert await alice.posts.count() == 2
    assert await carol.posts.exists() is False
    assert await carol.posts.first() is None
    made = await carol.posts.create(title="c1")
    assert made.author_id == carol.id
    assert made.author is carol
    moved = await bob.posts.get(title="b1")
    await carol.posts.add(moved)
    assert await carol.posts.count() == 2
    assert await bob.posts.count() == 0
    assert [p.title async for p in alice.posts.order_by("title")] == ["a1", "a2"]
    got, created = await alice.posts.get_or_create(title="a1")
    assert (got.title, created) == ("a1", False)


async def test_remove_clear_and_set_need_a_nullable_key(database: Database) -> None:
    await create_all(models=[Tree])
    root = await Tree.create(name="root")
    leaves = [await Tree.create(name=f"leaf{n}", parent=root) for n in range(3)]
    children: Any = root.children  # type: ignore[attr-defined]
    await children.remove(leaves[0])
    assert await Tree.objects.filter(parent=root).count() == 2
    await children.set([leaves[0], leaves[1]])
    assert {t.name for t in await Tree.objects.filter(parent=root)} == {"leaf0", "leaf1"}
    await children.clear()
    assert await Tree.objects.filter(parent=root).count() == 0
    assert await Tree.objects.count() == 4


async def test_related_manager_of_an_unsaved_instance_is_refused(users: list[User]) -> None:
    with pytest.raises(ValueError, match="save"):
        await User(username="new").posts.all()
    with pytest.raises(ValueError, match="save"):
        await Post.create(title="x", author=User(username="new"))


async def test_instance_of_another_model_is_refused(users: list[User]) -> None:
    post = await Post.objects.get(title="a1")
    with pytest.raises((ValueError, TypeError), match="User"):
        await Post.create(title="x", author=post)
    with pytest.raises((FieldError, ValueError, TypeError), match="User"):
        await Post.objects.filter(author=post)
    with pytest.raises(ValidationError):
        await Post.create(title="no author")


@pytest.mark.parametrize("on_delete", ["CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "DO_NOTHING"])
async def test_on_delete_decides_what_happens_to_the_rows(database: Database, on_delete: Any) -> None:
    class Boss(Model):
        name = CharField(max_length=10)

        class Meta:
            db_table = "bosses"

    options: dict[str, Any] = {"nullable": True}
    if on_delete == "SET_DEFAULT":
        options["default"] = 1

    class Worker(Model):
        boss = ForeignKey(Boss, on_delete=on_delete, related_name="workers", **options)

        class Meta:
            db_table = "workers"

    await create_all(models=[Boss, Worker])
    stand_in = await Boss.create(name="stand-in")
    boss = await Boss.create(name="boss")
    worker = await Worker.create(boss=boss)
    if on_delete in {"PROTECT", "RESTRICT", "DO_NOTHING"}:
        with pytest.raises(IntegrityError):
            await boss.delete()
        assert await Boss.objects.count() == 2
        assert await Worker.objects.count() == 1
        return
    count, by_model = await boss.delete()
    assert by_model["Boss"] == 1
    rows = await Worker.objects.values_list("boss_id", flat=True)
    expected = {"CASCADE": [], "SET_NULL": [None], "SET_DEFAULT": [stand_in.id]}
    assert rows == expected[on_delete]
    assert count == (2 if on_delete == "CASCADE" else 1)
    assert worker.id is not None


def test_set_null_needs_a_nullable_key() -> None:
    with pytest.raises(ModelDefinitionError, match="null"):

        class Wrong(Model):
            boss = ForeignKey("self", on_delete="SET_NULL", related_name="+")
