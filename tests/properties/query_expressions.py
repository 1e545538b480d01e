"""Random expressions as source text, by the kind of what they yield."""

from __future__ import annotations

from collections.abc import Callable

from tests.properties.query_conditions import condition
from tests.properties.query_values import Maker

_FIELDS = {
    "int": "IntegerField()", "text": "CharField(max_length=99)", "decimal": "DecimalField(max_digits=12, decimal_places=2)",
    "float": "FloatField()", "bool": "BooleanField()", "date": "DateField()", "datetime": "DateTimeField()",
    "time": "TimeField()", "span": "DurationField()", "uuid": "UUIDField()",
}  # fmt: skip

KINDS = list(_FIELDS)


def column(maker: Maker, model: str, kind: str) -> str:
    """Return an F of that kind, or a value."""
    path = maker.some_path(model, {kind})
    return f"F('{path.text}')" if path else value(maker, kind)


def value(maker: Maker, kind: str) -> str:
    """Return a Value of that kind."""
    return f"Value({maker.value(kind)}, output_field={_FIELDS[kind]})"


def expression(maker: Maker, model: str, kind: str, depth: int = 2) -> str:
    """Return an expression that yields ``kind``."""
    if depth == 0 or maker.chance(0.15):
        return column(maker, model, kind)
    if maker.chance(0.35):
        return _any_kind(maker, model, kind, depth)
    return maker.pick(_OF[kind])(maker, model, depth - 1)


def _any_kind(maker: Maker, model: str, kind: str, depth: int) -> str:
    def of() -> str:
        return expression(maker, model, kind, depth - 1)

    form = maker.draw.randrange(5)
    if form == 0:
        return f"Coalesce({of()}, {of()}, {value(maker, kind)})"
    if form == 1:
        whens = [
            f"When({condition(maker, model, depth=1, crossing='no')}, then={of()})"
            for _ in range(maker.draw.randint(1, 2))
        ]
        default = f", default={of()}" if maker.chance(0.6) else ""
        return f"Case({', '.join(whens)}{default}, output_field={_FIELDS[kind]})"
    if form == 2 and kind != "bool":
        return f"NullIf({of()}, {value(maker, kind)})"
    if form == 3 and kind in {"int", "date", "datetime", "text"}:
        arguments = [of(), of()]
        if maker.sqlite:  # Django's functions give NULL there where one argument is
            arguments = [f"Coalesce({argument}, {value(maker, kind)})" for argument in arguments]
        return f"{maker.pick(['Greatest', 'Least'])}({', '.join(arguments)})"
    return _subquery(maker, model, kind)


def _subquery(maker: Maker, model: str, kind: str) -> str:
    link = {
        "Author": [("Book", "author"), ("Book", "editor"), ("Author", "mentor"), ("Profile", "author")],
        "Book": [("Review", "book"), ("Book", "author__books")],
    }.get(model)
    if link is None:
        return column(maker, model, kind)
    other, path = maker.pick(link)
    found = maker.path(other, {kind}, depth=0)
    if found is None:
        return column(maker, model, kind)
    inner = condition(maker, other, depth=1, crossing="no")
    order = maker.pick(["'id'", "'-id'"])
    query = (
        f"{other}.objects.filter({path}=OuterRef('pk')).filter({inner}).order_by({order}).values('{found.text}')[:1]"
    )
    return f"Subquery({query})"


def _int(maker: Maker, model: str, depth: int) -> str:
    def of(kind: str = "int") -> str:
        return expression(maker, model, kind, depth)

    forms: list[Callable[[], str]] = [
        lambda: f"({of()} {maker.pick(['+', '-', '*'])} {of()})",
        lambda: f"({of()} {maker.pick(['+', '-', '*'])} {maker.draw.randint(-3, 4)})",
        lambda: f"({of()} {maker.pick(['/', '%'])} {maker.draw.randint(2, 4)})",
        lambda: f"Length({of('text')})",
        lambda: f"Abs({of()})",
        lambda: f"StrIndex({of('text')}, Value({maker.part(insensitive=False)}))",
        lambda: f"Sign({of()})" if maker.sqlite else of(),  # a float in Django on PostgreSQL
        lambda: (
            f"{maker.pick(['ExtractYear', 'ExtractMonth', 'ExtractDay', 'ExtractWeek', 'ExtractQuarter', 'ExtractIsoYear', 'ExtractWeekDay', 'ExtractIsoWeekDay'])}({of('date')})"
        ),
        lambda: (
            f"{maker.pick(['ExtractYear', 'ExtractDay', 'ExtractHour', 'ExtractMinute', 'ExtractSecond', 'ExtractWeek'])}({of('datetime')}{_zone(maker)})"
        ),
        lambda: f"{maker.pick(['ExtractHour', 'ExtractMinute'])}({of('time')})",
        lambda: f"{of()}.{maker.pick(['bitand', 'bitor', 'bitxor'])}({maker.draw.randint(1, 6)})",
        lambda: f"Cast({of()}, IntegerField())",
        lambda: f"Ord(Concat({of('text')}, Value('x')))",  # of an empty text Django has NULL on SQLite
    ]
    return maker.pick(forms)()


def _zone(maker: Maker) -> str:
    return maker.pick(["", ", tzinfo=ZoneInfo('Europe/Berlin')", ", tzinfo=ZoneInfo('America/New_York')"])


