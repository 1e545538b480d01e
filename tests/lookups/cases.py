"""Every lookup once: how it is written, and which rows it keeps. ``docs/lookups.md`` is made of it.

Each is asked of two rows, one with values and one whose values are NULL; the columns of PostgreSQL alone are in a table
of their own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import covet
import covet.functions
from covet import (
    AnyModel,
    ArrayField,
    CharField,
    DateField,
    DateRangeField,
    DateTimeField,
    DateTimeRangeField,
    DecimalField,
    DecimalRangeField,
    Field,
    ForeignKey,
    IntegerField,
    IntegerRangeField,
    JSONField,
    Model,
    Range,
    ReverseManager,
    SearchVectorField,
    TextField,
)


class Maker(Model):
    name = CharField(max_length=40)
    items: ReverseManager[Item]

    class Meta:
        db_table = "makers"


class Item(Model):
    name = CharField(max_length=40, nullable=True)
    number = IntegerField(nullable=True)
    price = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    made = DateTimeField(nullable=True)
    day = DateField(nullable=True)
    tags = ArrayField(CharField(max_length=10), nullable=True)
    data: JSONField[Any] = JSONField(nullable=True)
    maker: ForeignKey[Maker | None] = ForeignKey(Maker, nullable=True, related_name="items")

    class Meta:
        db_table = "items"


class Room(Model):
    seats = IntegerRangeField(nullable=True)
    price = DecimalRangeField(nullable=True)
    closed = DateRangeField(nullable=True)
    booked = DateTimeRangeField(nullable=True)
    number = IntegerField(nullable=True)
    text = TextField(nullable=True)
    words: Field[str | None] = SearchVectorField(nullable=True)

    class Meta:
        db_table = "rooms"


MADE = dt.datetime(2024, 12, 30, 23, 45, 6, tzinfo=dt.UTC)
ITEM: dict[str, Any] = {
    "name": "Ann Éluard",
    "number": 7,
    "price": Decimal("12.50"),
    "made": MADE,
    "day": MADE.date(),
    "tags": ["old", "calm"],
    "data": {"age": 4, "owner": {"name": "Ann", "tel": None}, "toys": [3, 5.5]},
}
ROOM: dict[str, Any] = {
    "seats": Range(1, 5),
    "price": Range(Decimal("9.50"), Decimal(20), "[]"),
    "closed": Range(MADE.date(), None),
    "booked": Range(MADE, MADE + dt.timedelta(hours=2)),
    "number": 3,
    "text": "The baker bakes bread with cheese.",
}

#: What the sources of cases may name.
NAMES: dict[str, Any] = {
    **{name: getattr(covet, name) for name in covet.__all__},
    **{name: getattr(covet.functions, name) for name in covet.functions.__all__},
    "Item": Item,
    "Room": Room,
    "Maker": Maker,
    "Decimal": Decimal,
    "date": dt.date,
    "datetime": dt.datetime,
    "UTC": dt.UTC,
}


@dataclass(frozen=True, slots=True)
class Case:
    """The arguments of ``filter()``, and whether they keep the row with values and the one without."""

    source: str
    keeps: bool = True
    keeps_null: bool = False
    #: What else is to be said of it.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The lookups of a kind of column."""

    title: str
    cases: list[Case]
    model: type[AnyModel] = Item
    #: SQLite refuses all of them.
    postgresql_only: bool = False

    def query(self, case: Case, method: str = "filter") -> Any:
        """Return the query of a case."""
        source = f"{self.model.__name__}.objects.{method}({case.source})"
        return eval(source, dict(NAMES)).order_by("id").values_list("id", flat=True)  # noqa: S307 - the table below


