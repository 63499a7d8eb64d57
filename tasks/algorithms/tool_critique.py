"""Criticism that rests on what tools returned: calls that test an answer, issues that count, and when it is checked."""

import re
from typing import Any

from tasks.algorithms.quotes import folded
from tasks.algorithms.sections import section
from tasks.algorithms.sentence_changes import sentence_changes
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, first_cause, ok_of, reply
from tasks.tool_calls import checked, cut, observation

MOST_READ, MOST_SHOWN = 4000, 300
"""Characters of a result that models read, and that the log shows."""
UNCHANGED = 2
"""So many rounds in a row that leave the answer as it was end the work."""


@pure
def that_only_read(tools: Replies) -> Replies:
    """The tools by which an answer may be checked; one that writes is a failed reply, since a check changes nothing."""
    return [
        failed(f"{t.key} writes, and a check changes nothing", key=t.key) if t.ok and t.data()["writes"] else t
        for t in tools
    ]


@pure
def testing_calls(ask: Replies, tools: Replies, most: int) -> Replies:
    """The first `most` calls that were asked for, as `read_call` gives them, and what each `tests`; keyed call 1 ..."""
    asked = [c for a in ok_of(ask) for c in a.data()["calls"]][:most]
    made = [(checked(c["tool"].strip(), c["args"], tools), c["tests"]) for c in asked]
    return [m.but(key=f"call {n}", data={**m.data(), "tests": tests}) for n, (m, tests) in enumerate(made, 1)]


@pure
def usable_results(calls: Replies, ran: Replies) -> Replies:
    """What the calls returned, under their keys; without those that failed, or whose code did."""
    by_place = {r.at[0]: r for r in ran if r.ok and r.at and r.data().get("ok") is not False}
    return [observation([by_place[n]], MOST_READ).but(key=call.key) for n, call in enumerate(calls) if n in by_place]


@pure
def none_usable(results: Replies) -> bool:
    """Whether no tool returned anything that a critique could rest on."""
    return not results


@pure
def grounded_issues(critique: Replies, results: Replies) -> Replies:
    """The issues whose quote stands in a result, keyed issue 1 ...: fields issue, quote, fix and the `call` quoted."""
    found: Replies = []
    for one in (i for c in ok_of(critique) for i in c.data()["issues"]):
        call = next((r.key for r in results if _quotes(one["quote"], r.text)), "")
        if call:
            text = f'{one["issue"]}\nThe result of {call} says: "{one["quote"]}"\nWhat to change: {one["fix"]}'
            found.append(reply(text, key=f"issue {len(found) + 1}", data={**one, "call": call}))
    return found


def _quotes(quote: str, result: str) -> bool:
    """Whether a result says this, in whole words and numbers."""
    wanted = re.escape(folded(quote))
    return bool(wanted) and re.search(rf"(?<!\w){wanted}(?!\w)", folded(result)) is not None


@pure
def no_issue(issues: Replies) -> bool:
    """Whether there is nothing to revise."""
    return not issues


@pure
def round_record(
    ask: Replies,
    calls: Replies,
    ran: Replies,
    results: Replies,
    critique: Replies,
    issues: Replies,
    before: Replies,
    after: Replies,
    turn: int,
) -> Reply:
    """What a round did: its calls with results, issues with and without a quote, what changed, and what was lost."""
    said = sum(len(c.data()["issues"]) for c in ok_of(critique))
    texts = [r.text for r in (*before, *ok_of(after)[-1:])]
    data = {
        "calls": [_call(c, n, ran, results) for n, c in enumerate(calls)],
        "usable": bool(results),
        "criticised": bool(ok_of(critique)),
        "issues": [i.data() for i in issues],
        "dropped": said - len(issues),
        "changed": texts[0].strip() != texts[-1].strip(),
        "changes": sentence_changes(texts[0], texts[-1]),
        "lost": causes([*ask, *critique, *(after if issues else [])]),
    }
    return reply(f"round {turn}: {len(issues)} issues", key=f"round {turn}", data=data)


def _call(call: Reply, place: int, ran: Replies, results: Replies) -> dict[str, Any]:
    made, asked = [r for r in ran if r.at[:1] == [place]], call.data()
    shown = next((r.text for r in results if r.key == call.key), "")
    trouble = next((first_cause([r]) or str(r.data().get("error") or "it failed") for r in made), "it was not made")
    return {
        **{k: asked[k] for k in ("tool", "arguments", "tests")},
        "result": shown,
        "failed": "" if shown else trouble,
    }


@pure
def critique_over(rounds: Replies) -> bool:
    """Whether the last round ends the work: no usable result, no issue, or two rounds that changed nothing."""
    last = rounds[-1].data()
    if not last["usable"] or (last["criticised"] and not last["issues"]):
        return True
    return len(rounds) >= UNCHANGED and not any(r.data()["changed"] for r in rounds[-UNCHANGED:])


@pure
def latest_answer(answer: Replies, revised: Replies) -> Replies:
    """The revision, where there is one with a text, else the answer as it was."""
    return [r for r in ok_of(revised) if r.text.strip()][-1:] or answer


@pure
def tool_checked(answer: Replies, rounds: Replies) -> Reply:
    """The answer with its evidence log.

    Unchecked where the last round had no usable result or no critique, incomplete where issues led to changes that no
    further round looked at, or to none.
    """
    rows = [r.data() for r in rounds]
    last = rows[-1]
    lost = [
        why for r in rows for why in (*r["lost"], *(f"{c['tool']}: {c['failed']}" for c in r["calls"] if c["failed"]))
    ]
    checked_at_last = last["usable"] and last["criticised"]
    outcome: Outcome = "answered" if not lost else "degraded"
    if not checked_at_last:
        outcome = "unchecked"
    elif last["issues"]:
        outcome = "incomplete"
    data = {"text": answer[0].text, "rounds": rows, "checked": checked_at_last and not last["issues"], "lost": lost}
    notes = {
        "unchecked": "Unchecked: in the last round no tool result could be set against this answer.",
        "incomplete": "The issues of the last round are not known to be settled.",
    }
    note = [notes[outcome]] if outcome in notes else []
    lines = [answer[0].text, *(["", *note] if note else []), *section("Evidence", _log(rows))]
    return reply("\n".join(lines), key="answer", data=data, model=answer[0].model, outcome=outcome)


def _log(rows: list[dict[str, Any]]) -> list[str]:
    lines = []
    for n, row in enumerate(rows, 1):
        for call in row["calls"]:
            result = cut(call["result"], MOST_SHOWN) if call["result"] else f"failed: {call['failed']}"
            lines.append(f"round {n}, {call['tool']} to test {call['tests']}: {result}")
        lines += [f'round {n}, issue: {i["issue"]} ("{i["quote"]}")' for i in row["issues"]]
        lines += [f'round {n}, changed: "{c["before"]}" -> "{c["after"]}"' for c in row["changes"]]
    return lines
