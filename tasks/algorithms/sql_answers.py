"""Questions to a database: the schema as cards, what of it a question needs, queries that vote by their results."""

import re
from collections.abc import Sequence
from typing import Any

from tasks.algorithms.sections import section
from tasks.algorithms.sql_text import (
    LIKE_ESCAPE,
    escaped_like,
    query_problem,
    quoted_name,
    quoted_text,
    tables_in,
    with_limit,
)
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, canonical, causes, failed, first_cause, ok_of, reply
from tasks.sql import rows_digest
from tasks.tool_calls import name_of

MOST_ROWS = 1000
SHOWN_ROWS = 50
CLOSE = 5


@pure
def given_script(database: Replies) -> Replies:
    """The SQL script that makes the database, if there is one."""
    return [d for d in ok_of(database) if d.text.strip()]


@pure
def no_database(tools: Replies) -> bool:
    """Whether there is no database that could be asked."""
    return not {"sql", "sql_schema"} <= {name_of(t) for t in ok_of(tools)}


@pure
def schema_call() -> Reply:
    """The call that shows the schema."""
    return _call("sql_schema", {})


def _call(tool: str, args: dict[str, Any], key: str = "", text: str = "") -> Reply:
    return reply(text, key=key or tool, data={"tool": tool, "args": args})


def _schema(shown: Replies) -> dict[str, dict[str, str]]:
    """Column types by table and column."""
    tables = [t for s in ok_of(shown) for t in s.data().get("tables") or []]
    return {t["name"]: {c["name"]: c["type"] for c in t["columns"]} for t in tables}


@pure
def schema_cards(shown: Replies) -> Replies:
    """A card for each table and one for each column, by which they are searched."""
    schema = _schema(shown)
    tables = [_card(name, f"table {name}: {', '.join(columns)}") for name, columns in schema.items()]
    columns = [
        _card(f"{table}.{column}", f"column {column} ({kind or 'any type'}) of table {table}")
        for table, of_table in schema.items()
        for column, kind in of_table.items()
    ]
    return tables + columns


def _card(key: str, text: str) -> Reply:
    # Names such as order_items are searched by their words.
    plain = re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", key.replace(".", " "))
    return reply(f"{text} ({plain})", key=key, data={"id": key})


@pure
def cards_found(hits: Replies, shown: Replies) -> Replies:
    """The tables of the cards that were found, each with all its columns and their types."""
    schema = _schema(shown)
    names = dict.fromkeys(str(h.data().get("document")) for h in ok_of(hits))
    owners = {key: table for table in schema for key in (table, *(f"{table}.{c}" for c in schema[table]))}
    return [_table(t, schema[t]) for t in dict.fromkeys(owners[n] for n in names if n in owners)]


def _table(name: str, columns: dict[str, str]) -> Reply:
    listed = ", ".join(f"{c} {kind}".strip() for c, kind in columns.items())
    return reply(f"{name}({listed})", key=name, data={"columns": list(columns.items())})


@pure
def linked(extracted: Replies, cards: Replies) -> Reply:
    """What the question needs of the schema, names that do not exist left out; all that was found where it is lost.

    Text lists tables with their columns, then joins; field `values` are the literals with their columns.
    """
    have = {c.key.lower(): c for c in cards}
    said = next((e.data() for e in ok_of(extracted)), None)
    if said is None:
        return reply("\n".join(c.text for c in cards), key="schema", data={"values": []})
    wanted = [*said["tables"], *(c["table"] for c in said["columns"])]
    tables = [have[n] for n in dict.fromkeys(w.strip().lower() for w in wanted) if n in have] or cards
    chosen = [_only(t, said["columns"]) for t in tables]
    values = [v for v in said["values"] if _column(v, have) and v["value"].strip()]
    joins = [f"join: {' '.join(j.split())}" for j in said["joins"]]
    return reply("\n".join([*chosen, *joins]), key="schema", data={"values": [_place(v, have) for v in values]})


def _only(table: Reply, columns: Sequence[dict[str, str]]) -> str:
    """A table with the columns that are wanted of it; with all where none is named."""
    own: dict[str, str] = dict(table.data()["columns"])
    named = {c["column"].strip().lower() for c in columns if c["table"].strip().lower() == table.key.lower()}
    kept = {c: kind for c, kind in own.items() if c.lower() in named} or own
    return _table(table.key, kept).text


def _column(value: dict[str, str], have: dict[str, Reply]) -> str:
    table = have.get(value["table"].strip().lower())
    columns: dict[str, str] = dict(table.data()["columns"]) if table else {}
    return next((c for c in columns if c.lower() == value["column"].strip().lower()), "")


