"""Layers of an answer: what stands in for lost ones, what is opened once, and what is remembered; total on junk."""

import pytest

from tasks.algorithms.disclosure import depth_memory, layers, numbered_points, opened_layer, refuted, wanted
from tasks.reply import Replies, failed, reply

POINTS = numbered_points([reply(data={"points": ["one", "two"]})])
LAYERS = layers(
    POINTS, [reply(data={"headline": "head"})], [reply(data={"bullets": [{"text": "b", "points": [2, 9]}]})]
)


def test_bullets_keep_the_points_that_there_are() -> None:
    assert [(one.key, one.data().get("points")) for one in LAYERS] == [("headline", None), ("b1", [2])]


def test_points_stand_in_for_lost_bullets() -> None:
    assert [one.text for one in layers(POINTS, [failed("x")], [failed("x")])] == ["1. one", "2. two"]


@pytest.mark.parametrize("text", ["", "b7", "the best one"])
def test_a_bullet_that_is_not_there_is_said_so(text: str) -> None:
    slots = wanted([reply(text, key="open")], LAYERS, POINTS, [])
    assert (slots["detail"], slots["evidence"], slots["found"][0].key) == ([], [], "none")


def test_what_was_opened_is_found_again_and_what_failed_is_not() -> None:
    said = [reply("b1", key="open")]
    made = opened_layer(said, [], [reply("deep")], [], 1)
    assert wanted(said, LAYERS, POINTS, made)["found"][0].text == "deep"
    lost = opened_layer(said, [], [failed("down")], [], 1)
    assert wanted(said, LAYERS, POINTS, lost)["detail"] != []


def test_only_known_claims_are_refuted() -> None:
    said = [reply(data={"verdicts": [{"claim": c, "supported": False, "instead": ""} for c in ("b1", "b9")]})]
    assert [r.key for r in refuted(LAYERS, said)] == ["b1"]
    assert refuted(LAYERS, [failed("down")]) == []


@pytest.mark.parametrize(
    ("whats", "depth"), [([], "summary"), (["open"], "detail"), (["open", "evidence"], "evidence")]
)
def test_the_deepest_layer_is_remembered(whats: list[str], depth: str) -> None:
    opened: Replies = [reply(data={"what": w, "bullet": "b1"}) for w in whats]
    assert depth_memory([reply("sheds")], opened)[0].data()["depth"] == depth
