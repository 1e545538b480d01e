"""Retrying: which errors mean that the same work may succeed when all of it is done again, and how long to wait."""

from __future__ import annotations

import random
from typing import Final

from covet._frozen import Frozen
from covet.exceptions import (
    ConnectionLost,
    DatabaseLocked,
    DeadlockDetected,
    SchemaChanged,
    SerializationFailure,
    TransactionError,
)

#: After these nothing of the transaction is left, and the cause is gone when it begins anew. A full pool or a lock that
#: was not to be had are ``retryable`` too, but doing the work again at once adds to what they suffer from.
REPEATED: Final = (SerializationFailure, DeadlockDetected, DatabaseLocked, SchemaChanged, ConnectionLost)


class Retry(Frozen):
    """How often a decorated function is called at most, and how long the waits between the calls are.

    ::

        @transaction(isolation="serializable", retry=Retry(attempts=5, first_delay=0.01))
        async def transfer(source: Account, target: Account) -> None: ...

    The waits grow by ``factor`` up to ``longest_delay``; each is shortened by up to a half at random, so that those who
    met do not meet again. ``retry=5`` is short for ``Retry(attempts=5)``.
    """

    attempts: int = 3
    first_delay: float = 0.05
    factor: float = 2.0
    longest_delay: float = 2.0

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise TransactionError(f"retry: attempts is a whole number from 1 on, not {self.attempts!r}.")
        if self.first_delay < 0 or self.longest_delay < 0 or self.factor < 1:
            raise TransactionError("retry: the delays are at least 0 seconds and factor is at least 1.")

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of this number; the first is 1.

        >>> 0.1 <= Retry(first_delay=0.05).delay(3) <= 0.2
        True
        """
        longest = min(self.longest_delay, self.first_delay * self.factor ** (attempt - 1))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads those who met, is no secret


def cause_to_repeat(raised: BaseException, failure: BaseException | None) -> BaseException | None:
    """Return the error for which a function is called again, or None.

    ``failure`` is what broke the transaction. What the function made of it (an ExceptionGroup of a TaskGroup, an error
    of its own) does not matter: the transaction is undone, and the cause passes.
    """
    if not isinstance(raised, Exception):
        return None  # a cancellation goes on whatever else happened
    if isinstance(raised, REPEATED):
        return raised
    return failure if isinstance(failure, REPEATED) else None
