"""Verification by masking: a given value is hidden, and the answer that lets it be recovered best is kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.answers import groups, normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

MASK = "X"


@pure
def candidates(finals: Replies, most: int) -> Replies:
    """The `most` most frequent answers, the earliest of those alike; fields `final_answer`, `votes`, `voters`.

    Fails the run where nobody answered.
    """
    tally = groups(finals)
    if not tally:
        raise Refuse(f"no attempt ended with an answer: {'; '.join(causes(finals)) or 'none was made'}")
    return [
        reply(g.text, key=f"c{n}", data={"final_answer": g.text, "votes": g.votes, "voters": list(g.voters)})
        for n, g in enumerate(tally[:most], 1)
    ]


@pure
def single(candidates: Replies) -> bool:
    """Whether there is nothing to choose between."""
    return len(candidates) == 1


@pure
def masked_conditions(prompt: Replies, extracted: Replies, most: int) -> Replies:
    """The given conditions whose value can be hidden: text is the prompt with X in its place, field `hidden`.

    A condition counts only where its passage stands in the prompt word for word, and its value in the passage.
    """
    text = prompt[0].text
    found: dict[tuple[int, int], str] = {}
    for condition in (c for e in ok_of(extracted) for c in e.data()["conditions"]):
        if (place := _place(text, condition["passage"], condition["value"])) is not None:
            found.setdefault(place, condition["value"])
    places = list(found)[:most]
    return [
        reply(f"{text[:start]}{MASK}{text[end:]}", key=f"k{n}", data={"hidden": text[start:end]})
        for n, (start, end) in enumerate(places, 1)
    ]


def _place(text: str, passage: str, value: str) -> tuple[int, int] | None:
    """Where the value stands in the prompt, by the first passage that holds it as a word of its own."""
    if not value.strip() or not passage.strip():
        return None
    words = r"\s+".join(re.escape(w) for w in passage.split())
    whole = re.search(words, text, re.IGNORECASE)
    if whole is None:
        return None
    inner = r"\s+".join(re.escape(w) for w in value.split())
    own = re.compile(rf"(?<![\w.,]){inner}(?![\w]|[.,]\d)", re.IGNORECASE)
    found = own.search(text, whole.start(), whole.end())
    return (found.start(), found.end()) if found else None


@pure
def probes(candidates: Replies, conditions: Replies) -> Replies:
    """Every candidate with every condition: fields `masked` and `candidate`, no reasoning; none of one candidate."""
    return [
        reply(
            key=f"{c.key}/{k.key}",
            data={"masked": k.text, "candidate": c.text},
        )
        for c in ([] if single(candidates) else candidates)
        for k in conditions
    ]


@dataclass(frozen=True)
class _Score:
    candidate: Reply
    probed: int
    hits: int
    lost: int

    @property
    def share(self) -> float:
        return self.hits / self.probed if self.probed else 0.0

    @property
    def votes(self) -> int:
        return int(self.candidate.data()["votes"])

    def row(self) -> dict[str, object]:
        numbers = {"score": self.share, "recovered": self.hits, "probes": self.probed, "lost": self.lost}
        return {"answer": self.candidate.text, "votes": self.votes, **numbers}


def _score(candidate: Reply, conditions: Replies, made: Replies, recovered: Replies) -> _Score:
    """A probe that says nothing did not recover the value; one whose call failed was not made."""
    hidden = {f"{candidate.key}/{k.key}": normalised(k.data()["hidden"]) for k in conditions}
    mine = [(r, hidden[r.key.partition(" · ")[0]]) for r in made if r.key.partition(" · ")[0] in hidden]
    said = {r.key: r.data()["same_as"] for r in ok_of(recovered)}
    hits = sum(said.get(r.key) == value for r, value in mine if r.ok)
    return _Score(candidate, len([r for r, _ in mine if r.ok]), hits, len([r for r, _ in mine if not r.ok]))


@pure
def best_recovered(
    paths: Replies, candidates: Replies, conditions: Replies, made: Replies, recovered: Replies
) -> Slots:
    """The candidate from which most hidden values were recovered, then the more frequent one; with the score table.

    `made` are the probes' replies, `recovered` the values read out of them, by the same keys. Where nothing could be
    probed the most frequent answer is given, unchecked.
    """
    scores = sorted((_score(c, conditions, made, recovered) for c in candidates), key=lambda s: (-s.share, -s.votes))
    verified = any(s.probed for s in scores)
    if not verified:
        scores.sort(key=lambda s: -s.votes)
    won = scores[0]
    margin = won.share - scores[1].share if verified and len(scores) > 1 else None
    valid = sum(s.votes for s in scores)
    data: dict[str, object] = {
        "final_answer": won.candidate.text,
        "verified": verified,
        "margin": margin,
        "scores": [s.row() for s in scores],
        "conditions": [k.data()["hidden"] for k in conditions],
        "lost": [*causes(paths), *causes(made)],
    }
    data |= {"quality": won.share} if verified else {"agreement": won.votes / valid}
    outcome: Outcome = "unchecked" if not verified else "degraded" if data["lost"] else "answered"
    answer = reply(
        _text(scores, margin, conditions),
        key="answer",
        data=data,
        score=won.share if verified else None,
        outcome=outcome,
    )
    losers = {v for s in scores[1:] for v in s.candidate.data()["voters"]}
    return {"answer": [answer], "dissent": [p for p in paths if p.key in losers]}


def _text(scores: Sequence[_Score], margin: float | None, conditions: Replies) -> str:
    won = scores[0]
    if margin is None:
        why = "there was only one candidate" if len(scores) == 1 else "no given value could be hidden and recovered"
        others = [f"- {s.candidate.text} ({s.votes})" for s in scores[1:]]
        return "\n".join([won.candidate.text, "", f"Not verified: {why}. It is the most frequent answer.", *others])
    rows = [f"| {s.candidate.text} | {s.votes} | {s.hits} of {s.probed} |" for s in scores]
    return "\n".join(
        [
            won.candidate.text,
            "",
            f"Assuming it, {won.hits} of {won.probed} probes recovered the given value that they were not shown "
            f"({len(conditions)} values hidden in turn; margin {margin:.2f}).",
            "",
            "| candidate | attempts | recovered |",
            "|---|---|---|",
            *rows,
        ]
    )
