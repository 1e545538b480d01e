"""Every clause of SELECT, names and limits: SQL and arguments on both dialects, and what the databases answer."""

from __future__ import annotations

import pytest

from covet.database.schema.types import Boolean, Float, Integer, Json, Numeric, Text, Varchar
from covet.database.sql.nodes import (
    AggregateCall,
    And,
    Arithmetic,
    Between,
    Case,
    Cast,
    ColumnRef,
    Comparison,
    Constant,
    Exists,
    Expression,
    Function,
    IsNull,
    Literal,
    Not,
    Or,
    Over,
    Param,
    ScalarSubquery,
    WindowCall,
)
from covet.database.sql.statements import (
    Join,
    Lock,
    Order,
    Select,
    Selected,
    SubqueryRef,
    TableRef,
)
from covet.exceptions import NotSupportedError, ProgrammingError

ID = ColumnRef("u", "id", Integer(64))
NAME = ColumnRef("u", "name", Text())
AGE = ColumnRef("u", "age", Integer())
USERS = TableRef("users", alias="u")
POSTS = TableRef("posts", alias="p")
ON = Comparison("=", ColumnRef("p", "user_id", Integer(64)), ID)
ONE = Selected(Constant(1))


def names(rows):
    return "".join(row[0] for row in rows)


# SELECT


def test_clauses_of_select(prints):
    title = ColumnRef("p", "title", Text())
    prints(
        Select(
            (Selected(ID), Selected(AggregateCall("count", title, distinct=True), "n")),
            USERS,
            (Join("LEFT", POSTS, ON),),
            where=Comparison(">", AGE, Param(0, Integer())),
            group_by=(ID,),
            having=Comparison(">", AggregateCall("count"), Param(1, Integer(64))),
            order_by=(Order(ID, nulls="LAST"), Order(NAME, descending=True, nulls="FIRST")),
            limit=Param(2),
            offset=Param(3),
        ),
        'SELECT "u"."id", COUNT(DISTINCT "p"."title") AS "n" FROM "users" AS "u" LEFT JOIN "posts" AS "p"'
        ' ON "p"."user_id" = "u"."id" WHERE "u"."age" > $1 GROUP BY "u"."id" HAVING COUNT(*) > $2::bigint'
        ' ORDER BY "u"."id" NULLS LAST, "u"."name" DESC NULLS FIRST LIMIT $3 OFFSET $4',
        'SELECT "u"."id", COUNT(DISTINCT "p"."title") AS "n" FROM "users" AS "u" LEFT JOIN "posts" AS "p"'
        ' ON "p"."user_id" = "u"."id" WHERE "u"."age" > ?1 GROUP BY "u"."id" HAVING COUNT(*) > ?2'
        ' ORDER BY "u"."id" NULLS LAST, "u"."name" DESC NULLS FIRST LIMIT ?3 OFFSET ?4',
    )
    prints(Select((ONE,), USERS, distinct=True), 'SELECT DISTINCT 1 FROM "users" AS "u"')
    prints(Select((ONE,), USERS, limit=Constant(1)), 'SELECT 1 FROM "users" AS "u" LIMIT 1')
    prints(Select((), TableRef('we"ird')), 'SELECT 1 FROM "we""ird"')
    inner = Select((Selected(ID, "k"),), USERS)
    prints(
        Select(
            (Selected(ColumnRef("s", "k")),),
            SubqueryRef(inner, "s"),
            (Join("INNER", SubqueryRef(inner, "t"), Constant(value=True)),),
        ),
        'SELECT "s"."k" FROM (SELECT "u"."id" AS "k" FROM "users" AS "u") AS "s"'
        ' INNER JOIN (SELECT "u"."id" AS "k" FROM "users" AS "u") AS "t" ON TRUE',
        'SELECT "s"."k" FROM (SELECT "u"."id" AS "k" FROM "users" AS "u") AS "s"'
        ' INNER JOIN (SELECT "u"."id" AS "k" FROM "users" AS "u") AS "t" ON 1',
    )


def test_an_offset_alone_needs_a_limit_on_sqlite(prints):
    prints(
        Select((ONE,), USERS, offset=Param(0)),
        'SELECT 1 FROM "users" AS "u" OFFSET $1',
        'SELECT 1 FROM "users" AS "u" LIMIT -1 OFFSET ?1',
    )


