"""Random conditions as source text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tests.properties.query_values import COLUMNS, RELATIONS, Maker, Path

#: Where a condition may cross relations to many rows: nowhere, as it stands, or under a negation.
#: Both in one filter() is a difference that is explained.
Crossing = Literal["no", "plain", "negated"]
_CROSSINGS: tuple[Crossing, ...] = ("no", "plain", "negated")

_ORDERED = {"int", "decimal", "float", "date", "datetime", "time", "span", "text", "uuid"}
_PARTS_OF_DATES = {
    "year": 2024, "iso_year": 2024, "month": 12, "day": 31, "week": 1, "week_day": 2, "iso_week_day": 1, "quarter": 4,
}  # fmt: skip
_PARTS_OF_TIMES = {"hour": 23, "minute": 30, "second": 0}


def condition(
    maker: Maker, model: str, *, depth: int = 3, crossing: Crossing | None = None, negated: bool = False
) -> str:
    """Return the text of a Q over ``model``; ``negated``: it is for exclude()."""
    chosen: Crossing = "no" if maker.across == "" else maker.pick(_CROSSINGS)
    chosen = crossing or chosen
    if negated and chosen == "negated":
        chosen = "plain"
    return _tree(maker, model, depth, chosen, negated=negated, inside=False)


def _tree(maker: Maker, model: str, depth: int, crossing: Crossing, *, negated: bool, inside: bool) -> str:
    """Return a tree; it is ``negated`` by what is around it, and ``inside`` of a negation of this tree."""
    if depth == 0 or maker.chance(0.45):
        return _leaf(maker, model, many=crossing == ("negated" if inside else "plain"), negated=negated)
    turned = maker.chance(0.3)
    negated, inside = negated or turned, inside or turned
    connector = maker.pick(["&", "&", "|", "|", "^"])
    if connector == "^":  # Django's loses rows without a related row
        return f"Q({' ^ '.join(_own(maker, model) for _ in range(maker.draw.randint(2, 4)))})"
    children = [
        _tree(maker, model, depth - 1, crossing, negated=negated, inside=inside)
        for _ in range(maker.draw.randint(1, 3))
    ]
    joined = f" {connector} ".join(children)
    return f"~Q({joined})" if turned else f"Q({joined})"


def _own(maker: Maker, model: str) -> str:
    """Return a test of a column of the model itself."""
    own = [Path(name, kind, many=False) for name, kind in COLUMNS[model].items()]
    return f"Q({keyword(maker, maker.pick(own))})"


def _leaf(maker: Maker, model: str, *, many: bool, negated: bool) -> str:
    kind = maker.draw.random()
    if kind < 0.12:
        return _of_relation(maker, model, many=many, negated=negated)
    if kind < 0.2 and not many:
        return _of_query(maker, model, negated=negated)
    if kind < 0.3:
        return _of_columns(maker, model, negated=negated)
    path = maker.path(model, many=many, negated=negated)
    while path is None or (negated and not many and path.kind[-1] == "!" and "__" in path.text):
        # Django may lose rows without a related row where the column itself is never NULL.
        path = maker.path(model, many=many, negated=negated)
    return f"Q({keyword(maker, path, negated=negated)})"


def _of_relation(maker: Maker, model: str, *, many: bool, negated: bool) -> str:
    step = maker.relation(model, many=many, negated=negated)
    if step is None:
        return "Q(id__gt=3)"
    name, _, crossed = step
    if maker.chance(0.4) and (negated or not crossed):  # Django repeats rows for the others that they have
        return f"Q({name}__isnull={maker.chance(0.5)})"
    if maker.chance(0.4):
        return f"Q({name}__in={sorted({maker.draw.randint(1, 9) for _ in range(maker.draw.randint(1, 3))})})"
    if maker.chance(0.2) and not crossed:
        return f"Q({name}=None)"
    return f"Q({name}{maker.pick(['', '__pk', '__id', '__id__lt'])}={maker.draw.randint(1, 9)})"


def _of_query(maker: Maker, model: str, *, negated: bool) -> str:
    other = maker.pick(list(COLUMNS))
    inner = condition(maker, other, depth=1, crossing="no")
    columns = [name for name, kind in COLUMNS[other].items() if kind.rstrip("!") == "int"]
    links = [name for name, (to, many) in RELATIONS[other].items() if to == model and not many]
    link = maker.pick(links) if links and maker.chance(0.6) else None
    if link is not None and maker.chance(0.5):
        return f"Exists({other}.objects.filter({inner}, {link}=OuterRef('pk')))"
    name = link or maker.pick(columns)
    if negated:  # Django finds nothing by NOT IN where there is a NULL among the values
        inner = f"{inner}, {name}__isnull=False"
    left = "id" if link else maker.pick(_integers(model))
    return f"Q({left}__in={other}.objects.filter({inner}).values('{name}'))"


def _integers(model: str) -> list[str]:
    return [name for name, kind in COLUMNS[model].items() if kind.rstrip("!") == "int"]


def _of_columns(maker: Maker, model: str, *, negated: bool) -> str:
    left = maker.some_path(model, {"int", "decimal", "float"})
    right = maker.some_path(model, {"int"})
    assert left is not None
    assert right is not None
    if negated:  # Django loses rows where what is computed is NULL, or there is no related row
        value = f"F('{maker.pick(_integers(model))}')"
    else:
        value = f"F('{right.text}'){maker.pick(['', ' + 1', ' * 2'])}"
    return f"Q({left.text}{maker.pick(['', '__gt', '__gte', '__lt', '__lte'])}={value})"


def keyword(maker: Maker, path: Path, *, negated: bool = False) -> str:
    """Return a keyword that tests the column of ``path``."""
    kind = path.plain
    if negated and kind == "json":  # Django loses documents without the key
        return f"{path.text}__{maker.pick(['a__isnull', 'b__c__isnull', 'isnull'])}={maker.chance(0.5)}"
    if maker.chance(0.12):
        return f"{path.text}__isnull={maker.chance(0.5)}"
    if maker.chance(0.05) and kind != "json" and not path.many:
        return f"{path.text}=None"
    special = _SPECIAL.get(kind)
    if special is not None and maker.chance(0.6):
        return special(maker, path.text)
    return _common(maker, path.text, kind, many=path.many)


def _common(maker: Maker, path: str, kind: str, *, many: bool) -> str:
    if kind == "json":
        return f"{path}={maker.value('json')}"
    if kind == "bool":
        return f"{path}{maker.pick(['', '__exact'])}={maker.value(kind)}"
    if maker.chance(0.2):
        # An empty list beside others, across a relation to many rows, is a difference that is explained.
        return f"{path}__in={maker.values(kind, least=1 if many else 0)}"
    if kind in _ORDERED and maker.chance(0.15):
        return f"{path}__range=({maker.value(kind)}, {maker.value(kind)})"
    if kind in _ORDERED and maker.chance(0.6):
        return f"{path}__{maker.pick(['gt', 'gte', 'lt', 'lte'])}={maker.value(kind)}"
    return f"{path}={maker.value(kind)}"


def _text(maker: Maker, path: str) -> str:
    if maker.chance(0.15):
        return f"{path}__length{maker.pick(['', '__gt', '__lte'])}={maker.draw.randint(0, 5)}"
    if maker.chance(0.15):
        pattern = maker.pick(["^a", "n+", "^[A-Z]", "^$", "日", "o.N", "b$"])
        return f"{path}__{maker.pick(['regex', 'iregex'])}={pattern!r}"
    if not maker.sqlite and maker.chance(0.2):
        return f"{path}__{maker.pick(['lower', 'upper'])}{maker.pick(['', '__startswith', '__contains'])}={maker.part(insensitive=False)}"
    if maker.chance(0.5):
        lookup = maker.pick(["iexact", "icontains", "istartswith", "iendswith"])
        return f"{path}__{lookup}={maker.part(insensitive=True)}"
    return f"{path}__{maker.pick(['contains', 'startswith', 'endswith'])}={maker.part(insensitive=False)}"


def _part_of(maker: Maker, path: str, parts: dict[str, int]) -> str:
    name = maker.pick(list(parts))
    number = parts[name] + maker.pick([-1, 0, 0, 0, 1])
    if maker.chance(0.15):
        return f"{path}__{name}__in=[{number}, {number + 1}]"
    if maker.chance(0.15):
        return f"{path}__{name}__range=({number - 1}, {number})"
    return f"{path}__{name}{maker.pick(['', '', '__gt', '__gte', '__lt', '__lte'])}={number}"


def _date(maker: Maker, path: str) -> str:
    return _part_of(maker, path, _PARTS_OF_DATES)


def _time(maker: Maker, path: str) -> str:
    return _part_of(maker, path, _PARTS_OF_TIMES)


def _datetime(maker: Maker, path: str) -> str:
    if maker.chance(0.3):
        return f"{path}__date{maker.pick(['', '__gt', '__lte'])}={maker.value('date')}"
    if maker.chance(0.2):
        return f"{path}__time{maker.pick(['', '__gt', '__lte'])}={maker.value('time')}"
    if maker.chance(0.15):
        return f"{path}__date__year={maker.pick([2023, 2024])}"
    return _part_of(maker, path, maker.pick([_PARTS_OF_DATES, _PARTS_OF_TIMES]))


def _json(maker: Maker, path: str) -> str:
    key = maker.pick(["a", "b", "b__c", "b__d", "l", "l__0", "l__2", "s", "t", "zz", "b__d__0__e"])
    if maker.sqlite:  # Django compares by other rules there, and knows no keys of arrays
        return f"{path}__{key}={maker.pick([1, 2.5, 'x', 'Ann', True, False, None])!r}"
    if maker.chance(0.25):
        return f"{path}__{maker.pick(['has_key', 'has_key', 'b__has_key'])}={maker.pick(['a', 'b', 'c', 's', 'zz'])!r}"
    if maker.chance(0.15):
        return f"{path}__{maker.pick(['has_keys', 'has_any_keys'])}={maker.pick([['a', 'b'], ['s', 't'], ['zz', 'l']])}"
    if maker.chance(0.2):
        return f"{path}__{key}__isnull={maker.chance(0.5)}"
    if maker.chance(0.2) and not maker.sqlite:
        value = maker.pick([{"a": 1}, {"b": {"c": "x"}}, {"l": [1]}, [1], [], {}, "a", 3])
        return f"{path}__{maker.pick(['contains', 'contained_by'])}={value!r}"
    if maker.chance(0.2):
        return f"{path}__{maker.pick(['s', 'b__c'])}__{maker.pick(['icontains', 'iexact', 'istartswith'])}={maker.part(insensitive=True)}"
    if maker.chance(0.3):
        return f"{path}__a__{maker.pick(['gt', 'gte', 'lt', 'lte'])}={maker.pick([0, 1, 2, 2.5, 7])}"
    if maker.chance(0.2):
        return f"{path}__{key}__in={maker.pick([[1, 2.5], ['x', 'Ann'], [True], [1, 'x']])!r}"
    return (
        f"{path}__{key}={maker.pick([1, 2.5, '1', 'x', 'Ann', True, False, None, [], {}, [1, 2, 'q'], {'c': 'x'}])!r}"
    )


_SPECIAL: dict[str, Callable[[Maker, str], str]] = {
    "text": _text,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "json": _json,
}
