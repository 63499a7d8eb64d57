"""A challenged answer: what is disputed, whether the same was disputed before, and what re-examining it came to."""

import re
from hashlib import sha256
from typing import Any

from tasks.algorithms.pairwise import FIRST, SECOND, preferred
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply
from utils.embeddings import STOP_WORDS

HELD, AMENDED, WITHDRAWN, UNDECIDED, ACCEPTED = "held", "amended", "withdrawn", "undecided", "accepted"
STOOD = {HELD: 1.0, AMENDED: 0.5, UNDECIDED: 0.5, WITHDRAWN: 0.0}
"""How well an answer stood, as a learning signal."""
BY_EXPERT = {"hold": HELD, "withdraw": WITHDRAWN, "undecided": UNDECIDED}


@pure
def stated_answer(answer: Replies, history: Replies) -> Replies:
    """The answer that is disputed: the one given, else the last one of the conversation, else none."""
    return _first_stated(answer, [t for t in history if t.data()["role"] == "assistant"], "answer")


@pure
def stated_objection(objection: Replies, history: Replies) -> Replies:
    """The objection: the one given, else what the person said after the last answer, else none."""
    last = max((n for n, t in enumerate(history) if t.data()["role"] == "assistant"), default=len(history))
    return _first_stated(objection, history[last + 1 :], "objection")


def _first_stated(given: Replies, turns: Replies, key: str) -> Replies:
    stated = [g for g in given if g.text.strip()] or [t for t in turns if t.text.strip()][-1:]
    return [reply(s.text, key=key) for s in stated]


@pure
def nothing_disputed(objection: Replies) -> bool:
    """Whether the person accepts the answer."""
    return not objection or objection[-1].key == "accept"


def _digest(text: str) -> str:
    return sha256(" ".join(text.casefold().split()).encode()).hexdigest()


def _words(text: str) -> set[str]:
    return {w for w in re.findall(r"\w+", text.casefold()) if w not in STOP_WORDS}


def same_point(one: str, other: str) -> bool:
    """Whether two objections dispute the same: at least half of the fewer words are shared, or one names nothing."""
    a, b = _words(one), _words(other)
    return not a or not b or len(a & b) * 2 >= min(len(a), len(b))


@pure
def objection_state(answer: Replies, objection: Replies, extracted: Replies, earlier: Replies) -> Reply:
    """What the objection disputes, and the `course`: examine, repeat, offer or accepted.

    A bare disagreement on a point that was decided on this answer before is not examined again: the second gets the
    same verdict, from the third on a person is offered.
    """
    said = next((e.data() for e in ok_of(extracted)), {})
    digest = _digest(answer[0].text)
    past = [e.data()["fields"] for e in earlier]
    same = [p for p in past if p["answer"] == digest and same_point(p["claim"], said.get("claim", ""))]
    course = "examine"
    if nothing_disputed(objection):
        course = ACCEPTED
    elif said.get("bare") and same:
        course = "repeat" if len(same) == 1 else "offer"
    data = {
        "course": course,
        "claim": said.get("claim", ""),
        "bare": bool(said.get("bare")),
        "times": len(same) + 1,
        "answer": digest,
        "before": same[0] if same else None,
    }
    return reply(objection[-1].text if objection else "", key="state", data=data)


@pure
def not_offered(state: Replies) -> bool:
    """Whether no person is offered."""
    return bool(state[0].data()["course"] != "offer")


@pure
def no_expert(offered: Replies) -> bool:
    """Whether no expert was asked for."""
    return not offered or offered[-1].key != "expert"


@pure
def course(state: Replies, offered: Replies) -> str:
    """`examine`, also where the person now gives a source, else `stand`."""
    wanted = state[0].data()["course"] == "examine" or (bool(offered) and offered[-1].key == "source")
    return "examine" if wanted else "stand"


@pure
def stood(state: Replies, offered: Replies, expert: Replies) -> Reply:
    """What an objection comes to that is not examined: accepted, an expert's verdict, or the same verdict as before."""
    data = state[0].data()
    if expert:
        verdict = BY_EXPERT[expert[-1].key]
        text = f"An expert decided: {expert[-1].text}"
        return _result(verdict, text, {"by": "expert", "claim": data["claim"]})
    if data["before"] is None:
        return _result(ACCEPTED, "Nothing was disputed; the answer stands as it is.", {"by": "person", "claim": ""})
    before = data["before"]
    text = f"Nothing new was brought forward, so this was not examined again.\n\n{before['text']}"
    return _result(before["verdict"], text, {"by": "earlier", "claim": before["claim"]})


def _result(verdict: str, text: str, data: dict[str, Any]) -> Reply:
    return reply(text, key="result", data={"verdict": verdict, "stood": STOOD.get(verdict), **data})


@pure
def positions(point: Replies) -> Replies:
    """What answer and objection say on the disputed point, in this order; nothing tells which is which."""
    said = point[0].data()
    return [reply(said["answer_says"], key="p1"), reply(said["objection_says"], key="p2")]


@pure
def neutral_question(point: Replies) -> Reply:
    """The disputed point as a question, and nothing else of what was extracted."""
    return reply(point[0].data()["question"], key="question")


@pure
def evidence_items(extracted: Replies, most: int) -> Replies:
    """The new evidence and arguments that the objection brings, each once."""
    texts = [t.strip() for e in ok_of(extracted) for t in e.data()["evidence"]]
    return [reply(t, key=f"n{n}") for n, t in enumerate(list(dict.fromkeys(t for t in texts if t))[:most], 1)]


