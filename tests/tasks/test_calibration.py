"""Calibration: the logistic, its fit and the error that is left; claims rated on whatever signals there are."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.calibration import (
    EQUAL,
    calibration_error,
    fitted,
    probability,
    refit_due,
    refitted,
    weights_for,
)
from tasks.algorithms.claim_confidence import band, labelled_claims, rated_claims, stated_claims, with_confidence
from tasks.reply import Replies, Reply, failed, reply

SHARE = st.floats(0, 1)


@settings(deadline=None, max_examples=80)
@given(st.tuples(SHARE, SHARE, SHARE), st.integers(0, 2), SHARE)
def test_a_better_signal_never_makes_a_claim_less_likely(
    signals: tuple[float, float, float], place: int, other: float
) -> None:
    low, high = sorted((signals[place], other))
    worse, better = ([v if i == place else s for i, s in enumerate(signals)] for v in (low, high))
    a, b = probability(worse), probability(better)
    assert a is not None
    assert b is not None
    assert 0 < a <= b < 1


@settings(deadline=None, max_examples=40)
@given(SHARE)
def test_signals_that_agree_say_what_each_says_and_missing_ones_do_not_matter(share: float) -> None:
    everything = probability([share, share, share])
    assert probability([share, None, share]) == pytest.approx(everything)
    assert probability([None, None, None]) is None
    assert everything == pytest.approx(min(0.98, max(0.02, share)))


def test_a_fit_finds_the_signal_that_tells() -> None:
    rng = random.Random(7)
    rows = []
    for _ in range(400):
        right = rng.random() < 0.5
        tells = 0.9 if right else 0.1
        rows.append(([tells if rng.random() < 0.9 else 1 - tells, rng.random(), 0.5], right))
    bias, tells_weight, noise, constant = fitted(rows)
    assert tells_weight > 0.7 > abs(noise) + 0.2
    assert constant == pytest.approx(1 / 3, abs=1e-3)
    assert abs(bias) < 0.5


@settings(deadline=None, max_examples=40)
@given(st.tuples(SHARE, SHARE, SHARE), st.integers(0, 60), st.integers(0, 60))
def test_a_fit_to_one_kind_of_claim_says_how_often_it_was_right(
    signals: tuple[float, float, float], right: int, wrong: int
) -> None:
    rows = [(list(signals), True)] * right + [(list(signals), False)] * wrong
    before, after = probability(signals), probability(signals, fitted(rows))
    assert before is not None
    assert after is not None
    if rows:
        share = right / len(rows)
        assert abs(after - share) <= abs(before - share) + 1e-6


def test_without_labels_the_fit_is_equal_weights() -> None:
    assert fitted([]) == pytest.approx(EQUAL, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SHARE, st.booleans()), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_calibration_error_is_a_share_and_has_no_order(pairs: list[tuple[float, bool]], rng: random.Random) -> None:
    error = calibration_error(pairs)
    mixed = list(pairs)
    rng.shuffle(mixed)
    assert error is not None
    assert 0 <= error <= 1
    assert calibration_error(mixed) == pytest.approx(error)


def test_the_calibration_error_of_known_cases() -> None:
    assert calibration_error([]) is None
    assert calibration_error([(1.0, True), (0.0, False)]) == 0
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == 0
    assert calibration_error([(0.9, False)]) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("p", "name"),
    [(0.9, "high"), (0.8999, "medium"), (0.6, "medium"), (0.3, "low"), (0.29, "struck"), (None, "unrated")],
)
def test_bands_begin_where_they_should(p: float | None, name: str) -> None:
    assert band(p) == name


def memory(fields: dict[str, object], since: str = "2026-01-01T00:00:00+00:00") -> Reply:
    return reply("m", data={"fields": fields, "since": since, "origin": "r"})


def label(n: int, right: bool = True, since: str = "2026-01-01T00:00:00+00:00") -> Reply:
    return memory({"task": "fact", "signals": [1.0, None, 0.5], "p": 0.8, "prediction": str(n), "right": right}, since)


def test_a_table_has_the_latest_label_of_each_claim() -> None:
    (table,) = refitted([label(1, right=False), label(1), label(2)], now="2026-01-02")
    assert table.data()["labels"] == 2
    assert table.data()["weights"] == list(EQUAL)
    assert table.data()["error"] == pytest.approx(0.3)
    assert refitted([], now="2026-01-02") == []


@pytest.mark.parametrize(("labels", "used"), [(99, False), (100, True)])
def test_weights_are_used_from_a_hundred_labels_on(labels: int, used: bool) -> None:
    table = memory({"task": "fact", "weights": [1, 1, 1, 1], "labels": labels})
    weights, count = weights_for([table], "fact")
    assert (list(weights) == [1, 1, 1, 1], count) == (used, labels)
    assert weights_for([table], "cause") == (EQUAL, 0)


WEEK_LATER, DAY_LATER = "2026-01-08T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("labels", "now", "due"),
    [
        ([], WEEK_LATER, False),
        ([label(1, since=DAY_LATER)], WEEK_LATER, True),
        ([label(1, since=DAY_LATER)], DAY_LATER, False),
        ([label(1)], WEEK_LATER, False),
    ],
)
def test_a_fit_is_due_a_week_after_the_last_for_later_labels(labels: Replies, now: str, due: bool) -> None:
    assert refit_due(labels, [memory({"task": "fact", "labels": 1})], now) == due
    assert refit_due(labels, [], now) == bool(labels)


@pytest.mark.parametrize("extracted", [[], [failed("down")], [reply(data={"task": "fact", "claims": []})]])
def test_without_claims_an_answer_stands_unrated(extracted: Replies) -> None:
    claims = stated_claims(extracted, most=20)
    rated = rated_claims(claims, [], [], [], [], [])
    made = with_confidence([reply("text")], [], rated, [], extracted, [], [], [])
    assert made.outcome == "unchecked"
    assert made.text.startswith("text\n")


def test_a_correction_labels_only_what_it_fits() -> None:
    corrections = [reply("a", data={"right": True}), reply("b", data={"right": False})]
    found = [
        memory({"task": "fact", "p": 0.5}).but(at=[0, 0], score=0.9, text="a"),
        memory({"task": "fact", "p": 0.5}).but(at=[1, 0], score=0.4, text="x"),
    ]
    (made,) = labelled_claims(corrections, found)
    assert (made.text, made.data()["right"], made.data()["prediction"]) == ("a", True, "r: a")
