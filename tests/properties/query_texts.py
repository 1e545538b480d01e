"""Random querysets as source text that Django and covet both can read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.properties.query_conditions import condition, keyword
from tests.properties.query_expressions import KINDS, TRUNCATED, expression, truncation
from tests.properties.query_values import COLUMNS, RELATIONS, Maker, Path

MODELS = list(COLUMNS)


@dataclass(frozen=True)
class Asked:
    """A queryset, and whether its order says all."""

    text: str
    ordered: bool


def make(seed: str, *, sqlite: bool) -> Asked:
    """Make the queryset of a seed."""
    draw = random.Random(seed)
    return draw.choice(_FORMS)(Maker(draw, sqlite))


def _filters(maker: Maker, model: str, most: int = 2) -> str:
    calls = ""
    for _ in range(maker.draw.randint(0, most)):
        method = maker.pick(["filter", "filter", "exclude"])
        calls += f".{method}({condition(maker, model, negated=method == 'exclude')})"
    return calls


def _key(maker: Maker, text: str) -> str:
    """Sort by ``text``; NULL last, as covet has it on every database, is said where Django would have it first."""
    down = maker.chance(0.5)
    method = "desc" if down else "asc"
    if maker.chance(0.3):
        return f"{text}.{method}({maker.pick(['nulls_first=True', 'nulls_last=True'])})"
    if maker.sqlite:
        return f"{text}.{method}({'nulls_first=True' if down else 'nulls_last=True'})"
    return f"{text}.{method}()"


def _order(maker: Maker, model: str, last: str = "'id'") -> str:
    keys = []
    for _ in range(maker.draw.randint(0, 2)):
        if maker.annotations and maker.chance(0.5):
            keys.append(_key(maker, f"F('{maker.pick(list(maker.annotations))}')"))
        elif maker.chance(0.2):
            maker.full = True
            keys.append(_key(maker, expression(maker, model, maker.pick(["int", "date"]), 1)))
            maker.full = False
        else:
            path = maker.some_path(model, set(KINDS) - {"uuid"})
            assert path is not None
            keys.append(_key(maker, f"F('{path.text}')"))
    return f".order_by({', '.join([*keys, last])})"


def _slice(maker: Maker) -> str:
    low = maker.draw.randint(0, 4)
    return maker.pick(["", "", f"[{low}:{low + maker.draw.randint(0, 6)}]", f"[:{low}]", f"[{low}:]"])


def _annotations(maker: Maker, model: str, most: int = 2) -> str:
    made = {}
    for _ in range(maker.draw.randint(0, most)):
        kind = maker.pick(KINDS)
        if kind in TRUNCATED and maker.chance(0.5):
            text, kind = truncation(maker, model, kind), f"{kind}@"
        else:
            text = expression(maker, model, kind)
        made[maker.name(kind)] = text
    return "".join(f".annotate({name}={text})" for name, text in made.items())


def _hidden(maker: Maker, model: str) -> str:
    """alias() and a condition on it."""
    if maker.chance(0.8):
        return ""
    kind = maker.pick(KINDS)
    text = f".alias(y={expression(maker, model, kind, 1)})"
    return f"{text}.filter({keyword(maker, Path('y', kind, many=False))})"


def _of_annotation(maker: Maker) -> str:
    # Django compares what it truncated in another time zone as if it were of this one.
    known = [(name, kind) for name, kind in maker.annotations.items() if kind[-1] != "@"]
    return _test_of(maker, *maker.pick(known)) if known and maker.chance(0.6) else ""


def _test_of(maker: Maker, name: str, kind: str) -> str:
    # Django's exclude() loses rows whose annotation is NULL: a difference that is explained.
    method = maker.pick(["filter", "exclude"]) if kind[-1] == "!" else "filter"
    return f".{method}({keyword(maker, Path(name, kind, many=False))})"


def _columns(maker: Maker, model: str) -> str:
    names = list(maker.annotations)
    if maker.chance(0.35):
        return ""
    paths = [path.text for _ in range(2) if (path := maker.path(model))]
    chosen = ", ".join(repr(name) for name in dict.fromkeys([*paths, "id", *names]))
    if maker.chance(0.2) and maker.across:
        return f".values({chosen}, z={expression(maker, model, maker.pick(KINDS), 1)})"
    return maker.pick([f".values({chosen})", f".values_list({chosen})"])


def _plain(maker: Maker) -> Asked:
    """Conditions, expressions, order, columns, slices."""
    model = maker.pick(MODELS)
    text = f"{model}.objects{_filters(maker, model)}{_hidden(maker, model)}"
    text += f"{_annotations(maker, model)}{_of_annotation(maker)}"
    text = text if text != f"{model}.objects" else f"{text}.all()"
    end = maker.draw.random()
    if end < 0.15:
        return Asked(f"{text}.{maker.pick(['count()', 'exists()'])}", ordered=True)
    if end < 0.25:
        return Asked(
            f"{text}{_order(maker, model)}.{maker.pick(['first()', 'last()', 'exists()', 'count()'])}", ordered=True
        )
    if end < 0.3:
        keys = maker.pick(["'id'", "'-id'", _key(maker, "F('id')")])
        return Asked(f"{text}.{maker.pick(['latest', 'earliest'])}({keys})", ordered=True)
    if end < 0.35:
        return Asked(f"{text}.in_bulk([1, 2, 3, 5, 8])", ordered=True)
    if end < 0.4:
        return Asked(f"{text}.get(id={maker.draw.randint(1, 8)})", ordered=True)
    if end < 0.6:
        return Asked(f"{text}{_columns(maker, model)}{maker.pick(['', '.distinct()'])}", ordered=False)
    if end < 0.7:
        text = f"{text}{_order(maker, model)}{_columns(maker, model)}{_slice(maker)}"
        return Asked(f"{text}.{maker.pick(['count()', 'exists()'])}", ordered=True)
    order = _order(maker, model) + maker.pick(["", "", ".reverse()"])
    return Asked(f"{text}{order}{_columns(maker, model)}{_slice(maker)}", ordered=True)


def _aggregate(maker: Maker, model: str, path: str, *, filtered: bool = True) -> tuple[str, str]:
    """Return an aggregate over rows at ``path`` (``"books__"`` or ``""``), and its kind."""
    columns = [(name, kind.rstrip("!")) for name, kind in COLUMNS[_end(model, path)].items()]
    condition_ = ""
    if filtered and maker.chance(0.3):
        name, kind = maker.pick(columns)
        found = Path(path + name, kind, many=True)
        condition_ = f", filter=Q({keyword(maker, found)})"
    form = maker.draw.random()
    if form < 0.35:
        name, _ = maker.pick(columns)
        distinct = maker.pick(["", ", distinct=True"]) if name != "data" else ""
        return f"Count('{path}{name}'{distinct}{condition_})", "int!"
    numbers = [(name, kind) for name, kind in columns if kind in {"int", "decimal", "float"}]
    # Django's Sum of bigint on PostgreSQL is a Decimal.
    name, kind = maker.pick([each for each in numbers if each[0] != "id"])
    if form < 0.55:
        argument = f"F('{path}{name}') * 2" if maker.chance(0.2) else f"'{path}{name}'"
        more = maker.pick(["", "", ", distinct=True", ", default=0"]) if kind == "int" else ""
        return f"Sum({argument}{more}{condition_})", kind
    if form < 0.7:
        return f"Avg('{path}{name}'{condition_})", "float" if kind == "int" else kind
    if form < 0.75 and kind != "decimal" and not maker.sqlite:  # Django's fail there where there are no values
        return f"{maker.pick(['StdDev', 'Variance'])}('{path}{name}'{condition_})", "float"
    some = [(name, kind) for name, kind in columns if kind not in {"json", "bool", "uuid"}]
    name, kind = maker.pick(some)
    return f"{maker.pick(['Min', 'Max'])}('{path}{name}'{condition_})", kind


def _end(model: str, path: str) -> str:
    for step in filter(None, path.split("__")):
        model = RELATIONS[model][step][0]
    return model


def _over(maker: Maker, model: str) -> str:
    """Choose what aggregates are over: one relation to many rows, or the model itself."""
    many = [f"{name}__" for name, (_, to_many) in RELATIONS[model].items() if to_many]
    many += [
        f"{name}{inner}__"
        for name in many
        for inner, (_, more) in RELATIONS[_end(model, name)].items()
        if more and _end(model, name) != model
    ]
    return maker.pick(many) if many and maker.chance(0.7) else ""


def _aggregates(maker: Maker, model: str, path: str) -> str:
    made = {}
    for _ in range(maker.draw.randint(1, 3)):
        text, kind = _aggregate(maker, model, path)
        made[maker.name(kind)] = text
    return f".annotate({', '.join(f'{name}={text}' for name, text in made.items())})"


def _per_row(maker: Maker) -> Asked:
    """Ask aggregates of each row, over one relation to many rows."""
    model = maker.pick(["Tag", "Author", "Book"])
    maker.across = ""
    path = _over(maker, model)
    text = f"{model}.objects{_filters(maker, model)}{_aggregates(maker, model, path)}{_of_annotation(maker)}"
    if maker.chance(0.15):
        return Asked(f"{text}.{maker.pick(['count()', 'exists()'])}", ordered=True)
    return Asked(f"{text}{_order(maker, model)}{_columns(maker, model)}{_slice(maker)}", ordered=True)


def _groups(maker: Maker) -> Asked:
    """Group after values()."""
    model = maker.pick(["Author", "Book", "Review", "Profile"])
    maker.across = ""
    text = f"{model}.objects{_filters(maker, model)}"
    keys = []
    for _ in range(maker.draw.randint(1, 2)):
        if maker.chance(0.4):
            kind = maker.pick(["int", "text", "bool", "date"])
            made = expression(maker, model, kind, 1)
            if "F('" not in made:  # by a constant Django does not group
                continue
            name = maker.name(kind)
            text += f".annotate({name}={made})"
            keys.append(name)
        else:
            path = maker.some_path(model, {"int", "text", "bool", "date", "decimal"})
            assert path is not None
            keys.append(path.text)
    keys = list(dict.fromkeys(keys)) or ["id"]
    over = _over(maker, model) if maker.chance(0.5) else ""
    text += f".values({', '.join(map(repr, keys))}){_aggregates(maker, model, over)}"
    counted = [name for name in maker.annotations if name not in keys]
    if maker.chance(0.5):
        name = maker.pick(counted)
        text += _test_of(maker, name, maker.annotations[name])
    if maker.chance(0.15):
        return Asked(f"{text}.{maker.pick(['count()', 'exists()'])}", ordered=True)
    order = ", ".join(
        _key(maker, f"F('{name}')") for name in [*([maker.pick(counted)] if maker.chance(0.5) else []), *keys]
    )
    return Asked(f"{text}.order_by({order}){_slice(maker)}", ordered=True)


def _whole(maker: Maker) -> Asked:
    """Aggregate over all rows."""
    model = maker.pick(MODELS)
    maker.across = ""
    text = f"{model}.objects{_filters(maker, model)}"
    if maker.chance(0.3):
        text += f".distinct(){_order(maker, model)}{_slice(maker)}"
    path = _over(maker, model) if "distinct" not in text else ""  # Django's DISTINCT and LIMIT are of the joined rows
    made = {maker.name("int"): _aggregate(maker, model, path)[0] for _ in range(maker.draw.randint(1, 3))}
    return Asked(f"{text}.aggregate({', '.join(f'{name}={text}' for name, text in made.items())})", ordered=True)


def _windows(maker: Maker) -> Asked:
    """Windows, and conditions on them."""
    model = maker.pick(["Author", "Book", "Review"])
    maker.across = ""
    text = f"{model}.objects{_filters(maker, model, 1)}"
    for _ in range(maker.draw.randint(1, 2)):
        function, kind = _window_function(maker, model)
        parts = maker.some_path(model, {"int", "bool", "text"}) if maker.chance(0.6) else None
        partition = f", partition_by=[F('{parts.text}')]" if parts else ""
        key = maker.some_path(model, {"int", "date", "decimal"})
        assert key is not None
        keys = _key(maker, f"F('{key.text}')")
        frame = ""
        if "(" in function and function.split("(")[0] in {
            "Sum",
            "Avg",
            "Min",
            "Max",
            "Count",
            "FirstValue",
            "LastValue",
        }:
            frame = maker.pick(
                [
                    "",
                    ", frame=RowRange(start=-1, end=0)",
                    ", frame=RowRange(start=None, end=None)",
                    ", frame=RowRange(start=0, end=2)",
                ]
            )
        text += f".annotate({maker.name(kind)}=Window({function}{partition}, order_by=[{keys}, F('id').asc()]{frame}))"
    text += _of_annotation(maker)
    return Asked(f"{text}{_order(maker, model)}{_columns(maker, model)}{_slice(maker)}", ordered=True)


def _window_function(maker: Maker, model: str) -> tuple[str, str]:
    number = next(path for _ in range(99) if (path := maker.some_path(model, {"int"})) and not path.text.endswith("id"))
    return maker.pick([
        ("RowNumber()", "int"), ("Rank()", "int"), ("DenseRank()", "int"), ("PercentRank()", "float"), ("CumeDist()", "float"),
        ("Ntile(3)", "int"), (f"Lag('{number.text}')", "int"), (f"Lead('{number.text}', 2)", "int"),
        (f"Lag('{number.text}', 1, 0)", "int"), (f"FirstValue('{number.text}')", "int"), (f"LastValue('{number.text}')", "int"),
        (f"NthValue('{number.text}', 2)", "int"), (f"Sum('{number.text}')", "int"), (f"Avg('{number.text}')", "float"),
        (f"Count('{number.text}')", "int"), (f"Max('{number.text}')", "int"),
    ])  # fmt: skip


def _combined(maker: Maker) -> Asked:
    """union(), intersection(), difference() and & and |."""
    model = maker.pick(MODELS)
    maker.across, maker.full = "", True
    first, second = (f"{model}.objects.filter({condition(maker, model, depth=2)})" for _ in range(2))
    if maker.chance(0.3):
        connector = maker.pick(["&", "|"])
        return Asked(
            f"({first} {connector} {second}){_order(maker, model)}{_columns(maker, model)}{_slice(maker)}", ordered=True
        )
    method = maker.pick(["union", "intersection", "difference"])
    if maker.chance(0.5):
        names = [
            "id",
            *[name for name, kind in COLUMNS[model].items() if kind.rstrip("!") in {"int", "text"} and name != "id"],
        ]
        chosen = maker.pick([names[:1], names[:2], names[1:3]])
        values = f".values_list({', '.join(map(repr, chosen))})"
        more = ", all=True" if method == "union" and maker.chance(0.4) else ""
        text = f"{first}{values}.{method}({second}{values}{more})"
        return Asked(f"{text}{maker.pick(['', '.count()'])}", ordered=False)
    # JSON has no order by which PostgreSQL's json could be told apart; jsonb has.
    order = f".order_by('{maker.pick(['id', '-id'])}'){_slice(maker)}"
    return Asked(f"{first}.{method}({second}){maker.pick([order, '.count()', '.exists()'])}", ordered=True)


def _calendar(maker: Maker) -> Asked:
    """dates() and datetimes()."""
    model = maker.pick(["Author", "Book"])
    text = f"{model}.objects{_filters(maker, model)}"
    order = maker.pick(["", ", order='DESC'"])
    if maker.chance(0.5):
        name = {"Author": "born", "Book": "published"}[model]
        return Asked(f"{text}.dates('{name}', '{maker.pick(['year', 'month', 'week', 'day'])}'{order})", ordered=True)
    name = {"Author": "joined", "Book": "sold"}[model]
    kind = maker.pick(["year", "month", "week", "day", "hour", "minute", "second"])
    zone = maker.pick(["", ", tzinfo=ZoneInfo('Europe/Berlin')"])
    return Asked(f"{text}.datetimes('{name}', '{kind}'{order}{zone})", ordered=True)


_FORMS: list[Callable[[Maker], Asked]] = [
    *[_plain] * 6, *[_per_row] * 3, *[_groups] * 3, _whole, _whole, _windows, _windows, _combined, _combined, _calendar,
]  # fmt: skip
