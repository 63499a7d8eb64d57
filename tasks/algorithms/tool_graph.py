"""A graph of tool calls: what is wrong with it, which calls are ready, and what became of each.

A node is a reply under its id with the fields tool, args, deps, writes and undo; its result has state (done, failed or
skipped), error and writes beside these.
"""

import re
from collections.abc import Iterable
from typing import Any

from tasks.algorithms.sections import section
from tasks.algorithms.subtasks import stuck
from tasks.algorithms.tool_plans import MOST_FOUND, UNKNOWN_OUTCOME, filled_call, must_look, names_in
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, ok_of, reply
from tasks.tool_calls import name_of, observation

NAMED = re.compile(r"\$[a-z][a-z0-9_]*")
"""How an argument names the node whose result is put in its place."""
DONE, FAILED, SKIPPED = "done", "failed", "skipped"
REPLAN = "replan"


@pure
def graph_problem(plan: Replies, tools: Replies, results: Replies, most: int) -> Reply:
    """All that is wrong with a plan, a line each; empty where nothing is.

    `results` are nodes that ran before: new ones may depend on those that are done, and may not take their ids.
    """
    return reply("\n".join(_problems(plan, tools, results, most)), key="problem")


def _problems(plan: Replies, tools: Replies, results: Replies, most: int) -> list[str]:
    if not ok_of(plan):
        return [f"there is no plan: {next(iter(causes(plan)), 'none was made')}"]
    nodes = plan[-1].data()["nodes"]
    wrong = [f"{len(nodes)} nodes: at most {most} are allowed"] if len(nodes) > most else []
    ids = [n["id"] for n in nodes]
    taken = {r.key for r in results}
    wrong += [f"the id {i} is taken" for i in sorted({i for i in ids if ids.count(i) > 1 or i in taken})]
    usable = {*ids, *(r.key for r in results if r.data()["state"] == DONE)}
    catalogue = {name_of(t): t for t in ok_of(tools)}
    wrong += [problem for n in nodes for problem in _node_problems(n, catalogue, usable)]
    inner = {n["id"]: [d for d in n["deps"] if d in ids] for n in nodes}
    if cycle := stuck(inner):
        wrong.append(f"{', '.join(cycle)} depend on one another in a cycle")
    return wrong


def _node_problems(node: dict[str, Any], catalogue: dict[str, Reply], usable: set[str]) -> Iterable[str]:
    name = node["id"]
    yield from (f"{name} depends on {d}, which is not there" for d in node["deps"] if d not in usable)
    for mark in names_in(node["args"], NAMED):
        if mark[1:] not in node["deps"]:
            yield f"{name} names {mark}, which is not among its deps"
    if node["tool"] not in catalogue:
        yield f"{name}: there is no tool '{node['tool']}': the tools are {', '.join(sorted(catalogue))}"
    elif wrong := template_misfit(node["args"], catalogue[node["tool"]].data().get("arguments") or {}):
        yield f"{name}: the arguments of {node['tool']} do not fit: {wrong}"


def template_misfit(args: dict[str, Any], schema: dict[str, Any]) -> str:
    """Where arguments do not fit a tool's schema, whatever is put in for what they name; empty if nowhere."""
    import jsonschema

    try:
        for problem in jsonschema.Draft202012Validator(schema).iter_errors(args):
            if not (isinstance(problem.instance, str) and NAMED.search(problem.instance)):
                return f"{problem.json_path}: {' '.join(problem.message.split())[:200]}"
    except Exception as error:  # a schema that a tool server made up may be anything
        return f"the tool's own schema is wrong: {type(error).__name__}"
    return ""


@pure
def graph_nodes(plan: Replies, replan: Replies, tools: Replies, results: Replies, most: int) -> Replies:
    """The nodes of the last plan with which nothing is wrong; none where there is no such plan."""
    for one in (replan, plan):
        if not _problems(one, tools, results, most):
            entries = {name_of(t): t.data() for t in ok_of(tools)}
            return [_node(n, entries[n["tool"]]) for n in one[-1].data()["nodes"]]
    return []


def _node(node: dict[str, Any], entry: dict[str, Any]) -> Reply:
    deps = list(dict.fromkeys(node["deps"]))
    after = f" after {', '.join(deps)}" if deps else ""
    text = f"{node['id']}: {node['tool']}({canonical(node['args'])}){after}"
    if entry.get("writes"):
        text += f" [changes something outside; {entry.get('undo') or 'nothing'} takes it back]"
    data = {k: node[k] for k in ("tool", "args")} | {"deps": deps, "writes": bool(entry.get("writes"))}
    return reply(text, key=node["id"], data=data)


@pure
def writes_nothing(nodes: Replies) -> bool:
    """Whether no node changes anything outside, so that nobody need approve."""
    return not any(n.data()["writes"] for n in nodes)


@pure
def drawn(nodes: Replies) -> Reply:
    """The graph as text for a person: wave by wave, each call with what it waits for and what it changes."""
    lines: list[str] = []
    done: set[str] = {d for n in nodes for d in n.data()["deps"]} - {n.key for n in nodes}
    todo, wave = list(nodes), 0
    while ready := [n for n in todo if set(n.data()["deps"]) <= done]:
        wave += 1
        lines += [f"Wave {wave}:", *(f"- {n.text}" for n in ready)]
        done |= {n.key for n in ready}
        todo = [n for n in todo if n not in ready]
    return reply("\n".join(lines), key="graph")


