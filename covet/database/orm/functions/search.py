"""Text search and similarity of texts. PostgreSQL; another database raises ``NotSupportedError``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict, cast

from typing_extensions import Unpack

from covet.database.orm.expressions import Expression, Func, Value
from covet.database.orm.fields import ArrayField, FloatField
from covet.database.orm.suggestions import choices
from covet.database.schema.types import Float, Text, TsQuery, TsVector

__all__ = [
    "SearchHeadline",
    "SearchQuery",
    "SearchRank",
    "SearchVector",
    "TrigramDistance",
    "TrigramSimilarity",
    "TrigramStrictWordDistance",
    "TrigramStrictWordSimilarity",
    "TrigramWordDistance",
    "TrigramWordSimilarity",
]

#: How the text of a query is read: all words, the words in this order, the syntax of tsquery, as a search engine does.
SearchType = Literal["plain", "phrase", "raw", "websearch"]

_WEIGHTS = ("A", "B", "C", "D")
_MOST_WEIGHTS = 4


class _Config(Func[Any]):
    function = "search_config"
    built_in = True


class _Joined(Func[str]):
    function = "search_text"
    built_in = True
    returns = Text()


class _ToVector(Func[Any]):
    function = "search_vector"
    built_in = True
    returns = TsVector()


class _Weighted(Func[Any]):
    function = "search_weighted"
    built_in = True
    returns = TsVector()


def _given(value: object) -> Expression[Any]:
    """Return what is a value, not a path: as a parameter, or the expression that it is."""
    return cast("Expression[object]", value) if isinstance(value, Expression) else Value(value)


def _configured(config: object) -> tuple[Expression[Any], ...]:
    """Return the argument that names a configuration, if one was given: a name, or an expression."""
    if config is None:
        return ()
    return (_Config(_given(config)),)


class _Vector(Func[str]):
    """A vector, which others may be joined to."""

    returns = TsVector()

    def __add__(self, other: object) -> _Vector:  # type: ignore[override]  # vectors are joined, not added up
        return _JoinedVectors(self, other)


class _JoinedVectors(_Vector):
    function = "search_vectors"
    built_in = True


class SearchVector(_Vector):
    """Texts taken apart for searching. Strings are paths; NULL counts as nothing.

    >>> Page.objects.annotate(words=SearchVector("title", "body", config="english")).filter(words="cheese")

    ``TO_TSVECTOR(CAST($1 AS regconfig), CONCAT_WS($2, title, body)) @@ PLAINTO_TSQUERY($3)``. Vectors are put together
    by ``+``: ``SearchVector("title", weight="A") + SearchVector("body", weight="B")``.
    """

    function = "search_value"
    built_in = True
    returns = TsVector()

    def __init__(self, *expressions: object, config: object = None, weight: str | None = None) -> None:
        if not expressions:
            raise TypeError("SearchVector() takes at least one text.")
        vector: Func[Any] = _ToVector(*_configured(config), _Joined(Value(" "), *expressions))
        if weight is not None:
            if weight not in _WEIGHTS:
                raise ValueError(f"SearchVector() has no weight {weight[:80]!r}. {choices(weight[:80], _WEIGHTS)}")
            vector = _Weighted(vector, Value(weight))
        super().__init__(vector)


class _Query(Func[Any]):
    """A query, which may be combined with others."""

    returns = TsQuery()

    def __and__(self, other: _Query) -> _Query:
        return _Both(self, other)

    def __or__(self, other: _Query) -> _Query:
        return _Either(self, other)

    def __invert__(self) -> _Query:
        return _Without(self)


class _Plain(_Query):
    function = "search_plain"
    built_in = True


class _Phrase(_Query):
    function = "search_phrase"
    built_in = True


class _Raw(_Query):
    function = "search_raw"
    built_in = True


class _WebSearch(_Query):
    function = "search_websearch"
    built_in = True


_QUERIES: dict[str, type[_Query]] = {"plain": _Plain, "phrase": _Phrase, "raw": _Raw, "websearch": _WebSearch}


class SearchQuery(_Query):
    """What is searched for. Queries are combined by ``&``, ``|`` and ``~``.

    >>> Page.objects.filter(body__search=SearchQuery("cheese") | SearchQuery("'swiss' & !'blue'", search_type="raw"))

    ``TO_TSVECTOR(body) @@ (PLAINTO_TSQUERY($1) || TO_TSQUERY($2))``. Types: plain (all words), phrase (in this order),
    websearch (quotes, ``or`` and ``-``, never an error), raw (the syntax of tsquery: for your own text, not for input).
    """

    function = "search_value"
    built_in = True

    def __init__(self, value: object, *, config: object = None, search_type: SearchType = "plain") -> None:
        make = _QUERIES.get(search_type)
        if make is None:
            raise ValueError(f"SearchQuery() has no type {search_type[:80]!r}. {choices(search_type[:80], _QUERIES)}")
        super().__init__(make(*_configured(config), _given(value)))


class _Both(_Query):
    function = "search_both"
    built_in = True


class _Either(_Query):
    function = "search_either"
    built_in = True


class _Without(_Query):
    function = "search_without"
    built_in = True


def _as_vector(vector: object) -> Expression[Any]:
    return cast("Expression[object]", vector) if isinstance(vector, Expression) else SearchVector(vector)


def _as_query(query: object) -> Expression[Any]:
    return cast("Expression[object]", query) if isinstance(query, Expression) else SearchQuery(query)


class _Reals(Func[Any]):
    function = "search_reals"
    built_in = True


class _Integer(Func[Any]):
    function = "search_integer"
    built_in = True


class _Rank(Func[float]):
    function = "search_rank"
    built_in = True
    returns = Float()


class _RankOfCovers(Func[float]):
    function = "search_rank_covers"
    built_in = True
    returns = Float()


class SearchRank(Func[float]):
    """How well a vector matches a query; the first argument may be a path, the second a text.

    >>> Page.objects.annotate(rank=SearchRank("body", "cheese")).order_by("-rank")

    ``TS_RANK(TO_TSVECTOR(..), PLAINTO_TSQUERY($1))``; ``cover_density`` takes TS_RANK_CD. ``weights`` are four numbers,
    for D, C, B and A; ``normalization`` is PostgreSQL's bit mask.
    """

    function = "search_value"
    built_in = True
    returns = Float()

    def __init__(
        self,
        vector: object,
        query: object,
        *,
        weights: Sequence[float] | None = None,
        normalization: int | None = None,
        cover_density: bool = False,
    ) -> None:
        before: list[Expression[Any]] = []
        if weights is not None:
            if len(weights) != _MOST_WEIGHTS:
                raise ValueError(f"SearchRank() takes four weights, for D, C, B and A, not {len(weights)}.")
            before.append(_Reals(Value([*map(float, weights)], ArrayField(FloatField()))))
        after = [] if normalization is None else [_Integer(Value(normalization))]
        make = _RankOfCovers if cover_density else _Rank
        super().__init__(make(*before, _as_vector(vector), _as_query(query), *after))


class _Headline(Func[str]):
    function = "search_headline"
    built_in = True
    returns = Text()


class HeadlineOptions(TypedDict, total=False):
    """The options of SearchHeadline."""

    start_sel: str
    stop_sel: str
    max_words: int
    min_words: int
    short_word: int
    highlight_all: bool
    max_fragments: int
    fragment_delimiter: str


#: What PostgreSQL calls them.
_OPTIONS = {
    "start_sel": "StartSel",
    "stop_sel": "StopSel",
    "max_words": "MaxWords",
    "min_words": "MinWords",
    "short_word": "ShortWord",
    "highlight_all": "HighlightAll",
    "max_fragments": "MaxFragments",
    "fragment_delimiter": "FragmentDelimiter",
}


class SearchHeadline(Func[str]):
    """The parts of a text in which a query matches, with the words marked.

    >>> Page.objects.annotate(found=SearchHeadline("body", SearchQuery("cheese"), start_sel="<em>", stop_sel="</em>"))

    ``TS_HEADLINE(body, PLAINTO_TSQUERY($1), $2)``; the options are one parameter. The text itself is not escaped.
    """

    function = "search_value"
    built_in = True
    returns = Text()

    def __init__(
        self, expression: object, query: object, *, config: object = None, **options: Unpack[HeadlineOptions]
    ) -> None:
        unknown = options.keys() - _OPTIONS.keys()
        if unknown:
            raise TypeError(f"SearchHeadline() has no option {min(unknown)!r}. {choices(min(unknown), _OPTIONS)}")
        written = ", ".join(f"{_OPTIONS[name]}={_option(value)}" for name, value in options.items())
        rest = (Value(written),) if written else ()
        super().__init__(_Headline(*_configured(config), expression, _as_query(query), *rest))


def _option(value: object) -> str:
    """Return an option's value; a text in double quotes, those inside doubled."""
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else str(value).lower()


