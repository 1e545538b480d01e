"""What random query texts are made of: the columns and relations of the archive, and values as source text.

Where Django's answer on SQLite is one that ``docs/django-differences.md`` explains, the values keep away from it.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tests.properties import archive_rows

_T = TypeVar("_T")

#: kind of each column; ``!`` is NOT NULL.
COLUMNS: Final[dict[str, dict[str, str]]] = {
    "Tag": {"id": "int!", "name": "text!", "weight": "int"},
    "Author": {
        "id": "int!", "name": "text!", "nick": "text", "age": "int", "level": "int!", "rating": "decimal",
        "score": "float", "active": "bool", "born": "date", "joined": "datetime", "wakes": "time", "rest": "span",
        "uid": "uuid", "data": "json",
    },
    "Profile": {"id": "int!", "bio": "text", "points": "int"},
    "Book": {
        "id": "int!", "title": "text!", "pages": "int", "price": "decimal", "published": "date", "sold": "datetime",
        "data": "json",
    },
    "Review": {"id": "int!", "stars": "int", "text": "text", "written": "datetime!"},
}  # fmt: skip

#: relation -> (model, whether it leads to many rows).
RELATIONS: Final[dict[str, dict[str, tuple[str, bool]]]] = {
    "Tag": {"books": ("Book", True)},
    "Author": {
        "mentor": ("Author", False), "pupils": ("Author", True), "profile": ("Profile", False),
        "books": ("Book", True), "edited": ("Book", True),
    },
    "Profile": {"author": ("Author", False)},
    "Book": {
        "author": ("Author", False), "editor": ("Author", False), "tags": ("Tag", True), "reviews": ("Review", True),
    },
    "Review": {"book": ("Book", False)},
}  # fmt: skip

_VALUES: Final[dict[str, list[Any]]] = {
    "int": [*archive_rows.NUMBERS, 4],
    "text": [text for text in archive_rows.TEXTS if text not in {"Ann", "ann", "ANN"}],
    "decimal": archive_rows.DECIMALS,
    "float": archive_rows.FLOATS,
    "bool": [True, False],
    "date": archive_rows.DATES,
    "datetime": archive_rows.MOMENTS,
    "time": archive_rows.TIMES,
    "span": archive_rows.SPANS,
    "uuid": archive_rows.UUIDS,
    "json": archive_rows.DOCUMENTS,
}

#: Parts of texts that LIKE of SQLite finds in no other case.
_CASELESS = ["_", "%", "日", "\\", "'", "Æ", "ß", "100%", "É"]
_PARTS = ["a", "A", "n", "B", "nn", "O'", "b\\", *_CASELESS]
_ASCII = ["a", "A", "n", "B", "ANN", "ann", "bob", "O'", "_", "%", "b\\"]


def source(value: Any) -> str:
    """Return ``value`` as source text."""
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC)
        return f"datetime({moment.year}, {moment.month}, {moment.day}, {moment.hour}, {moment.minute}, {moment.second}, {moment.microsecond}, tzinfo=UTC)"
    text = repr(value)
    for name, short in {"datetime.": "", "Decimal(": "D("}.items():
        text = text.replace(name, short)
    return text


@dataclass
class Path:
    """Where a path ends."""

    text: str
    kind: str
    many: bool

    @property
    def nullable(self) -> bool:
        return self.kind[-1] != "!" or "__" in self.text

    @property
    def plain(self) -> str:
        return self.kind.rstrip("!")


@dataclass
class Maker:
    """Draws for one query."""

    draw: random.Random
    sqlite: bool
    #: The only relation to many rows that the query may cross, as ``books`` or ``books__reviews``; ``*`` is any.
    across: str = "*"
    #: Lists are not empty: an empty list empties more than it should in some places of Django.
    full: bool = False
    names: int = 0
    annotations: dict[str, str] = field(default_factory=dict)

    def chance(self, share: float) -> bool:
        """Say yes so often."""
        return self.draw.random() < share

    def pick(self, of: Sequence[_T]) -> _T:
        """Take one of these."""
        return self.draw.choice(of)

    def name(self, kind: str) -> str:
        """Name an annotation."""
        self.names += 1
        self.annotations[f"x{self.names}"] = kind
        return f"x{self.names}"

    def value(self, kind: str) -> str:
        """Return a value of a kind."""
        return source(self.pick(_VALUES[kind]))

    def values(self, kind: str, *, least: int = 0) -> str:
        """Return a list of values."""
        return f"[{', '.join(self.value(kind) for _ in range(self.draw.randint(int(self.full) or least, 3)))}]"

    def part(self, *, insensitive: bool) -> str:
        """Return a part of a text."""
        if self.sqlite:
            return repr(self.pick(_ASCII if insensitive else _CASELESS))
        return repr(self.pick(_PARTS))

    def relation(self, model: str, *, many: bool, negated: bool = False) -> tuple[str, str, bool] | None:
        """Take a relation of ``model``: its name, the model, whether it leads to many rows."""
        found = [(name, to, to_many) for name, (to, to_many) in RELATIONS[model].items() if many or not to_many]
        if negated:  # Django may look for the pupils of the mentor
            found = [each for each in found if each[0] != "pupils"]
        return self.pick(found) if found else None

    def path(
        self,
        model: str,
        kinds: set[str] | None = None,
        *,
        many: bool = False,
        negated: bool = False,
        depth: int = 2,
    ) -> Path | None:
        """Take a path to a column of one of these kinds."""
        prefix, crossed = "", False
        while depth and self.chance(0.4):
            step = self.relation(model, many=many, negated=negated)
            if step is None:
                break
            prefix, model, crossed, depth = f"{prefix}{step[0]}__", step[1], crossed or step[2], depth - 1
        columns = [(name, kind) for name, kind in COLUMNS[model].items() if kinds is None or kind.rstrip("!") in kinds]
        if not columns:
            return None
        name, kind = self.pick(columns)
        return Path(prefix + name, kind, crossed)

    def some_path(self, model: str, kinds: set[str], *, many: bool = False) -> Path | None:
        """Try several times to find a path."""
        return next((path for _ in range(8) if (path := self.path(model, kinds, many=many))), None)
