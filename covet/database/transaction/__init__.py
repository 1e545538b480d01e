"""Transactions: ``@transaction``, ``@transaction(...)`` and ``async with transaction() as tx``.

The outermost block is a transaction, a block inside another one is a savepoint. What is in a block, and which task may
send when, is decided in ``adapters/block.py``; here is what a user sees of it.

* An exception leaves the block by rolling back what the block did. Caught around an inner block, the outer one goes on.
* COMMIT and ROLLBACK run to their end even if the task is cancelled meanwhile; the cancellation is raised afterwards.
* Callbacks of ``on_commit`` run after the outermost COMMIT, in order; those of a block that is rolled back do not.
* ``retry`` calls a decorated function again, all of it, where the database says that it may succeed then.
"""

from __future__ import annotations

from covet.database.adapters.commands import Isolation
from covet.database.transaction.blocks import Atomic, Savepoint, Transaction, transaction
from covet.database.transaction.callbacks import on_commit, on_rollback
from covet.database.transaction.locks import advisory_lock
from covet.database.transaction.options import Options
from covet.database.transaction.retrying import Retry

__all__ = [
    "Atomic",
    "Isolation",
    "Options",
    "Retry",
    "Savepoint",
    "Transaction",
    "advisory_lock",
    "on_commit",
    "on_rollback",
    "transaction",
]