@pure
def with_source(documents: Replies, offered: Replies) -> Replies:
    """The documents, with the source that the person gave, if they gave one."""
    given = [o for o in offered if o.key == "source"]
    return [*documents, *(reply(o.text, key="added", data={"id": "added", "title": ""}) for o in given)]


@pure
def ruled(pair: Replies, verdicts: Replies, checks: Replies) -> Reply:
    """The ruling: withdrawn where both orders are for the objection, held or (with new evidence that is supported)
    amended where both are for the answer, else undecided. `agreed` is whether both orders say the same.
    """
    best = preferred(pair, verdicts).data()
    supported = any(c.data()["verdict"] == "supported" for c in ok_of(checks))
    verdict = UNDECIDED
    if best["agreed"] and best["preferred"] == SECOND:
        verdict = WITHDRAWN
    elif best["agreed"] and best["preferred"] == FIRST:
        verdict = AMENDED if supported else HELD
    reasons = [v.data()["reason"] for v in ok_of(verdicts)]
    return reply(verdict, key="ruling", data={"verdict": verdict, "agreed": best["agreed"], "reasons": reasons})


@pure
def route(ruling: Replies) -> str:
    """`hold`, `revise` or `undecided`."""
    return {HELD: "hold", UNDECIDED: "undecided"}.get(ruling[0].data()["verdict"], "revise")


@pure
def no_error_found(ruling: Replies) -> bool:
    """Whether nothing was withdrawn, so that nothing suggests more errors."""
    return bool(ruling[0].data()["verdict"] != WITHDRAWN)


@pure
def both_cases(pair: Replies, blind: Replies, checks: Replies, found: Replies) -> Reply:
    """What speaks for either side where nobody can tell."""
    lines = ["The evidence does not decide this point.", "", f"One case: {pair[0].text}", f"The other: {pair[1].text}"]
    lines += section("Asked anew, without either case in view", [b.text for b in ok_of(blind)])
    lines += section("What was brought forward", [c.text for c in ok_of(checks)])
    lines += section("Sources", [f"{f.text} ({f.data()['place']})" for f in ok_of(found)])
    return reply("\n".join(lines), key="both")


@pure
def examined(
    state: Replies,
    ruling: Replies,
    point: Replies,
    text: Replies,
    blind: Replies,
    checks: Replies,
    listed: Replies,
    others: Replies,
) -> Reply:
    """What re-examining came to, as one result: verdict, text, and what each look at it said."""
    said = ruling[0].data()
    rows = [o.data() for o in ok_of(others)]
    data = {
        "by": "examination",
        "claim": state[0].data()["claim"] or point[0].data()["answer_says"],
        "question": point[0].data()["question"],
        "agreed": said["agreed"],
        "reasons": said["reasons"],
        "evidence": [c.data() for c in ok_of(checks)],
        "other_claims": rows,
        "lost": causes([*blind, *text, *checks, *listed, *others]),
    }
    doubtful = [f"{r['fact']} ({r['reason']})" for r in rows if r["verdict"] == "refuted"]
    made = ok_of(text)
    body = made[-1].text if made else "It could not be put into words: " + "; ".join(causes(text))
    lines = [HEADS[said["verdict"]], "", body, *section("Also refuted in the same answer", doubtful)]
    return _result(said["verdict"], "\n".join(lines).strip(), data)


@pure
def verdict_memory(state: Replies, result: Replies) -> Replies:
    """The verdict, for the next objection in this session; nothing where nothing was disputed."""
    data = result[0].data()
    if data["verdict"] == ACCEPTED:
        return []
    before = state[0].data()["before"]
    # A repeated verdict is kept as it was first put, so that it does not grow with each objection.
    text = before["text"] if data["by"] == "earlier" and before else result[0].text
    fields = {"answer": state[0].data()["answer"], "claim": data["claim"], "verdict": data["verdict"], "text": text}
    return [reply(f"{data['verdict']}: {data['claim'] or text[:200]}", data=fields)]


@pure
def nothing_learned(result: Replies, model: Replies) -> bool:
    """Whether nothing new is known of the model that answered, or nobody knows which it was."""
    known = any(m.text.strip() for m in model)
    return not known or result[0].data()["by"] not in ("examination", "expert")


@pure
def answered_by(given: Replies, written: Replies) -> Replies:
    """The model of the disputed answer, where it is known."""
    names = [g.text.strip() for g in given if g.text.strip()] or [w.model for w in ok_of(written) if w.model]
    return [reply(n, key="model") for n in names[:1]]


@pure
def reexamined(result: Replies, answer: Replies, state: Replies) -> Reply:
    """The answer to the objection, with the verdict."""
    data = result[0].data()
    outcome: Outcome = "answered"
    if data["verdict"] == UNDECIDED:
        outcome = "undecided"
    elif data.get("lost"):
        outcome = "degraded"
    more = {"objection": state[0].text, "times": state[0].data()["times"], "disputed": answer[0].text}
    return reply(result[0].text, key="answer", data={**data, **more}, outcome=outcome)


HEADS = {
    HELD: "The answer stands.",
    AMENDED: "The answer stands on this point, and is amended by what you brought forward.",
    WITHDRAWN: "The answer was wrong on this point and is corrected.",
    UNDECIDED: "",
}
