"""Patterns that can be tried many times over, and why others cannot."""

import pytest

from tasks.algorithms.tried_patterns import rivals, to_try
from tasks.functions import Refuse
from tasks.reply import reply


def test_patterns_that_answer_a_prompt_alone_can_be_tried() -> None:
    names = [reply(n) for n in ("self_refine", "chain_of_thought", "self_refine")]
    assert [r.text for r in rivals(names, 25)] == ["self_refine", "chain_of_thought"]
    assert rivals([], 25) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("self_refin", "did you mean|self_refine"),
        ("consensus_voting", "needs several models"),
        ("slot_filling_intake", "asks a person, remembers or acts"),
        ("skill_library_agent", "asks a person, remembers or acts"),
        ("mcts_reasoning", "calls, 25 are allowed"),
    ],
)
def test_one_that_cannot_is_refused_with_the_option_and_the_reason(name: str, says: str) -> None:
    with pytest.raises(Refuse, match=says) as refused:
        to_try(name, "hand_made", 25)
    assert refused.value.message.startswith("--hand_made: ")
