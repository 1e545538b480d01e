"""Names that a query gives: of annotations, filtered relations and joins. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from covet.database.orm.query.sources import find_source
from covet.database.orm.query.state import QueryState
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options

_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


def check_alias(options: Options, state: QueryState, name: str) -> None:
    """Refuse the name of an annotation that is no plain ASCII identifier or means something already."""
    if not _ALIAS.match(name):
        raise FieldError(
            f"{name[:80]!a} cannot name an annotation: use ASCII letters, digits and single underscores, at most 63."
        )
    if name.startswith("_") or "__" in name:
        raise FieldError(f"{name!r} cannot name an annotation: no leading or double underscore.")
    if options.find_field(name) is not None or name in options.relations or hasattr(options.model, name):
        raise FieldError(f"The annotation {name!r} conflicts with an attribute of {options.label}.")
    if find_source(state, name) is not None:
        raise FieldError(f"The annotation {name!r} conflicts with the join of that name.")
    if state.annotation(name) is not None or state.named(name) is not None:
        raise FieldError(f"The annotation {name!r} is there already.")
