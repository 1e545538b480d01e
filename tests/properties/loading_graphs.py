"""Random graphs of models: foreign keys to keys and to unique fields, one-to-one and many-to-many of every kind."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

import covet
from tests.properties.loading import Kind, Rows, Step

MODELS = 4
_ROWS = 4

Through = Literal["automatic", "given", "symmetrical"]


@dataclass(frozen=True)
class Edge:
    """``models[source].name`` leads to ``models[target]``, and ``models[target].back`` the other way."""

    name: str
    source: int
    target: int
    back: str = ""
    nullable: bool = False
    single: bool = False
    to_code: bool = False
    through: Through | None = None

    def field(self, prefix: str) -> Any:
        """Return the field that declares it."""
        target = f"{prefix}{self.target}"
        if self.through == "symmetrical":
            return covet.ManyToManyField("self", symmetrical=True)
        if self.through is not None:
            to = "self" if self.source == self.target else target
            more: dict[str, Any] = {"symmetrical": False} if to == "self" else {}
            if self.through == "given":
                more |= {"through": f"{prefix}{self.name.title()}", "through_fields": ("near", "far")}
            return covet.ManyToManyField(to, related_name=self.back, **more)
        make: Any = covet.OneToOneField if self.single else covet.ForeignKey
        more = {"to_field": "code"} if self.to_code else {}
        return make(target, null=self.nullable, related_name=self.back, **more)


@dataclass(frozen=True)
class Graph:
    """Models, and the relations between them."""

    edges: tuple[Edge, ...]
    models: list[Any]
    tables: list[Any]
    steps: list[Step]

    async def store(self, draw: random.Random) -> Rows:
        """Store random rows in the place of what was there."""
        for model in (*self.tables, *self.models[::-1]):
            await model.objects.all().delete()
        keys: dict[type[Any], list[int]] = {model: [] for model in self.models}
        pairs: dict[Edge, set[tuple[int, int]]] = {edge: set() for edge in self.edges}
        for source, model in enumerate(self.models):
            own = [edge for edge in self.edges if edge.source == source and edge.through is None]
            for number in range(draw.randrange(_ROWS)):
                ends = {edge: self._end(edge, keys, pairs, draw) for edge in own}
                if any(end is None and not edge.nullable for edge, end in ends.items()):
                    continue
                values = {f"{edge.name}_id": _code(end) if edge.to_code else end for edge, end in ends.items()}
                key = source * _ROWS + number + 1
                await model.create(id=key, code=_code(key), **values)
                keys[model].append(key)
                for edge, end in ends.items():
                    if end is not None:
                        pairs[edge].add((key, end))
        for edge in self.edges:
            if edge.through is not None:
                pairs[edge] = await self._link(edge, keys, draw)
        return Rows(keys, {step: _ends(edge, pairs, turned=turned) for step, edge, turned in _steps(self)})

    def _end(
        self, edge: Edge, keys: dict[type[Any], list[int]], pairs: dict[Edge, set[tuple[int, int]]], draw: random.Random
    ) -> int | None:
        taken = {end for _, end in pairs[edge]} if edge.single else set()
        free = [key for key in keys[self.models[edge.target]] if key not in taken]
        return draw.choice([*free, None] if edge.nullable else free) if free else None

    async def _link(self, edge: Edge, keys: dict[type[Any], list[int]], draw: random.Random) -> set[tuple[int, int]]:
        here, there = keys[self.models[edge.source]], keys[self.models[edge.target]]
        chosen = {(a, b) for a in here for b in there if draw.random() < 0.4}
        if edge.through == "symmetrical":
            chosen |= {(b, a) for a, b in chosen}
        relation = getattr(self.models[edge.source], edge.name).relation
        near, far = relation.through.source.attname, relation.through.target.attname
        table = relation.through.model
        await table.objects.bulk_create([table(**{near: a, far: b}) for a, b in sorted(chosen)])
        return chosen


def _code(key: int | None) -> int | None:
    return None if key is None else 100 + key


def _ends(edge: Edge, pairs: dict[Edge, set[tuple[int, int]]], *, turned: bool) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one, other in sorted(pairs[edge]):
        near, far = (other, one) if turned else (one, other)
        found.setdefault(near, []).append(far)
    return found


def _step(graph_models: list[Any], edge: Edge, *, turned: bool) -> Step:
    """Return one direction of an edge, with the plain query for its rows."""
    source, target = graph_models[edge.source], graph_models[edge.target]
    model, remote = (target, source) if turned else (source, target)
    name = edge.back if turned else edge.name

    async def forward(row: Any) -> list[Any]:
        key = getattr(row, f"{edge.name}_id")
        return [] if key is None else [await remote.objects.get(**{"code" if edge.to_code else "id": key})]

    async def backward(row: Any) -> list[Any]:
        return list(await remote.objects.filter(**{f"{edge.name}_id": row.code if edge.to_code else row.id}))

    async def linked(row: Any) -> list[Any]:
        through = getattr(source, edge.name).relation.through
        near, far = through.source.attname, through.target.attname
        near, far = (far, near) if turned else (near, far)
        keys = await through.model.objects.filter(**{near: row.id}).values_list(far, flat=True)
        return [await remote.objects.get(id=key) for key in keys]

    if edge.through is not None:
        return Step(name, model, remote, "many", linked)
    if not turned:
        return Step(name, model, remote, "forward", forward, known=edge.back if edge.single else None)
    kind: Kind = "one" if edge.single else "many"
    return Step(name, model, remote, kind, backward, known=edge.name)


def _steps(graph: Graph) -> list[tuple[Step, Edge, bool]]:
    """Return every step with the edge that it goes along, and whether it goes against its direction."""
    both = [(edge, turned) for edge in graph.edges for turned in (False, True) if not turned or edge.back]
    return [(step, edge, turned) for step, (edge, turned) in zip(graph.steps, both, strict=True)]


def _edge(draw: random.Random, source: int, number: int) -> Edge:
    name, target = f"r{source}{number}", draw.randrange(MODELS)
    if draw.random() < 0.4:
        kinds: list[Through] = ["automatic", "given", *(["symmetrical"] if target == source else [])]  # type: ignore[list-item]  # of that type
        through = draw.choice(kinds)
        return Edge(name, source, target, "" if through == "symmetrical" else f"{name}_back", through=through)
    # What must refer to something refers to an earlier model: otherwise no first row could be stored.
    nullable = target >= source or draw.random() < 0.5
    single, to_code = draw.random() < 0.3, draw.random() < 0.3
    return Edge(name, source, target, f"{name}_back", nullable=nullable, single=single, to_code=to_code)


def _graph(seed: int) -> Graph:
    draw = random.Random(seed)
    edges = tuple(_edge(draw, model, number) for model in range(MODELS) for number in range(draw.randint(1, 3)))
    prefix = f"Loading{seed}Node"
    make: Any = type(covet.Model)
    tables: list[Any] = []
    for edge in edges:
        if edge.through == "given":
            fields = {
                "near": covet.ForeignKey(f"{prefix}{edge.source}", related_name="+"),
                "far": covet.ForeignKey(f"{prefix}{edge.target}", related_name="+"),
                "note": covet.CharField(max_length=9, default="new"),
            }
            tables.append(make(f"{prefix}{edge.name.title()}", (covet.Model,), {**fields, "__module__": __name__}))
    models: list[Any] = []
    for model in range(MODELS):
        own: dict[str, Any] = {edge.name: edge.field(prefix) for edge in edges if edge.source == model}
        own |= {"code": covet.IntegerField(unique=True), "__module__": __name__}
        models.append(make(f"{prefix}{model}", (covet.Model,), own))
    steps = [
        _step(models, edge, turned=turned) for edge in edges for turned in (False, True) if not turned or edge.back
    ]
    return Graph(edges, models, tables, steps)


GRAPHS = [_graph(seed) for seed in range(10)]
