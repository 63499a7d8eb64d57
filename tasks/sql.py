"""SQL on SQLite, read only: over a file of the settings, or over a script (CREATE, INSERT) that a run is given."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

from tasks.reply import Replies, Reply, canonical, ok_of, reply
from tasks.tool_calls import tool_error
from tasks.toolbox import Errand

QUERY_SECONDS = 15.0
SCRIPT_SECONDS = 10.0
MOST_CELL = 2_000
MOST_BYTES = 200_000
"""Characters of one cell, and of all rows; longer ones are cut, and the reply says so."""
MOST_SCRIPT = 64 * 1024 * 1024
"""Bytes that a database made of a script may have."""


class NotAllowed(Exception):
    """A statement that does more than read."""


def run_query(errand: Errand, file: str) -> Reply:
    """One SELECT: fields are columns, rows (values as JSON has them), and whether rows were cut."""
    query, limit = str(errand.arguments["query"]), int(errand.arguments.get("limit", 1000))

    def ask(connection: sqlite3.Connection) -> Reply:
        cursor = connection.execute(query)
        if cursor.description is None:
            raise NotAllowed("the query gives no rows: write one SELECT")
        columns = [d[0] for d in cursor.description]
        rows, cut = _rows(cursor, limit)
        data = {"columns": columns, "rows": rows, "cut": cut}
        return reply(_table(columns, rows, cut=cut), data=data)

    return _asked(errand, file, ask)


def show_schema(errand: Errand, file: str) -> Reply:
    """The tables: fields are tables, each with name, columns (name and type) and its SQL."""

    def ask(connection: sqlite3.Connection) -> Reply:
        connection.set_authorizer(None)  # these queries are our own
        tables = []
        for name, sql in connection.execute(TABLES).fetchall():
            columns = connection.execute(COLUMNS, (name,)).fetchall()
            tables.append({"name": name, "columns": [{"name": c, "type": t} for c, t in columns], "sql": sql})
        return reply("\n".join(str(t["sql"]) for t in tables) or "(no tables)", data={"tables": tables})

    return _asked(errand, file, ask)


def _asked(errand: Errand, file: str, ask: Any) -> Reply:
    try:
        with _reading(file, errand.sources.get("database", [])) as connection:
            made: Reply = ask(connection)
            return made
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return tool_error("timeout", f"the query took more than {QUERY_SECONDS:g} s")
        return tool_error("failed", f"SQL: {error}")
    except (sqlite3.Error, sqlite3.Warning, NotAllowed, OverflowError) as error:
        return tool_error("failed", f"SQL: {error}")


@contextmanager
def _reading(file: str, script: Replies) -> Iterator[sqlite3.Connection]:
    """A connection that can only read, and not for long."""
    connection = _of_file(file) if file else _of_script("\n".join(r.text for r in ok_of(script)))
    try:
        _limit(connection)
        connection.set_authorizer(None)
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(_may_read)
        _stop_after(connection, QUERY_SECONDS)
        yield connection
    finally:
        connection.close()


def _of_file(file: str) -> sqlite3.Connection:
    if not Path(file).is_file():
        raise sqlite3.OperationalError(f"there is no file '{file}': RADIANT_TOOLS names it")
    return sqlite3.connect(f"file:{quote(str(Path(file).absolute()))}?mode=ro", uri=True)


def _of_script(script: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    _limit(connection)
    connection.execute(f"PRAGMA max_page_count = {MOST_SCRIPT // 4096}")
    connection.set_authorizer(_may_write)
    _stop_after(connection, SCRIPT_SECONDS)
    connection.executescript(script)
    return connection


def _limit(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


def _stop_after(connection: sqlite3.Connection, seconds: float) -> None:
    until = monotonic() + seconds
    connection.set_progress_handler(lambda: int(monotonic() > until), 10_000)


def _may_read(action: int, one: str | None, two: str | None, where: str | None, by: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (two or "").lower() in FORBIDDEN else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in READS else sqlite3.SQLITE_DENY


def _may_write(action: int, one: str | None, two: str | None, where: str | None, by: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in FORBIDDEN:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_PRAGMA) else sqlite3.SQLITE_OK


def _rows(cursor: sqlite3.Cursor, limit: int) -> tuple[list[list[Any]], bool]:
    rows: list[list[Any]] = []
    size = 0
    for row in cursor:
        size += sum(len(str(value)) for value in row)
        if len(rows) == limit or size > MOST_BYTES:
            return rows, True
        rows.append([_cell(value) for value in row])
    return rows, False


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, str):
        return value.replace("\x00", " ")[:MOST_CELL]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _table(columns: list[str], rows: list[list[Any]], *, cut: bool) -> str:
    lines = [" | ".join(columns), *(" | ".join("" if v is None else str(v) for v in row) for row in rows)]
    return "\n".join([*lines, f"({len(rows)} rows{', more were cut' if cut else ''})"])


def rows_digest(result: Reply) -> str:
    """The sorted rows of a result as text: equal for equal result sets, whatever their order."""
    return canonical(sorted((result.data().get("rows") or []), key=canonical))


READS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
FORBIDDEN = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zeroblob", "randomblob"})
TABLES = (
    "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
)
COLUMNS = "SELECT name, type FROM pragma_table_info(?)"
