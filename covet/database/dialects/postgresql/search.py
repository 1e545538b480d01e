"""PostgreSQL's text search and trigrams. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from covet.database.dialects.postgresql.documents import PostgreSQLDocuments
from covet.database.sql.nodes import Function
from covet.database.sql.visitor import Pieces

#: Function -> its SQL: ``{0}``, ``{1}`` are the arguments, ``{*}`` all of them. No argument is ever text of a form.
_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "search_both": "({0} && {1})",
        "search_config": "CAST({0} AS regconfig)",
        "search_either": "({0} || {1})",
        "search_headline": "TS_HEADLINE({*})",
        "search_integer": "CAST({0} AS integer)",
        "search_matches": "({0} @@ {1})",
        "search_phrase": "PHRASETO_TSQUERY({*})",
        "search_plain": "PLAINTO_TSQUERY({*})",
        "search_rank": "CAST(TS_RANK({*}) AS double precision)",
        "search_rank_covers": "CAST(TS_RANK_CD({*}) AS double precision)",
        "search_raw": "TO_TSQUERY({*})",
        "search_reals": "CAST({0} AS real[])",
        "search_text": "CONCAT_WS({*})",
        "search_value": "{0}",
        "search_vector": "TO_TSVECTOR({*})",
        "search_vectors": "({0} || {1})",
        "search_websearch": "WEBSEARCH_TO_TSQUERY({*})",
        "search_weighted": 'SETWEIGHT({0}, CAST({1} AS "char"))',
        "search_without": "(!! {0})",
        "trigram_distance": "({0} <-> {1})",
        "trigram_similar": "({0} % {1})",
        "trigram_similarity": "CAST(SIMILARITY({0}, {1}) AS double precision)",
        "trigram_strict_word_distance": "({1} <<<-> {0})",
        "trigram_strict_word_similar": "({0} %>> {1})",
        "trigram_strict_word_similarity": "CAST(STRICT_WORD_SIMILARITY({1}, {0}) AS double precision)",
        "trigram_word_distance": "({1} <<-> {0})",
        "trigram_word_similar": "({0} %> {1})",
        "trigram_word_similarity": "CAST(WORD_SIMILARITY({1}, {0}) AS double precision)",
    }
)


class PostgreSQLSearch(PostgreSQLDocuments):
    """Prints searches for PostgreSQL."""

    def visit_function(self, node: Function) -> Pieces:
        form = _FORMS.get(node.name)
        return super().visit_function(node) if form is None else self.placed(form, node.arguments)
