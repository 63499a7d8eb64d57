"""What a run says at its end and before its start."""

import re

import pytest

from tasks.estimate import Estimate
from tasks.report import estimate_line, final_block
from tests.tasks.test_deck import decision, result_of


def test_the_final_block_is_the_answer_and_then_the_figures() -> None:
    said = final_block(result_of(decision=decision("approve")), styled=False)
    answer, _, block = said.partition("\n\nstatus")
    assert answer == "**Stay** where you are.\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert [re.sub(r"\s+", " ", line) for line in ("status" + block).splitlines()] == [
        "status done, approved by a person",
        "not heard carl: no answer within 60 s",
        "confidence 50 %, agreement 50 %",
        "pattern unknown_pattern",
        "models m/one, m/two",
        "cost 3 calls, 2,468 tokens, $0.0123 + 1 call of unknown cost",
        "time 12.3 s",
        "run run-1",
        "deck /decks/run-1.html",
    ]


def test_a_final_block_without_an_answer_says_so() -> None:
    assert final_block(result_of(answer="", status="blocked"), styled=False).startswith("The safety check blocked")
    assert "\nREHEARSAL" in final_block(result_of(rehearsal=True), styled=False)


def test_a_final_block_on_a_terminal_has_style_and_whole_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    long = "/a/long/path" * 10
    said = final_block(result_of(deck=long, answer="**Stay**\x1b[2J"), styled=True, width=60)
    assert "\x1b[1mStay\x1b[0m" in said
    assert "**" not in said
    assert "\x1b[2J" not in said
    assert long in said


def test_what_looks_like_a_tag_is_not_lost_on_a_terminal() -> None:
    said = final_block(result_of(answer="Use List<String> in <main>.\n\n<b>Now</b>"), styled=True, width=60)
    assert "Use List<String> in <main>." in said
    assert "<b>Now</b>" in said


def test_the_estimate_says_when_a_price_is_unknown() -> None:
    bound = Estimate(most_calls=9, most_tokens=100, depth=2)
    assert estimate_line(bound, 0.0421, 0.5) == "Estimate: at most 9 calls and $0.0421; the cap of this run is $0.5000."
    assert "an unknown cost" in estimate_line(bound, None, 0.5)
