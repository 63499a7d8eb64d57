"""Numbered deductions: premises and steps that cite earlier lines, gated, voted on, redone from the first bad one."""

import re
from collections import Counter
from typing import Any

from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

NEEDED = 2
"""So many of the three verdicts must support a step."""


@pure
def deduction(written: Replies) -> Replies:
    """The lines of a deduction as replies, keyed #k: fields number, cites (numbers), premise (whether it is one).

    Only lines of the form `#k (premise) ...` or `#k (by #i, #j) ...` count; what follows a line belongs to it. A number
    that stands there twice keeps its first line.
    """
    lines: list[tuple[int, str, list[str]]] = []
    for line in next((w.text for w in ok_of(written)), "").splitlines():
        if found := LINE.match(line):
            lines.append((int(found["number"]), (found["why"] or "").strip(), [found["text"].strip()]))
        elif lines and line.strip():
            lines[-1][2].append(line.strip())
    made: dict[int, Reply] = {}
    for number, why, parts in lines:
        cites = [int(n) for n in CITED.findall(why)]
        data = {"number": number, "premise": why.casefold().startswith("premise"), "cites": cites}
        if text := " ".join(p.strip("*_ ") for p in parts).strip():
            made.setdefault(number, reply(text, key=f"#{number}", data=data))
    return list(made.values())


@pure
def gated_steps(chain: Replies, most: int) -> Replies:
    """The steps, each with its fields problem (empty where it may be verified), `statement` and `cited` lines.

    A step may cite only lines that exist and stand before it, and must cite one; beyond `most` steps none is accepted.
    A chain without a step has one that is missing, after its premises.
    """
    lines = {c.data()["number"]: c for c in chain}
    steps = [c for c in chain if not c.data()["premise"]]
    if not steps:
        number = max(lines, default=0) + 1
        return [_step(reply("", key=f"#{number}", data={"number": number, "cites": []}), "there is no step here", "")]
    return [_gated(step, lines, n > most, most) for n, step in enumerate(steps, 1)]


def _gated(step: Reply, lines: dict[int, Reply], beyond: bool, most: int) -> Reply:
    number, cites = step.data()["number"], step.data()["cites"]
    bad = [f"#{n}" for n in cites if n not in lines or n >= number]
    problem = f"it cites {', '.join(bad)}, which is no earlier line" if bad else "" if cites else "it cites no line"
    if beyond:
        problem = f"it is beyond {most} steps"
    return _step(step, problem, "\n".join(f"#{n}: {lines[n].text}" for n in dict.fromkeys(cites) if n in lines))


def _step(line: Reply, problem: str, cited: str) -> Reply:
    data = {**line.data(), "problem": problem, "statement": line.text, "cited": cited}
    return line.but(data=data)


@pure
def to_verify(steps: Replies) -> Replies:
    """The steps that passed the gate."""
    return [s for s in steps if not s.data()["problem"]]


@pure
def judged_steps(steps: Replies, votes: Replies) -> Replies:
    """Each step with its verdict: fields valid, verdict (the majority, or unknown), supported (of three), reason.

    Valid is only what two verdicts support. What failed the gate is invalid without a vote.
    """
    verified = {s.key: n for n, s in enumerate(to_verify(steps))}
    return [_judged(s, [v for v in votes if v.at[:1] == [verified[s.key]]] if s.key in verified else []) for s in steps]


def _judged(step: Reply, votes: Replies) -> Reply:
    data = step.data()
    said = [v.data() for v in ok_of(votes)]
    counts = Counter(v["verdict"] for v in said)
    valid = not data["problem"] and counts["supported"] >= NEEDED
    verdict = next((v for v, n in counts.most_common() if n >= NEEDED), "unknown")
    against = next((v["reason"] for v in said if v["verdict"] != "supported"), "")
    reason = data["problem"] or ("" if valid else against or f"it could not be verified: {first_cause(votes)}")
    made = {
        "number": data["number"],
        "statement": step.text,
        "valid": valid,
        "verdict": "refuted" if data["problem"] else verdict,
        "supported": counts["supported"],
        "reason": reason,
        "lost": causes(votes),
    }
    return step.but(data=made)


@pure
def all_valid(verdicts: Replies) -> bool:
    """Whether there are steps and every one of them is valid."""
    return bool(verdicts) and all(v.data()["valid"] for v in verdicts)


@pure
def no_redoing(verdicts: Replies, turn: int, turns: int) -> bool:
    """Whether nothing is to be written anew: all is valid, or this is the last turn, so that every chain is checked."""
    return all_valid(verdicts) or turn >= turns


