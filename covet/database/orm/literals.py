"""Conditions written into a table's definition: CHECK and the WHERE of partial indexes. Values become literals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.joins import AliasNames, Joins
from covet.database.orm.query.state import EMPTY_STATE
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import SubqueryToken
from covet.database.orm.query.translation import Purpose, Translator
from covet.database.schema.types import LogicalType, Text
from covet.database.sql import nodes
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.conditions import Q
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.sql.statements import Select


class _LiteralTranslator(Translator):
    """Translates with unqualified columns and with literals for parameters."""

    __slots__ = ("values",)

    values: list[object]

    @override
    def column(self, path: ResolvedPath, context: Context = NOWHERE) -> nodes.ColumnRef:
        if path.relations:
            raise ModelDefinitionError(
                f"{path.path!r} crosses a relation; a table's definition speaks of its own columns."
            )
        return nodes.ColumnRef(None, path.field.column, path.field.logical_type)

    @override
    def row_list(self, index: int, path: ResolvedPath) -> nodes.RowList:
        raise ModelDefinitionError(f"{path.path!r}: a table's definition compares single columns with a list.")

    @override
    def param(self, index: int, kind: LogicalType | None) -> nodes.Expression:
        return nodes.Literal(self.values[index], kind or Text())

    @override
    def param_list(self, index: int, kind: LogicalType | None) -> tuple[nodes.Expression, ...]:
        items: list[object] = self.values[index]  # type: ignore[assignment]  # the value of a list lookup
        return tuple(nodes.Literal(item, kind or Text()) for item in items)


def _no_subquery(_token: SubqueryToken, _translator: Translator, _purpose: Purpose = "value") -> Select:
    raise ModelDefinitionError("A table's definition holds no subquery.")


def condition_node(options: Options, condition: Q) -> nodes.Expression:
    """Return the condition as a node for DDL."""
    values: list[object] = []
    token = Tokenizer(options, EMPTY_STATE, values).q(condition)
    translator = _LiteralTranslator(Joins(options, AliasNames()), EMPTY_STATE, _no_subquery)
    translator.values = values
    return translator.predicate(token, NOWHERE)