def test_locks(dialects):
    sqlite, postgresql = dialects
    for lock, text in (
        (Lock(), "FOR UPDATE"),
        (Lock("NO KEY UPDATE", ("u",), nowait=True), 'FOR NO KEY UPDATE OF "u" NOWAIT'),
        (Lock("SHARE", skip_locked=True), "FOR SHARE SKIP LOCKED"),
    ):
        select = Select((ONE,), USERS, lock=lock)
        assert postgresql.compile(select).sql == f'SELECT 1 FROM "users" AS "u" {text}'
        with pytest.raises(NotSupportedError, match=f"SQLite has no SELECT ... FOR {lock.strength}"):
            sqlite.compile(select)
    with pytest.raises(ProgrammingError, match="both nowait and skip_locked"):
        postgresql.compile(Select((ONE,), USERS, lock=Lock(nowait=True, skip_locked=True)))


def test_distinct_on(dialects):
    sqlite, postgresql = dialects
    select = Select((Selected(ID),), USERS, distinct_on=(NAME,))
    assert postgresql.compile(select).sql == 'SELECT DISTINCT ON ("u"."name") "u"."id" FROM "users" AS "u"'
    with pytest.raises(NotSupportedError, match="SQLite has no SELECT DISTINCT ON"):
        sqlite.compile(select)


def test_schemas(dialects):
    sqlite, postgresql = dialects
    select = Select((ONE,), TableRef("t", "app"))
    assert postgresql.compile(select).sql == 'SELECT 1 FROM "app"."t"'
    with pytest.raises(NotSupportedError, match="SQLite has no schema 'app'"):
        sqlite.compile(select)
    assert sqlite.compile(Select((ONE,), TableRef("t", "main"))).sql == 'SELECT 1 FROM "main"."t"'


async def test_null_sorts_as_the_largest_value(people):
    async def order(*keys):
        return names(await people.run(Select((Selected(NAME),), USERS, order_by=keys)))

    assert await order(Order(AGE)) == "cdab"
    assert await order(Order(AGE, descending=True)) == "badc"
    assert await order(Order(AGE, nulls="FIRST")) == "bcda"
    assert await order(Order(AGE, descending=True, nulls="LAST")) == "adcb"
    assert await order(Order(Constant(1)), Order(NAME, descending=True)) == "dcba"


async def test_parameters_of_limits(people):
    select = Select((Selected(NAME),), USERS, order_by=(Order(NAME),), limit=Param(0), offset=Param(1))
    assert names(await people.run(select, 2, 1)) == "bc"
    assert (
        names(await people.run(Select((Selected(NAME),), USERS, order_by=(Order(NAME),), offset=Param(0)), 2)) == "cd"
    )


async def test_joins_subqueries_and_windows(people):
    own = Select((Selected(AggregateCall("count")),), POSTS, where=ON)
    count = ScalarSubquery(own, Integer(64))
    rows = await people.run(
        Select((Selected(NAME), Selected(count, "n")), USERS, order_by=(Order(count, True), Order(NAME)))
    )
    assert rows == [("a", 2), ("c", 1), ("b", 0), ("d", 0)]
    written = Exists(Select((), POSTS, where=ON))
    assert names(await people.run(Select((Selected(NAME),), USERS, where=written, order_by=(Order(NAME),)))) == "ac"
    silent = Exists(Select((), POSTS, where=ON), negated=True)
    assert names(await people.run(Select((Selected(NAME),), USERS, where=silent, order_by=(Order(NAME),)))) == "bd"
    over = Over((ColumnRef("p", "user_id"),), (Order(ColumnRef("p", "title"), descending=True),))
    number = WindowCall("row_number", (), over)
    inner = Select((Selected(ColumnRef("p", "title"), "t"), Selected(number, "n")), POSTS)
    first = Comparison("=", ColumnRef("s", "n", Integer(64)), Param(0, Integer(64)))
    rows = await people.run(Select((Selected(ColumnRef("s", "t"), None),), SubqueryRef(inner, "s"), where=first), 1)
    assert sorted(names(rows)) == ["y", "z"]


async def test_rows_are_numbered(people):
    for over in (Over((), (Order(NAME, descending=True),)), Over((NAME, Constant(1)))):
        number = WindowCall("row_number", (), over)
        rows = await people.run(Select((Selected(NAME), Selected(number)), USERS))
        assert sorted(rows) in ([("a", 4), ("b", 3), ("c", 2), ("d", 1)], [("a", 1), ("b", 1), ("c", 1), ("d", 1)])


