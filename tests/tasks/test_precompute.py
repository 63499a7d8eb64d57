"""Prepared answers: the context they hold for, the way that a question takes, when to prepare, and how much."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.precompute import (
    LEAST_SHARE,
    MOST_CHARS,
    MOST_INFERENCES,
    NEAR,
    SAME,
    answer_pairs,
    current_context,
    hit_outcomes,
    hits,
    idle_due,
    idle_job,
    inferences_of,
    live_route,
    new_inferences,
    no_near_twin,
    question_record,
    sampled_questions,
    supported_pairs,
    thinking_pass,
    thought_enough,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

NOW = "2026-01-01T12:00:00+00:00"
PROJECT = [reply("house")]


def docs(*texts: str) -> Replies:
    return [reply(t, key=f"d{n}", data={"title": f"T{n}", "text": t}) for n, t in enumerate(texts)]


def memory(minute: int = 0, text: str = "m", score: float | None = None, **fields: Any) -> Reply:
    data = {"since": f"2026-01-01T11:{minute:02}:00+00:00", "fields": fields}
    return reply(text, key=f"id {text} {minute}", score=score, data=data)


def test_the_documents_given_are_the_context_and_new_only_where_they_changed() -> None:
    made = current_context(docs("one", "two"), [], PROJECT)
    assert made["out"][0].text == "## T0\none\n\n## T1\ntwo"
    (new,) = made["new"]
    again = current_context(docs("one", "two"), [memory(**new.data())], PROJECT)
    assert (again["new"], again["out"]) == ([], made["out"])
    stored = current_context([], [memory(**new.data())], PROJECT)
    assert (stored["new"], stored["out"]) == ([], made["out"])
    assert current_context(docs("one", "three"), [memory(**new.data())], PROJECT)["new"]


def test_without_documents_it_says_so_and_too_many_are_refused() -> None:
    made = current_context([], [], PROJECT)
    assert (made["out"][0].text, made["new"]) == ("(The project has no documents yet.)", [])
    with pytest.raises(Refuse, match="at most 200,000"):
        current_context(docs("x" * (MOST_CHARS + 1)), [], PROJECT)


def context(digest: str = "now", text: str = "Rent is 900 EUR.") -> Replies:
    return [reply(text, key="context", data={"hash": digest})]


def pair(question: str, score: float | None, digest: str = "now") -> Reply:
    return memory(text=question, score=score, hash=digest, answer=f"to {question}", passages=["p"])


def test_only_what_was_prepared_for_this_context_is_a_hit() -> None:
    found = hits([pair("old", 1.0, "before"), pair("a", 0.9), failed("x"), pair("b", 0.5)], context(), keep=5)
    assert [h.data()["question"] for h in found] == ["a", "b"]
    assert found[0].text == 'Question: a\nAnswer: to a\nPassage: "p"'
    assert len(hits([pair(str(n), 0.5) for n in range(9)], context(), keep=5)) == 5
    done = [memory(hash="before", inferences=["x"]), memory(hash="now", inferences=["y", "z"])]
    assert [i.text for i in inferences_of(done, context())] == ["y", "z"]


YES, NO = [reply(data={"same": True})], [reply(data={"same": False})]


@pytest.mark.parametrize(
    ("score", "same", "way"),
    [
        *((SAME + 0.01, YES, "stored"), (SAME + 0.01, NO, "prepared"), (SAME + 0.01, [failed("x")], "prepared")),
        *((SAME, YES, "prepared"), (NEAR + 0.01, [], "prepared"), (NEAR, [], "afresh"), (None, [], "afresh")),
    ],
)
def test_the_way_follows_from_match_and_judge(score: float | None, same: Replies, way: str) -> None:
    near = hits([pair("a", score)], context(), 5)
    assert live_route(near, same) == way
    assert no_near_twin(near) == ((score or 0) <= SAME)
    ready = [memory(hash="now")]
    record = question_record([reply("q")], PROJECT, context(), ready, near, same)
    assert record.data() == {"project": "house", "route": way, "hit": way != "afresh"}
    assert [o.data()["hit"] for o in hit_outcomes([record])] == [float(way != "afresh")]


def test_before_anything_is_prepared_a_question_is_neither_hit_nor_miss() -> None:
    record = question_record([reply("q")], PROJECT, context(), [memory(hash="before")], [], [])
    assert record.data()["hit"] is None
    assert hit_outcomes([record]) == []


def held(project: str, digest: str, minute: int) -> Reply:
    return memory(minute, project, project=project, hash=digest, documents=[{"title": "T", "text": "x"}])


@pytest.mark.parametrize(
    ("handed_in", "asked", "ready", "due"),
    [
        *((40, None, "", True), (55, None, "", False), (40, 55, "", False), (40, 50, "", True)),
        *((40, None, "now", False), (40, None, "before", True)),
    ],
)
def test_it_is_due_when_a_context_changed_and_nobody_called_for_ten_minutes(
    handed_in: int, asked: int | None, ready: str, due: bool
) -> None:
    questions = [] if asked is None else [memory(asked, project="other", hit=None)]
    done = [memory(1, project="house", hash=ready)] if ready else []
    assert idle_due([held("house", "now", handed_in)], questions, done, NOW, 10) == due


def test_nothing_stored_is_not_due_and_no_job() -> None:
    assert not idle_due([], [], [], NOW, 10)
    with pytest.raises(Refuse):
        idle_job([], [], [], [], 20)


def test_the_job_is_of_the_project_that_waits_longest_and_sees_its_own_memories() -> None:
    contexts = [held("new", "n", 9), held("house", "now", 5), held("done", "d", 1)]
    questions = [memory(n, f"q{n}", project="house", hit=None) for n in range(30)] + [memory(project="new", hit=None)]
    done = [memory(project="done", hash="d", share=1.0), memory(2, project="house", hash="before", share=1.0)]
    pairs = [memory(3, "mine", project="house"), memory(3, "theirs", project="new")]
    job = idle_job(contexts, questions, done, pairs, recent=20)
    assert (job["project"][0].text, job["context"][0].data()["hash"]) == ("house", "now")
    assert [q.text for q in job["questions"]] == [f"q{n}" for n in range(20)]
    assert ([p.text for p in job["outdated"]], len(job["before"])) == (["mine"], 1)
    assert (job["plan"][0].data()["turns"], job["plan"][0].data()["answers"], len(job["samples"])) == (10, 10, 20)


@pytest.mark.parametrize(
    ("hits_of_30", "last", "share"), [(5, 1.0, 0.5), (5, 0.5, 0.25), (5, LEAST_SHARE, LEAST_SHARE), (6, 0.5, 1.0)]
)
def test_a_hit_rate_below_a_fifth_halves_the_next_budget(hits_of_30: int, last: float, share: float) -> None:
    questions = [memory(n, project="house", hit=n < hits_of_30) for n in range(30)]
    done = [memory(project="house", hash="before", share=last)]
    job = idle_job([held("house", "now", 5)], questions, done, [], 20)
    assert job["plan"][0].data()["share"] == share
    assert len(job["samples"]) == max(1, round(20 * share))
    few = idle_job([held("house", "now", 5)], questions[1:], done, [], 20)
    assert few["plan"][0].data()["share"] == 1.0, "fewer than thirty say nothing"


def inferred(*texts: str) -> Replies:
    return [reply(data={"inferences": list(texts)})]


def test_a_pass_adds_what_is_not_there_yet_and_two_without_end_it() -> None:
    known = new_inferences(inferred("A is B.", " a  is b", "", "C"), [])
    assert [k.text for k in known] == ["A is B.", "C"]
    assert new_inferences(inferred("c."), known) == []
    assert new_inferences([failed("x")], known) == []
    full, empty = thinking_pass(known, 1), thinking_pass([], 2)
    plan = [reply(data={"turns": 4})]
    assert not thought_enough([empty, full], plan)
    assert not thought_enough([empty], plan)
    assert thought_enough([full, empty, empty], plan)
    assert thought_enough([full] * 4, plan)


def test_only_supported_answers_are_kept_with_passages_that_stand_there() -> None:
    questions = sampled_questions([reply(data={"question": q}) for q in ("a", " ", "b", "c")] + [failed("x")])
    answers = [reply(key=q.key, data={"answer": "x", "passages": ["Rent is  900", "not there", ""]}) for q in questions]
    made = answer_pairs(questions, [*answers[:2], failed("x", key=questions[2].key)])
    assert [m.text for m in made] == ["a", "b"]
    verdicts = [reply(key=made[0].key, data={"verdict": "supported"}), failed("x", key=made[1].key)]
    plan = [reply(data={"hash": "now", "project": "house"})]
    (kept,) = supported_pairs(made, verdicts, context(), plan)
    assert kept.data() == {"answer": "x", "passages": ["Rent is  900"], "hash": "now", "project": "house"}


@given(st.lists(st.lists(st.text("ab ", max_size=5), max_size=30), max_size=6))
def test_inferences_stay_bounded_and_distinct(passes: list[list[str]]) -> None:
    known: Replies = []
    for texts in passes:
        known += new_inferences(inferred(*texts), known)
    assert len({k.key for k in known}) == len(known) <= MOST_INFERENCES
    assert len({" ".join(k.text.split()) for k in known}) == len(known)
