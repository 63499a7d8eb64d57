"""Adaptive test-time compute: how hard a question is, what the next call on it is worth, and who gets it.

Sources: Snell et al. 2024 (arXiv 2408.03314); Damani et al. 2024. An answer is a reply: text, and the fields question,
kind (probe, revise or sample), final (its answer line), score (0..1 or null), verdict and faults.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.answers import final_answer, groups
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

RIGHT = "compute_right"
"""The signal that says whether a question came out right; its source is the difficulty bin and the calls it got."""
PROBE, REVISE, SAMPLE = "probe", "revise", "sample"
EASY, HARD = 0.25, 0.6
PRIOR_GAIN, LEAST_GAIN = 0.05, 0.01
ENOUGH_RUNS = 50
BINS = 5
RESERVE = 2
"""Calls of a hard question's allotment that are kept for its judge."""
SUPPORTED = "supported"
MARKER = "Answer"
SHOWN = ("question", "d", "agreement", "calls", "route", "final", "right")
UNKNOWN_SCORE = 0.5


@pure
def questions(prompt: Replies, decomposed: Replies, most: int) -> Replies:
    """The independent questions, keyed q1, q2 ...; the prompt itself where nobody could split it."""
    texts = distinct(q for d in ok_of(decomposed) for q in d.data()["questions"])[:most]
    return [reply(t, key=f"q{n}") for n, t in enumerate(texts or [prompt[0].text], 1)]


@pure
def made_answers(made: Replies, jobs: Replies, before: Replies) -> Replies:
    """What was answered as it is verified: a reply a call, numbered on; probes have no job."""
    kinds = {j.key: j.data() for j in jobs}
    rows = []
    for n, one in enumerate(made, len(before) + 1):
        job = kinds.get(one.key, {"question": one.key.partition(" · ")[0], "kind": PROBE, "reserve": False})
        final = final_answer([one], MARKER)
        data = {k: job[k] for k in ("question", "kind", "reserve")}
        rows.append(one.but(key=f"a{n}", data={**data, "final": final.text if final.ok else ""}))
    return rows


@pure
def with_questions(answers: Replies, questions: Replies) -> Replies:
    """The answers that there are, each with its question, to be verified."""
    texts = {q.key: q.text for q in questions}
    return [a.but(data={**a.data(), "asked": texts[a.data()["question"]]}) for a in ok_of(answers)]


@pure
def graded(answers: Replies, verdicts: Replies) -> Replies:
    """The answers with what their verifier said; one that nobody could verify has no score."""
    said = {v.key: v.data() for v in ok_of(verdicts)}
    lost = {v.key: v.cause for v in verdicts if not v.ok}
    unknown = {"score": None, "verdict": "unknown", "faults": ""}
    return [
        a.but(data={**a.data(), **(said.get(a.key) or unknown), "lost": a.cause or lost.get(a.key, "")})
        for a in answers
    ]


@dataclass(frozen=True)
class Standing:
    """How a question stands: difficulty, agreement, the calls beyond its probe, and its answers."""

    question: Reply
    answers: Replies

    @property
    def good(self) -> Replies:
        return ok_of(self.answers)

    @property
    def agreement(self) -> float:
        """The share of the answer that most give, of those that give one."""
        tally = groups([final_answer([a], MARKER) for a in self.good])
        return tally[0].votes / sum(g.votes for g in tally) if tally else 0.0

    @property
    def score(self) -> float:
        """The mean verifier score; of none a half, or nothing where there is no answer."""
        scores = [a.data()["score"] for a in self.good if a.data()["score"] is not None]
        return fmean(scores) if scores else UNKNOWN_SCORE if self.good else 0.0

    @property
    def difficulty(self) -> float:
        return 1 - (self.agreement + self.score) / 2

    @property
    def extra(self) -> Replies:
        return [a for a in self.answers if a.data()["kind"] != PROBE]

    @property
    def sampled(self) -> bool:
        return any(a.data()["kind"] == SAMPLE for a in self.answers)

    @property
    def first_bin(self) -> int:
        """The bin of its difficulty after the probe."""
        probes = [a for a in self.answers if a.data()["kind"] == PROBE]
        return min(BINS - 1, int(Standing(self.question, probes).difficulty * BINS))

    @property
    def settled(self) -> bool:
        """Easy, or of medium difficulty with the last version supported twice."""
        if self.difficulty < EASY:
            return True
        last = [a.data()["verdict"] for a in self.extra[-2:]]
        return self.difficulty < HARD and last == [SUPPORTED, SUPPORTED]


def standings(questions: Replies, answers: Replies) -> list[Standing]:
    return [Standing(q, [a for a in answers if a.data()["question"] == q.key]) for q in questions]


def spent(answers: Replies) -> int:
    """Calls that count against the budget: answers, and what is kept for judges."""
    return len(answers) + RESERVE * sum(bool(a.data()["reserve"]) for a in answers)