def _text(maker: Maker, model: str, depth: int) -> str:
    def of(kind: str = "text") -> str:
        return expression(maker, model, kind, depth)

    inner = "MD5({})" if maker.sqlite else "{}"  # Django's Lower and Upper know ASCII there
    forms: list[Callable[[], str]] = [
        lambda: f"{maker.pick(['Lower', 'Upper'])}({inner.format(of())})",
        lambda: f"Concat({of()}, Value('-'), {of()})",
        lambda: f"{maker.pick(['Left', 'Right'])}({of()}, {maker.draw.randint(1, 4)})",
        lambda: f"Substr({of()}, {maker.draw.randint(1, 3)}{maker.pick(['', ', 2'])})",
        lambda: f"Replace({of()}, Value({maker.part(insensitive=False)}), Value('+'))",
        lambda: f"{maker.pick(['Trim', 'LTrim', 'RTrim'])}(Concat(Value(' '), {of()}, Value(' ')))",
        lambda: f"{maker.pick(['LPad', 'RPad'])}({of()}, {maker.draw.randint(1, 8)}, Value('ab'))",
        lambda: f"Repeat({of()}, {maker.draw.randint(0, 3)})",
        lambda: f"Reverse({of()})",
        lambda: f"Cast({of('int')}, CharField(max_length=20))",
        lambda: f"{maker.pick(['MD5', 'SHA256'])}({of()})",
        lambda: (
            f"F('{path.text}')[{maker.pick(['0', '1:3', ':2', '1:'])}]"
            if (path := maker.some_path(model, {"text"}))
            else of()
        ),
    ]
    return maker.pick(forms)()


def _decimal(maker: Maker, model: str, depth: int) -> str:
    def of(kind: str = "decimal") -> str:
        return expression(maker, model, kind, depth)

    forms: list[Callable[[], str]] = [
        lambda: f"({of()} {maker.pick(['+', '-', '*'])} {of('int')})",
        lambda: f"({of()} {maker.pick(['+', '-'])} {of()})",
        lambda: f"({of()} / 2)" if not maker.sqlite else of(),  # Django's decimals there may be integers
        lambda: f"{maker.pick(['Abs', 'Floor', 'Ceil'])}({of()})",
        lambda: f"Cast({of('int')}, DecimalField(max_digits=12, decimal_places=2))",
    ]
    return maker.pick(forms)()


def _float(maker: Maker, model: str, depth: int) -> str:
    def of(kind: str = "float") -> str:
        return expression(maker, model, kind, depth)

    forms: list[Callable[[], str]] = [
        lambda: f"({of()} {maker.pick(['+', '-', '*'])} {of('int')})",
        lambda: f"({of()} {maker.pick(['+', '-', '*', '/'])} {maker.pick([0.5, 2, 4.0])})",
        lambda: (
            f"{maker.pick(['Abs', 'Floor', 'Ceil', 'Sin', 'Cos', 'ATan', 'Exp', 'Radians'])}({column(maker, model, 'float')})"
        ),
        lambda: f"Cast({of('int')}, FloatField())",
        lambda: f"Sqrt(Abs({of()}))",
        lambda: f"Power({column(maker, model, 'float')}, 2)",
    ]
    return maker.pick(forms)()


def _bool(maker: Maker, model: str, depth: int) -> str:
    test = condition(maker, model, depth=min(depth, 1), crossing="no")
    if maker.chance(0.3) and model == "Author":
        inner = condition(maker, "Book", depth=1, crossing="no")
        return f"Exists(Book.objects.filter({inner}, {maker.pick(['author', 'editor'])}=OuterRef('pk')))"
    return f"Case(When({test}, then=Value(True)), default=Value(False), output_field=BooleanField())"


#: Kinds that truncations yield.
TRUNCATED = {"date", "datetime", "time"}


def truncation(maker: Maker, model: str, kind: str) -> str:
    """Return a truncation; inside other functions Django's has another type, or another time zone."""
    moment = column(maker, model, "datetime")
    if kind == "time":
        return f"TruncTime({moment}{_zone(maker)})"
    if kind == "date" and maker.chance(0.4):
        return f"TruncDate({moment}{_zone(maker)})"
    steps = ["Year", "Quarter", "Month", "Week", "Day"]
    if kind == "date":
        return f"Trunc{maker.pick(steps)}({column(maker, model, 'date')})"
    return f"Trunc{maker.pick([*steps, 'Hour', 'Minute', 'Second'])}({moment}{_zone(maker)})"


def _column(kind: str) -> Callable[[Maker, str, int], str]:
    return lambda maker, model, _depth: column(maker, model, kind)


def _datetime(maker: Maker, model: str, depth: int) -> str:
    hours = maker.draw.randint(-30, 30)
    moment = expression(maker, model, "datetime", depth)
    return f"ExpressionWrapper({moment} + timedelta(hours={hours}), output_field=DateTimeField())"


def _span(maker: Maker, model: str, depth: int) -> str:
    if maker.chance(0.5):
        return f"ExpressionWrapper({column(maker, model, 'datetime')} - {column(maker, model, 'datetime')}, output_field=DurationField())"
    return f"ExpressionWrapper({column(maker, model, 'span')} + {column(maker, model, 'span')}, output_field=DurationField())"


_OF: dict[str, list[Callable[[Maker, str, int], str]]] = {
    "int": [_int], "text": [_text], "decimal": [_decimal], "float": [_float], "bool": [_bool], "date": [_column("date")],
    "datetime": [_datetime], "time": [_column("time")], "span": [_span], "uuid": [_column("uuid")],
}  # fmt: skip
