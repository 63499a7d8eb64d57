"""Chains of reasoning: which lines are steps, and what the answer line says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.chains import chain_of, parsed_chain
from tasks.reply import failed, reply

WORDS = st.text("abc xyz", min_size=1).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), WORDS)
def test_steps_and_answer_come_back_as_they_were_written(steps: list[str], answer: str) -> None:
    text = "\n".join([*(f"{n}. {s}" for n, s in enumerate(steps, 1)), f"Answer: {answer}"])
    found, said = parsed_chain(text, "Answer")
    assert found == [" ".join(s.split(" ")) for s in steps]
    assert said == answer


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("**Step 1:** one\n**Step 2:** two\n**Answer:** 3", ["one", "two"]),
        ("Let us see.\n1) one\n2) two\nAnswer: 3", ["one", "two"]),
        ("1. one\n2.5 is more\n2. two\nAnswer: 3", ["one 2.5 is more", "two"]),
        ("### Step 1\none\n\n### Step 2\ntwo\nAnswer: 3", ["one", "two"]),
        ("1. one\n   1. below\n2. two\nAnswer: 3", ["one 1. below", "two"]),
        ("1. Answer: 5 is too much\n2. two\nAnswer:\n3", ["Answer: 5 is too much", "two"]),
        ("Answer: 3", []),
        ("3. no beginning\nAnswer: 3", []),
    ],
)
def test_numbered_in_order_they_are_steps(text: str, steps: list[str]) -> None:
    assert parsed_chain(text, "Answer") == (steps, "3")


@pytest.mark.parametrize("text", ["1. one\n2. two", "1. one\nAnswer: <answer>", "", "1. one\nAnswer:"])
def test_without_an_answer_line_it_fails_and_keeps_its_steps(text: str) -> None:
    made = chain_of([reply(text)], "Answer")
    assert not made.ok
    assert made.data()["final_answer"] == ""
    assert len(made.data()["steps"]) == text.count(". ")


def test_of_a_failed_reply_there_is_no_chain() -> None:
    assert chain_of([failed("down")], "Answer").cause == "down"
    assert not chain_of([], "Answer").ok
