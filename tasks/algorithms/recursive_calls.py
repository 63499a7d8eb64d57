"""Recursive language model calls: an input kept as a variable that a root model inspects by code, never in its prompt.

Source: Zhang, Kraska and Khattab 2025 (arXiv 2512.24601).
"""

import json
import re
from typing import Any

from tasks.algorithms.code_actions import KEPT
from tasks.algorithms.quotes import occurs
from tasks.algorithms.sections import section
from tasks.code import FENCED, source_of
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply
from tasks.tool_calls import cut

HEAD = 500
"""Characters of the input that the root is shown."""
PRELUDE = """
import json as _json, threading as _threading
_lock, _left = _threading.Lock(), [0]
def _allow(calls):
    _left[0] = calls
def llm_query(text):
    if not isinstance(text, str) or len(text) > {most_chars}:
        raise ValueError("llm_query takes one text of at most {most_chars} characters")
    with _lock:
        if _left[0] <= 0:
            raise RuntimeError("no sub-call is left: finish from your variables")
        _left[0] -= 1
    return _ask(text)
def _text(value):
    return value if isinstance(value, str) else _json.dumps(value, ensure_ascii=False, default=str)
def FINAL(value):
    final_answer({{"kind": "value", "text": _text(value)}})
def FINAL_VAR(name):
    if name not in globals():
        raise NameError(f"FINAL_VAR: there is no variable {{name!r}}")
    final_answer({{"kind": "variable", "text": _text(globals()[name])}})
"""


@pure
def whole_input(context: Replies, documents: Replies, prompt: Replies) -> Replies:
    """The text that is worked on, else the documents, else the prompt itself: one text, or several."""
    if texts := [c for c in ok_of(context) if c.text.strip()]:
        return texts
    found = [reply(str(d.data().get("text") or d.text), key=_name(d, n)) for n, d in enumerate(ok_of(documents), 1)]
    return found or prompt


def _name(document: Reply, number: int) -> str:
    data = document.data()
    return str(data.get("title") or data.get("id") or document.key or number)


@pure
def prelude(most_chars: int) -> Reply:
    """The first cell of the session, in which the functions that the root may call are made."""
    return reply(key="prelude", data={"cell": PRELUDE.format(most_chars=most_chars)})


@pure
def environment(given: Replies, log: Replies, budget: Replies, calls: int, turn: int, turns: int) -> Reply:
    """What the root is told of its variable and of what is left: kind, length and beginning, never the whole."""
    sizes = [len(g.text) for g in given]
    if len(given) == 1:
        kind = f"context is a str of {sizes[0]:,} characters. It begins:\n{given[0].text[:HEAD]}"
    else:
        names = "\n".join(f"{n}: {g.key}, {s:,}" for n, (g, s) in enumerate(zip(given, sizes, strict=True)))
        kind = f"context is a list of {len(given)} str, {sum(sizes):,} characters in all. "
        kind += f"The first begins:\n{given[0].text[:HEAD]}\nIndex, name and characters:\n{cut(names, 4000)}"
    lines = [kind, f"Sub-calls left: {_left(log, budget, calls)} of {calls}. Turn {turn} of {turns}."]
    if not _left(log, budget, calls):
        lines.append("No sub-call is left: finish from your variables now.")
    elif turn >= turns:
        lines.append("This is the last turn: call FINAL or FINAL_VAR now.")
    if missing := _missing(log):
        lines.append("These quoted passages of your answer do not stand in context. Mend it and call FINAL again:")
        lines += [f"- {m}" for m in missing]
    return reply("\n".join(lines), key="environment")


def _left(log: Replies, budget: Replies, calls: int) -> int:
    """Sub-calls that may still be made; none once they cost as much as the budget, where there is one."""
    most = next((float(b.text) for b in budget), 0.0)
    spent = sum(e.data()["cost"] for e in log)
    return 0 if most and spent >= most else max(0, calls - sum(e.data()["calls"] for e in log))


def _missing(log: Replies) -> list[str]:
    return log[-1].data()["missing"] if log and log[-1].data()["has_final"] else []


@pure
def next_cell(written: Replies, log: Replies, budget: Replies, calls: int) -> Replies:
    """The root's code block as a cell that may make so many sub-calls as are left; nothing where there is none."""
    if not (said := ok_of(written)[-1:]) or not FENCED.search(said[0].text):
        return []
    code = source_of(said[0])
    return (
        [reply(code, key="cell", data={"cell": f"_allow({_left(log, budget, calls)})\n{code}"})] if code.strip() else []
    )


