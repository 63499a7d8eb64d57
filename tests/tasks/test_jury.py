"""Ballots: medians do not depend on the order of jurors, and one juror cannot move them past the others."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.jury import jurors_agree, jury_verdict, spread
from tasks.reply import Replies, failed, reply

CRITERIA = ["right", "clear"]
POINTS = st.tuples(st.integers(1, 5), st.integers(1, 5))
PANELS = st.lists(POINTS, min_size=3, max_size=5)
DRAFT = [reply("the text")]


def ballots(panel: list[tuple[int, int]]) -> Replies:
    return [
        reply(key=f"j{n}", data={c: {"points": p, "comment": ""} for c, p in zip(CRITERIA, points, strict=True)})
        for n, points in enumerate(panel)
    ]


def medians(panel: list[tuple[int, int]]) -> dict[str, float]:
    found: dict[str, float] = jury_verdict(DRAFT, [], ballots(panel), [], CRITERIA, 3).data()["medians"]
    return found


@given(PANELS.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_the_order_of_jurors_does_not_matter(panels: tuple[list[tuple[int, int]], list[tuple[int, int]]]) -> None:
    one, other = panels
    assert medians(one) == medians(other)
    assert spread(ballots(one), CRITERIA) == spread(ballots(other), CRITERIA)


@given(PANELS, POINTS)
def test_a_median_lies_among_the_points_whatever_one_more_juror_says(
    panel: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    for n, criterion in enumerate(CRITERIA):
        points = [p[n] for p in panel]
        assert min(points) <= medians([*panel, more])[criterion] <= max(points)


@given(PANELS)
def test_passing_and_quality_follow_from_the_medians(panel: list[tuple[int, int]]) -> None:
    data = jury_verdict(DRAFT, [], ballots(panel), [], CRITERIA, 3).data()
    assert data["passed"] is all(m >= 3 for m in data["medians"].values())
    assert 0 <= data["quality"] <= 1


def test_failed_ballots_count_neither_as_votes_nor_as_zero() -> None:
    voted = [*ballots([(4, 4), (4, 4)]), failed("timed out", key="j9")]
    assert spread(voted, CRITERIA) == 0
    assert not jurors_agree(voted, CRITERIA, 6, 3), "one more is needed"
    assert jury_verdict(DRAFT, [], voted, [], CRITERIA, 3).outcome == "unchecked"
    assert spread([], CRITERIA) == 0
