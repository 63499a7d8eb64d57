"""Schemas of answers take what they describe, and nothing beside it."""

import json
from typing import Any

import pytest

from tasks.answer_schemas import FLAG, choice, listed, record, share, text, whole
from utils.errors import Unparsable
from utils.json_replies import parse_json

SCHEMA = json.dumps(
    record(points=whole(1, 5), sure=share(), why=text(8), verdict=choice("yes", "no"), more=listed(FLAG, 0, 2))
)
GOOD: dict[str, Any] = {"points": 5, "sure": 0.5, "why": "because", "verdict": "yes", "more": [True]}


def test_what_fits_is_taken() -> None:
    assert json.loads(parse_json(json.dumps(GOOD), SCHEMA)) == GOOD


@pytest.mark.parametrize(
    "wrong",
    [
        {"points": 6},
        {"points": 1.5},
        {"sure": 1.1},
        {"why": ""},
        {"why": "far too long"},
        {"verdict": "maybe"},
        {"more": [True] * 3},
        {"more": ["yes"]},
        {"other": 1},
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unparsable):
        parse_json(json.dumps({**GOOD, **wrong}), SCHEMA)


@pytest.mark.parametrize("missing", list(GOOD))
def test_nothing_may_be_left_out(missing: str) -> None:
    with pytest.raises(Unparsable):
        parse_json(json.dumps({k: v for k, v in GOOD.items() if k != missing}), SCHEMA)
