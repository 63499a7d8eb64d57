"""Sub-questions: their order and bound, the pairs that they become, and the answer at their end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.decomposition import chain_answer, question_answer, sub_questions
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

PROMPT = [reply("How old are all three?")]
QUESTIONS = st.lists(st.sampled_from(["a?", "b?", "A?", " ", "c?", "d?", "e?", "f?", "How old are all three?"]))


def parts(*questions: str, facts: tuple[str, ...] = ()) -> Replies:
    return [reply(data={"questions": list(questions), "facts": list(facts)})]


def pair(text: str | None, key: str = "q1") -> Reply:
    answered = failed("down") if text is None else reply(text)
    return question_answer([reply("Why?", key=key)], [answered], "Answer")


@settings(deadline=None)
@given(QUESTIONS, st.integers(1, 6))
def test_the_prompt_is_the_last_question_and_each_is_asked_once(questions: list[str], most: int) -> None:
    queue = sub_questions(PROMPT, parts(*questions), most)["queue"]
    texts = [q.text for q in queue]
    assert texts[-1] == PROMPT[0].text
    assert len(texts) == len({t.casefold() for t in texts}) <= most
    assert [q.key for q in queue] == [f"q{n}" for n in range(1, len(queue) + 1)]
    wanted = {q.casefold(): q for q in reversed(questions) if q.strip() and q != PROMPT[0].text}
    assert set(texts[:-1]) <= set(wanted.values()), "as it was put first"
    assert texts[:-1] == sorted(wanted.values(), key=questions.index)[: most - 1]


@pytest.mark.parametrize("decomposed", [[], [failed("down")]])
def test_without_a_decomposition_the_prompt_stands_alone(decomposed: Replies) -> None:
    made = sub_questions(PROMPT, decomposed, 6)
    assert [q.text for q in made["queue"]] == [PROMPT[0].text]
    assert made["facts"][0].text == "(none)"


@pytest.mark.parametrize(
    ("text", "answer"),
    [("So.\nAnswer: 42", "42"), ("Just a text.", "Just a text."), (None, "(this could not be answered)")],
)
def test_a_pair_has_the_answer_line_or_the_whole_reply(text: str | None, answer: str) -> None:
    made = pair(text)
    assert made.ok
    assert made.data()["answer"] == answer
    assert made.text == f"Question: Why?\nAnswer: {answer}"


def test_a_lost_pair_degrades_the_chain_and_a_lost_last_one_ends_it() -> None:
    made = chain_answer([pair(None), pair("Answer: 42", "q2")], PROMPT)
    assert (made.data()["final_answer"], made.outcome, made.data()["lost"]) == ("42", "degraded", ["q1: down"])
    assert chain_answer([pair("Answer: 42")], [failed("no JSON")]).data()["lost"] == ["not broken down: no JSON"]
    with pytest.raises(Refuse, match="the question itself got no answer: down"):
        chain_answer([pair("Answer: 42"), pair(None, "q2")], PROMPT)