async def test_grouping(people):
    adult = Case(((Comparison(">", AGE, Param(0, Integer())), Constant(value=True)),), Constant(value=False))
    young = Comparison("<=", AGE, Constant(20))
    select = Select(
        (Selected(adult), Selected(AggregateCall("count")), Selected(AggregateCall("sum", AGE, filter=young))),
        USERS,
        group_by=(adult, Constant(1)),
        having=Comparison(">", AggregateCall("count"), Param(1, Integer(64))),
        order_by=(Order(AggregateCall("count")),),
    )
    rows = await people.run(select, 25, 0)
    assert rows == [(True, 1, None), (False, 3, 30)]
    assert isinstance(rows[0][0], bool)


# Predicates


def test_parentheses_stand_where_they_are_needed(prints):
    a, b, c = (Comparison("=", ColumnRef(None, name, Integer()), Constant(1)) for name in "abc")

    def where(expression, postgresql, sqlite=None):
        start = 'SELECT 1 FROM "t" WHERE '
        prints(
            Select((), TableRef("t"), where=expression), start + postgresql, None if sqlite is None else start + sqlite
        )

    where(And((a, b, And((c,)))), '"a" = 1 AND "b" = 1 AND "c" = 1')
    where(Or((a, And((b, c)))), '"a" = 1 OR ("b" = 1 AND "c" = 1)')
    where(And((a, Or((b, c)))), '"a" = 1 AND ("b" = 1 OR "c" = 1)')
    where(Not(And((a, b))), 'NOT ("a" = 1 AND "b" = 1)')
    where(And((Not(a), b)), 'NOT ("a" = 1) AND "b" = 1')
    where(And(()), "TRUE", "1")
    where(Or(()), "FALSE", "0")
    where(Or((And(()), a)), '(TRUE) OR "a" = 1', '(1) OR "a" = 1')
    where(IsNull(a), '("a" = 1) IS NULL')
    where(Comparison("=", a, IsNull(b, negated=True)), '("a" = 1) = (("b" = 1) IS NOT NULL)')
    where(Between(ColumnRef(None, "a"), Constant(-1), Constant(2)), '"a" BETWEEN (-1) AND 2')
    one, two = Arithmetic("-", Constant(1), Constant(2)), Arithmetic("*", Constant(3), Constant(4))
    where(Comparison("<", Arithmetic("-", one, two), Constant(0)), "(1 - 2 - (3 * 4)) < 0")
    where(Comparison("<", Arithmetic("-", two, one), Constant(0)), "((3 * 4) - (1 - 2)) < 0")


async def test_truth_values(people):
    ok = ColumnRef("u", "ok", Boolean())
    for where, found in (
        (ok, "abcd"),
        (Not(ok), ""),
        (Comparison("=", ok, Param(0, Boolean())), "abcd"),
        (Comparison("=", ok, Constant(value=False)), ""),
        (IsNull(AGE), "b"),
        (IsNull(AGE, negated=True), "acd"),
        (Or((IsNull(AGE), Comparison("=", AGE, Constant(10)))), "bc"),
        (Not(And((ok, IsNull(AGE)))), "acd"),
    ):
        select = Select((Selected(NAME),), USERS, where=where, order_by=(Order(NAME),))
        params = (True,) if where == Comparison("=", ok, Param(0, Boolean())) else ()
        assert names(await people.run(select, *params)) == found
    rows = await people.run(
        Select((Selected(IsNull(AGE)), Selected(ok)), USERS, order_by=(Order(NAME),), limit=Constant(1))
    )
    assert rows == [(False, True)]
    assert all(isinstance(value, bool) for value in rows[0])


def test_parameters_are_declared_where_postgresql_could_infer_another_type(dialects):
    _, postgresql = dialects
    small, text = Param(0, Integer(16)), Param(0, Varchar(3))
    for expression, sql in (
        (Comparison("=", AGE, Param(0, Integer(32))), '"u"."age" = $1'),
        (Comparison("=", Param(0, Integer(32)), AGE), '$1 = "u"."age"'),
        (Comparison("=", AGE, Param(0, Integer(64))), '"u"."age" = $1::bigint'),
        (Comparison("=", AGE, Param(0, Float())), '"u"."age" = $1::double precision'),
        (Comparison("=", AGE, Param(0)), '"u"."age" = $1'),
        (Comparison("=", ColumnRef("u", "age"), small), '"u"."age" = $1::smallint'),
        (Comparison("=", NAME, text), '"u"."name" = $1'),
        (Comparison("=", ColumnRef("u", "n", Numeric(5, 2)), Param(0, Numeric())), '"u"."n" = $1'),
        (Comparison("=", Function("lower", (NAME,)), text), 'LOWER("u"."name") = $1::varchar'),
        (Function("lower", (text,)), "LOWER($1::varchar)"),
        (Arithmetic("+", AGE, small), '"u"."age" + $1::smallint'),
        (Case(((Constant(value=True), small),)), "CASE WHEN TRUE THEN $1::smallint END"),
        (Cast(small, Text()), "CAST($1::smallint AS text)"),
        (Between(AGE, Param(0, Integer()), Param(1, Integer())), '"u"."age" BETWEEN $1 AND $2'),
        (Param(0, Json()), "$1::jsonb"),
    ):
        assert postgresql.compile(Select((Selected(expression),))).sql == f"SELECT {sql}"


