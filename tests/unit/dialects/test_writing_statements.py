"""INSERT, UPDATE and DELETE: SQL and arguments on both dialects, and what the databases answer."""

from __future__ import annotations

import pytest

from covet._frozen import replace
from covet.database.schema.types import Array, Boolean, Integer, Json, Text, Varchar
from covet.database.sql.nodes import (
    Arithmetic,
    ColumnRef,
    Comparison,
    Constant,
    Excluded,
    Exists,
    Function,
    IsNull,
    Param,
)
from covet.database.sql.statements import (
    Delete,
    Insert,
    InsertColumns,
    InsertRows,
    OnConflict,
    Select,
    Selected,
    TableRef,
    Update,
    ValueColumns,
    ValueRows,
)
from covet.exceptions import NotSupportedError, ProgrammingError

ID = ColumnRef("u", "id", Integer(64))
NAME = ColumnRef("u", "name", Text())
AGE = ColumnRef("u", "age", Integer())
USERS = TableRef("users", alias="u")
POSTS = TableRef("posts", alias="p")
ON = Comparison("=", ColumnRef("p", "user_id", Integer(64)), ID)


# INSERT


def test_clauses_of_insert(prints):
    table = TableRef("users")
    values = (Param(0, Text()), Param(1, Integer()))
    start = 'INSERT INTO "users" ("name", "age") VALUES ($1, $2)'
    prints(Insert(table, ("name", "age"), (values,)), start)
    prints(Insert(table, ("name", "age"), (values, (Constant(None), Constant(-5)))), start + ", (NULL, -5)")
    prints(Insert(table, (), ((),)), 'INSERT INTO "users" DEFAULT VALUES')
    returning = (Selected(ColumnRef(None, "id")),)
    prints(Insert(table, ("name", "age"), (values,), returning), start + ' RETURNING "id"')
    for conflict, text in (
        (OnConflict(), "DO NOTHING"),
        (OnConflict(("name", "age")), '("name", "age") DO NOTHING'),
        (OnConflict(("name",), (("age", Excluded("age")),)), '("name") DO UPDATE SET "age" = EXCLUDED."age"'),
    ):
        insert = Insert(table, ("name", "age"), (values,), on_conflict=conflict)
        prints(insert, f"{start} ON CONFLICT {text}")
    add = Arithmetic("+", ColumnRef("users", "age", Integer()), Excluded("age", Integer()))
    conflict = OnConflict(("name",), (("age", add), ("name", Param(2, Text()))))
    prints(
        Insert(table, ("name", "age"), (values,), on_conflict=conflict),
        f'{start} ON CONFLICT ("name") DO UPDATE SET "age" = "users"."age" + EXCLUDED."age", "name" = $3',
    )


async def test_insert_returns_what_the_database_made(people):
    returning = (Selected(ColumnRef("users", "id", Integer(64))), Selected(ColumnRef("users", "ok", Boolean())))
    insert = Insert(TableRef("users"), ("name",), ((Param(0, Varchar(50)),),), returning)
    assert await people.run(insert, "e") == [(5, True)]
    aliased = Insert(
        USERS, ("name",), ((Param(0, Varchar(50)),),), (Selected(ID), Selected(Arithmetic("+", AGE, Constant(1))))
    )
    assert await people.run(aliased, "f") == [(6, 8)]


async def test_insert_or_update(people):
    add = Arithmetic("+", AGE, Excluded("age", Integer()))
    conflict = OnConflict(("name",), (("age", add),))
    rows = InsertRows(USERS, ("name", "age"), (Varchar(50), Integer()), 2, (Selected(NAME), Selected(AGE)), conflict)
    assert await people.run(rows, "a", 5, "n", 6) == [("a", 35), ("n", 6)]
    nothing = Insert(USERS, ("name",), ((Param(0, Varchar(50)),),), (Selected(ID),), OnConflict())
    assert await people.run(nothing, "a") == []
    columns = OnConflict((), (("age", Constant(1)),))
    insert = Insert(USERS, ("name",), ((Param(0, Varchar(50)),),), (), columns)
    if people.dialect.name == "postgresql":
        with pytest.raises(NotSupportedError, match="needs the columns of the conflict"):
            people.dialect.compile(insert)
    else:
        await people.run(insert, "a")


def test_an_insert_that_makes_no_sense_is_refused(dialects):
    table = TableRef("users")
    for dialect in dialects:
        for insert in (Insert(table, ("a",), ()), Insert(table, ("a",), ((),)), Insert(table, (), ((Constant(1),),))):
            with pytest.raises(ProgrammingError, match="Rows for 'users' need"):
                dialect.compile(insert)
        for several in (Insert(table, (), ((), ())), InsertRows(table, (), (), 2)):
            with pytest.raises(NotSupportedError, match="cannot insert several rows without columns"):
                dialect.compile(several)
        assert dialect.compile(InsertRows(table, (), (), 1)).sql == 'INSERT INTO "users" DEFAULT VALUES'
        for count in (0, dialect.max_params):
            with pytest.raises(NotSupportedError, match=r"takes 1 to 1638\d rows of 2 values"):
                dialect.compile(InsertRows(table, ("a", "b"), (Integer(), Integer()), count))