GROUPS = [
    Group(
        "Every column",
        [
            Case("number=7"),
            Case("number=None", keeps=False, keeps_null=True),
            Case("number__not=8", keeps_null=True),
            Case("number__gt=6"),
            Case("number__gte=7"),
            Case("number__lt=8"),
            Case("number__lte=6.5", keeps=False),
            Case("number__in=[6, 7]"),
            Case("number__not_in=[6]", keeps_null=True),
            Case("number__range=(1, 7)"),
            Case("number__isnull=False"),
            Case("number__not_isnull=True"),
            Case("number__is_distinct_from=8", keeps_null=True),
            Case("number__is_distinct_from=None"),
            Case("number__is_not_distinct_from=7"),
            Case('number__gt=F("price")', keeps=False),
            Case("Item.number.between(1, 7)"),
        ],
    ),
    Group(
        "Numbers, dates and moments",
        [
            Case("number__contained_by=Range(1, 8)"),
            Case("number__contained_by=Range(1, None)"),
            Case('price__contained_by=Range(Decimal(1), Decimal("12.5"), "(]")'),
            Case("day__contained_by=Range(None, date(2024, 12, 31))"),
            Case("made__date=date(2024, 12, 30)"),
            Case("made__year__gte=2024"),
            Case("made__month__in=[11, 12]"),
            Case("price__round=13"),
        ],
    ),
    Group(
        "Texts",
        [
            Case('name__contains="É"'),
            Case('name__icontains="é"'),
            Case('name__startswith="Ann"'),
            Case('name__istartswith="ann"'),
            Case('name__endswith="ard"'),
            Case('name__iendswith="ARD"'),
            Case('name__iexact="ann éluard"'),
            Case('name__contains="%"', keeps=False),
            Case('name__like="Ann%"'),
            Case('name__ilike="%é_uard"'),
            Case('name__regex="^A[n]+ "'),
            Case('name__iregex="^a[n]+ "'),
            Case('name__lower__startswith="ann"'),
            Case("name__length__gt=9"),
            Case('F("name").like("_nn%")'),
        ],
    ),
    Group(
        "Documents",
        [
            Case("data__age=4"),
            Case("data__age__gt=3.5"),
            Case("data__age__in=[4, 5]"),
            Case('data__owner={"name": "Ann", "tel": None}'),
            Case('data__owner__name="Ann"'),
            Case("data__owner__tel=None"),
            Case("data__owner__tel__isnull=False"),
            Case("data__toys__0=3"),
            Case('**{"data__toys__-1__lt": 6}'),
            Case('data__owner__name__icontains="an"'),
            Case('data__owner__name__regex="^A"'),
            Case('data__contains={"age": 4}'),
            Case('data__contained_by={"age": 4}', keeps=False),
            Case("data__toys__contains=[5.5]"),
            Case('data__has_key="age"'),
            Case('data__owner__has_keys=["name", "tel"]'),
            Case('data__has_any_keys=["x", "age"]'),
            Case('Item.data["owner"]["name"] == "Ann"'),
        ],
    ),
    Group(
        "Arrays",
        [
            Case('tags=["old", "calm"]'),
            Case('tags__in=[["old"], ["old", "calm"]]'),
            Case('tags__contains=["old"]'),
            Case('tags__contained_by=["calm", "old", "new"]'),
            Case('tags__overlap=["old", "new"]'),
            Case("tags__len=2"),
            Case('tags__0="old"'),
            Case('tags__1__startswith="c"'),
            Case('tags__0_1=["old"]'),
            Case('Item.tags[0] == "old"'),
        ],
    ),
    Group(
        "Relations",
        [
            Case("maker=1"),
            Case("maker__in=[1, 2]"),
            Case('maker__name__startswith="A"'),
            Case("maker__isnull=True", keeps=False, keeps_null=True),
            Case('maker__in=Maker.objects.filter(name="Ann")'),
            Case('Exists(Maker.objects.filter(id=OuterRef("maker_id")))'),
        ],
    ),
    Group(
        "Ranges",
        [
            Case("seats=Range(1, 5)"),
            Case('seats__in=[Range(1, 4, "[]"), Range(2, 3)]'),
            Case("seats__contains=4"),
            Case("seats__contains=Range(2, 4)"),
            Case('seats__contains=F("number")'),
            Case("seats__contained_by=Range(0, 9)"),
            Case("price__overlap=Range(20, 30)"),
            Case("seats__fully_lt=Range(5, 9)"),
            Case("seats__fully_gt=Range(None, 1)"),
            Case("seats__not_lt=Range(1, 3)"),
            Case("seats__not_gt=Range(0, 5)"),
            Case("seats__adjacent_to=Range(5, 7)"),
            Case("seats__startswith=1"),
            Case("seats__endswith__gte=6", keeps=False),
            Case("booked__startswith__year=2024"),
            Case("seats__isempty=False"),
            Case("price__upper_inc=True"),
            Case("price__lower_inc=True"),
            Case("closed__upper_inf=True"),
            Case("closed__lower_inf=True", keeps=False),
            Case('number__contained_by=F("seats")'),
            Case("Room.seats.overlap(Range(4, 6))"),
        ],
        Room,
        postgresql_only=True,
    ),
    Group(
        "Text search",
        [
            Case('text__search="baked breads"'),
            Case('text__search=SearchQuery("cheese -wine", search_type="websearch")'),
            Case('words="cheese"', keeps=False),
        ],
        Room,
        postgresql_only=True,
    ),
]
