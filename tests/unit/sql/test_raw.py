"""The scanner of raw SQL: placeholders, literals, kinds of statements."""

from __future__ import annotations

import pytest

from covet.database.sql.raw import parse
from covet.exceptions import ProgrammingError, TransactionError


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT $1", "SELECT ?1"),
        ("SELECT $2, $1, $2", "SELECT ?2, ?1, ?2"),
        ("SELECT '$1', $1", "SELECT '$1', ?1"),
        ("SELECT 'it''s $1', $1", "SELECT 'it''s $1', ?1"),
        ('SELECT "a$1""$2", $1', 'SELECT "a$1""$2", ?1'),
        ("SELECT [a$1], `b$2`, $1", "SELECT [a$1], `b$2`, ?1"),
        ("SELECT $1 -- $2\n, $3", "SELECT ?1 -- $2\n, ?3"),
        ("SELECT /* $1 /* $2 */ $3 */ $1", "SELECT /* $1 /* $2 */ $3 */ ?1"),
        ("SELECT $$ $1 $$, $a$ $2 $$ $a$, $1", "SELECT $$ $1 $$, $a$ $2 $$ $a$, ?1"),
        (r"SELECT E'it\'s $1', $1", r"SELECT E'it\'s $1', ?1"),
        ("SELECT a$1, $1", "SELECT a$1, ?1"),
        ("SELECT 'ü€', $1", "SELECT 'ü€', ?1"),
    ],
)
def test_marks_are_exchanged_outside_literals_only(sql: str, expected: str):
    assert parse(sql, mark="?", brackets=True).sql == expected
    if "[" not in sql:
        assert parse(sql).sql == sql


def test_brackets_are_subscripts_where_they_do_not_quote():
    assert parse("SELECT (ARRAY[$1, $2])[1]").parameters == 2


@pytest.mark.parametrize(
    ("sql", "verb", "rows", "reads", "changes"),
    [
        ("select 1", "SELECT", True, True, False),
        ("  -- a\n SELECT 1", "SELECT", True, True, False),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT", True, True, False),
        ("VALUES (1)", "VALUES", True, True, False),
        ("INSERT INTO t VALUES (1)", "INSERT", False, False, False),
        ("INSERT INTO t VALUES (1) RETURNING id", "INSERT", True, False, False),
        ("UPDATE t SET a = 'RETURNING'", "UPDATE", False, False, False),
        ("UPDATE t SET a = 1 RETURNING (SELECT 1)", "UPDATE", True, False, False),
        ("WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a", "SELECT", True, False, False),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INSERT", False, False, False),
        ("WITH a AS (SELECT 1) DELETE FROM t", "DELETE", False, False, False),
        ("EXPLAIN SELECT 1", "EXPLAIN", True, True, False),
        ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN", True, False, False),
        ("PRAGMA user_version", "PRAGMA", True, False, True),
        ("SET search_path TO x", "SET", False, False, True),
        ("CREATE TEMP TABLE t (id integer)", "CREATE", False, False, True),
        ("SELECT set_config('a', 'b', false)", "SELECT", True, True, True),
        ("SELECT pg_try_advisory_lock(1)", "SELECT", True, True, True),
        ("DROP TABLE t", "DROP", False, False, True),
    ],
)
def test_kind_of_a_statement(sql: str, verb: str, rows: bool, reads: bool, changes: bool):
    statement = parse(sql)
    assert (statement.verb, statement.returns_rows, statement.reads, statement.changes_session) == (
        verb,
        rows,
        reads,
        changes,
    )


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1;;x", "SELECT 1; /* x */ DROP TABLE t", "SELECT 1; $1"])
def test_two_statements_are_refused(sql: str):
    with pytest.raises(ProgrammingError, match="several statements"):
        parse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "SELECT 1; -- end",
        "SELECT ';'",
        "CREATE TRIGGER a AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM t; END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$",
    ],
)
def test_semicolons_that_end_nothing_are_accepted(sql: str):
    assert parse(sql).sql == sql


@pytest.mark.parametrize("sql", ["BEGIN", "begin immediate", "COMMIT;", "Rollback to x", "SAVEPOINT a", "END", "ABORT"])
def test_transaction_commands_are_refused(sql: str):
    with pytest.raises(TransactionError, match="async with transaction"):
        parse(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "empty"),
        (" -- only a comment", "empty"),
        ("SELECT 'a", "quote that is not closed"),
        ('SELECT "a', "quote that is not closed"),
        ("SELECT /* a", "comment that is not closed"),
        ("SELECT $$ a", "dollar quote that is not closed"),
        ("SELECT 1\0", "NUL"),
        ("SELECT $0", r"numbered from \$1"),
    ],
)
def test_broken_text_is_refused(sql: str, message: str):
    with pytest.raises(ProgrammingError, match=message):
        parse(sql)


@pytest.mark.parametrize("mark", ["?", "?1", ":name", "@name", "$name"])
def test_marks_that_the_driver_would_read_are_refused(mark: str):
    with pytest.raises(ProgrammingError, match=r"is no placeholder here; write \$1"):
        parse(f"SELECT {mark}", mark="?", brackets=True)


@pytest.mark.parametrize("sql", ["SELECT a ? 'b'", "SELECT a::text", "SELECT b[1:n]", "SELECT a %s", "SELECT a @> b"])
def test_operators_that_look_like_marks_are_left_alone(sql: str):
    parse(sql).check(0)


@pytest.mark.parametrize("mark", ["?", "%s", "%(name)s", ":name"])
def test_parameters_for_other_marks_get_a_hint(mark: str):
    with pytest.raises(ProgrammingError, match=r"no placeholder \$1 and 1 parameters.*write \$1"):
        parse(f"SELECT * FROM t WHERE a = {mark}").check(1)


def test_count_of_parameters_is_checked():
    statement = parse("SELECT $1, $3")
    assert statement.parameters == 3
    statement.check(3)
    with pytest.raises(ProgrammingError, match=r"has 3 placeholders \(\$1 … \$3\) and was given 2 parameters"):
        statement.check(2)
    with pytest.raises(ProgrammingError, match=r"has one placeholder, \$1, and was given 2 parameters"):
        parse("SELECT $1").check(2)
    with pytest.raises(ProgrammingError, match=r"has no placeholder \$1 and was given 2 parameters"):
        parse("SELECT 1").check(2)
