"""Skeletons: which lines are points, which way an answer goes, and the points put together in order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.skeleton import enough_points, expanded_answer, plain_answer, skeleton_points, stands_apart
from tasks.reply import Replies, failed, reply

NOTHING = "NOTHING NEW"
POINTS = skeleton_points([reply("1. Cost\n2. Speed\n3. Safety")], most=10)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("1. Cost\n2) Speed\n 3: Safety", ["Cost", "Speed", "Safety"]),
        ("Here you are:\n**1.** **Cost**\n- 2. Speed\nThat is all.", ["Cost", "Speed"]),
        ("1. Cost\n1. cost.\n7. Speed", ["Cost", "Speed"]),
        ("3.5 litres\n1.\n2. ***", []),
        ("no list at all", []),
        ("", []),
    ],
)
def test_points_are_numbered_lines_each_once(text: str, points: list[str]) -> None:
    made = skeleton_points([reply(text)], most=10)
    assert [p.text for p in made] == points
    assert [p.key for p in made] == [str(n) for n in range(1, len(points) + 1)]


@given(st.text(alphabet="12.) ab\n*-", max_size=200))
@settings(deadline=None)
def test_no_text_gives_more_points_than_allowed_or_an_empty_one(text: str) -> None:
    made = skeleton_points([reply(text)], most=3)
    assert len(made) <= 3
    assert all(p.text.strip() for p in made)


@pytest.mark.parametrize(
    ("judged", "way"),
    [
        ([reply(data={"stands_apart": True})], "skeleton"),
        ([reply(data={"stands_apart": False})], "plain"),
        ([failed("down")], "plain"),
        ([], "plain"),
    ],
)
def test_only_a_clear_yes_leads_to_a_skeleton(judged: Replies, way: str) -> None:
    assert stands_apart(judged) == way


def test_two_points_are_enough_and_a_failed_skeleton_has_none() -> None:
    assert [enough_points(POINTS[:n]) for n in range(3)] == ["plain", "plain", "expand"]
    assert skeleton_points([failed("down")], most=10) == []


def put(expanded: Replies, repeats: Replies, revised: Replies) -> tuple[str, str]:
    made = expanded_answer(POINTS, expanded, repeats, revised, [], NOTHING)
    return made.text, made.outcome


EXPANDED = [reply(f"text {n}.", key=str(n)) for n in (1, 2, 3)]
REPEAT = [reply("text 2.", key="2", data={"like": "1", "earlier": "text 1."})]


@given(st.permutations(EXPANDED))
@settings(deadline=None)
def test_points_stand_in_their_order_whatever_was_done_first(expanded: Replies) -> None:
    assert put(expanded, [], []) == ("1. Cost: text 1.\n2. Speed: text 2.\n3. Safety: text 3.", "answered")


@pytest.mark.parametrize(
    ("revised", "text", "outcome"),
    [
        ([reply("new.", key="2")], "1. Cost: text 1.\n2. Speed: new.\n3. Safety: text 3.", "answered"),
        ([reply("Nothing new.", key="2")], "1. Cost: text 1.\n2. Safety: text 3.", "answered"),
        ([failed("down", key="2")], "1. Cost: text 1.\n2. Speed: text 2.\n3. Safety: text 3.", "degraded"),
    ],
)
def test_a_repeat_is_what_is_new_or_leaves_or_stays_where_nobody_could_say(
    revised: Replies, text: str, outcome: str
) -> None:
    assert put(EXPANDED, REPEAT, revised) == (text, outcome)


def test_a_point_that_was_lost_stands_bare_and_is_named() -> None:
    made = expanded_answer(POINTS, [EXPANDED[0], failed("down", key="2"), EXPANDED[2]], [], [], [], NOTHING)
    assert made.text.splitlines()[1] == "2. Speed"
    assert made.data()["failed"] == ["point 2: down"]
    assert [p["state"] for p in made.data()["points"]] == ["expanded", "bare", "expanded"]


def test_a_plain_answer_says_why_and_is_degraded_without_a_judge() -> None:
    assert plain_answer([reply("x")], [reply(data={})], "one line of thought").data()["why"] == "one line of thought"
    assert plain_answer([reply("x")], [failed("down")], "-").outcome == "degraded"
