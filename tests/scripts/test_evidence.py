"""The evidence bench: its simulated answerers against what theory says of them, and the committed table."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.bench.evidence.answerer import Answerer, Reading
from scripts.bench.evidence.meaning import candidates, leaning, sections
from scripts.bench.evidence.play import MODELS, play, self_consistency
from scripts.bench.evidence.scenario import says_right
from scripts.bench.evidence.world import OPTIONS, SETTINGS, Question, Setting, draw, evenly
from scripts.bench.patterns import Figure, figures_of, read, standing
from tasks.functions import find_pattern
from utils.llm import ChatRequest, Message
from utils.settings import settings

MANY = [Question(number) for number in range(400)]
ALONE = Setting("alone", accuracy=0.6, spread=0.0, own=0.0, shared=0.0, trap=1.0, edge=0.0)
"""Draws are independent and every wrong one is the same, so that a plurality is a majority of two."""


def share(right: list[bool]) -> float:
    return sum(right) / len(right)


def asked(prompt: str, schema: str | None = None, temperature: float = 0.7) -> ChatRequest:
    message = Message(role="user", content=prompt)
    return ChatRequest(model=MODELS[0], messages=(message,), json_schema=schema, temperature=temperature)


@pytest.mark.parametrize("samples", [1, 3, 5, 9])
def test_self_consistency_of_independent_draws_is_the_binomial_majority(samples: int) -> None:
    p, more_than_half = ALONE.accuracy, samples // 2 + 1
    majority = sum(comb(samples, k) * p**k * (1 - p) ** (samples - k) for k in range(more_than_half, samples + 1))
    right = [self_consistency(q, ALONE, samples, f"r{r}") for q in MANY for r in range(5)]
    assert share(right) == pytest.approx(majority, abs=0.03)


def test_draws_that_are_all_alike_gain_nothing_by_a_vote() -> None:
    alike = Setting("alike", spread=0.0, own=1.0, shared=1.0)
    assert all(self_consistency(q, alike, 9, "r") == self_consistency(q, alike, 1, "r") for q in MANY)
    assert all(draw(q, alike, MODELS[0], "a") == draw(q, alike, MODELS[1], "b") for q in MANY)


@given(number=st.integers(0, 10_000), name=st.text(max_size=8))
def test_an_even_sequence_stays_in_its_interval(number: int, name: str) -> None:
    assert 0 <= evenly(number, name) < 1


@given(number=st.integers(0, 100_000))
def test_a_question_has_one_right_answer_among_distinct_options(number: int) -> None:
    question = Question(number)
    assert len(set(question.options)) == OPTIONS
    assert candidates(question.text, question.options) == []


@pytest.mark.parametrize("strength", [0.5, 0.75, 0.95])
def test_a_judgement_is_right_as_often_as_the_verifier_is_strong(strength: float) -> None:
    setting = Setting("judging", verifier=strength)
    schema = '{"type": "object", "properties": {"verdict": {"enum": ["supported", "refuted", "unknown"]}}}'
    told = []
    for q in MANY:
        said = q.options[q.number % 2]
        reply = Answerer(q, setting).reply(asked(f"<claim>\nIt is {said}.\n</claim>", schema), "s")
        told.append(("supported" in reply) == (said == q.right))
    assert share(told) == pytest.approx(strength, abs=0.06)


def test_best_of_two_with_a_noisy_verifier_is_what_theory_says() -> None:
    """One right, one wrong: it wins where it is judged right and the other wrong, and half of the ties."""
    setting = Setting("comparing", verifier=0.8)
    schema = '{"type": "object", "properties": {"winner": {"enum": ["A", "B"]}}}'
    won = []
    for q in MANY:
        a, b = (q.right, q.options[1]) if q.number % 2 else (q.options[1], q.right)
        prompt = f'<reply from="A">\nIt is {a}.\n</reply>\n<reply from="B">\nIt is {b}.\n</reply>'
        won.append(('"A"' in Answerer(q, setting).reply(asked(prompt, schema), "s")) == (a == q.right))
    v = setting.verifier
    assert share(won) == pytest.approx(v * v + v * (1 - v), abs=0.06)


def test_a_biased_judge_takes_the_first_whatever_it_says() -> None:
    biased = Setting("biased", verifier=0.5, position=1.0)
    schema = '{"type": "object", "properties": {"winner": {"enum": ["A", "B"]}}}'
    prompt = '<reply from="A">\nIt is {}.\n</reply>\n<reply from="B">\nIt is {}.\n</reply>'
    replies = [Answerer(q, biased).reply(asked(prompt.format(*q.options[:2]), schema), "s") for q in MANY[:40]]
    assert all('"A"' in reply for reply in replies)


def test_reading_others_without_a_verifier_is_no_more_than_a_vote() -> None:
    """Choi et al. 2025, Debate or Vote (arXiv:2508.17536): a debate then moves beliefs as a martingale does.

    What it gains is the majority of those who spoke: here two peers and the reader's own draw.
    """
    blind = Setting("blind", accuracy=0.6, spread=0.0, own=0.0, shared=0.0, trap=1.0, verifier=0.5, edge=0.0)
    after = []
    for q in MANY:
        peers = [draw(q, blind, model, "peer") for model in MODELS[1:3]]
        said = Reading(Answerer(q, blind), asked("\n".join(f"It is {p}." for p in peers)), "s").answer()
        after.append(said == q.right)
    p = blind.accuracy
    assert share(after) == pytest.approx(p**3 + 3 * p**2 * (1 - p), abs=0.04)


@pytest.mark.parametrize(
    ("prompt", "labels"),
    [
        ('<reply from="a">\nIt is {0}.\n</reply>\n<reply from="b">\nIt is {1}.\n</reply>', ["a", "b"]),
        (
            '<answers>\n{{"answers": [{{"letter": "A", "x": {0}}}, {{"letter": "B", "x": {1}}}]}}\n</answers>',
            ["A", "B"],
        ),
        ("<first>\nIt is {0}.\n</first>\n<second>\nIt is {1}.\n</second>", ["first", "second"]),
        ("c1. It is {0}.\nc2. It is {1}.", ["c1", "c2"]),
        ("It is {0}, not {1}.", []),
    ],
)
def test_the_parts_of_a_prompt_are_known_by_their_labels(prompt: str, labels: list[str]) -> None:
    question = Question(1)
    found = sections(prompt.format(*question.options[:2]), question.options)
    assert [s.label for s in found] == labels
    assert [s.candidate for s in found] == list(question.options[: len(labels)])


@pytest.mark.parametrize(
    ("name", "side"),
    [("supported", "for"), ("is_correct", "for"), ("no issue", "against"), ("unknown", "neither"), ("colour", "")],
)
def test_names_lean(name: str, side: str) -> None:
    assert leaning(name) == side


@pytest.mark.usefixtures("database")
def test_a_pattern_is_played_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_CALLS_AT_ONCE", "1")
    settings.cache_clear()
    pattern, setting = find_pattern("self_consistency"), Setting("twice")
    question = Question(3)
    first = play(pattern, Answerer(question, setting), {})
    assert first.calls == 5
    again = play(pattern, Answerer(question, setting), {}, run_id="again")
    assert (again.answer, again.calls) == (first.answer, 5)


@pytest.mark.usefixtures("database")
def test_the_pattern_self_consistency_is_what_theory_says() -> None:
    pattern = find_pattern("self_consistency")
    setting = Setting("theory", accuracy=0.7, spread=0.0, own=0.0, shared=0.0, trap=1.0)
    right = [bool(says_right(play(pattern, Answerer(q, setting), {}), q)) for q in MANY[:60]]
    assert share(right) == pytest.approx(sum(comb(5, k) * 0.7**k * 0.3 ** (5 - k) for k in (3, 4, 5)), abs=0.1)


def figure(setting: str, value: str, equal_calls: str, note: str = "") -> Figure:
    return Figure("p", "right answers", setting, value, "0.050", equal_calls, "0.5", "5.0", "40", note)


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ([("0.6", "0.7", ""), ("0.5", "0.5", "")], "loses to self-consistency with as many calls in every setting"),
        ([("0.6", "0.7", ""), ("0.8", "0.5", "")], "ahead of self-consistency with as many calls in 1 of 2 settings"),
        ([("0.6", "0.7", "readers"), ("0.8", "", "readers")], "loses to the baseline with as many calls in every"),
        ([("0.6", "", "none")], "no baseline with as many calls"),
    ],
)
def test_how_a_pattern_stands_is_said(figures: list[tuple[str, str, str]], says: str) -> None:
    assert standing([figure(f"s{n}", *one) for n, one in enumerate(figures)]).startswith(says)


def test_the_committed_figures_are_whole() -> None:
    rows = read()
    settings_of = {one.pattern_id: {f.setting for f in rows if f.pattern_id == one.pattern_id} for one in rows}
    assert all(found == {s.name for s in SETTINGS} for found in settings_of.values())
    assert len(rows) == len(settings_of) * len(SETTINGS)
    assert all(0 <= float(one.figure) <= 1 and one.metric and int(one.questions) >= 20 for one in rows)
    assert figures_of("no_such_pattern") == []