def test_equal_parameters_share_a_placeholder(dialects):
    sqlite, postgresql = dialects
    columns = tuple(map(Selected, (Param(1, Integer()), Param(0, Integer()), Param(1, Integer()), Param(1, Float()))))
    assert postgresql.compile(Select(columns)).bind((5, 6)) == (
        "SELECT $1::integer, $2::integer, $1::integer, $3::double precision",
        [6, 5, 6],
    )
    assert sqlite.compile(Select(columns)).bind((5, 6)) == ("SELECT ?1, ?2, ?1, ?3", [6, 5, 6])


# Names, limits


def test_names_are_quoted_or_refused(dialects):
    sqlite, postgresql = dialects
    assert sqlite.quote('a"; --') == postgresql.quote('a"; --') == '"a""; --"'
    for dialect in dialects:
        for name in ("", "a\0b"):
            with pytest.raises(ProgrammingError, match="cannot name anything"):
                dialect.quote(name)
    assert postgresql.quote("é" * 31)
    with pytest.raises(ProgrammingError, match="1 to 63 bytes"):
        postgresql.quote("é" * 32)


def test_too_many_parameters_are_refused(dialects):
    for dialect in dialects:
        many = tuple(Comparison("=", ID, Param(at, Integer(64))) for at in range(dialect.max_params + 1))
        dialect.compile(Select((), USERS, where=Or(many[1:])))
        with pytest.raises(NotSupportedError, match=f"takes at most {dialect.max_params} parameters"):
            dialect.compile(Select((), USERS, where=Or(many)))


def test_unknown_functions_and_literals_are_refused(dialects):
    for dialect in dialects:
        with pytest.raises(NotSupportedError, match=f"{dialect.title} has no function 'evil'; known: abs, array_a"):
            dialect.compile(Select((Selected(Function("evil")),)))
        with pytest.raises(
            NotSupportedError, match=f"{dialect.title} has no aggregate 'evil'; known: any_value, array_agg"
        ):
            dialect.compile(Select((Selected(AggregateCall("evil")),)))
        with pytest.raises(ProgrammingError, match="a statement has parameters"):
            dialect.compile(Select((Selected(Literal("x", Text())),)))


async def test_a_hundred_thousand_alternatives_are_one_condition(people):
    # Few different constants: SQLite compares each one with all that it has seen.
    value = Comparison("=", ID, Param(0, Integer(64)))
    where = Or((*[Comparison("=", AGE, Constant(1000 + at % 9)) for at in range(100_000)], value))
    assert names(await people.run(Select((Selected(NAME),), USERS, where=where), 3)) == "c"
    none = And((*[Comparison("<>", AGE, Constant(1000 + at % 9)) for at in range(5_000)], value))
    assert names(await people.run(Select((Selected(NAME),), USERS, where=none), 3)) == "c"


def test_conditions_of_any_depth_are_printed(dialects):
    nested: Expression = Comparison("=", ID, Constant(1))
    for _ in range(20_000):
        nested = Not(nested)
    total: Expression = ID
    for _ in range(20_000):
        total = Arithmetic("+", total, Constant(1), Integer(64))
    for dialect in dialects:
        assert dialect.compile(Select((), USERS, where=nested)).sql.count("NOT (") == 20_000
        assert dialect.compile(Select((Selected(total),), USERS)).sql.count(" + 1") == 20_000


async def test_a_chain_of_hundreds_of_conditions_runs(people):
    chain: Expression = Comparison("=", ID, Param(0, Integer(64)))
    for number in range(3000):
        chain = Or((chain, Comparison("=", AGE, Constant(number + 1000))))
    assert names(await people.run(Select((Selected(NAME),), USERS, where=chain), 2)) == "b"
