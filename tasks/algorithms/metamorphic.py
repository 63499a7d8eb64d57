"""One question in other words and to another model: which rewordings count, how far answers lie apart (SAC3)."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

BOTH = 2


@pure
def kept_rewordings(rewordings: Replies, judged: Replies, keep: int, least: int) -> Replies:
    """The first `keep` rewordings that were found to mean the same, by key, in the order in which they were made.

    Fails the run where there are fewer than `least`.
    """
    same = {j.key for j in ok_of(judged) if j.data()["same"] == "yes"}
    kept = [r for r in ok_of(rewordings) if r.key in same][:keep]
    if len(kept) < least:
        why = "; ".join(causes([*rewordings, *judged])) or "the others mean something else"
        raise Refuse(f"{len(kept)} rewordings mean the same, at least {least} are needed: {why}")
    return kept


@pure
def wordings(prompt: Replies, kept: Replies) -> Replies:
    """The prompt as it stands and its rewordings."""
    return [prompt[0].but(key="prompt"), *kept]


@pure
def comparisons(first: Replies, wordings: Replies, own: Replies, others: Replies) -> Replies:
    """Each further answer with the wording that it answers, to be compared with the first: fields wording, answer, of.

    `own` are by the model under test, `others` by the other one; `of` says which. Those that failed are left out.
    """
    asked = {w.key: w.text for w in wordings}
    return [
        reply(a.text, key=f"{of}: {a.key}", data={"wording": asked[a.key], "answer": a.text, "of": of})
        for of, answers in (("own", own), ("other", others))
        for a in ok_of(answers)
        if ok_of(first)
    ]


def share_of_no(pairs: Replies, judged: Replies, of: str) -> float | None:
    """How many of the judged answers of that side differ from the first; None where none could be judged."""
    mine = {p.key for p in pairs if p.data()["of"] == of}
    said = [j.data()["same"] for j in ok_of(judged) if j.key in mine]
    return said.count("no") / len(said) if said else None


@pure
def cross_checked(
    first: Replies, pairs: Replies, judged: Replies, own: Replies, others: Replies, seats: Replies, flag_above: float
) -> Reply:
    """The first answer unchanged, with the share of answers that differ in other words and by another model.

    score is the mean of both shares, `agreement` one less it. A side that could not be judged leaves it unchecked.
    """
    own_share, other_share = (share_of_no(pairs, judged, of) for of in ("own", "other"))
    known = [s for s in (own_share, other_share) if s is not None]
    score = sum(known) / BOTH if len(known) == BOTH else None
    said = {j.key: j.data() for j in ok_of(judged)}
    differing = [
        {**p.data(), "reason": said[p.key]["reason"]} for p in pairs if said.get(p.key, {}).get("same") == "no"
    ]
    lost = [*causes(own), *causes(others), *causes(judged)]
    data: dict[str, Any] = {
        "answer": first[0].text,
        "score": score,
        "flagged": score is not None and score > flag_above,
        "wording_sensitive": own_share,
        "model_specific": other_share,
        "differing": differing,
        "other_model": seats[1].data()["distinct"],
        "lost": lost,
    }
    if score is not None:
        data["agreement"] = 1 - score
    outcome: Outcome = "unchecked" if score is None else "degraded" if lost else "answered"
    lines = [first[0].text, "", *_report(data)]
    lines += section("Differing answers", [f"({_side(d['of'])}) {d['wording']} -> {d['answer']}" for d in differing])
    made = "\n".join(lines)
    return reply(made, key="answer", data=data, score=data.get("agreement"), model=first[0].model, outcome=outcome)


def _report(data: dict[str, Any]) -> list[str]:
    head = "Not scored: one side could not be compared."
    if data["score"] is not None:
        word = "flagged, the answer does not stay the same" if data["flagged"] else "the answer stays the same"
        head = f"Cross-check score {data['score']:.2f}: {word}."
    shares = (("In other words", "wording_sensitive"), ("By another model", "model_specific"))
    return [head, *(f"{name}, {data[key]:.0%} of the answers differ." for name, key in shares if data[key] is not None)]


def _side(of: str) -> str:
    return "same model" if of == "own" else "other model"