@pure
def first_bad(verdicts: Replies) -> Reply:
    """The invalid step that stands first: text is why it is invalid, and no more of it; field number."""
    bad: dict[str, Any] = next((v.data() for v in verdicts if not v.data()["valid"]), {"number": 0, "reason": ""})
    return reply(bad["reason"], key="first", data={"number": bad["number"]})


@pure
def lines_before(chain: Replies, bad: Replies) -> Replies:
    """The lines of a chain before the bad step, and all its premises."""
    return [c for c in chain if c.data()["premise"] or c.data()["number"] < bad[0].data()["number"]]


@pure
def rebuilt(chain: Replies, before: Replies, bad: Replies, redone: Replies) -> Replies:
    """The lines before the bad step, then those that were written anew from its number on, as steps.

    The chain as it is where none was written.
    """
    taken = {b.data()["number"] for b in before}
    new = [line for line in deduction(redone) if line.data()["number"] >= bad[0].data()["number"]]
    steps = [n.but(data={**n.data(), "premise": False}) for n in new if n.data()["number"] not in taken]
    return [*before, *steps] if steps else chain


@pure
def shown_lines(chain: Replies) -> Reply:
    """A chain as one text, line by line; it says so where there is none."""
    return reply("\n".join(_line(c) for c in chain) or "(no lines)", key="chain")


@pure
def premises_of(chain: Replies) -> Replies:
    """The premises of a chain as one text; none where it has none."""
    found = [c for c in chain if c.data()["premise"]]
    return [reply("\n".join(_line(c) for c in found), key="premises")] if found else []


@pure
def no_premises(premises: Replies) -> bool:
    """Whether there is no premise to compare with the prompt."""
    return not premises


def _line(line: Reply) -> str:
    data = line.data()
    why = "premise" if data["premise"] else f"by {', '.join(f'#{n}' for n in data['cites'])}"
    return f"{line.key} ({why}) {line.text}"


@pure
def deduced(
    written: Replies, chain: Replies, verdicts: Replies, premises: Replies, redone: Replies, ended: Replies
) -> Reply:
    """The answer, which is the last step, and the chain with a verdict per line; `quality` is the share of valid steps.

    It is unverified, and unchecked as an outcome, unless every step is valid and the premises agree with the prompt, as
    far as they could be checked: a check that failed did not pass.
    """
    agree = premises[0].data()["verdict"] if ok_of(premises) else "unchecked" if premises else "none"
    verified = all_valid(verdicts) and agree not in ("refuted", "unchecked")
    said = {v.key: v.data() for v in verdicts}
    steps = [c for c in chain if not c.data()["premise"]]
    lost = [*causes(redone), *(why for v in verdicts for why in v.data()["lost"]), *causes(premises)]
    data: dict[str, Any] = {
        "final_answer": steps[-1].text if steps else "",
        "verified": verified,
        "premises": agree,
        "premises_reason": premises[0].data()["reason"] if ok_of(premises) else first_cause(premises),
        "steps": list(said.values()),
        "turns": ended[0].data()["turns"],
        "quality": sum(v["valid"] for v in said.values()) / len(said),
        "lost": lost,
    }
    outcome: Outcome = "unchecked" if not verified else "degraded" if lost else "answered"
    rows = [f"{_line(c)} [{_verdict(c, said.get(c.key), agree)}]" for c in chain]
    head = [] if verified else ["", UNVERIFIED]
    lines = [data["final_answer"] or written[0].text, *head, "", "Deduction:", *rows]
    missing = [f"{key}: {v['reason']}" for key, v in said.items() if not v["valid"]]
    lines += ["", "Rejected:", *(f"- {m}" for m in missing)] if missing else []
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)


def _verdict(line: Reply, said: dict[str, Any] | None, premises: str) -> str:
    if said is None:
        return f"premise, {premises}"
    return "valid" if said["valid"] else f"invalid, {said['supported']} of 3"


UNVERIFIED = (
    "UNVERIFIED: not every step was shown to follow from what it cites, or not every premise is in the question."
)
LINE = re.compile(
    r"^[ \t>*_-]*#\s?(?P<number>\d{1,3})[*_]*[.:]?\s*\(\s*(?P<why>premise|by\b[^)]*)\s*\)[*_:]*\s*(?P<text>.*)$",
    re.IGNORECASE,
)
CITED = re.compile(r"#?\s?(\d{1,3})\b")
