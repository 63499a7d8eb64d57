"""Layers of answers: who answers in each, what a seat of the next one sees, when layering ends, and the aggregate."""

from random import Random
from typing import Any

from tasks.functions import pure
from tasks.reply import Replies, Reply, causes, ok_of, reply


@pure
def proposer_seats(panel: Replies, seats: int) -> Replies:
    """So many seats over the models of a panel, in turn: text and `model` are the model, key is `p1`, `p2` ..."""
    return [reply(m.text, key=f"p{n + 1}", model=m.text) for n in range(seats) for m in [panel[n % len(panel)]]]


@pure
def layer_sheets(seats: Replies, answers: Replies, seed: int) -> Replies:
    """What each seat sees of the layer below: all its answers, numbered in an order of the seat's own, without names.

    Key, text and `model` are the seat's; the field `answers` lists number and answer.
    """
    return [_sheet(seat, ok_of(answers), seed) for seat in seats]


def _sheet(seat: Reply, answers: Replies, seed: int) -> Reply:
    order = Random(f"{seed}/{seat.key}").sample(answers, len(answers))  # noqa: S311 (repeatable is what it must be)
    return seat.but(data={"answers": [{"number": n, "answer": a.text} for n, a in enumerate(order, 1)]})


@pure
def layer_record(made: Replies, alike: Replies, turn: int) -> Reply:
    """What a layer came to: its number (that of the loop's turn and one), who is live, who failed, and how alike."""
    data = {
        "layer": turn + 1,
        "live": [m.key for m in ok_of(made)],
        "failed": causes(made),
        **alike[0].data(),
    }
    return reply(f"layer {turn + 1}: {len(data['live'])} of {len(made)} answered", key=f"layer {turn + 1}", data=data)


@pure
def layers_settled(records: Replies, least: int) -> bool:
    """Whether the aggregator is next: the last layer's answers are alike, or fewer than `least` are live."""
    return _why_settled(records[-1].data(), least) != ""


def _why_settled(record: dict[str, Any], least: int) -> str:
    if len(record["live"]) < least:
        return "too few live answers"
    return "the answers are alike" if record["alike"] else ""


@pure
def aggregated(written: Replies, records: Replies, seats: Replies, least: int) -> Reply:
    """The aggregator's answer, with what each layer came to and why layering ended. Failed calls make it degraded."""
    layers = [r.data() for r in records]
    lost = [f"layer {one['layer']}, {cause}" for one in layers for cause in one["failed"]]
    data = {
        "layers": layers,
        "ended": _why_settled(layers[-1], least) or "the last layer",
        "models": list(dict.fromkeys(s.model for s in seats)),
        "failed": lost,
    }
    made = written[0]
    return reply(made.text, key="answer", data=data, model=made.model, outcome="degraded" if lost else "answered")
