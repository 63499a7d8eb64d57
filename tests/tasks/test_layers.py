"""Layers of answers: seats in turn, a shuffle of its own for each seat, and when layering ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.layers import aggregated, layer_record, layer_sheets, layers_settled, proposer_seats
from tasks.reply import Replies, failed, reply

ALIKE, UNLIKE = ([reply(data={"similarity": s, "alike": a, "trouble": ""})] for s, a in ((0.99, True), (0.2, False)))


def panel(count: int) -> Replies:
    return [reply(f"m{n}", key=f"m{n}", model=f"m{n}") for n in range(count)]


def layer(live: int, lost: int = 0) -> Replies:
    return [*(reply(f"a{n}", key=f"p{n}") for n in range(live)), *(failed("down", key=f"x{n}") for n in range(lost))]


@given(st.integers(3, 6), st.integers(1, 6))
@settings(deadline=None)
def test_seats_go_round_the_panel_as_evenly_as_may_be(models: int, seats: int) -> None:
    made = proposer_seats(panel(models), seats)
    assert [s.key for s in made] == [f"p{n}" for n in range(1, seats + 1)]
    counts = [sum(s.model == m.text for s in made) for m in panel(models)]
    assert max(counts) - min(counts) <= 1
    assert all(s.text == s.model for s in made)


@given(st.integers(0, 6), st.integers(0, 3), st.integers())
@settings(deadline=None)
def test_a_sheet_holds_every_live_answer_once_without_names(live: int, lost: int, seed: int) -> None:
    seats = proposer_seats(panel(6), 6)
    sheets = layer_sheets(seats, layer(live, lost), seed)
    assert sheets == layer_sheets(seats, layer(live, lost), seed)
    for sheet, seat in zip(sheets, seats, strict=True):
        rows = sheet.data()["answers"]
        assert sorted(r["answer"] for r in rows) == [f"a{n}" for n in range(live)]
        assert [r["number"] for r in rows] == list(range(1, live + 1))
        assert (sheet.key, sheet.text) == (seat.key, seat.text)
        assert "p0" not in sheet.fields


def test_the_seats_do_not_all_see_one_order() -> None:
    sheets = layer_sheets(proposer_seats(panel(6), 6), layer(6), seed=1)
    assert len({s.fields for s in sheets}) > 1


@pytest.mark.parametrize(
    ("live", "alike", "settled"), [(3, UNLIKE, False), (2, UNLIKE, True), (0, UNLIKE, True), (6, ALIKE, True)]
)
def test_layering_ends_with_few_or_like_answers(live: int, alike: Replies, settled: bool) -> None:
    assert layers_settled([layer_record(layer(live, 6 - live), alike, turn=0)], least=3) is settled


def test_only_the_last_layer_decides() -> None:
    records = [layer_record(layer(6), ALIKE, turn=0), layer_record(layer(6), UNLIKE, turn=1)]
    assert not layers_settled(records, least=3)


def test_the_aggregate_names_who_failed_where_and_why_layering_ended() -> None:
    records = [layer_record(layer(6), UNLIKE, turn=0), layer_record(layer(2, 4), UNLIKE, turn=1)]
    made = aggregated([reply("final", model="m0")], records, proposer_seats(panel(3), 6), least=3)
    assert (made.text, made.outcome, made.model) == ("final", "degraded", "m0")
    assert made.data()["ended"] == "too few live answers"
    assert made.data()["failed"][0] == "layer 2, x0: down"
    assert made.data()["models"] == ["m0", "m1", "m2"]
