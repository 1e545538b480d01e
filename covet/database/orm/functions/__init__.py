"""The functions of the database, by what they work on. ``covet.functions`` exports them.

The modules named here register transforms (``name__lower``, ``born__year``), so they are loaded with the first model.
"""

from __future__ import annotations

from covet.database.orm.functions import dates, math, text

__all__ = ["dates", "math", "text"]
