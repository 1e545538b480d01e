"""Every function and transform once: how it is written, and what it gives. ``docs/functions.md`` is made of it.

Each is asked of two rows, one with values and one whose values are NULL.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import covet
import covet.functions
from covet import CharField, DateField, DateTimeField, DecimalField, FloatField, IntegerField, Model, TimeField

BERLIN = ZoneInfo("Europe/Berlin")


class Product(Model):
    name = CharField(max_length=40, nullable=True)
    code = CharField(max_length=10, nullable=True)
    number = IntegerField(nullable=True)
    price = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    ratio = FloatField(nullable=True)
    made = DateTimeField(nullable=True)
    local = DateTimeField(nullable=True, timezone=False)
    day = DateField(nullable=True)
    opens = TimeField(nullable=True)

    class Meta:
        db_table = "products"


#: The Monday of the first week of 2025, late in the evening: in Berlin it is the day after.
MADE = dt.datetime(2024, 12, 30, 23, 45, 6, 789000, tzinfo=dt.UTC)
VALUES: dict[str, Any] = {
    "name": "Ann Éluard",
    "code": " x1 ",
    "number": 7,
    "price": Decimal("12.50"),
    "ratio": 0.5,
    "made": MADE,
    "local": MADE.replace(tzinfo=None),
    "day": MADE.date(),
    "opens": MADE.time(),
}

#: What the sources of cases may name.
NAMES: dict[str, Any] = {
    **{name: getattr(covet, name) for name in covet.__all__},
    **{name: getattr(covet.functions, name) for name in covet.functions.__all__},
    "Decimal": Decimal,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "UTC": dt.UTC,
    "ZoneInfo": ZoneInfo,
    "timezone": dt.timezone,
    "timedelta": dt.timedelta,
}


@dataclass(frozen=True, slots=True)
class Case:
    """An expression in its own words, and its value for the row with values and for the one without.

    A number whose last digits are the mathematical library's own is compared by its first 14.
    """

    source: str
    value: Any
    of_null: Any = None

    def build(self) -> Any:
        """Return the expression."""
        return eval(self.source, dict(NAMES))  # noqa: S307 - the table above


@dataclass(frozen=True, slots=True)
class Lookup:
    """The arguments of ``filter()``, and whether they keep the row with values and the one without."""

    source: str
    keeps: bool = True
    keeps_null: bool = False

    def build(self) -> Any:
        """Return the query."""
        return eval(f"Product.objects.filter({self.source})", {**NAMES, "Product": Product})  # noqa: S307 - see above


def utc(*parts: int) -> dt.datetime:
    """Return a moment."""
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]  # the parts of a date and time


def digest(name: str) -> str:
    """Return a digest of the name."""
    return hashlib.new(name, VALUES["name"].encode(), usedforsecurity=False).hexdigest()


COMPARISON = [
    Case('Coalesce("name", Value("none"))', "Ann Éluard", "none"),
    Case('Coalesce("number", "price", 1)', Decimal(7), Decimal(1)),
    Case('Greatest("number", 5)', 7, 5),
    Case('Least("price", Decimal("20.5"))', Decimal("12.50"), Decimal("20.5")),
    Case('NullIf("number", 7)', None),
    Case('Cast("number", TextField())', "7"),
    Case('Cast("price", IntegerField())', 13),
]

TEXT = [
    Case('Chr("number")', "\a"),
    Case('Concat("name", Value(", "), "number")', "Ann Éluard, 7", ", "),
    Case('Left("name", 3)', "Ann"),
    Case('Left("name", F("number"))', "Ann Élu"),
    Case('Length("name")', 10),
    Case('Lower("name")', "ann éluard"),
    Case('LPad("number", 3, Value("0"))', "007"),
    Case('LPad("name", 3)', "Ann"),
    Case('LTrim("code")', "x1 "),
    Case('MD5("name")', digest("md5")),
    Case('Ord("name")', 65),
    Case('Repeat("name", 2)', "Ann ÉluardAnn Éluard"),
    Case('Replace("name", Value("n"), Value("m"))', "Amm Éluard"),
    Case('Reverse("name")', "draulÉ nnA"),
    Case('Right("name", 3)', "ard"),
    Case('Right("name", F("number"))', " Éluard"),
    Case('RPad("number", 3, Value("ab"))', "7ab"),
    Case('RTrim("code")', " x1"),
    Case('SHA224("name")', digest("sha224")),
    Case('SHA256("name")', digest("sha256")),
    Case('SHA384("name")', digest("sha384")),
    Case('SHA512("name")', digest("sha512")),
    Case('StrIndex("name", Value("É"))', 5),
    Case('Substr("name", 5)', "Éluard"),
    Case('Substr("name", 5, 2)', "Él"),
    Case('F("name")[4:6]', "Él"),
    Case('F("name")[0]', "A"),
    Case('Trim("code")', "x1"),
    Case('Upper("name")', "ANN ÉLUARD"),
]

MATH = [
    Case('Abs(F("number") - 10)', 3),
    Case('ACos("ratio")', math.acos(0.5)),
    Case('ASin("ratio")', math.asin(0.5)),
    Case('ATan("ratio")', math.atan(0.5)),
    Case('ATan2("ratio", "number")', math.atan2(0.5, 7)),
    Case('Ceil("ratio")', 1.0),
    Case('Ceil("price")', Decimal(13)),
    Case('Ceil("number")', 7),
    Case('Cos("ratio")', math.cos(0.5)),
    Case('Cot("ratio")', 1 / math.tan(0.5)),
    Case('Degrees("ratio")', math.degrees(0.5)),
    Case('Exp("ratio")', math.exp(0.5)),
    Case('Exp("price")', Decimal("268337.28652087446")),
    Case('Floor("ratio")', 0.0),
    Case('Floor("price")', Decimal(12)),
    Case('Ln("number")', math.log(7)),
    Case('Log(10, "price")', Decimal("1.0969100130080564")),
    Case('Log(2, "ratio")', -1.0),
    Case('Mod("number", 4)', 3),
    Case('Mod("price", 5)', Decimal("2.50")),
    Case('Mod("ratio", Decimal("0.2"))', 0.1),
    Case("Pi()", math.pi, math.pi),
    Case('Power("number", 2)', 49.0),
    Case('Power("price", 2)', Decimal("156.25")),
    Case('Radians("number")', math.radians(7)),
    Case('Round("price")', Decimal(13)),
    Case('Round("price", 1)', Decimal("12.5")),
    Case('Round("ratio")', 1.0),
    Case('Round("number", -1)', 10),
    Case('Sign(F("number") - 10)', -1),
    Case('Sin("price")', Decimal("-0.0663218973512007")),
    Case('Sqrt("number")', math.sqrt(7)),
    Case('Sqrt("price")', Decimal("3.535533905932738")),
    Case('Tan("ratio")', math.tan(0.5)),
    Case('F("number").bitand(3)', 3),
    Case('F("number").bitor(8)', 15),
    Case('F("number").bitxor(2)', 5),
    Case('F("number").bitleftshift(2)', 28),
    Case('F("number").bitrightshift(1)', 3),
]

DATES = [
    Case('ExtractYear("made")', 2024),
    Case('ExtractYear("made", tzinfo=ZoneInfo("Europe/Berlin"))', 2024),
    Case('ExtractIsoYear("made")', 2025),
    Case('ExtractQuarter("made")', 4),
    Case('ExtractMonth("made")', 12),
    Case('ExtractWeek("made")', 1),
    Case('ExtractWeekDay("made")', 2),
    Case('ExtractIsoWeekDay("made")', 1),
    Case('ExtractDay("made")', 30),
    Case('ExtractDay("made", tzinfo=ZoneInfo("Europe/Berlin"))', 31),
    Case('ExtractHour("made", tzinfo=timezone(timedelta(hours=-3, minutes=-30)))', 20),
    Case('ExtractHour("local", tzinfo=ZoneInfo("Europe/Berlin"))', 0),
    Case('ExtractMinute("opens")', 45),
    Case('ExtractSecond("made")', 6),
    Case('Extract("day", "quarter")', 4),
    Case('Trunc("made", "month")', utc(2024, 12, 1)),
    Case('Trunc("made", "day", DateField(), ZoneInfo("Europe/Berlin"))', dt.date(2024, 12, 31)),
    Case('TruncYear("made")', utc(2024, 1, 1)),
    Case('TruncYear("day")', dt.date(2024, 1, 1)),
    Case('TruncYear("local", tzinfo=ZoneInfo("Europe/Berlin"))', dt.datetime(2023, 12, 31, 23)),
    Case('TruncQuarter("made")', utc(2024, 10, 1)),
    Case('TruncMonth("made", tzinfo=ZoneInfo("Europe/Berlin"))', utc(2024, 11, 30, 23)),
    Case('TruncWeek("made")', utc(2024, 12, 30)),
    Case('TruncDay("made", tzinfo=ZoneInfo("Europe/Berlin"))', utc(2024, 12, 30, 23)),
    Case('TruncHour("made")', utc(2024, 12, 30, 23)),
    Case('TruncHour("made", output_field=TimeField())', dt.time(23)),
    Case('TruncMinute("opens")', dt.time(23, 45)),
    Case('TruncSecond("local")', dt.datetime(2024, 12, 30, 23, 45, 6)),
    Case('TruncDate("made")', dt.date(2024, 12, 30)),
    Case('TruncDate("made", tzinfo=ZoneInfo("Europe/Berlin"))', dt.date(2024, 12, 31)),
    Case('TruncTime("made")', MADE.time()),
]

TRANSFORMS = [
    Lookup('name__lower="ann éluard"'),
    Lookup('name__lower__startswith="ann"'),
    Lookup('name__upper__in=["ANN ÉLUARD"]'),
    Lookup('code__trim="x1"'),
    Lookup("code__ltrim__length=3"),
    Lookup("code__rtrim__length=3"),
    Lookup("name__length__gt=9"),
    Lookup('name__reverse__startswith="drau"'),
    Lookup("name__ord=65"),
    Lookup(f'name__md5="{digest("md5")}"'),
    Lookup('number__chr__contains="x"', keeps=False),
    Lookup("number__abs=7"),
    Lookup("price__round=13"),
    Lookup("ratio__ceil=1"),
    Lookup("number__sqrt__lt=2.7"),
    Lookup("made__year=2024"),
    Lookup("made__year__gt=2023"),
    Lookup("made__year__lte=2024"),
    Lookup("made__year__range=(2020, 2024)"),
    Lookup("made__year__in=[2023, 2024]"),
    Lookup("day__year__gte=2025", keeps=False),
    Lookup("made__iso_year=2025"),
    Lookup("made__quarter=4"),
    Lookup("made__month=12"),
    Lookup("made__week=1"),
    Lookup("made__week_day=2"),
    Lookup("made__iso_week_day=1"),
    Lookup("made__day__lt=31"),
    Lookup("made__hour=23"),
    Lookup("opens__minute__gte=45"),
    Lookup("made__second=6"),
    Lookup("made__date=date(2024, 12, 30)"),
    Lookup("made__date__range=(date(2024, 12, 1), date(2024, 12, 30))"),
    Lookup("made__date__month__in=[11, 12]"),
    Lookup("made__time__lt=time(23, 46)"),
    Lookup("made__time__hour=23"),
    Lookup('made__year=F("number")', keeps=False),
]

GROUPS: dict[str, list[Case]] = {"Comparison": COMPARISON, "Text": TEXT, "Numbers": MATH, "Dates and times": DATES}
CONDITIONS: dict[str, list[Lookup]] = {"Transforms": TRANSFORMS}
