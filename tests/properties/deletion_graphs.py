"""Random graphs of models, declared twice: to Django and to covet, with the same foreign keys and the same rules."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import django.db.models as dj

import covet
from tests.properties import django_oracle  # sets Django up

__all__ = ["GRAPHS", "ForeignKey", "Graph", "django_oracle"]

MODELS = 4
#: CASCADE is what makes graphs deep, so it is there most often.
_ACTIONS = ["CASCADE"] * 6 + ["PROTECT", "RESTRICT", "RESTRICT", "RESTRICT", "DO_NOTHING"]
_NULLABLE_ACTIONS = [*_ACTIONS, "SET_NULL", "SET_NULL", "SET_DEFAULT", "SET", "SET"]


@dataclass(frozen=True)
class ForeignKey:
    """``models[source].name`` refers to ``models[target]``."""

    name: str
    source: int
    target: int
    nullable: bool
    action: str
    #: The target's second unique column is what is referred to.
    to_code: bool

    def django(self, prefix: str) -> Any:
        """Return the field for Django."""
        rule = dj.SET(_two) if self.action == "SET" else getattr(dj, self.action)
        more: dict[str, Any] = {"to_field": "code"} if self.to_code else {}
        if self.action == "SET_DEFAULT":
            more["default"] = 1
        constraint = self.action != "DO_NOTHING"
        target = f"oracle.{prefix}{self.target}"
        return dj.ForeignKey(target, rule, null=self.nullable, related_name="+", db_constraint=constraint, **more)

    def covet(self, prefix: str) -> Any:
        """Return the field for covet."""
        rule: Any = covet.SET(_two) if self.action == "SET" else self.action
        more: dict[str, Any] = {"to_field": "code"} if self.to_code else {}
        if self.action == "SET_DEFAULT":
            more["default"] = 1
        return covet.ForeignKey(
            f"{prefix}{self.target}", on_delete=rule, null=self.nullable, related_name="+",
            db_constraint=self.action != "DO_NOTHING", **more,
        )  # fmt: skip


def _two() -> int:
    return 2


@dataclass(frozen=True)
class Graph:
    """Models and the foreign keys between them."""

    keys: tuple[ForeignKey, ...]
    django: list[Any]
    covet: list[Any]

    def of(self, model: int) -> list[ForeignKey]:
        """Return the foreign keys of a model."""
        return [key for key in self.keys if key.source == model]


def _key(draw: random.Random, source: int, number: int) -> ForeignKey:
    target = draw.randrange(MODELS)
    # What must refer to something refers to an earlier model: otherwise no first row could be stored.
    nullable = target >= source or draw.random() < 0.5
    action = draw.choice(_NULLABLE_ACTIONS if nullable else _ACTIONS)
    return ForeignKey(f"f{number}", source, target, nullable, action, to_code=draw.random() < 0.3)


def _graph(seed: int) -> Graph:
    draw = random.Random(seed)
    keys = tuple(_key(draw, model, number) for model in range(MODELS) for number in range(draw.randint(1, 3)))
    prefix = f"Graph{seed}Node"
    ours: list[Any] = []
    theirs: list[Any] = []
    for model in range(MODELS):
        name, own = f"{prefix}{model}", [key for key in keys if key.source == model]
        meta = type("Meta", (), {"app_label": "oracle"})
        fields: dict[str, Any] = {key.name: key.django(prefix) for key in own}
        code: Any = dj.IntegerField(unique=True)
        theirs.append(type(name, (dj.Model,), {**fields, "code": code, "Meta": meta, "__module__": __name__}))
        fields = {key.name: key.covet(prefix) for key in own}
        code = covet.IntegerField(unique=True)
        make: Any = type(covet.Model)
        ours.append(make(name, (covet.Model,), {**fields, "code": code, "__module__": __name__}))
    return Graph(keys, theirs, ours)


GRAPHS = [_graph(seed) for seed in range(12)]