@pure
def no_cell(cell: Replies) -> bool:
    """Whether there is nothing to run."""
    return not cell


@pure
def block_record(written: Replies, cell: Replies, ran: Replies, given: Replies, turn: int) -> Reply:
    """A turn: its code and output, its final answer if it set one, and the quoted passages that the input lacks."""
    data: dict[str, Any] = {"code": cell[0].text if cell else "", "calls": 0, "cost": 0.0, "lost": causes(written)}
    data |= {"has_final": False, "final": "", "kind": "", "missing": []}
    output = f"ERROR: {'; '.join(data['lost']) or 'your reply holds no ```python block'}"
    if ran:
        one = ran[-1]
        output = one.text if one.ok else f"ERROR: {one.cause}"
        data |= {"calls": one.calls, "cost": one.cost, "lost": [*causes(ran), *one.data().get("failed_calls", [])]}
        dropped = one.ok and one.data()["ended"] not in KEPT
        output += "\n[the session goes on without this block: what it set is gone]" if dropped else ""
        if one.ok and one.data()["has_final"]:
            data |= _final(one.data()["final"])
    if data["has_final"] and data["kind"] == "value":
        data["missing"] = missing_quotes(data["final"], given)
    return reply(output, key=f"block {turn}", data=data, model=written[0].model if written else "")


def _final(value: object) -> dict[str, Any]:
    """What FINAL or FINAL_VAR set, or code by final_answer itself; empty is no answer."""
    found = value if isinstance(value, dict) and set(value) == {"kind", "text"} else {"kind": "value", "text": value}
    text = found["text"] if isinstance(found["text"], str) else json.dumps(found["text"], ensure_ascii=False)
    return {"has_final": bool(text.strip()), "final": text.strip(), "kind": str(found["kind"])}


def missing_quotes(text: str, given: Replies) -> list[str]:
    """The quoted passages of two words or more that stand in none of the texts; parts about an ellipsis apart."""
    whole = [g.text for g in given]
    quotes = [m.group(1) or m.group(2) or m.group(3) for m in QUOTED.finditer(text)]
    parts = [(q, [p for p in ELLIPSIS.split(q) if p.strip()]) for q in quotes if len(q.split()) > 1]
    lacking = [q for q, pieces in parts if not all(any(occurs(p, w) for w in whole) for p in pieces)]
    return list(dict.fromkeys(lacking))


@pure
def shown_blocks(log: Replies, last: int, most: int) -> Replies:
    """The last blocks as the root sees them, their output cut."""
    return [
        e.but(text=f"```python\n{e.data()['code']}\n```\nOutput:\n{cut(e.text, most)}", fields="") for e in log[-last:]
    ]


@pure
def answered_or_over(log: Replies, turns: int) -> bool:
    """Whether it ends: an answer was set that is not, or no more, to be mended, or no turn is left."""
    first = next((n for n, e in enumerate(log) if e.data()["has_final"]), None)
    if first is None:
        return len(log) >= turns
    return not log[first].data()["missing"] or len(log) > first + 1


@pure
def recursive_answer(log: Replies, calls: int) -> Reply:
    """The answer as code set it; quoted passages that the input lacks are marked. Without one it is incomplete."""
    final = next((e for e in reversed(log) if e.data()["has_final"]), None)
    found: dict[str, Any] = final.data() if final else {"final": "", "kind": "", "missing": []}
    lost = [c for e in log for c in e.data()["lost"]]
    used = sum(e.data()["calls"] for e in log)
    data = {
        "kind": found["kind"],
        "missing_quotes": found["missing"],
        "turns": len(log),
        "sub_calls": used,
        "exhausted": used >= calls,
        "lost": lost,
    }
    lines = [found["final"], *section("Quoted above, but not found in the input", found["missing"])]
    if final is None:
        lines = [f"No answer was reached in {len(log)} turns. The last output was:", log[-1].text if log else "(none)"]
    outcome: Outcome = "incomplete" if final is None else "degraded" if lost or found["missing"] else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=final.model if final else "", outcome=outcome)


QUOTED = re.compile(r"[“„]([^“”„]+)[”“]|\"([^\"\n]+)\"|«([^«»]+)»")
ELLIPSIS = re.compile(r"\[?(?:\.\.\.|…)\]?")
