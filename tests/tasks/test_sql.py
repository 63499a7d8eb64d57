"""SQL: reads from a file or a given script, and does nothing else, for however long."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tasks import sql
from tasks.calls import Spot
from tasks.reply import Reply, reply
from tasks.run import Run
from tasks.sql import rows_digest
from tasks.toolbox import run_tool
from tests.fake_tools import ToolServer

SCRIPT = """
CREATE TABLE sales (region TEXT, amount REAL);
INSERT INTO sales VALUES ('north', 10), ('south', 20.5), ('south', NULL);
CREATE VIEW totals AS SELECT region, sum(amount) AS total FROM sales GROUP BY region;
"""


def asked(run: Run, query: str = "", tool: str = "sql", script: str = SCRIPT, **more: Any) -> Reply:
    arguments = {"query": query, **more} if tool == "sql" else {}
    return run_tool(Spot(run, "sql"), tool=tool, arguments=arguments, database=[reply(script)])["out"][0]


def test_rows_of_a_given_script(run: Run) -> None:
    done = asked(run, "SELECT region, sum(amount) AS total FROM sales GROUP BY 1 ORDER BY 1")
    assert done.data() == {"columns": ["region", "total"], "rows": [["north", 10.0], ["south", 20.5]], "cut": False}
    assert done.text == "region | total\nnorth | 10.0\nsouth | 20.5\n(2 rows)"


def test_the_schema_lists_tables_and_views(run: Run) -> None:
    tables = asked(run, tool="sql_schema").data()["tables"]
    assert [t["name"] for t in tables] == ["sales", "totals"]
    assert tables[0]["columns"] == [{"name": "region", "type": "TEXT"}, {"name": "amount", "type": "REAL"}]


def test_a_file_of_the_settings_is_read_and_left_alone(run: Run, tool_server: ToolServer, tmp_path: Path) -> None:
    file = tmp_path / "sales data.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(SCRIPT)
    connection.close()
    before = file.read_bytes()
    tool_server.configure(sql=f"sqlite:{file}")
    assert asked(run, "SELECT count(*) FROM sales", script="CREATE TABLE other (a)").data()["rows"] == [[3]]
    assert not asked(run, "DELETE FROM sales").ok
    assert asked(run, tool="sql_schema").data()["tables"][0]["name"] == "sales"
    assert file.read_bytes() == before


def test_a_file_that_is_not_there_is_told_and_not_made(run: Run, tool_server: ToolServer, tmp_path: Path) -> None:
    tool_server.configure(sql=f"sqlite:{tmp_path / 'none.db'}")
    assert "there is no file" in asked(run, "SELECT 1").cause
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO sales VALUES ('x', 1)",
        "UPDATE sales SET amount = 0",
        "DELETE FROM sales",
        "DROP TABLE sales",
        "CREATE TABLE t (a)",
        "ATTACH '/tmp/radiant-attached.db' AS other",
        "VACUUM INTO '/tmp/radiant-vacuum.db'",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x')",
        "SELECT zeroblob(1000000000)",
        "BEGIN",
        "SELECT 1; DELETE FROM sales",
        "EXPLAIN",
        "",
    ],
)
def test_nothing_but_reading_is_done(run: Run, query: str) -> None:
    done = asked(run, query)
    assert not done.ok
    assert done.data()["error"] in ("failed", "arguments")
    assert not Path("/tmp/radiant-attached.db").exists()
    assert not Path("/tmp/radiant-vacuum.db").exists()


@pytest.mark.parametrize(
    "script", ["ATTACH '/tmp/radiant-attached.db' AS o", "PRAGMA max_page_count = 999999", "SELECT load_extension('x')"]
)
def test_a_script_builds_tables_and_nothing_else(run: Run, script: str) -> None:
    assert "not authorized" in asked(run, "SELECT 1", script=script).cause
    assert not Path("/tmp/radiant-attached.db").exists()


def test_a_query_without_end_is_stopped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "QUERY_SECONDS", 0.1)
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    done = asked(run, endless)
    assert (done.status, done.cause) == ("timeout", "the query took more than 0.1 s")


def test_rows_and_cells_are_bounded(run: Run) -> None:
    many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n"
    assert (len(asked(run, many).data()["rows"]), asked(run, many).data()["cut"]) == (1000, True)
    assert len(asked(run, many, limit=3).data()["rows"]) == 3
    wide = asked(run, "SELECT printf('%.*c', 100000, 'x'), x'00ff', 9e999").data()["rows"][0]
    assert (len(wide[0]), wide[1:]) == (2000, ["(2 bytes)", "inf"])


def test_equal_results_have_equal_digests_in_any_order(run: Run) -> None:
    one = asked(run, "SELECT region FROM sales ORDER BY region")
    two = asked(run, "SELECT region FROM sales ORDER BY region DESC")
    assert rows_digest(one) == rows_digest(two) != rows_digest(asked(run, "SELECT 1"))
