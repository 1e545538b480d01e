"""Random rows of the models of a library: each way of loading their relations finds the same (``loading.py``)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import create_all
from tests.conftest import Database
from tests.models.library import ALL, Biography, Note, Post, Tag, Writer
from tests.properties.loading import Rows, Step, backward, compare, forward, paths, through

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

STEPS = [
    forward("author", Post, Writer),
    forward("editor", Post, Writer),
    forward("post", Note, Post),
    forward("writer", Biography, Writer, known="biography"),
    backward("posts", Writer, Post, "author"),
    backward("edited", Writer, Post, "editor"),
    backward("notes", Post, Note, "post"),
    backward("biography", Writer, Biography, "writer", "one"),
    through("tags", Post, Tag, "post", "tag", lambda: Post.tags.through),
    through("posts", Tag, Post, "tag", "post", lambda: Post.tags.through),
    through("friends", Writer, Writer, "from_writer", "to_writer", lambda: Writer.friends.through),
    through("follows", Writer, Writer, "from_writer", "to_writer", lambda: Writer.follows.through),
    through("followers", Writer, Writer, "to_writer", "from_writer", lambda: Writer.follows.through),
]


index = st.integers(0, 2)
pairs = st.frozensets(st.tuples(index, index), max_size=5)


@dataclass(frozen=True)
class Graph:
    """Who belongs to whom, by position: three writers, three tags, some posts."""

    posts: tuple[tuple[int, int | None], ...]
    notes: tuple[int, ...]
    biographies: frozenset[int]
    tagged: frozenset[tuple[int, int]]
    friends: frozenset[tuple[int, int]]
    follows: frozenset[tuple[int, int]]


graphs = st.builds(
    Graph,
    st.lists(st.tuples(index, st.none() | index), max_size=4).map(tuple),
    st.lists(st.integers(0, 3), max_size=4).map(tuple),
    st.frozensets(index),
    pairs,
    pairs,
    pairs,
)


@pytest.fixture
async def tables(database: Database) -> None:
    await create_all(ALL)


async def store(graph: Graph) -> Rows:
    """Store a graph in the place of what was there."""
    for model in (Writer, Tag):
        await model.objects.all().delete()
    writers = [w.id for w in await Writer.objects.bulk_create([Writer(name=f"w{i}") for i in range(3)])]
    tags = [t.id for t in await Tag.objects.bulk_create([Tag(name=f"t{i}") for i in range(3)])]
    posts = [
        post.id
        for post in await Post.objects.bulk_create(
            [
                Post(title="", author_id=writers[author], editor_id=None if editor is None else writers[editor])
                for author, editor in graph.posts
            ]
        )
    ]
    on = [posts[at] for at in graph.notes if at < len(posts)]
    notes = [note.id for note in await Note.objects.bulk_create([Note(text="", post_id=post) for post in on])]
    of = [writers[at] for at in sorted(graph.biographies)]
    lives = [b.id for b in await Biography.objects.bulk_create([Biography(text="", writer_id=key) for key in of])]
    links: dict[str, set[tuple[int, int]]] = {
        "tags": {(posts[p], tags[t]) for p, t in graph.tagged if p < len(posts)},
        "friends": {(writers[a], writers[b]) for one, other in graph.friends for a, b in ((one, other), (other, one))},
        "follows": {(writers[a], writers[b]) for a, b in graph.follows},
    }
    await Post.tags.through.objects.bulk_create([Post.tags.through(post_id=p, tag_id=t) for p, t in links["tags"]])
    for name in ("friends", "follows"):
        table = getattr(Writer, name).through
        await table.objects.bulk_create([table(from_writer_id=a, to_writer_id=b) for a, b in links[name]])
    ends = {
        "Post.author": {(p, writers[a]) for p, (a, _) in zip(posts, graph.posts, strict=True)},
        "Post.editor": {(p, writers[e]) for p, (_, e) in zip(posts, graph.posts, strict=True) if e is not None},
        "Note.post": set(zip(notes, on, strict=True)),
        "Biography.writer": set(zip(lives, of, strict=True)),
        "Post.tags": links["tags"],
        "Writer.friends": links["friends"],
        "Writer.follows": links["follows"],
    }
    return Rows({Writer: writers, Tag: tags, Post: posts, Note: notes, Biography: lives}, _related(ends))


#: Relations and the same links from the other side.
TURNED = {
    "Writer.posts": "Post.author",
    "Writer.edited": "Post.editor",
    "Post.notes": "Note.post",
    "Writer.biography": "Biography.writer",
    "Tag.posts": "Post.tags",
    "Writer.followers": "Writer.follows",
}


def _related(ends: dict[str, set[tuple[int, int]]]) -> dict[Step, dict[int, list[int]]]:
    """Return for each relation where it leads from each key."""
    both = ends | {name: {(b, a) for a, b in ends[other]} for name, other in TURNED.items()}
    found: dict[Step, dict[int, list[int]]] = {}
    for step in STEPS:
        at = found[step] = {}
        for near, far in both[repr(step)]:
            at.setdefault(near, []).append(far)
    return found


@FEW
@given(graph=graphs, path=paths(STEPS))
async def test_every_way_of_loading_finds_the_same_rows(tables: None, graph: Graph, path: tuple[Step, ...]) -> None:
    await compare(await store(graph), path)
