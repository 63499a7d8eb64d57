"""Primitives of written graphs: what a field says, and who has the highest number."""

import pytest

from tasks.algorithms.graph_primitives import field_is, field_of, highest
from tasks.reply import Replies, failed, reply

GOOD, BAD = reply(key="a", data={"verdict": " Good "}), failed("lost", key="b")


@pytest.mark.parametrize(("seen", "said"), [([GOOD], True), ([BAD, GOOD], True), ([GOOD, BAD], False), ([], False)])
def test_the_last_reply_says_it_in_any_case(seen: Replies, said: bool) -> None:
    assert field_is(seen, "verdict", "GOOD") is said
    assert field_of(seen, "verdict") == ("good" if said else "")
    assert not field_is(seen, "other", "good")


def test_the_highest_is_kept_and_of_those_alike_the_earliest() -> None:
    replies = [reply("A", key="a"), failed("x", key="b"), reply("C", key="c"), reply("D", key="d")]
    scores = [reply(key=k, data={"n": n}) for k, n in (("d", 2), ("c", 2), ("a", "many"), ("b", 9))]
    assert highest(replies, scores, "n").text == "C"
    assert highest(replies, [], "n").text == "A"
    assert highest([failed("why")], scores, "n").cause == "why"
    assert not highest([], [], "n").ok
