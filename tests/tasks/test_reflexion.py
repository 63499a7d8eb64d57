"""Trials and lessons: which memories count, who evaluates, what passes, what is stored; total on missing replies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.gates import passed
from tasks.algorithms.reflexion import (
    cell_of_tests,
    evaluator,
    judged,
    lesson,
    no_failure,
    nothing_proven,
    recalled_lessons,
    reflections,
    runnable_tests,
    trial,
    trials_answer,
    verdict_of_tests,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply
from utils.errors import BadInput

ANSWER = [reply("42")]
PASS, FAIL = reply(data={"passed": True, "evidence": "E"}), reply(data={"passed": False, "evidence": "E"})


def verdict(word: str) -> Reply:
    return judged(ANSWER, {"pass": [PASS], "fail": [FAIL]}.get(word, []))


def memory(lesson_text: str | None, score: float | None) -> Reply:
    fields = {} if lesson_text is None else {"lesson": lesson_text}
    return reply("task", key=f"{lesson_text}{score}", score=score, data={"kind": "reflection", "fields": fields})


def test_only_memories_that_fit_and_hold_a_lesson_count_once() -> None:
    recalled = [memory("A", 0.5), memory("B", 0.49), memory("C", None), memory(None, 0.9), memory("A", 0.8)]
    assert [r.text for r in recalled_lessons([*recalled, failed("gone")], 0.5)] == ["A"]


def test_tests_are_python_or_none() -> None:
    assert runnable_tests([reply("  ")]) == runnable_tests([]) == []
    assert runnable_tests([reply("```python\nassert answer\n```")])[0].text == "assert answer"
    with pytest.raises(BadInput, match="--tests is no Python"):
        runnable_tests([reply("assert answer ==")])


def test_tests_are_preferred_to_a_judge() -> None:
    assert (evaluator([reply("assert answer")]), evaluator([])) == ("tests", "judge")


def test_a_trial_starts_from_the_task_and_the_last_lessons() -> None:
    made = trial([reply("P")], [reply(str(n)) for n in range(5)], turn=2)
    assert (made["start"][0].text, made["start"][0].key) == ("P", "trial 2")
    assert [r.text for r in made["recent"]] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("ok", "final", "expected"), [(True, True, True), (True, False, False), (False, True, False), (False, False, False)]
)
def test_tests_pass_if_they_came_to_their_end_without_an_error(ok: bool, final: bool, expected: bool) -> None:
    cell = cell_of_tests([reply("assert True")], ANSWER, seed=7)["cell"]
    word = cell[0].data()["word"] if final else "passed"
    ran = reply(data={"ok": ok, "final": word, "error": "" if ok else "AssertionError", "output": "O"})
    assert passed([verdict_of_tests(ANSWER, cell, [ran])]) is expected


def test_what_was_not_evaluated_is_neither_passed_nor_a_failure_to_learn_from() -> None:
    cell = cell_of_tests([reply("assert True")], [], seed=7)["cell"]
    unknown = [
        verdict_of_tests(ANSWER, cell, [failed("no confinement")]),
        verdict_of_tests([failed("x")], cell, []),
        judged(ANSWER, []),
    ]
    for one in unknown:
        assert (passed([one]), no_failure([one])) == (False, True)
    assert no_failure([]) is True
    assert no_failure([verdict("fail")]) is False


@pytest.mark.parametrize(
    ("words", "nothing"),
    [([], True), (["pass"], True), (["fail", "pass"], False), (["unknown", "pass"], True), (["fail", "fail"], True)],
)
def test_lessons_are_proven_by_a_pass_after_a_failure(words: list[str], nothing: bool) -> None:
    assert nothing_proven([verdict(w) for w in words]) is nothing


def test_lessons_of_this_run_become_memories_of_its_task() -> None:
    old, new = reply("OLD", key="memory 1"), reply("NEW", key="trial 1")
    (made,) = reflections([reply("P")], [old, new], [old])
    assert (made.text, made.data()) == ("P", {"lesson": "NEW"})


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["pass", "fail", "unknown"])), min_size=1, max_size=4))
@settings(deadline=None)
def test_the_last_answer_and_the_reward(trials: list[tuple[bool, str]]) -> None:
    attempts: Replies = [reply(f"A{n}") if ok else failed("down") for n, (ok, _) in enumerate(trials)]
    verdicts = [verdict(word) if ok else judged([failed("down")], []) for ok, word in trials]
    if not any(ok for ok, _ in trials):
        with pytest.raises(Refuse):
            trials_answer(attempts, verdicts, [], [])
        return
    made = trials_answer(attempts, verdicts, [], [])
    done = passed(verdicts)
    assert made.text.endswith([a.text for a in attempts if a.ok][-1])
    assert made.data()["reward"] == (1 / len(trials) if done else 0)
    assert (made.outcome in ("answered", "degraded")) is done


def test_a_lesson_is_one_text_or_none() -> None:
    assert lesson([failed("down")], 1) == lesson([reply(" ")], 1) == lesson([], 1) == []
    assert lesson([reply("L")], 3)[0].key == "trial 3"
