"""Purpose: what the ORM asks a statement for, told to those who watch statements. Nothing happens while nobody does."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from covet._frozen import Frozen

if TYPE_CHECKING:
    from covet.database.orm.query.state import QueryState
    from covet.database.orm.relations import Relation

_T = TypeVar("_T")

#: ``rows`` to ``aggregate``: a query of the program. ``relation``, ``deferred``: something was awaited that was not
#: loaded. ``prefetch``: the program said so. ``deletion``: what a deletion takes with it.
Kind: TypeAlias = Literal["rows", "count", "exists", "aggregate", "relation", "deferred", "prefetch", "deletion"]


class Purpose(Frozen):
    """Why a statement is sent."""

    kind: Kind
    model: type[Any]
    state: QueryState | None = None
    relation: Relation | None = None
    #: For how many instances.
    instances: int = 1
    #: What the rows are known to refer to: the name of the relation, and an instance.
    known: tuple[str, Any] | None = None


_current: ContextVar[Purpose | None] = ContextVar("covet_purpose", default=None)


def current_purpose() -> Purpose | None:
    """Return what the statement that is being sent is for; None: it is no read of the ORM."""
    return _current.get()


@contextmanager
def asking(purpose: Purpose) -> Generator[None, None, None]:
    """Say what the statements of a block are for. What was said outside counts: that is what the program did."""
    if _current.get() is not None:
        yield
        return
    token = _current.set(purpose)
    try:
        yield
    finally:
        _current.reset(token)


async def told(purpose: Purpose, work: Awaitable[_T]) -> _T:
    """Await ``work``, and say what its statements are for."""
    with asking(purpose):
        return await work
