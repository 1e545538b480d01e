"""Batching: a relation that is awaited on one instance is loaded for all instances of its result in one query.

So a loop that awaits ``post.author`` costs two queries, not one a post. Tasks that await together ask once: the first
one loads under a lock, the others find it done. When the first is cancelled the next one takes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from covet.database.orm.query import loaders
from covet.database.orm.unloaded import refused

if TYPE_CHECKING:
    from covet.database.orm.peers import Peers
    from covet.database.orm.relations import Relation


async def load_relation(instance: Any, relation: Relation) -> None:
    """Load ``relation`` of an instance and of its peers that miss it."""
    peers: Peers | None = instance.__dict__.get("_peers")
    if peers is None:
        await loaders.load_relation([instance], relation)
        return
    if peers.refused:
        raise refused(relation.label, relation)
    async with peers.lock(relation):
        if loaders.is_there(instance, relation):
            return
        members = peers.members(relation.model)
        if not any(member is instance for member in members):
            members = [instance]
        await loaders.load_relation(members, relation)
