"""The end of an error message that names what would have been right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def choices(wrong: str, names: Iterable[str]) -> str:
    """Return the hint and the choices, as the end of a message.

    >>> choices("agee", ["age", "email"])
    "Did you mean 'age'? Choices: age, email."
    """
    known = sorted(set(names))
    near = difflib.get_close_matches(wrong, known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Choices: {', '.join(known)}." if known else hint.strip()
