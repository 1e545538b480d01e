"""Short or long: ``make soak`` runs the tests of reliability in their long form.

``COVET_SOAK=1`` is the full length, ``COVET_SOAK=0.1`` a tenth of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Final

_LENGTH: Final = float(os.environ.get("COVET_SOAK", "") or 0)
#: The long form is wanted.
SOAK: Final = _LENGTH > 0


def long(full: float, *, short: float) -> float:
    """Return how long a test is: a number of seconds, or of whatever it counts."""
    return full * _LENGTH if SOAK else short


def rounds(short: int, *, seconds: float) -> Iterator[int]:
    """Count ``short`` rounds; in the long form as many as there are in ``seconds``."""
    if not SOAK:
        yield from range(short)
        return
    until, number = time.monotonic() + seconds * _LENGTH, 0
    while number < short or time.monotonic() < until:
        yield number
        number += 1
