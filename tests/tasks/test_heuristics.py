"""Rules of experience: their tally and status, which are shown, what a round learns from, and what supports a rule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.heuristics import (
    RETIRED_LOSSES,
    applied_rules,
    beta_mean,
    evidence,
    picked_rules,
    proposed_rules,
    round_due,
    rule_outcomes,
    run_record,
    standing_rules,
    status_of,
    supported_rules,
    tally,
)
from tasks.reply import Replies, Reply, failed, reply


def rule(name: str, match: float | None = 0.8) -> Reply:
    return reply(f"rule {name}", key=name, score=match, data={"fields": {}})


def won(name: str, *values: float) -> Reply:
    return reply(key=name, data={"source": name, "uses": len(values), "mean": sum(values) / len(values)})


WON = [1.0] * 3


def judged(success: float) -> Replies:
    return [reply(data={"success": success, "reason": "so"})]


@pytest.mark.parametrize(
    ("wins", "losses", "status"),
    [
        (0, 0, "trial"),
        (2, 0, "trial"),
        (3, 0, "active"),
        (3, 9, "retired"),
        (0, 4, "trial"),
        (0, 5, "retired"),
        (3, 5, "active"),
        (2, 5, "retired"),
        (2.5, 0, "trial"),
    ],
)
def test_status_follows_from_wins_and_losses(wins: float, losses: float, status: str) -> None:
    assert status_of(wins, losses) == status


def test_the_active_are_ranked_by_match_times_their_mean_and_five_are_shown() -> None:
    names = [f"r{n}" for n in range(7)]
    found = [rule(n, 0.9 - i / 100) for i, n in enumerate(names)]
    counts = [*(won(n, *WON) for n in names[:6]), won("r6", *WON, *WON, *WON, 1.0)]
    shown = [r.key for r in picked_rules(found, counts, most=12, keep=5)]
    assert shown == ["r6", "r0", "r1", "r2", "r3"]
    assert len(picked_rules(found, counts, most=12, keep=2)) == 2
    assert next(r.key for r in picked_rules(found, counts, most=6, keep=5)) == "r0", (
        "the seventh is not among the nearest"
    )


def test_of_those_on_trial_that_fit_the_best_takes_the_last_place_and_the_retired_none() -> None:
    active = [rule(f"a{n}") for n in range(5)]
    found = [*active, rule("far", 0.3), rule("near", 0.6), rule("nearer", 0.7), rule("poor", 0.9)]
    counts = [*(won(a.key, *WON) for a in active), won("poor", *[0.0] * 5)]
    assert [r.key for r in picked_rules(found, counts, 12, 5)] == ["a0", "a1", "a2", "a3", "nearer"]
    assert [r.key for r in picked_rules(found[5:7], [], 12, 5)] == ["near"]


def test_without_vectors_a_rule_fits_and_its_mean_decides() -> None:
    found = [rule("a", None), rule("b", None)]
    shown = picked_rules(found, [won("a", *WON), won("b", *WON, 1.0)], 12, 5)
    assert [r.key for r in shown] == ["b", "a"]
    assert picked_rules([failed("down")], [failed("down")], 12, 5) == []


def test_applied_are_those_that_were_shown_each_once() -> None:
    shown = [rule("a"), rule("b")]
    said = [reply(data={"answer": "x", "applied": [2, 2, 7]})]
    assert [r.key for r in applied_rules(said, shown)] == ["b"]
    assert applied_rules([failed("down")], shown) == []


@pytest.mark.parametrize(
    ("success", "value"), [(0.8, 1.0), (1.0, 1.0), (0.4, 0.0), (0.0, 0.0), (0.5, None), (0.79, None)]
)
def test_clear_success_and_failure_count_and_nothing_between(success: float, value: float | None) -> None:
    made = rule_outcomes([rule("a"), rule("b")], judged(success))
    assert [(o.data()["rule"], o.data()["won"]) for o in made] == (
        [] if value is None else [("a", value), ("b", value)]
    )


def test_a_run_that_nobody_judged_teaches_nothing() -> None:
    assert rule_outcomes([rule("a")], [failed("down")]) == []
    assert run_record([reply("p")], [reply("t")], [reply(data={"answer": "a"})], [failed("down")]) == []


def run(number: int, success: float, kind: str = "sums", day: int = 1) -> Reply:
    kept = {"task_type": kind, "prompt": f"p{number}", "answer": f"a{number}", "success": success, "reason": "so"}
    return reply(key=f"m{number}", data={"since": f"2026-01-{day:02}T00:00:{number:02}", "fields": kept})


def mark(kind: str, until: str) -> Reply:
    return reply(key=f"mark {kind} {until}", data={"fields": {"task_type": kind, "until": until}})


def test_a_round_is_due_after_so_many_runs_of_one_type_since_the_last() -> None:
    runs = [run(n, 1.0) for n in range(19)] + [run(n, 1.0, "other") for n in range(30, 40)]
    assert not round_due(runs, [], every=20)
    runs.append(run(20, 1.0))
    assert round_due(runs, [], every=20)
    until = "2026-01-01T00:00:05"
    assert not round_due(runs, [mark("sums", until)], every=20)
    assert round_due([*runs, *(run(n, 1.0, day=2) for n in range(6))], [mark("sums", until)], every=20)
    assert not round_due([], [], every=20)


def test_the_newest_five_successes_and_failures_of_that_type_are_the_evidence() -> None:
    runs = [run(n, 0.9, day=3) for n in range(8)] + [run(n, 0.1, day=2) for n in range(3)] + [run(9, 0.6)]
    runs += [run(n, 1.0, "other") for n in range(4)]
    before = [mark("sums", "2026-01-01"), mark("other", "2026-01-09")]
    made = evidence(runs, before, each=5)
    assert [e.data()["success"] for e in made["out"]] == [0.9] * 5 + [0.1] * 3
    assert [e.key for e in made["out"]] == [str(n) for n in range(1, 9)]
    assert made["round"][0].data() == {"task_type": "sums", "until": "2026-01-03T00:00:07"}
    assert [b.key for b in made["before"]] == ["mark sums 2026-01-01"]


def proposal(*whens: str) -> Replies:
    return [reply(data={"rules": [{"when": w, "do": "it", "why": "so"} for w in whens]})]


def supports(name: str, *numbers: int) -> Reply:
    return reply(key=name, data={"supported_by": list(numbers)})


def test_two_different_runs_that_exist_must_support_a_rule() -> None:
    seen = evidence([run(n, 0.9) for n in range(3)], [], 5)["out"]
    rules = proposed_rules(proposal("a", "b", " ", "c", "d"), seen, most=5)
    assert [r.text for r in rules] == ["When a: it", "When b: it", "When c: it", "When d: it"]
    verdicts = [supports("rule 1", 1, 2), supports("rule 2", 1, 1), supports("rule 3", 1, 9), failed("x", key="rule 4")]
    (only,) = supported_rules(rules, verdicts, seen, least=2)
    assert (only.text, only.data()["supported_by"], only.data()["task_type"]) == ("When a: it", [1, 2], "sums")


def test_the_retired_do_not_stand() -> None:
    made = standing_rules([rule("a"), rule("b")], [won("b", *[0.0] * 5)])
    assert ([r.key for r in made["out"]], [r.key for r in made["retired"]]) == (["a"], ["b"])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_tally_counts_every_use_once_and_its_mean_lies_within(values: list[float]) -> None:
    wins, losses = tally(won("a", *values))
    assert wins + losses == pytest.approx(len(values))
    assert 0 < beta_mean(wins, losses) < 1
    assert status_of(wins, losses) != "retired" or losses >= RETIRED_LOSSES


Rows = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1), st.integers(0, 9)), max_size=9, unique_by=lambda r: r[0])


@given(Rows, st.permutations(range(9)))
def test_what_is_shown_does_not_depend_on_the_order_of_the_counts(rows: list[Any], order: list[int]) -> None:
    found = [rule(str(n), match) for n, match, _ in rows]
    counts = [won(str(n), *[1.0] * (wins + 1)) for n, _, wins in rows]
    shuffled = [counts[i] for i in order if i < len(counts)]
    assert picked_rules(found, counts, 12, 5) == picked_rules(found, shuffled, 12, 5)
