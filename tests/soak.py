"""Short or long: ``make soak`` runs the tests of reliability in their long form."""

from __future__ import annotations

import os
from typing import Final

#: The long form is wanted.
SOAK: Final = os.environ.get("COVET_SOAK", "") not in ("", "0")