def _place(value: dict[str, str], have: dict[str, Reply]) -> dict[str, str]:
    table = have[value["table"].strip().lower()].key
    return {"table": table, "column": _column(value, have), "value": value["value"].strip()}


@pure
def literal_calls(linked: Replies, most: int) -> Replies:
    """A query for each literal, which looks up what its column holds that comes close."""
    values = linked[0].data()["values"][:most]
    return [
        _call("sql", {"query": _closest(v), "limit": CLOSE}, f"{v['table']}.{v['column']} #{n}", v["value"])
        for n, v in enumerate(values, 1)
    ]


def _closest(value: dict[str, str]) -> str:
    wanted = value["value"].lower()
    whole = quoted_text(f"%{escaped_like(wanted)}%")
    start = quoted_text(f"{escaped_like(wanted[:3])}%")
    text = f"LOWER(CAST({quoted_name(value['column'])} AS TEXT))"
    return CLOSEST.format(
        column=quoted_name(value["column"]),
        table=quoted_name(value["table"]),
        text=text,
        exact=quoted_text(wanted),
        whole=whole,
        start=start,
        escape=quoted_text(LIKE_ESCAPE),
        limit=CLOSE,
    )


@pure
def literals(calls: Replies, ran: Replies) -> Replies:
    """For each literal what its column holds that comes close."""
    by_place = {r.at[0]: r for r in ran if r.at}
    return [_literal(c, by_place.get(n)) for n, c in enumerate(calls)]


def _literal(call: Reply, ran: Reply | None) -> Reply:
    rows = (ran.data().get("rows") or []) if ran is not None and ran.ok else []
    near = ", ".join(canonical(row[0]) for row in rows[:CLOSE] if row)
    return reply(f"{call.key.partition(' #')[0]}: {canonical(call.text)} is stored as {near or 'nothing like it'}")


@pure
def candidates(drawn: Replies) -> Replies:
    """The queries that are exactly one SELECT, with a limit; the others are skipped, with the reason."""
    return [_gated(d) for d in drawn]


def _gated(one: Reply) -> Reply:
    sql = _sql(one)
    problem = query_problem(sql)
    if not one.ok or problem:
        return failed(problem if one.ok else one.cause, key=one.key, status="rejected" if one.ok else "failed")
    return reply(with_limit(sql, MOST_ROWS), key=one.key, model=one.model)


def _sql(one: Reply) -> str:
    return str(one.data().get("sql") or one.text)


@pure
def query_call(sql: Replies) -> Reply:
    """The call of a query as it stands now; failed where it is not exactly one SELECT."""
    gated = _gated(sql[-1])
    return _call("sql", {"query": gated.text, "limit": MOST_ROWS}, gated.key, gated.text) if gated.ok else gated


@pure
def query_try(sql: Replies, call: Replies, result: Replies, shown: Replies) -> Reply:
    """One run of a query: text is the query, fields ok, rows, error, digest (of its sorted rows), tables and table."""
    last, text = result[-1] if result else None, call[-1].text or _sql(sql[-1])
    went = last is not None and last.ok
    found = last.data() if last is not None and last.ok else {}
    rows = found.get("rows") or []
    error = "" if went else first_cause(call) or first_cause(result) or "it was not run"
    data = {
        "ok": went,
        "rows": rows,
        "columns": found.get("columns") or [],
        "cut": bool(found.get("cut")),
        "error": error or ("" if rows else "it gave no rows"),
        "digest": rows_digest(last) if last is not None and last.ok else "",
        "tables": len(tables_in(text, _schema(shown))),
    }
    return reply(text, key=sql[-1].key, data=data)


@pure
def query_settled(tries: Replies) -> bool:
    """Whether the last run gave rows and no error."""
    return bool(tries) and tries[-1].data()["ok"] and bool(tries[-1].data()["rows"])


@pure
def no_repair(tries: Replies, turn: int, turns: int) -> bool:
    """Whether a query is not written anew: it gave rows, or it would not be run again."""
    return turn >= turns or query_settled(tries)


@pure
def next_query(before: Replies, revised: Replies) -> Reply:
    """The repaired query; the one before where there is none."""
    made = ok_of(revised)
    return reply(_sql(made[-1]), key=before[-1].key) if made else before[-1]


@pure
def best_try(tries: Replies) -> Reply:
    """The last run of a query that gave rows, else the last without an error; failed where every one had an error."""
    good = [t for t in tries if t.data()["ok"]]
    best = [t for t in good if t.data()["rows"]] or good
    if not best:
        return failed(f"it could not be run: {tries[-1].data()['error']}", key=tries[-1].key)
    return best[-1].but(data={**best[-1].data(), "tries": len(tries)})


