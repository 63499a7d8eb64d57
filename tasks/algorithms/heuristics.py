"""Rules of experience: which are shown, what their wins and losses make of them, and what new ones rest on."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasks.functions import pure
from tasks.recalled import fields_of
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply

RULE, RUN, ROUND = "grimoire_rule", "grimoire_run", "grimoire_round"
"""The kinds of memory: a rule, a run to learn from, and until when the runs of a type have been learned from."""
WIN, LOSS = 0.8, 0.4
"""The success of a run from which, and up to which, it counts for or against what it applied."""
ACTIVE_WINS = 3.0
RETIRED_LOSSES, RETIRED_MEAN = 5.0, 0.4
FITS = 0.5
"""The match from which a memory fits its query."""
MOST_CHARS = 1_500
"""Of a request and of an answer, as they are kept to learn from."""


@pure
def rule_query(task_type: Replies, prompt: Replies) -> Reply:
    """What rules are looked up by: the type of the task and the request."""
    return reply(f"{_type(task_type)}: {prompt[0].text}", key="query")


@pure
def picked_rules(found: Replies, won: Replies, most: int, keep: int) -> Replies:
    """The best `keep` of the `most` nearest active rules, by match times the Beta mean of their wins.

    One that is still on trial and fits takes the last place, so that it can earn its wins. Key is the rule's id.
    """
    counts = {o.key: o for o in ok_of(won)}
    rows = [_row(rule, counts.get(rule.key)) for rule in ok_of(found)]
    active = _best([r for r in rows if r.data()["status"] == "active"][:most])
    trial = _best([r for r in rows if r.data()["status"] == "trial" and r.data()["match"] >= FITS][:most])[:1]
    return [*active[: keep - len(trial)], *trial]


def _best(rows: Replies) -> Replies:
    return sorted(rows, key=lambda r: -(r.score or 0.0))


def _row(rule: Reply, past: Reply | None) -> Reply:
    wins, losses = tally(past)
    fit = FITS if rule.score is None else rule.score
    mean = beta_mean(wins, losses)
    data = {"status": status_of(wins, losses), "wins": wins, "losses": losses, "match": fit}
    return reply(rule.text, key=rule.key, score=fit * mean, data=data)


def tally(past: Reply | None) -> tuple[float, float]:
    """The wins and losses of a rule, from the outcomes of the runs that applied it."""
    if past is None:
        return 0.0, 0.0
    data = past.data()
    wins = float(data["uses"] * data["mean"])
    return round(wins, 6), round(data["uses"] - wins, 6)


def beta_mean(wins: float, losses: float) -> float:
    """The mean of the Beta distribution after so many wins and losses, from a flat prior."""
    return (wins + 1) / (wins + losses + 2)


def status_of(wins: float, losses: float) -> str:
    """Active after three wins, retired after five losses with a mean below 0.4, else on trial."""
    if losses >= RETIRED_LOSSES and beta_mean(wins, losses) < RETIRED_MEAN:
        return "retired"
    return "active" if wins >= ACTIVE_WINS else "trial"


@pure
def numbered(rules: Replies) -> Reply:
    """Rules as a numbered list."""
    return reply("\n".join(f"{n}. {r.text}" for n, r in enumerate(rules, 1)) or "(none yet)", key="rules")


@pure
def applied_rules(answer: Replies, rules: Replies) -> Replies:
    """The rules that an answer says it applied, each once; a number that no rule has is ignored."""
    numbers = {n for a in ok_of(answer) for n in a.data().get("applied", [])}
    return [rule for n, rule in enumerate(rules, 1) if n in numbers]


@pure
def rule_outcomes(applied: Replies, judged: Replies) -> Replies:
    """A win (1) for each applied rule where the run succeeded, a loss (0) where it failed, else nothing."""
    success = _success(judged)
    if success is None or LOSS < success < WIN:
        return []
    return [reply(key=rule.key, data={"rule": rule.key, "won": float(success >= WIN)}) for rule in applied]


def _success(judged: Replies) -> float | None:
    return next((float(j.data()["success"]) for j in ok_of(judged)), None)


@pure
def run_record(prompt: Replies, task_type: Replies, made: Replies, judged: Replies) -> Replies:
    """The run as a memory to learn from; none where nobody could judge it."""
    success = _success(judged)
    if success is None:
        return []
    kind = _type(task_type)
    data = {
        "task_type": kind,
        "prompt": prompt[0].text[:MOST_CHARS],
        "answer": str(made[0].data()["answer"])[:MOST_CHARS],
        "success": success,
        "reason": judged[0].data()["reason"],
    }
    return [reply(f"{kind}: {prompt[0].text}", key="run", data=data)]


@pure
def guided_answer(made: Replies, rules: Replies, applied: Replies, judged: Replies) -> Reply:
    """The answer with the rules that were shown and applied; `quality` is the judged success, unchecked without it."""
    success = _success(judged)
    names = {a.key for a in applied}
    data: dict[str, Any] = {
        "quality": success,
        "reason": judged[0].data()["reason"] if success is not None else first_cause(judged),
        "rules": [{"id": r.key, "rule": r.text, "applied": r.key in names, **r.data()} for r in rules],
    }
    outcome = "answered" if success is not None else "unchecked"
    text = str(made[0].data()["answer"])
    return reply(text, key="answer", data=data, model=made[0].model, outcome=outcome)


@pure
def round_due(runs: Replies, rounds: Replies, every: int) -> bool:
    """Whether so many runs of one type of task have not been learned from."""
    return len(_unlearned(runs, rounds)[1]) >= every


@pure
def evidence(runs: Replies, rounds: Replies, each: int) -> Slots:
    """The newest successes and failures of the type with most runs to learn from, `each` at most, numbered.

    `round` is the new mark that they have been learned from, `before` those that it replaces.
    """
    kind, new = _unlearned(runs, rounds)
    of_type = [r for r in ok_of(runs) if fields_of(r).get("task_type") == kind]
    good = [r for r in of_type if fields_of(r)["success"] >= WIN][:each]
    poor = [r for r in of_type if fields_of(r)["success"] <= LOSS][:each]
    until = max((str(r.data()["since"]) for r in new), default="")
    return {
        "out": [_evidence(n, r) for n, r in enumerate([*good, *poor], 1)],
        "round": [reply(f"learned from: {kind}", key="round", data={"task_type": kind, "until": until})],
        "before": [r for r in ok_of(rounds) if fields_of(r).get("task_type") == kind],
    }


def _unlearned(runs: Replies, rounds: Replies) -> tuple[str, Replies]:
    """The type of task with the most runs since it was last learned from, and these; the first by name of several."""
    until = {fields_of(r).get("task_type"): str(fields_of(r).get("until")) for r in reversed(ok_of(rounds))}
    by_type: defaultdict[str, Replies] = defaultdict(list)
    for run in ok_of(runs):
        kind = str(fields_of(run).get("task_type"))
        if str(run.data()["since"]) > until.get(kind, ""):
            by_type[kind].append(run)
    return min(by_type.items(), key=lambda pair: (-len(pair[1]), pair[0]), default=("", []))


def _evidence(number: int, run: Reply) -> Reply:
    kept = fields_of(run)
    lines = [
        f"Run {number}, success {kept['success']:.2f}: {kept['reason']}",
        f"Request: {kept['prompt']}",
        f"Answer: {kept['answer']}",
    ]
    return reply("\n".join(lines), key=str(number), data={"success": kept["success"], "task_type": kept["task_type"]})


@pure
def nothing_learned(evidence: Replies) -> bool:
    """Whether no run succeeded or failed clearly."""
    return not evidence


@pure
def standing_rules(rules: Replies, won: Replies) -> Slots:
    """The rules that stand, and the `retired` ones."""
    counts = {o.key: o for o in ok_of(won)}
    gone = [r for r in ok_of(rules) if status_of(*tally(counts.get(r.key))) == "retired"]
    return {"out": [r for r in ok_of(rules) if r not in gone], "retired": gone}


@pure
def proposed_rules(made: Replies, evidence: Replies, most: int) -> Replies:
    """Each rule that was proposed, of the type of task that it is drawn from."""
    kind = next((str(e.data()["task_type"]) for e in evidence), "")
    rows = [row for m in ok_of(made) for row in m.data()["rules"]][:most]
    whole = [r for r in rows if r["when"].strip() and r["do"].strip()]
    return [
        reply(f"When {r['when'].strip()}: {r['do'].strip()}", key=f"rule {n}", data={**r, "task_type": kind})
        for n, r in enumerate(whole, 1)
    ]


@pure
def supported_rules(proposed: Replies, verdicts: Replies, evidence: Replies, least: int) -> Replies:
    """The proposed rules that at least so many different runs support; one that nobody could check has no support."""
    known = {int(e.key) for e in evidence}
    support = {v.key: {*v.data()["supported_by"]} & known for v in ok_of(verdicts)}
    return [
        rule.but(data={**rule.data(), "supported_by": sorted(support[rule.key])})
        for rule in proposed
        if len(support.get(rule.key, ())) >= least
    ]


@pure
def new_rules(supported: Replies, kept: Replies) -> Replies:
    """The supported rules that are like no earlier one."""
    names = {k.key for k in kept}
    return [rule for rule in supported if rule.key in names]


@pure
def round_report(mark: Replies, evidence: Replies, proposed: Replies, stored: Replies, retired: Replies) -> Reply:
    """What a round of learning came to."""
    kind = mark[0].data()["task_type"]
    counts = {
        "runs": len(evidence),
        "proposed": len(proposed),
        "stored": len(ok_of(stored)),
        "retired": len(retired),
    }
    said = f"{counts['runs']} runs of '{kind}': {counts['proposed']} rules proposed, {counts['stored']} kept on trial"
    return reply(f"{said}, {counts['retired']} retired.", key="answer", data={"task_type": kind, **counts})


def _type(task_type: Replies) -> str:
    return " ".join(_words(task_type)) or "general"


def _words(task_type: Replies) -> Sequence[str]:
    return task_type[0].text.casefold().split() if task_type else []