@pure
def approved(nodes: Replies, decision: Replies, results: Replies) -> Slots:
    """`todo` are the nodes that may run; where a person rejected it, all of them are skipped, with the reason."""
    if not decision or decision[-1].key == "approve":
        return {"todo": nodes, "results": results}
    why = f"a person did not approve this plan: {decision[-1].data().get('text') or 'no reason was given'}"
    return {"todo": [], "results": [*results, *(_result(n, SKIPPED, why) for n in nodes)]}


def _result(node: Reply, state: str, text: str, error: str = "") -> Reply:
    data = {k: node.data()[k] for k in ("tool", "args", "deps", "writes")}
    return reply(text, key=node.key, data={**data, "id": node.key, "state": state, "error": error, "result": text})


@pure
def nothing_runnable(todo: Replies, results: Replies) -> bool:
    """Whether no node is left of which all is done that it depends on."""
    return not _ready(todo, results)


def _ready(todo: Replies, results: Replies) -> list[Reply]:
    done = {r.key for r in results if r.data()["state"] == DONE}
    return [n for n in todo if set(n.data()["deps"]) <= done]


@pure
def ready_calls(todo: Replies, results: Replies, tools: Replies, most: int) -> Slots:
    """`nodes` are the first so many that are ready, `calls` their calls with the results that they name put in."""
    nodes = _ready(todo, results)[:most]
    found = {f"${r.key}": r.text for r in results if r.data()["state"] == DONE}
    calls = [filled_call(n.data()["tool"], n.data()["args"], found, NAMED, tools).but(key=n.key) for n in nodes]
    return {"nodes": nodes, "calls": calls}


@pure
def to_retry(calls: Replies, ran: Replies) -> Replies:
    """The calls that failed and may be made again: one that changes something outside is begun once."""
    return [c for c, r in zip(calls, ran, strict=True) if not r.ok and not c.data()["writes"]]


@pure
def after_wave(
    todo: Replies, results: Replies, nodes: Replies, ran: Replies, retried: Replies, again: Replies
) -> Slots:
    """`results` with those of a wave, the retries in place of what failed, and as skipped all that hangs on a failure.

    `todo` are the nodes that are left.
    """
    second = {c.key: r for c, r in zip(retried, again, strict=True)}
    made = [*results, *(_ran(n, second.get(n.key, first)) for n, first in zip(nodes, ran, strict=True))]
    left = [n for n in todo if n.key not in {m.key for m in made}]
    while lost := [n for n in left if _broken(n, made)]:
        made += [_result(n, SKIPPED, f"not run, since {_broken(n, made)} was not done") for n in lost]
        left = [n for n in left if n not in lost]
    return {"results": made, "todo": left}


def _ran(node: Reply, result: Reply) -> Reply:
    seen = observation([result], MOST_FOUND)
    return _result(node, DONE if result.ok else FAILED, seen.text, str(seen.data()["error"]))


def _broken(node: Reply, made: Replies) -> str:
    bad = {m.key for m in made if m.data()["state"] != DONE}
    return next((d for d in node.data()["deps"] if d in bad), "")


@pure
def joined(joins: Replies) -> bool:
    """Whether the last judge wants no further calls, or could not be heard."""
    said = ok_of(joins[-1:])
    return not said or said[0].data()["verdict"] != REPLAN


@pure
def graph_answer(written: Replies, results: Replies, joins: Replies, problems: Replies) -> Reply:
    """The answer, the calls that it cites, and what was not done. `quality` is the share of nodes that are done.

    Incomplete where the last judge still misses something or a person must look, unchecked without a judge. What was
    found stands in for an answer that could not be written; the run fails where there is neither.
    """
    rows = [r.data() for r in results]
    if not ok_of(written) and not rows:
        raise Refuse(f"nothing was found and no answer written: {'; '.join(causes(written))}")
    failed = [f"{r['id']}: {r['result']}" for r in rows if r["state"] != DONE]
    unknown = [r["result"] for r in rows if r["writes"] and r["error"] in UNKNOWN_OUTCOME]
    said = next((j.data() for j in ok_of(joins[-1:])), None)
    missing = said["missing"] if said and said["verdict"] == REPLAN else []
    text = next((w.text.strip() for w in ok_of(written)), "") or "\n".join(f"[{r['id']}] {r['result']}" for r in rows)
    cited = [r for r in rows if f"[{r['id']}]" in text]
    data = {
        "nodes": rows,
        "rounds": len(joins),
        "missing": missing,
        "not_done": failed,
        "cited": [r["id"] for r in cited],
        "plan_problems": [p.text for p in problems if p.text],
        "lost": causes([*written, *joins]),
        "quality": sum(r["state"] == DONE for r in rows) / len(rows) if rows else 0.0,
    }
    outcome: Outcome = "answered"
    if unknown or (said and said["verdict"] == REPLAN):
        outcome = "incomplete"
    elif not said:
        outcome = "unchecked"
    elif failed or data["lost"]:
        outcome = "degraded"
    sources = section("Calls", (f"[{r['id']}] {r['tool']}({canonical(r['args'])})" for r in cited))
    parts = ["\n\n".join([*must_look(unknown), text]), *section("Not done", failed), *section("Missing", missing)]
    model = next((w.model for w in ok_of(written)), "")
    return reply("\n".join([*parts, *sources]), key="answer", data=data, model=model, outcome=outcome)
