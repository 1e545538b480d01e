"""Row locks: ``select_for_update`` of a queryset, and which tables of a SELECT it locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self, cast

from covet.database.orm.query.joins import JoinNode, Joins
from covet.database.orm.query.state import LockToken
from covet.database.orm.suggestions import choices
from covet.database.sql.statements import Lock, LockStrength
from covet.exceptions import FieldError, TransactionError

if TYPE_CHECKING:
    from typing import Any

    from covet.database.adapters.base import Adapter
    from covet.database.orm.query.queryset import QuerySet


def lock_token(
    *, nowait: bool, skip_locked: bool, of: Iterable[str], strengths: Mapping[LockStrength, bool]
) -> LockToken:
    """Return the token of a lock; raise ``ValueError`` for arguments that exclude each other."""
    if isinstance(of, str):
        raise TypeError(f"select_for_update(of=...) takes names, not one: of=({of!r},).")
    if nowait and skip_locked:
        raise ValueError("select_for_update(): nowait and skip_locked exclude each other.")
    chosen: list[LockStrength] = [strength for strength, wanted in strengths.items() if wanted]
    if len(chosen) > 1:
        raise ValueError("select_for_update(): no_key, share and key_share exclude each other.")
    strength: LockStrength = chosen[0] if chosen else "UPDATE"
    return LockToken(strength, nowait, skip_locked, tuple(of))


def planned(token: LockToken | None, joins: Joins) -> Lock | None:
    """Return the locking clause of a SELECT with these joins."""
    if token is None:
        return None
    tables = {"self": joins.root, **_joined(joins.root, "")}
    named: list[JoinNode] = []
    for name in token.of:
        node = tables.get(name)
        if node is None:
            raise FieldError(
                f"select_for_update(of=...): {name!r} is nothing that this query joins; add select_related({name!r}). "
                f"{choices(name, tables)}"
            )
        named.append(node)
    for name, node in tables.items():
        if not node.inner and (node in named or not token.of):
            raise FieldError(
                f"select_for_update() cannot lock {name!r}: a row may have none of it. Leave it out, of=('self',), or "
                "keep such rows out of the query."
            )
    return Lock(token.strength, tuple(node.alias for node in named), token.nowait, token.skip_locked)


def _joined(node: JoinNode, prefix: str) -> dict[str, JoinNode]:
    """Return the tables that are joined from ``node``, by their paths."""
    found: dict[str, JoinNode] = {}
    for (relation, _), child in node.children.items():
        path = f"{prefix}{relation.name}"
        found[path] = child
        found.update(_joined(child, f"{path}__"))
    return found


def check_transaction(adapter: Adapter) -> None:
    """Refuse a lock that would be over before the caller has the rows."""
    if adapter.dialect.supports_row_locks and not adapter.in_transaction():
        raise TransactionError(
            "select_for_update() outside a transaction locks nothing: the lock ends with its statement. Put the query "
            "and what follows from it into 'async with transaction():'."
        )


class Locking:
    """``select_for_update``, of querysets."""

    __slots__ = ()

    def select_for_update(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Iterable[str] = (),
        no_key: bool = False,
        share: bool = False,
        key_share: bool = False,
    ) -> Self:
        """Lock the rows until the transaction ends (PostgreSQL; SQLite has no row locks and says so).

        >>> async with transaction():
        ...     job = await Job.objects.filter(done=False).select_for_update(skip_locked=True).first()

        ``SELECT .. FOR UPDATE SKIP LOCKED``. ``nowait`` raises ``LockTimeout`` where another transaction has a lock,
        ``skip_locked`` leaves such rows out; ``of`` names what is locked of several tables (``"self"``, ``"author"``);
        ``no_key``, ``share`` and ``key_share`` are the weaker locks.
        """
        queryset = cast("QuerySet[Any, Any]", self)
        strengths: Mapping[LockStrength, bool] = {"NO KEY UPDATE": no_key, "SHARE": share, "KEY SHARE": key_share}
        token = lock_token(nowait=nowait, skip_locked=skip_locked, of=of, strengths=strengths)
        return cast("Self", queryset.derive(queryset.state._replace(lock=token), queryset.params))
