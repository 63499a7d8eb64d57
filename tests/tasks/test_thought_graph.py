"""A graph of thoughts: who is merged with whom, what is kept, what is opened again, and what the answer says of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.thought_graph import (
    best_thought,
    graph_answer,
    kept_if_better,
    merges_to_redo,
    next_level,
    one_left,
    pairs_to_merge,
    part_to_reopen,
    reopened,
    to_score,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def thought(key: str, score: float | None = 8.0, parents: tuple[str, ...] = (), second: str = "") -> Reply:
    runner_up = {"text": second, "score": 1.0} if second else None
    data = {"operation": "merge" if parents else "solve", "parents": list(parents), "score": score}
    return reply(f"text of {key}", key=key, data={**data, "runner_up": runner_up, "revised": 0, "lost": []})


def merged(pairs: Replies, score: float = 9.0) -> Replies:
    return [thought(p.key, score, tuple(p.data()["parents"])) for p in pairs]


def scored(*scores: float | None) -> Replies:
    return [
        failed("no judge").but(at=[n]) if s is None else reply(data={"score": s}, at=[n]) for n, s in enumerate(scores)
    ]


@given(st.integers(1, 8))
def test_any_number_of_parts_ends_in_one_thought_after_three_levels_that_rests_on_all(count: int) -> None:
    level = [thought(f"p{n}") for n in range(1, count + 1)]
    graph = list(level)
    for turn in (1, 2, 3):
        if one_left(level):
            break
        pairs = pairs_to_merge(level, graph, turn)
        slots = next_level(level, graph, pairs, merged(pairs), [])
        level, graph = slots["level"], [*graph, *slots["made"]]
        assert slots["lost"] == []
    assert one_left(level)
    nodes = graph_answer(level, [], graph, graph[:count], [], [])["answer"][0].data()["graph"]
    assert all(n["used"] for n in nodes)
    assert len(nodes) == 2 * count - 1


@given(st.lists(st.one_of(st.none(), st.floats(0, 10)), min_size=1, max_size=6))
def test_the_best_thought_has_the_highest_score_and_the_earliest_of_those_alike(scores: list[float | None]) -> None:
    samples = [reply(f"s{n}", key=f"s{n}") for n in range(len(scores))]
    best = best_thought([reply(key="p1", data={"parents": []})], samples, [], scored(*scores), "solve")
    known = [s for s in scores if s is not None]
    expected = scores.index(max(known)) if known else 0
    assert (best.text, best.data()["score"]) == (f"s{expected}", max(known) if known else None)


def test_without_a_sample_there_is_no_thought() -> None:
    with pytest.raises(Refuse, match="p1: no sample succeeded: down"):
        best_thought([reply(key="p1", data={"parents": []})], [failed("down")], [], [], "solve")


@pytest.mark.parametrize(
    ("old", "new", "kept"), [(5.0, 6.0, "new"), (5.0, 5.0, "old"), (None, 0.0, "new"), (5.0, None, "old")]
)
def test_a_revision_counts_only_if_its_score_is_higher(old: float | None, new: float | None, kept: str) -> None:
    before = thought("p1", old).but(text="old")
    assert kept_if_better([before], [], [reply("new")], [], scored(new)).text == kept


@pytest.mark.parametrize("final", [True, "x", None, float(99)])
def test_what_a_metric_gives_stays_within_its_scale(final: object) -> None:
    measured = [reply(data={"final": final}, at=[0]), failed("it raised").but(at=[1])]
    best = best_thought([reply(key="p1", data={"parents": []})], [reply("a"), reply("b")], measured, [], "solve")
    assert 0 <= best.data()["score"] <= 10
    assert best.text == "a"


def test_a_metric_scores_alone_and_quotes_the_thought_as_a_literal() -> None:
    slots = to_score([reply('a\'\n"""'), failed("x")], [reply("def score(thought): return 1")])
    assert (len(slots["calls"]), slots["judge"]) == (1, [])
    assert repr('a\'\n"""') in slots["calls"][0].data()["args"]["code"]
    assert len(to_score([reply("a")], [])["judge"]) == 1


@pytest.mark.parametrize(
    ("score", "second", "redone"), [(7.9, "s", 1), (8.0, "s", 0), (7.9, "", 0)], ids=["below", "equal", "no second"]
)
def test_a_merge_is_redone_only_below_its_weaker_parent_and_of_other_texts(
    score: float, second: str, redone: int
) -> None:
    level = [thought("p1", 9.0), thought("p2", 8.0, second=second)]
    pairs = pairs_to_merge(level, level, 1)
    again = merges_to_redo(pairs, merged(pairs, score), level)
    assert len(again) == redone
    assert [a.data()["right"] for a in again] == ["s"] * redone
    assert merges_to_redo(pairs, [failed("x", key="m1.1")], level) == []


def test_only_what_rests_on_a_reopened_part_is_merged_again() -> None:
    first = [thought(f"p{n}", float(n)) for n in range(1, 5)]
    pairs = pairs_to_merge(first, first, 1)
    graph = [*first, *merged(pairs)]
    top = thought("m2.1", 5.0, ("m1.1", "m1.2"))
    (weakest,) = part_to_reopen([reply("one", key="p1"), reply("two", key="p2")], [top], [*graph, top], 7.0)
    assert weakest.key == "p1"
    slots = reopened(first, [thought("p1", 9.0)])
    assert [m.key for m in slots["made"]] == ["p1'"]
    todo = pairs_to_merge(slots["level"], [*graph, *slots["made"]], 1)
    assert [(t.key, t.data()["parents"]) for t in todo] == [("m1.1'", ["p1'", "p2"])]
    assert reopened(first, [thought("p1", 1.0)]) == {"level": [], "made": []}
    assert reopened(first, [failed("down", key="p1")])["level"] == []


@pytest.mark.parametrize("score", [7.0, None])
def test_nothing_is_reopened_for_a_good_or_unknown_score(score: float | None) -> None:
    part = thought("p1", score)
    assert part_to_reopen([reply(key="p1")], [part], [part], 7.0) == []
    assert part_to_reopen([], [], [], 7.0) == []


def test_a_failed_merge_leaves_the_better_parent_and_names_the_other() -> None:
    level = [thought("p1", None), thought("p2", 1.0)]
    pairs = pairs_to_merge(level, level, 1)
    slots = next_level(level, level, pairs, [failed("down", key="m1.1")], [])
    assert [t.key for t in slots["level"]] == ["p2"]
    assert slots["lost"][0].text == "p1 is missing: its merge with p2 failed: down"
    made = graph_answer(slots["level"], [], level, level, slots["lost"], [])["answer"][0]
    assert (made.outcome, made.data()["missing"]) == ("incomplete", [slots["lost"][0].text])
