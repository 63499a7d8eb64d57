"""Fusion: enough answers or the best of them, and what the fusion did not see."""

import pytest

from tasks.algorithms.fusion import fused
from tasks.algorithms.supplied import fewer_than
from tasks.reply import Replies, failed, reply

RANKING: Replies = [reply(t, key=t) for t in ("a", "b", "c", "d")]
TABLE = [reply(key="table", data={"unjudged": [], "wins": {}})]


@pytest.mark.parametrize(("n", "few"), [(0, True), (2, True), (3, False), (4, False)])
def test_enough_are_three_that_succeeded(n: int, few: bool) -> None:
    assert fewer_than([*RANKING[:n], failed("down")], least=3) is few


@pytest.mark.parametrize(
    ("n", "used", "unseen"), [(4, ["a", "b", "c"], ["d"]), (3, ["a", "b", "c"], []), (2, [], ["b"])]
)
def test_what_was_fused_and_what_was_not_seen(n: int, used: list[str], unseen: list[str]) -> None:
    slots = fused([reply("f")], RANKING[:n], RANKING[:n], TABLE, least=3)
    assert slots["answer"][0].data()["fused"] == used
    assert [d.key for d in slots["dissent"]] == unseen
    assert slots["answer"][0].outcome == ("answered" if used else "degraded")