def test_rows_are_numbered_and_converted_by_column(dialects):
    sqlite, postgresql = dialects
    conflict = OnConflict(("a",), (("b", Param(4, Json())), ("c", Param(5))))
    rows = InsertRows(TableRef("t"), ("a", "b"), (Integer(), Json()), 2, on_conflict=conflict)
    end = ' ON CONFLICT ("a") DO UPDATE SET "b" = {0}5, "c" = {0}6'
    sql, arguments = postgresql.compile(rows).bind((1, {"x": 1}, 2, None, [], 9))
    assert sql == 'INSERT INTO "t" ("a", "b") VALUES ($1, $2), ($3, $4)' + end.format("$")
    assert arguments == [1, '{"x": 1}', 2, None, "[]", 9]
    sql, arguments = sqlite.compile(rows).bind((1, {"x": 1}, 2, None, [], 9))
    assert sql == 'INSERT INTO "t" ("a", "b") VALUES (?, ?), (?, ?)' + end.format("?")
    assert arguments == [1, '{"x": 1}', 2, None, "[]", 9]
    params = (1, 2)
    plain = postgresql.compile(InsertRows(TableRef("t"), ("a",), (Integer(),), 2))
    assert plain.bind(params)[1] is params


def test_columns_are_unnested_on_postgresql(dialects):
    sqlite, postgresql = dialects
    table, returning = TableRef("t"), (Selected(ColumnRef(None, "id")),)
    insert = InsertColumns(table, ("a", "j"), (Varchar(3), Json()), returning, OnConflict(("a",)))
    sql, arguments = postgresql.compile(insert).bind((["x", None], [{}, None]))
    assert sql == (
        'INSERT INTO "t" ("a", "j") SELECT "c0", "c1" FROM unnest($1::varchar[], $2::jsonb[]) WITH ORDINALITY'
        ' AS "s"("c0", "c1", "n") ORDER BY "n" ON CONFLICT ("a") DO NOTHING RETURNING "id"'
    )
    assert list(arguments) == [["x", None], ["{}", None]]
    with pytest.raises(NotSupportedError, match="SQLite cannot take whole columns of values"):
        sqlite.compile(insert)
    for refused in (InsertColumns(table, ("a",), (Array(Text()),)), InsertColumns(table, (), ())):
        with pytest.raises(NotSupportedError, match="PostgreSQL cannot unnest the columns of 't'"):
            postgresql.compile(refused)


def test_update_from_values(dialects):
    sqlite, postgresql = dialects
    where = Comparison("=", ColumnRef("t", "id"), ColumnRef("v", "column1"))
    changes = (("a", ColumnRef("v", "column2")),)
    types = (Integer(64), Json())
    update = Update(TableRef("t", alias="t"), changes, where, source=ValueColumns("v", types))
    sql, arguments = postgresql.compile(update).bind(((1, 2), ([], None)))
    begin, end = 'UPDATE "t" SET "a" = "v"."column2" FROM ', ' WHERE "t"."id" = "v"."column1"'
    assert sql == f'{begin}unnest($1::bigint[], $2::jsonb[]) AS "v"("column1", "column2"){end}'
    assert list(arguments) == [(1, 2), ["[]", None]]
    with pytest.raises(NotSupportedError, match="SQLite cannot take whole columns of 2 values"):
        sqlite.compile(update)
    with pytest.raises(NotSupportedError, match="PostgreSQL cannot unnest columns of arrays"):
        postgresql.compile(replace(update, source=ValueColumns("v", (Array(Text()),))))
    rows = replace(update, source=ValueRows("v", types, 2))
    values = {sqlite: "(?, ?), (?, ?)", postgresql: "($1::bigint, $2::jsonb), ($3, $4)"}
    for dialect, printed in values.items():
        sql, arguments = dialect.compile(rows).bind((1, [], 2, None))
        assert sql == f'{begin}(VALUES {printed}) AS "v"{end}'
        assert list(arguments) == [1, "[]", 2, None]
        for count in (0, 20_000):
            with pytest.raises(NotSupportedError, match="takes 1 to 16383 rows of 2 values"):
                dialect.compile(replace(update, source=ValueRows("v", types, count)))


# UPDATE, DELETE


def test_clauses_of_update_and_delete(prints):
    where = Comparison("=", ID, Param(1, Integer(64)))
    update = Update(USERS, (("age", Param(0, Integer())), ("ok", Constant(value=True))), where, (Selected(NAME, "n"),))
    prints(
        update,
        'UPDATE "users" AS "u" SET "age" = $1, "ok" = TRUE WHERE "u"."id" = $2 RETURNING "u"."name" AS "n"',
        'UPDATE "users" AS "u" SET "age" = ?1, "ok" = 1 WHERE "u"."id" = ?2 RETURNING "users"."name" AS "n"',
    )
    prints(Update(TableRef("users"), (("age", Constant(-1)),)), 'UPDATE "users" SET "age" = -1')
    prints(Delete(TableRef("users")), 'DELETE FROM "users"')
    prints(
        Delete(USERS, Comparison("=", ID, Param(0, Integer(64))), (Selected(ID),)),
        'DELETE FROM "users" AS "u" WHERE "u"."id" = $1 RETURNING "u"."id"',
        'DELETE FROM "users" AS "u" WHERE "u"."id" = ?1 RETURNING "users"."id"',
    )


def test_an_update_without_assignments_is_refused(dialects):
    for dialect in dialects:
        with pytest.raises(ProgrammingError, match="UPDATE of 'users' without assignments"):
            dialect.compile(Update(USERS, ()))


async def test_update_and_delete(people):
    older = (
        ("age", Arithmetic("+", ColumnRef("u", "age", Integer()), Param(0, Integer()))),
        ("name", Function("upper", (NAME,))),
    )
    update = Update(USERS, older, IsNull(AGE, negated=True), (Selected(NAME), Selected(AGE)))
    assert sorted(await people.run(update, 1)) == [("A", 31), ("C", 11), ("D", 21)]
    written = Exists(Select((), POSTS, where=ON))
    assert sorted(await people.run(Delete(USERS, written, (Selected(NAME),)))) == [("A",), ("C",)]
    assert await people.run(Delete(USERS)) == []
