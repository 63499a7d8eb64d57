"""Testimony: what is asked and recorded, and that a claim without a ruling never passes for consistent."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.testimony import (
    cross_examined,
    examination_over,
    examined,
    nothing_to_correct,
    questions_asked,
    ruled,
    rulings_table,
)
from tasks.reply import Replies, failed, reply

VERDICTS = st.lists(st.sampled_from(["consistent", "contradicted", "evasive", "failed", "broken"]), max_size=8)


def table_of(verdicts: list[str]) -> Replies:
    claims = [reply(f"claim {n}", key=f"claim {n}") for n, _ in enumerate(verdicts)]
    rows = []
    for claim, verdict in zip(claims, verdicts, strict=True):
        said = reply(data={"verdict": verdict, "first": "a", "second": "b", "reason": "r"})
        judged = [failed("late")] if verdict == "failed" else [said]
        row = ruled([claim], [], judged, [])
        rows.append(failed("broke", key=claim.key) if verdict == "broken" else row)
    return rulings_table(claims, rows)


@given(VERDICTS)
def test_every_claim_has_one_ruling_and_a_lost_one_is_unexamined(verdicts: list[str]) -> None:
    table = table_of(verdicts)
    lost = ("failed", "broken")
    assert [r.data()["verdict"] for r in table] == ["unexamined" if v in lost else v for v in verdicts]
    assert nothing_to_correct(table) is not any(v in ("contradicted", "evasive") for v in verdicts)


@given(VERDICTS)
def test_the_outcome_says_what_was_not_examined(verdicts: list[str]) -> None:
    made = cross_examined([reply("answer")], [], table_of(verdicts), [reply()])
    lost = sum(v in ("failed", "broken") for v in verdicts)
    assert made.outcome == ("unchecked" if lost == len(verdicts) else "degraded" if lost else "answered")
    assert made.score == (verdicts.count("consistent") / len(verdicts) if verdicts else None)


def test_questions_are_asked_once_each_and_not_after_done() -> None:
    more = reply(data={"questions": ["a?", " a? ", "", "b?"], "done": False})
    assert [(q.key, q.text) for q in questions_asked([more], 2)] == [("2.1", "a?"), ("2.2", "b?")]
    done = reply(data={"questions": ["a?"], "done": True})
    assert questions_asked([done], 1) == []
    assert questions_asked([failed("late")], 1) == []
    assert examination_over([])


def test_only_answered_questions_enter_the_record() -> None:
    questions = [reply("a?", key="1.1"), reply("b?", key="1.2")]
    (one,) = examined(questions, [failed("late", key="1.1"), reply("yes", key="1.2")])
    assert one.data() == {"question": "b?", "answer": "yes"}
