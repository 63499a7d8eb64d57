"""Follow-up questions: which are looked up, what is NOT FOUND, and when the asking is over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.follow_ups import asking_over, follow_up, looked_up, self_asked
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

PASSAGE = reply("a passage", key="d:1", data={"id": "d:1", "document": "d", "title": "", "start": 0, "end": 9})


def step(kind: str, text: str) -> Reply:
    return reply(data={"type": kind, "question": text if kind == "followup" else "", "answer": text})


def pair(question: str, found: bool) -> Reply:
    return looked_up([reply(question)], [PASSAGE], [reply("It is so." if found else "NOT FOUND.")])[0]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (step("followup", "Who?"), ""),
        (step("followup", "Where? "), "repeated"),
        (step("followup", " "), "no question: it is empty"),
        (step("final", "Rome."), "final"),
        (failed("down"), "no question: down"),
    ],
)
def test_which_step_is_a_question_to_look_up(said: Reply, cause: str) -> None:
    made = follow_up([said], [pair("where?", found=True)])
    assert (made.ok, made.cause) == (not cause, cause)


@pytest.mark.parametrize(
    ("passages", "read", "answer", "lost"),
    [
        ([PASSAGE], [reply("It is so.")], "It is so.", ""),
        ([PASSAGE], [reply("**NOT FOUND**")], "NOT FOUND", ""),
        ([PASSAGE], [reply(" ")], "NOT FOUND", ""),
        ([PASSAGE], [failed("down")], "NOT FOUND", "down"),
        ([], [], "NOT FOUND", ""),
    ],
)
def test_what_is_not_read_in_a_passage_is_not_found(passages: Replies, read: Replies, answer: str, lost: str) -> None:
    data = looked_up([reply("Who?")], passages, read)[0].data()
    assert (data["answer"], data["lost"]) == (answer, lost)
    assert bool(data["sources"]) is data["found"] is (answer != "NOT FOUND")


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=5))
def test_two_in_a_row_that_found_nothing_end_it(found: list[bool]) -> None:
    asked = [pair(f"q{n}", f) for n, f in enumerate(found)]
    over = asking_over([reply("q")], asked)
    assert over is (found[-2:] == [False, False])


def test_a_final_or_a_repeated_one_ends_it_and_a_failed_one_does_not() -> None:
    for said, over in ((step("final", "Rome."), True), (step("followup", "Where?"), True), (failed("down"), False)):
        assert asking_over([follow_up([said], [pair("where?", found=True)])], []) is over


def test_without_any_answer_it_fails() -> None:
    with pytest.raises(Refuse, match="no answer: down"):
        self_asked([step("followup", "Who?")], [], [failed("down")])
    with pytest.raises(Refuse, match="no answer"):
        self_asked([], [], [])
