"""Answers from a database: cards, what is linked, queries that are dropped, the vote by results, and the outcomes."""

from itertools import permutations
from typing import Any

import pytest

from tasks.algorithms.sql_answers import (
    best_try,
    candidates,
    cards_found,
    given_script,
    linked,
    literal_calls,
    literals,
    losing_queries,
    next_query,
    no_database,
    no_repair,
    query_call,
    query_settled,
    query_try,
    schema_cards,
    winner,
)
from tasks.reply import Reply, failed, reply
from tasks.tool_calls import tool_error

TABLES: list[dict[str, Any]] = [
    {"name": "orders", "columns": [{"name": "id", "type": "INTEGER"}, {"name": "city", "type": "TEXT"}]},
    {"name": "cities", "columns": [{"name": "Name", "type": ""}]},
]
SCHEMA = [reply(data={"tables": TABLES})]
CARDS = cards_found([reply(key="x", data={"document": d}) for d in ("cities.Name", "orders", "zzz")], SCHEMA)
LINK = {"tables": ["ORDERS"], "columns": [], "values": [], "joins": []}


def ran(sql: str, *rows: Any, tables: int = 1, key: str = "s1") -> Reply:
    data = {"ok": True, "rows": [[r] for r in rows], "digest": str(sorted(rows)), "tables": tables, "error": ""}
    return reply(sql, key=key, data=data)


def test_tables_and_columns_have_cards_and_a_column_brings_its_table() -> None:
    assert [c.key for c in schema_cards(SCHEMA)] == ["orders", "cities", "orders.id", "orders.city", "cities.Name"]
    assert [c.text for c in CARDS] == ["cities(Name)", "orders(id INTEGER, city TEXT)"]
    assert cards_found([failed("x")], SCHEMA) == schema_cards([failed("down")]) == []


def test_a_script_without_a_text_is_none() -> None:
    assert given_script([reply(" "), failed("x")]) == []
    assert no_database([reply("sql", key="sql")])
    assert not no_database([reply("sql", data={"name": "sql"}), reply("", data={"name": "sql_schema"})])


def test_a_link_holds_only_what_exists() -> None:
    said = LINK | {
        "columns": [{"table": "orders", "column": "CITY"}, {"table": "ghosts", "column": "x"}],
        "values": [
            {"table": "orders", "column": "City", "value": " Ghent "},
            {"table": "orders", "column": "nothing", "value": "x"},
            {"table": "ghosts", "column": "x", "value": "x"},
        ],
    }
    made = linked([reply(data=said)], CARDS)
    assert made.text == "orders(city TEXT)"
    assert made.data()["values"] == [{"table": "orders", "column": "city", "value": "Ghent"}]


@pytest.mark.parametrize("lost", [[], [failed("down")], [reply(data={**LINK, "tables": ["ghosts"]})]])
def test_where_nothing_is_linked_all_that_was_found_stands(lost: list[Reply]) -> None:
    assert linked(lost, CARDS).text == "cities(Name)\norders(id INTEGER, city TEXT)"


def test_a_literal_is_looked_up_and_shown_as_it_is_stored() -> None:
    said = LINK | {"values": [{"table": "orders", "column": "city", "value": "it's"}] * 3}
    calls = literal_calls([linked([reply(data=said)], CARDS)], most=2)
    assert len(calls) == 2
    assert "'%it''s%'" in calls[0].data()["args"]["query"]
    found = [reply(data={"rows": [["It's"], ["Its"]]}, at=[0]), failed("down").but(at=[1])]
    assert [t.text for t in literals(calls, found)] == [
        'orders.city: "it\'s" is stored as "It\'s", "Its"',
        'orders.city: "it\'s" is stored as nothing like it',
    ]


def test_what_is_not_one_select_is_dropped_with_the_reason() -> None:
    drawn = [reply(data={"sql": "SELECT 1;"}, key="s1"), reply(data={"sql": "DROP TABLE t"}, key="s2"), failed("x")]
    made = candidates(drawn)
    assert [(m.ok, m.text) for m in made] == [(True, "SELECT 1\nLIMIT 1000"), (False, ""), (False, "")]
    assert made[1].status == "rejected"


def test_a_repaired_query_passes_the_same_gate() -> None:
    assert query_call([reply("SELECT 1", key="s1")]).data()["args"] == {"query": "SELECT 1\nLIMIT 1000", "limit": 1000}
    call = query_call([reply("DELETE FROM t", key="s1")])
    made = query_try([reply("DELETE FROM t", key="s1")], [call], [tool_error("call", "no call")], SCHEMA)
    assert (made.data()["ok"], "begins with DELETE" in made.data()["error"]) == (False, True)


@pytest.mark.parametrize(("rows", "settled", "error"), [([[1]], True, ""), ([], False, "it gave no rows")])
def test_a_query_is_settled_by_rows(rows: list[list[int]], settled: bool, error: str) -> None:
    sql = [reply("SELECT id FROM orders", key="s1")]
    made = query_try(sql, [query_call(sql)], [reply(data={"rows": rows, "columns": ["id"]})], SCHEMA)
    assert (query_settled([made]), made.data()["error"], made.data()["tables"]) == (settled, error, 1)
    assert no_repair([made], turn=1, turns=3) is settled
    assert no_repair([made], turn=3, turns=3)


def test_a_lost_repair_leaves_the_query() -> None:
    before = [reply("SELECT 1", key="s1")]
    assert next_query(before, [failed("down")]).text == "SELECT 1"
    assert next_query(before, [reply(data={"sql": "SELECT 2"})]).text == "SELECT 2"


def test_the_best_run_has_rows_or_at_least_no_error() -> None:
    bad = reply("C", key="s1", data={"ok": False, "rows": [], "error": "no such table"})
    assert best_try([ran("A", 1), ran("B"), bad]).text == "A"
    assert best_try([ran("A"), ran("B"), bad]).text == "B"
    assert (best_try([bad]).ok, best_try([bad]).cause) == (False, "it could not be run: no such table")


def test_the_most_frequent_result_wins_in_whatever_order() -> None:
    results = [ran("A", 1, 2, tables=3, key="a"), ran("B", 2, 1, tables=2, key="b"), ran("C", 9, key="c")]
    for order in permutations(results):
        (won,) = winner([reply()] * 3, list(order))
        assert (won.text, won.data()["votes"]) == ("B", 2)
        assert won.score == pytest.approx(2 / 3)
        assert [r.text for r in losing_queries(list(order), [won])] == ["C"]


def test_a_tie_goes_to_the_fewest_tables() -> None:
    results = [ran("A", 1, tables=3), ran("B", 2, tables=1), failed("down")]
    (won,) = winner([reply()] * 3, results)
    assert won.text == "B"
    assert won.score == pytest.approx(1 / 3)
    assert winner([reply()], [failed("down")]) == losing_queries([], []) == []