@pure
def winner(drawn: Replies, results: Replies) -> Replies:
    """The query whose result most queries share; of several the one with the fewest tables, then the first.

    Score is its share of the queries that were drawn; nothing where none could be run.
    """
    groups: dict[str, Replies] = {}
    for one in ok_of(results):
        groups.setdefault(one.data()["digest"], []).append(one)
    if not groups:
        return []
    best = max(groups.values(), key=lambda g: (len(g), -min(r.data()["tables"] for r in g)))
    won = min(best, key=lambda r: r.data()["tables"])
    return [won.but(score=len(best) / max(1, len(drawn)), data={**won.data(), "votes": len(best)})]


@pure
def losing_queries(results: Replies, winner: Replies) -> Replies:
    """The queries whose results differ from the winner's."""
    digest = winner[0].data()["digest"] if winner else ""
    return [r for r in ok_of(results) if r.data()["digest"] != digest]


@pure
def sql_answer(
    tools: Replies,
    shown: Replies,
    extracted: Replies,
    candidates: Replies,
    results: Replies,
    winner: Replies,
    back: Replies,
    check: Replies,
    decision: Replies,
) -> Reply:
    """The answer with its table and its query; incomplete where no query ran or a person put the question otherwise."""
    verdict = next((c.data() for c in ok_of(check)), {"verdict": "unchecked", "reason": ""})
    chosen = decision[-1].key if decision else ""
    won = winner[0].data() if winner else {}
    data: dict[str, Any] = {
        "sql": winner[0].text if winner else "",
        "columns": won.get("columns", []),
        "rows": won.get("rows", []),
        "cut": won.get("cut", False),
        "meaning": next((b.text.strip() for b in ok_of(back)), ""),
        "verdict": verdict["verdict"],
        "reason": verdict["reason"],
        "confirmed": chosen == "confirm",
        "queries": [{"key": r.key, "ok": r.ok, "cause": r.cause, "sql": r.text} for r in results],
        "lost": [
            *(causes(shown) + causes(extracted) + causes(candidates)),
            *(causes(results) + causes(back) + causes(check)),
        ],
    }
    if not winner:
        why = causes([*candidates, *results, *shown]) or [NO_DATABASE if no_database(tools) else NO_TABLES]
        lines = ["No query could be run.", *section("Why", why)]
        return reply("\n".join(lines), key="answer", data=data, outcome="incomplete")
    data |= {"votes": won["votes"], "agreement": winner[0].score}
    if chosen == "rephrase":
        lines = [REPHRASED, "", decision[-1].text.strip(), *_query(data)]
        return reply("\n".join(lines), key="answer", data=data, outcome="incomplete")
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    if not data["confirmed"] and verdict["verdict"] != "supported":
        outcome = "unchecked"
    return reply("\n".join(_shown(data)), key="answer", data=data, score=winner[0].score, outcome=outcome)


def _shown(data: dict[str, Any]) -> list[str]:
    rows: list[list[Any]] = data["rows"]
    single = len(rows) == 1 and len(rows[0]) == 1
    head = _cell(rows[0][0]) if single else f"{len(rows):,} rows{' (more were cut)' if data['cut'] else ''}"
    beyond = [f"({len(rows) - SHOWN_ROWS:,} more rows)"] if len(rows) > SHOWN_ROWS else []
    table = [] if single or not rows else ["", *_table_of(data["columns"], rows[:SHOWN_ROWS]), *beyond]
    return [head, *table, *_query(data)]


def _table_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = [[_cell(c) for c in columns], ["---"] * len(columns), *([_cell(v) for v in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "/").replace("\n", " ")


def _query(data: dict[str, Any]) -> list[str]:
    meaning = ["", data["meaning"]] if data["meaning"] else []
    return [*meaning, "", "```sql", data["sql"], "```"]


CLOSEST = """\
SELECT {column} FROM {table} WHERE {text} LIKE {whole} ESCAPE {escape} OR {text} LIKE {start} ESCAPE {escape}
GROUP BY {column}
ORDER BY MIN(CASE WHEN {text} = {exact} THEN 0 WHEN {text} LIKE {whole} ESCAPE {escape} THEN 1 ELSE 2 END),
MIN(LENGTH({text})), {column} LIMIT {limit}"""
NO_DATABASE = "there is no database: give the run --database, an SQL script, or name one as sql in RADIANT_TOOLS"
NO_TABLES = "no table of the database bears on the question"
REPHRASED = "The query computes something else than was meant. Ask again in these words:"