def gain(past: Replies, bin_: int, calls: int) -> float:
    """What one more call brings at this difficulty: the slope of the success curve of earlier runs.

    The same for all while fewer than ENOUGH_RUNS are known of the bin, and where the curve has no such point.
    """
    curve = {o.key: o.data() for o in ok_of(past) if o.key.startswith(f"bin {bin_},")}
    if sum(o["uses"] for o in curve.values()) < ENOUGH_RUNS:
        return PRIOR_GAIN
    here, there = curve.get(_source(bin_, calls)), curve.get(_source(bin_, calls + 1))
    return PRIOR_GAIN if here is None or there is None else float(there["mean"] - here["mean"])


def _source(bin_: int, calls: int) -> str:
    return f"bin {bin_}, {calls} calls"


@pure
def allotted(
    questions: Replies,
    answers: Replies,
    past: Replies,
    budget: Replies,
    tiers: Replies,
    tasks: dict[str, str],
    width: int,
    turn: int,
) -> Replies:
    """The calls of a round, at most `width`: one after another to the question whose next call gains most.

    Of those alike the one with the fewest in this round, then the hardest. A medium one gets one revision a round,
    since the next is of its result; a hard one keeps RESERVE of its first allotment for its judge, but never its last.
    `tiers` is the strong model, `tasks` what a revision and a sample are asked to do.
    """
    rows = standings(questions, answers)
    given = dict.fromkeys((s.question.key for s in rows), 0)
    left = min(width, int(float(budget[0].text)) - spent(answers))
    while left > 0 and (best := _next(rows, given, past)) is not None:
        given[best.question.key] += 1
        left -= 1
    return [job for s in rows for job in _jobs(s, given[s.question.key], tiers, tasks, turn)]


def _next(rows: Sequence[Standing], given: dict[str, int], past: Replies) -> Standing | None:
    """Whose call is worth most; None where none is worth LEAST_GAIN."""
    open_ = [s for s in rows if not s.settled and (s.difficulty >= HARD or not given[s.question.key])]
    worth = [(gain(past, s.first_bin, len(s.extra) + given[s.question.key]), s) for s in open_]
    able = [(g, s) for g, s in worth if g >= LEAST_GAIN]
    return min(able, key=lambda x: (-x[0], given[x[1].question.key], -x[1].difficulty))[1] if able else None


def _jobs(one: Standing, calls: int, tiers: Replies, tasks: dict[str, str], turn: int) -> Replies:
    if not calls:
        return []
    hard = one.difficulty >= HARD
    reserve = hard and calls > RESERVE and not one.sampled
    last = _current(one)
    data = {
        "question": one.question.key,
        "asked": one.question.text,
        "kind": SAMPLE if hard else REVISE,
        "model": tiers[0].text,
        "task": tasks[SAMPLE if hard else REVISE],
        "answer": "" if hard or last is None else last.text,
        "faults": "" if hard or last is None else last.data()["faults"],
    }
    count = calls - RESERVE if reserve else 1 if hard and not one.sampled else calls
    return [
        reply(key=f"{one.question.key} r{turn}.{n}", data={**data, "reserve": reserve and n == 1})
        for n in range(1, count + 1)
    ]


def _current(one: Standing) -> Reply | None:
    """The version that a revision works on: the last revision, else the best of the majority."""
    revisions = [a for a in one.good if a.data()["kind"] == REVISE]
    return revisions[-1] if revisions else _leader(one)


def _leader(one: Standing) -> Reply | None:
    """The best scored answer of those that most give; without any answer line the best scored of all."""
    tally = groups([final_answer([a], MARKER) for a in one.good])
    voters = set(tally[0].voters) if tally else {a.key for a in one.good}
    return max((a for a in one.good if a.key in voters), key=lambda a: a.data()["score"] or 0.0, default=None)


@pure
def nothing_to_allot(
    questions: Replies, answers: Replies, past: Replies, budget: Replies, tiers: Replies, tasks: dict[str, str]
) -> bool:
    """Whether the budget is spent, all is settled, or no call is worth it."""
    return not allotted(questions, answers, past, budget, tiers, tasks, 1, 0)


def _ranked(one: Standing) -> Replies:
    """A hard question's answers, one a group, by mean verifier score times share; the earlier of those alike."""
    finals = [final_answer([a], MARKER) for a in one.good]
    tally, by_key = groups(finals), {a.key: a for a in one.good}
    total = sum(g.votes for g in tally)
    rows = []
    for group in tally:
        members = [by_key[v] for v in group.voters]
        scores = [m.data()["score"] if m.data()["score"] is not None else UNKNOWN_SCORE for m in members]
        best = max(members, key=lambda m: m.data()["score"] or 0.0)
        rows.append((fmean(scores) * group.votes / total, best))
    return [best for _, best in sorted(rows, key=lambda r: -r[0])]