class _Trigrams(Func[float]):
    """A number that compares the trigrams of a text with those of another, which is a value and no path."""

    returns = Float()

    def __init__(self, expression: object, string: object) -> None:
        super().__init__(expression, _given(string))


class _TrigramWords(_Trigrams):
    def __init__(self, string: object, expression: object) -> None:
        super().__init__(expression, string)


class TrigramSimilarity(_Trigrams):
    """How similar two texts are, from 0 to 1: ``TrigramSimilarity("name", "jon")``. Extension pg_trgm."""

    function = "trigram_similarity"
    built_in = True


class TrigramWordSimilarity(_TrigramWords):
    """How similar a value is to the part of a text that is nearest: ``TrigramWordSimilarity("jon", "name")``."""

    function = "trigram_word_similarity"
    built_in = True


class TrigramStrictWordSimilarity(_TrigramWords):
    """The same, where the part begins and ends with words."""

    function = "trigram_strict_word_similarity"
    built_in = True


class TrigramDistance(_Trigrams):
    """One minus the similarity: ``order_by(TrigramDistance("name", "jon"))`` can use an index."""

    function = "trigram_distance"
    built_in = True


class TrigramWordDistance(_TrigramWords):
    """One minus the word similarity."""

    function = "trigram_word_distance"
    built_in = True


class TrigramStrictWordDistance(_TrigramWords):
    """One minus the strict word similarity."""

    function = "trigram_strict_word_distance"
    built_in = True
