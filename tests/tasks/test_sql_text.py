"""SQL as text: only one reading SELECT passes, whatever stands in its literals, and quoting holds."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.sql_text import escaped_like, query_problem, quoted_name, quoted_text, tables_in, with_limit

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select a from t;",
        "SELECT 1; -- done",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
        "SELECT 'DROP TABLE t; DELETE' AS text, \"update\" FROM t /* insert; */",
        "SELECT replace(a, 'x', 'y') FROM t WHERE b = 'it''s'",
        "SELECT count(*) FROM (SELECT a FROM t LIMIT 3)",
    ],
)
def test_one_select_passes(sql: str) -> None:
    assert query_problem(sql) == ""


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("", "no SQL"),
        ("-- SELECT 1", "no SQL"),
        (";", "no SQL"),
        ("SELECT 1; DROP TABLE t", "more than one"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("DELETE FROM t", "begins with DELETE"),
        ("Here is it: SELECT 1", "begins with HERE"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "says DELETE"),
        ("WITH x AS (SELECT 1)", "no SELECT"),
        ("SELECT a INTO u FROM t", "says INTO"),
        ("SELECT 'a", "does not end"),
        ("SELECT (1", "parentheses"),
        ("SELECT 1)", "parentheses"),
        ("PRAGMA writable_schema", "begins with PRAGMA"),
    ],
)
def test_anything_else_is_named(sql: str, problem: str) -> None:
    assert problem in query_problem(sql)


@pytest.mark.parametrize(
    ("sql", "limited"),
    [
        ("SELECT 1", "SELECT 1\nLIMIT 9"),
        ("SELECT 1; ", "SELECT 1\nLIMIT 9"),
        ("SELECT 1 -- all; of it", "SELECT 1\nLIMIT 9"),
        ("SELECT 1 LIMIT 3;", "SELECT 1 LIMIT 3"),
        ("SELECT a FROM (SELECT 1 AS a LIMIT 3)", "SELECT a FROM (SELECT 1 AS a LIMIT 3)\nLIMIT 9"),
        ("SELECT 'limit'", "SELECT 'limit'\nLIMIT 9"),
    ],
)
def test_a_limit_is_added_where_the_outermost_select_has_none(sql: str, limited: str) -> None:
    assert with_limit(sql, 9) == limited == with_limit(limited, 9)


@settings(deadline=None)
@given(TEXTS)
def test_a_quoted_text_is_one_literal_and_a_quoted_name_one_identifier(text: str) -> None:
    sql = f"SELECT {quoted_text(text)} AS {quoted_name('c' + text)}"
    cursor = sqlite3.connect(":memory:").execute(sql)
    assert cursor.fetchall() == [(text,)]
    assert query_problem(sql) == ""


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_an_escaped_text_is_found_as_it_stands_and_no_other(text: str, other: str) -> None:
    lowered = text.lower()
    pattern = quoted_text(escaped_like(lowered))
    connection = sqlite3.connect(":memory:")
    found = connection.execute(f"SELECT {quoted_text(lowered)} LIKE {pattern} ESCAPE '!'").fetchone()
    assert found == (1,)
    if len(other) != len(lowered):
        assert connection.execute(f"SELECT {quoted_text(other)} LIKE {pattern} ESCAPE '!'").fetchone() == (0,)


@given(TEXTS)
def test_any_text_is_judged(text: str) -> None:
    assert isinstance(query_problem(text), str)
    assert isinstance(with_limit(text, 1), str)


def test_tables_are_found_in_and_out_of_quotation_marks_but_not_in_texts() -> None:
    sql = "SELECT 'cities' FROM Orders o JOIN \"line items\" l ON o.id = l.o -- stores"
    assert tables_in(sql, ["orders", "line items", "cities", "stores"]) == ["orders", "line items"]
