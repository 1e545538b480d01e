"""Text matching: no character is special, case counts or does not, on both databases alike."""

from __future__ import annotations

import itertools

import pytest

from covet.database.schema.table import Column, Table
from covet.database.schema.types import Float, Integer, Json, Text, Varchar
from covet.database.sql.ddl import CreateTable
from covet.database.sql.nodes import Cast, ColumnRef, Function, Param, RegexMatch, TextMatch
from covet.database.sql.statements import InsertRows, Select, Selected, TableRef

WORDS = [
    "", "a", "A", "abc", "ABC", "xabc", "abcx", "%", "a%c", "_", "a_c", "\\", "a\\c", "'", "it's", "[", "[a]", "]",
    "*", "a*c", "?", "a?c", "É", "é", "CAFÉ", "café", "ΟΔΟΣ", "οδοσ", "Straße", "STRASSE", "\n", '"', "a^c", "[^a]",
]  # fmt: skip
NAME = ColumnRef(None, "name", Text())
KINDS = ("exact", "contains", "startswith", "endswith")


def lower(text: str) -> str:
    return "".join(map(str.lower, text))


EXPECTED = {
    "exact": str.__eq__,
    "contains": str.__contains__,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@pytest.fixture
async def words(session):
    columns = (Column("name", Text()), Column("code", Varchar(20)), Column("n", Integer()), Column("j", Json()))
    await session.create(CreateTable(Table("words", columns)))
    insert = InsertRows(TableRef("words"), ("name", "code", "n", "j"), tuple(c.type for c in columns), len(WORDS))
    params = [value for number, word in enumerate(WORDS) for value in (word, word, number, {"word": word})]
    await session.run(insert, *params)
    return session


async def matches(session, where, *params):
    select = Select((Selected(NAME),), TableRef("words"), where=where)
    return sorted(row[0] for row in await session.run(select, *params))


@pytest.mark.parametrize(("kind", "ignore_case"), list(itertools.product(KINDS, (False, True))))
async def test_a_pattern_is_found_where_python_finds_it(words, kind, ignore_case):
    fold = lower if ignore_case else str
    for operand, pattern in itertools.product((NAME, ColumnRef(None, "code", Varchar(20))), WORDS):
        node = TextMatch(kind, operand, Param(0, Text()), ignore_case)
        expected = sorted(word for word in WORDS if EXPECTED[kind](fold(word), fold(pattern)))
        assert await matches(words, node, pattern) == expected, (kind, pattern)


@pytest.mark.parametrize(("kind", "ignore_case"), list(itertools.product(KINDS, (False, True))))
async def test_a_pattern_can_be_an_expression(words, kind, ignore_case):
    fold = lower if ignore_case else str
    for pattern in WORDS:
        node = TextMatch(kind, NAME, Cast(Param(0, Text()), Text()), ignore_case)
        expected = sorted(word for word in WORDS if EXPECTED[kind](fold(word), fold(pattern)))
        assert await matches(words, node, pattern) == expected, (kind, pattern)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_null_pattern_matches_nothing(words, kind):
    for ignore_case in (False, True):
        assert await matches(words, TextMatch(kind, NAME, Param(0, Text()), ignore_case), None) == []


async def test_what_is_not_text_is_matched_as_text(words):
    assert await matches(
        words, TextMatch("startswith", ColumnRef(None, "n", Integer()), Param(0, Text())), "3"
    ) == sorted(word for number, word in enumerate(WORDS) if str(number).startswith("3"))
    found = await matches(words, TextMatch("contains", ColumnRef(None, "j", Json()), Param(0, Text()), True), '"É"')
    assert found == ["É", "é"]
    number = TextMatch("contains", NAME, Cast(Param(0, Integer()), Text()))
    assert await matches(words, number, 5) == []


async def test_a_regular_expression_is_searched(words):
    for ignore_case, expected in ((False, ["abc", "abcx"]), (True, ["ABC", "abc", "abcx"])):
        assert await matches(words, RegexMatch(NAME, Param(0, Text()), ignore_case), "^abc") == expected
    assert await matches(words, RegexMatch(NAME, Param(0, Text())), None) == []
    digits = RegexMatch(ColumnRef(None, "n", Integer()), Param(0, Text()))
    assert len(await matches(words, digits, "^1.$")) == 10


def test_the_sql_of_text_matches(dialects):
    def where(dialect, node, *params):
        sql, arguments = dialect.compile(Select((), TableRef("t"), where=node)).bind(params)
        return sql.removeprefix('SELECT 1 FROM "t" WHERE '), list(arguments)

    sqlite, postgresql = dialects
    nasty = "50%_\\*?["
    contains = TextMatch("contains", NAME, Param(0, Text()))
    assert where(postgresql, contains, nasty) == ('"name" LIKE $1', ["%50\\%\\_\\\\*?[%"])
    assert where(sqlite, contains, nasty) == ('INSTR("name", ?1) > 0', [nasty])
    starts = TextMatch("startswith", NAME, Param(0, Text()))
    assert where(postgresql, starts, nasty) == ('"name" LIKE $1', ["50\\%\\_\\\\*?[%"])
    assert where(sqlite, starts, nasty) == ('"name" GLOB ?1', ["50%_\\[*][?][[]*"])
    ends = TextMatch("endswith", NAME, Param(0, Text()), ignore_case=True)
    assert where(postgresql, ends, "X_") == ('"name" ILIKE $1', ["%X\\_"])
    assert where(sqlite, ends, "X_") == (
        'SUBSTR(covet_lower("name"), LENGTH(covet_lower("name")) - LENGTH(?1) + 1) = ?1',
        ["x_"],
    )
    exact = TextMatch("exact", NAME, Param(0, Text()), ignore_case=True)
    assert where(postgresql, exact, "X") == ('LOWER("name") = LOWER($1::text)', ["X"])
    assert where(sqlite, exact, "X") == ('"name" COLLATE covet_nocase = ?1', ["X"])
    other = TextMatch("contains", ColumnRef(None, "n", Integer()), NAME)
    assert where(postgresql, other) == ('STRPOS(CAST("n" AS text), "name") > 0', [])
    assert where(sqlite, other) == ('INSTR(CAST("n" AS TEXT), "name") > 0', [])
    regex = RegexMatch(NAME, Param(0, Text()), ignore_case=True)
    assert where(postgresql, regex, "a.") == ('"name" ~* $1::text', ["a."])
    assert where(sqlite, regex, "a.") == ('covet_regexp(?1, "name", 1)', ["a."])


def test_one_parameter_in_two_patterns_takes_two_placeholders(dialects):
    starts = TextMatch("startswith", NAME, Param(0, Text()))
    contains = TextMatch("contains", NAME, Param(0, Text()))
    select = Select((Selected(starts), Selected(contains), Selected(starts)))
    sqlite, postgresql = dialects
    assert postgresql.compile(select).bind(("a%",)) == (
        'SELECT "name" LIKE $1, "name" LIKE $2, "name" LIKE $1',
        ["a\\%%", "%a\\%%"],
    )
    assert sqlite.compile(select).bind(("a%",)) == (
        'SELECT "name" GLOB ?1, INSTR("name", ?2) > 0, "name" GLOB ?1',
        ["a%*", "a%"],
    )


async def test_a_prefix_uses_an_index_on_sqlite(words):
    if words.dialect.name != "sqlite":
        return
    await words.execute('CREATE INDEX i ON words ("name")')
    compiled = words.dialect.compile(
        Select((Selected(NAME),), TableRef("words"), where=TextMatch("startswith", NAME, Param(0, Text())))
    )
    sql, arguments = compiled.bind(("ab",))
    assert "SEARCH" in str(await words.execute(f"EXPLAIN QUERY PLAN {sql}", arguments))


async def test_text_functions(session):
    async def call(name, *values):
        types = [Integer() if isinstance(value, int) else Text() for value in values]
        return await session.value(
            Function(name, tuple(Param(at, logical) for at, logical in enumerate(types)), types[0]), *values
        )

    assert await call("lower", "ÉΣ") == "éσ"
    assert await call("upper", "éß") == "Éß"
    assert await call("upper", "straße é") == "STRAßE É"
    assert await call("length", "é🎉") == 2
    assert await call("trim", "  a ") == "a"
    assert await call("ltrim", "  a ") == "a "
    assert await call("rtrim", "  a ") == "  a"
    assert await call("replace", "abab", "a", "é") == "ébéb"
    assert await call("substr", "ébcd", 2, 2) == "bc"
    assert await call("substr", "ébcd", 3) == "cd"
    assert await call("concat", "a", None, "b") == "ab"
    assert await call("concat", None) == ""
    assert await call("coalesce", None, "b") == "b"
    assert await call("coalesce", "a") == "a"
    assert await call("nullif", "a", "a") is None
    assert await call("greatest", "a", None, "b") == "b"
    for name in ("lower", "upper", "length", "trim"):
        assert await call(name, None) is None


async def test_a_text_is_cut_to_the_length_that_a_cast_asks_for(session):
    assert await session.value(Cast(Param(0, Text()), Varchar(3)), "éabc") == "éab"
    assert await session.value(Cast(Param(0, Float()), Text()), 0.5) == "0.5"
