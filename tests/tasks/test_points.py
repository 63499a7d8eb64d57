"""Points: labels, merging, the bounds of what is kept, conflicts; total on whatever a judge says."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.points import best_points, connected, labelled
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

Pairs = Sequence[list[str]]


def extracted(key: str, *texts: str) -> Replies:
    return [reply(key=key, data={"points": [{"text": t, "kind": "fact"} for t in texts]})]


def scored(scores: dict[str, int], *, duplicates: Pairs = (), contradictions: Pairs = ()) -> Replies:
    rows = [{"id": k, "correctness": v, "relevance": v, "specificity": v} for k, v in scores.items()]
    return [
        reply(
            key="judge", data={"scores": rows, "duplicates": list(duplicates), "contradictions": list(contradictions)}
        )
    ]


POINTS = labelled([*extracted("m1", "a", "b", "a"), *[failed("down", key="m2")], *extracted("m3", "c", " ", "d")])


def test_labels_are_letters_in_order_and_name_no_model() -> None:
    assert [(p.key, p.text, p.data()["sources"]) for p in POINTS] == [
        ("A1", "a", ["m1"]),
        ("A2", "b", ["m1"]),
        ("B1", "c", ["m3"]),
        ("B2", "d", ["m3"]),
    ]
    assert all(p.model == "" for p in POINTS)


def test_no_point_at_all_refuses() -> None:
    with pytest.raises(Refuse, match="no point"):
        labelled([*extracted("m1"), failed("down")])


def test_a_duplicate_goes_into_the_higher_scored_one_with_both_sources() -> None:
    best = best_points(POINTS, scored({"A1": 3, "A2": 1, "B1": 5, "B2": 4}, duplicates=[["A1", "B1"]]), 4, 1)["best"]
    assert [(p.key, p.score) for p in best] == [("B1", 5.0), ("B2", 4.0)]
    assert (best[0].data()["labels"], best[0].data()["sources"]) == (["A", "B"], ["m1", "m3"])


def test_at_least_so_many_are_kept_and_all_that_are_good_enough() -> None:
    assert [p.key for p in best_points(POINTS, scored({"A1": 1, "A2": 3}), 4, 2)["best"]] == ["A2", "A1"]
    assert len(best_points(POINTS, scored(dict.fromkeys(("A1", "A2", "B1"), 4)), 4, 2)["best"]) == 3
    assert len(best_points(POINTS, [], 4, 9)["best"]) == 4


def test_conflicts_are_between_different_points_of_which_one_is_kept() -> None:
    judged = scored(
        {"A1": 5, "A2": 1, "B1": 5, "B2": 1},
        duplicates=[["A1", "B1"]],
        contradictions=[["A1", "B1"], ["B2", "A1"], ["B1", "B2"], ["A2", "B2"], ["A1", "Z9"]],
    )
    conflicts = best_points(POINTS, judged, 4, 1)["conflicts"]
    assert [c.data() for c in conflicts] == [{"one": "a", "other": "d"}]


def test_a_second_line_of_scores_for_a_point_does_not_count() -> None:
    judged = scored({"A1": 1})
    rows = [*judged[0].data()["scores"], *scored({"A1": 5, "A9": 5})[0].data()["scores"]]
    again = [reply(key="judge", data={**judged[0].data(), "scores": rows})]
    assert {p.key: p.score for p in best_points(POINTS, again, 4, 4)["best"]}["A1"] == 1.0


IDS = st.sampled_from(["A1", "A2", "B1", "B2", "C1", ""])


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(IDS, st.integers(1, 5)), st.lists(st.lists(IDS, max_size=3)), st.lists(st.lists(IDS, max_size=3))
)
def test_no_source_is_lost_and_none_is_invented(scores: dict[str, int], same: Any, against: Any) -> None:
    judged = scored(scores, duplicates=same, contradictions=against)
    everything = best_points(POINTS, judged, 1, len(POINTS))["best"]
    assert {s for p in everything for s in p.data()["sources"]} == {"m1", "m3"}
    best = best_points(POINTS, judged, 4, 2)["best"]
    assert len(best) >= min(2, len(everything))
    assert [p.key for p in best] == [p.key for p in everything][: len(best)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=8))
def test_groups_partition_the_keys_whatever_the_order_of_the_pairs(pairs: list[tuple[str, str]]) -> None:
    groups = connected("abcde", pairs)
    assert sorted(k for g in groups for k in g) == list("abcde")
    assert groups == connected("abcde", pairs[::-1]) == connected("abcde", [(b, a) for a, b in pairs])
