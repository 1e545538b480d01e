"""SearchVectorField, and the lookups of text search and of similarity. PostgreSQL."""

from __future__ import annotations

from typing import Any, ClassVar

from typing_extensions import TypeVar, override

from covet.database.orm.fields.base import Field
from covet.database.orm.fields.text import CharField, TextField
from covet.database.orm.lookups import Lookup, LookupField, TextLookup
from covet.database.schema.types import Boolean, LogicalType, Text, TsQuery, TsVector
from covet.database.sql import nodes
from covet.database.sql.expression_types import type_of

_T = TypeVar("_T", default=str)


class _Search(TextLookup):
    """``search``: the text has all words of the value, whatever their order and form."""

    name = "search"

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return Text()

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        (query,) = values
        if not isinstance(type_of(operand), TsVector):
            operand = nodes.Function("search_vector", (operand,), TsVector())
        if not isinstance(type_of(query), TsQuery):
            query = nodes.Function("search_plain", (query,), TsQuery())
        return nodes.Function("search_matches", (operand, query), Boolean())


class _Matches(_Search):
    """Of a vector, equality is a search."""

    name = "exact"


class SearchVectorField(Field[_T]):
    """A text taken apart for searching: a column ``tsvector``. PostgreSQL.

    >>> class Page(Model):
    ...     body = TextField()
    ...     words = SearchVectorField(nullable=True)
    >>> await Page.objects.update(words=SearchVector("title", weight="A") + SearchVector("body"))
    >>> Page.objects.filter(words="cheese")  # WHERE words @@ PLAINTO_TSQUERY($1)
    """

    own_lookups: ClassVar[dict[str, Lookup]] = {"exact": _Matches(), "search": _Search()}
    own_transforms: ClassVar[dict[str, Any]] = {}

    @property
    @override
    def logical_type(self) -> TsVector:
        return TsVector()


class _Trigram(TextLookup):
    """Similar to the value by the share of trigrams that both have."""

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return Text()

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Function(self.name, (operand, *values), Boolean())


class _TrigramSimilar(_Trigram):
    """``trigram_similar``."""

    name = "trigram_similar"


class _TrigramWordSimilar(_Trigram):
    """``trigram_word_similar``: a part of the text is similar to the value."""

    name = "trigram_word_similar"


class _TrigramStrictWordSimilar(_Trigram):
    """``trigram_strict_word_similar``: a part of the text that begins and ends with words is similar to the value."""

    name = "trigram_strict_word_similar"


for _kind in (CharField, TextField):
    for _lookup in (_Search, _TrigramSimilar, _TrigramWordSimilar, _TrigramStrictWordSimilar):
        _kind.register_lookup(_lookup)
