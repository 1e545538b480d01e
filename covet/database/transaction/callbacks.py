"""Callbacks: what is called after a COMMIT or a ROLLBACK.

Django's rules. A callback belongs to the innermost block that was open when it was asked for, also where it was asked
for on the handle of an outer one: what is undone with a savepoint takes its callbacks along. They run in the order in
which they were asked for. One that raises ends the row, unless it is ``robust``: then the error is logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from covet.database.adapters.block import Block, Callback
from covet.database.adapters.waiting import finish
from covet.database.connections import adapter_for
from covet.exceptions import TransactionError

_LOG = logging.getLogger("covet.transaction")


def on_commit(callback: Callable[[], object], /, *, using: str | None = None, robust: bool = False) -> None:
    """Call ``callback`` after the COMMIT of the transaction that the running task is in; without one, at once.

    ``on_commit(lambda: send_mail(user.email))``

    What it returns is awaited if it is awaitable. That needs a transaction: without one, await it yourself. With
    ``robust=True`` an exception of the callback is logged (logger ``covet.transaction``) and the next one runs.
    """
    block = adapter_for(using).block()
    if block is not None:
        ask(block, callback, "commit", robust=robust)
        return
    _check(callback, "commit")
    if inspect.iscoroutinefunction(callback):
        raise _nothing_to_wait_for(callback)
    try:
        outcome = callback()
    except Exception:
        if not robust:
            raise
        _log(callback, "commit")
        return
    if inspect.iscoroutine(outcome):
        outcome.close()
        raise _nothing_to_wait_for(callback)


def on_rollback(callback: Callable[[], object], /, *, using: str | None = None, robust: bool = False) -> None:
    """Call ``callback`` when what the running task does in its block is undone; without a transaction, never.

    ``on_rollback(lambda: uploaded.unlink())``

    It is called after the rollback of the block that it was asked for in, or of one around it.
    """
    block = adapter_for(using).block()
    if block is not None:
        ask(block, callback, "rollback", robust=robust)
    else:
        _check(callback, "rollback")


def ask(block: Block, callback: Callable[[], object], after: Literal["commit", "rollback"], *, robust: bool) -> None:
    """Note a callback in ``block``, or in the block inside of it that the running task is in."""
    _check(callback, after)
    inner = block.adapter.block()
    target = inner if inner is not None and inner.is_inside(block) else block
    target.add(Callback(callback, after, robust))


def settle_callbacks(block: Block) -> list[Callback]:
    """Return what is to be called now that ``block`` has ended; after a RELEASE that waits for the block around it."""
    if block.outcome == "committed":
        if block.parent is not None:
            block.parent.callbacks.extend(block.callbacks)
            return []
        return [callback for callback in block.callbacks if callback.after == "commit"]
    if block.outcome == "rolled back":
        return [callback for callback in block.callbacks if callback.after == "rollback"]
    return []  # nobody knows what happened


async def call(callbacks: Sequence[Callback]) -> None:
    """Call them in order. A cancellation does not cut one off; it is raised after the last."""
    cancelled: asyncio.CancelledError | None = None
    for callback in callbacks:
        try:
            outcome = callback.function()
            if inspect.isawaitable(outcome):
                await finish(_awaited(outcome))
        except asyncio.CancelledError as exc:
            if isinstance(exc.__cause__, Exception):  # it came while the callback failed
                _log(callback.function, callback.after, exc.__cause__)
            cancelled = exc
        except Exception:
            if not callback.robust:
                raise
            _log(callback.function, callback.after)
    if cancelled is not None:
        raise cancelled


async def _awaited(outcome: Awaitable[object]) -> None:
    await outcome


def name_of(function: object) -> str:
    """Return the name of a function, for messages."""
    return str(getattr(function, "__qualname__", function))


def _check(callback: object, after: str) -> None:
    if not callable(callback):
        raise TypeError(f"on_{after}() takes a function to call, not {type(callback).__name__}.")


def _nothing_to_wait_for(callback: object) -> TransactionError:
    return TransactionError(f"No transaction is open: await {name_of(callback)}() instead of on_commit().")


def _log(callback: object, after: str, error: BaseException | None = None) -> None:
    _LOG.error("%s, called by on_%s(), failed.", name_of(callback), after, exc_info=error or True)