@pure
def pairs_to_judge(questions: Replies, answers: Replies) -> Replies:
    """The two best different answers of each hard question that kept calls for its judge, in both orders, unnamed."""
    pairs = []
    for one in standings(questions, answers):
        top = _ranked(one)[:2] if any(a.data()["reserve"] for a in one.answers) else []
        if len(top) == 2:
            first, second = (t.text for t in top)
            asked = {"asked": one.question.text}
            pairs.append(reply(key=f"{one.question.key} 1-2", data={**asked, "first": first, "second": second}))
            pairs.append(reply(key=f"{one.question.key} 2-1", data={**asked, "first": second, "second": first}))
    return pairs


@pure
def results(questions: Replies, answers: Replies, judged: Replies) -> Replies:
    """A result a question: its text, and d, calls, route, right and source; failed where it has no answer."""
    said = {j.key: j.data()["verdict"] for j in ok_of(judged)}
    return [_result(one, said) for one in standings(questions, answers)]


def _result(one: Standing, said: dict[str, str]) -> Reply:
    key = one.question.key
    if not one.good:
        cause = first_cause(one.answers) or "it was not asked"
        return reply(key=key, status="failed", cause=cause, data=_row(one, "none", None))
    ranked = _ranked(one)
    if one.sampled and ranked:
        second = len(ranked) > 1 and (said.get(f"{key} 1-2"), said.get(f"{key} 2-1")) == ("second", "first")
        return _shown(one, ranked[1 if second else 0], "hard")
    revisions = [a for a in one.good if a.data()["kind"] == REVISE]
    sound = [a for a in revisions if a.data()["verdict"] == SUPPORTED][-1:]
    if revisions:
        return _shown(one, sound[0] if sound else max([*revisions, *one.good], key=_score_of), "medium")
    best = _leader(one)
    return _shown(one, best or one.good[0], "easy" if one.difficulty < EASY else "probe")


def _score_of(answer: Reply) -> float:
    return float(answer.data()["score"] or 0.0)


def _shown(one: Standing, chosen: Reply, route: str) -> Reply:
    data = _row(one, route, chosen)
    text = f"{one.question.text}\n(difficulty {data['d']:.2f})\n{chosen.text}"
    return reply(text, key=one.question.key, data={**data, "text": chosen.text}, model=chosen.model)


def _row(one: Standing, route: str, chosen: Reply | None) -> dict[str, Any]:
    right = chosen is not None and chosen.data()["verdict"] == SUPPORTED
    return {
        "question": one.question.text,
        "d": round(one.difficulty, 6),
        "agreement": round(one.agreement, 6),
        "calls": len(one.answers),
        "route": route,
        "final": chosen.data()["final"] if chosen else "",
        "right": 1.0 if right else 0.0,
        "source": _source(one.first_bin, len(one.extra)),
    }


@pure
def allocated_answer(
    written: Replies,
    results: Replies,
    answers: Replies,
    budget: Replies,
    log: Replies,
    decomposed: Replies,
    judged: Replies,
) -> Reply:
    """The answer, with each question's difficulty, route and calls; `agreement` is the mean of theirs.

    A question without an answer makes it incomplete, and that comes first. Fails the run where none has one.
    """
    rows = [r.data() for r in results]
    good = ok_of(results)
    if not good:
        raise Refuse(f"no question was answered: {'; '.join(causes(results))}")
    missing = [r.data()["question"] for r in results if not r.ok]
    lost = [f"{a.data()['question']}: {a.data()['lost']}" for a in answers if a.data()["lost"]]
    lost += causes([*decomposed, *judged, *written])
    text = next((w.text for w in ok_of(written) if w.text.strip()), "") or "\n\n".join(r.data()["text"] for r in good)
    data = {
        "questions": [
            {k: r[k] for k in ("question", "d", "agreement", "calls", "route", "final", "right")} for r in rows
        ],
        "budget": int(float(budget[0].text)),
        "spent": spent(answers),
        "rounds": [r.data()["calls"] for r in log],
        "agreement": fmean(r["agreement"] for r in rows),
        "missing": missing,
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if missing else "degraded" if lost else "answered"
    head = ["Not answered:", *(f"- {m}" for m in missing), ""] if missing else []
    model = next((w.model for w in ok_of(written)), "")
    return reply("\n".join([*head, text]), key="answer", data=data, model=model, outcome=outcome)


@pure
def round_row(jobs: Replies, turn: int) -> Reply:
    """A round: how many calls each question got."""
    calls: dict[str, int] = {}
    for job in jobs:
        calls[job.data()["question"]] = calls.get(job.data()["question"], 0) + 1
    return reply(", ".join(f"{k}: {n}" for k, n in calls.items()), key=f"round {turn}", data={"calls": calls})
