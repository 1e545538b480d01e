"""The check of what an operation wrote: the table itself is asked, not the peer."""

from __future__ import annotations

from benchmarks.answers import WrongAnswerError, compare
from benchmarks.data import new_post, new_posts, some_post
from benchmarks.database import Database
from benchmarks.peer import Peer, Row, columns

_INSERTED = {"insert_one": 1, "tx": 1, "bulk_insert_1000": 1_000, "bulk_insert_10000": 10_000}
_UPDATING = ("update_one", "bulk_update_1000", "tx")


async def check_written(database: Database, peer: Peer, operation: str, answer: object, turn: int) -> None:
    """Compare the posts that are new, their keys, and the title that was changed, with what had to be written."""
    what = f"{peer.name}, {operation}"
    found = await database.new_posts()
    count = _INSERTED.get(operation, 0)
    right: list[Row] = [columns(post) for post in ([new_post(turn)] if count == 1 else new_posts(count))]
    compare(what, [post[1:] for post in found], right)
    if keys := peer.rows(operation, answer):
        compare(f"{what}, keys", keys, [post[:1] for post in found])
    if operation in _UPDATING and (title := await database.title(some_post(turn))) != peer.title(turn):
        raise WrongAnswerError(f"{what}: the title is {title!r}, not {peer.title(turn)!r}.")
