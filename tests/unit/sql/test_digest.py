"""What a statement is called by those who watch it, read from its text."""

from __future__ import annotations

import pytest

from covet.database.sql.digest import digest


@pytest.mark.parametrize(
    ("sql", "operation", "table"),
    [
        ('SELECT "a"."id" FROM "public"."users" AS "a" JOIN "x" ON TRUE', "SELECT", "public.users"),
        ('SELECT (SELECT MAX("n") FROM "b") FROM "c"', "SELECT", "c"),
        ("select 1 -- FROM x\n from ONLY c", "SELECT", "c"),
        ("SELECT 'FROM a' FROM b", "SELECT", "b"),
        ("SELECT $$ FROM a $$, E'it\\'s FROM a' FROM b", "SELECT", "b"),
        ("SELECT * FROM generate_series(1, 2)", "SELECT", None),
        ('SELECT * FROM (SELECT * FROM "a") AS "u"', "SELECT", None),
        ('(SELECT "a" FROM "b") UNION (SELECT 2)', "SELECT", "b"),
        ('WITH "q" AS (SELECT 1 FROM z) SELECT * FROM "q"', "SELECT", None),
        ('WITH q AS (SELECT 1) INSERT INTO "t" (a) SELECT * FROM q', "INSERT", "t"),
        ('INSERT INTO "t"("a") VALUES ($1)', "INSERT", "t"),
        ('UPDATE "t" SET "a" = $1', "UPDATE", "t"),
        ('DELETE FROM "s"."t" WHERE TRUE', "DELETE", "s.t"),
        ('CREATE TABLE IF NOT EXISTS "t" ("id" bigint)', "CREATE", "t"),
        ('DROP TABLE "with ""quotes"""', "DROP", 'with "quotes"'),
        ("BEGIN IMMEDIATE", "BEGIN", None),
        ("ROLLBACK TO SAVEPOINT covet_1", "ROLLBACK", None),
        ("SELECT pg_try_advisory_lock($1)", "SELECT", None),
        ("SELECT 'not closed", "SELECT", None),
        ("", "", None),
    ],
)
def test_statement_is_called_by_its_command_and_its_first_table(sql: str, operation: str, table: str | None):
    assert digest(sql)[:2] == (operation, table)


def test_literals_are_masked_and_nothing_else_is():
    sql = """SELECT "it's 1", 'Ann''s', 12.5e3, E'\\'', $t$ secret $t$, $1, ?2, x1 FROM t1 WHERE a = .5 -- 'c'"""
    masked = """SELECT "it's 1", ?, ?, ?, ?, $1, ?2, x1 FROM t1 WHERE a = ? -- 'c'"""
    assert digest(sql).without_literals == masked
    assert "secret" not in digest("SELECT 'secret").without_literals
    assert "secret" not in digest("SELECT $$secret").without_literals


def test_statement_gives_rows_if_it_reads_or_returns_them():
    assert digest("SELECT 1").gives_rows
    assert digest('UPDATE "t" SET "a" = 1 RETURNING "a"').gives_rows
    assert not digest('UPDATE "t" SET "a" = 1').gives_rows
    assert not digest("INSERT INTO t SELECT * FROM s").gives_rows
