"""Cato's epistemic rules: unsupported claims, impossible citations, certainty that the agents do not share."""

from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cato_claims import agreement_of, epistemic_findings, epistemic_score, stated_certainty
from tasks.cato_rules import SEVERITY, Finding
from tasks.reply import Replies, Reply, failed, reply

NOW = "2026-03-04T05:06:07+00:00"


def found(
    text: str, *replies: str, prompt: str = "", domain: str = "general", data: dict[str, Any] | None = None
) -> list[Finding]:
    return epistemic_findings(reply(text, data=data), said(*replies), prompt=prompt, domain=domain, now=NOW)


def said(*texts: str) -> Replies:
    return [reply(text, key=f"a{n}") for n, text in enumerate(texts)]


ABSOLUTE = [
    "This plan is guaranteed to succeed.",
    "Index funds are 100 % safe.",
    "It is scientifically proven that tea cures it.",
    "Studies show a clear benefit.",
    "Everyone knows that monoliths are slow.",
    "This method always works.",
    "Splitting services never fails.",
]
SUPPORTED = [
    "Studies show a clear benefit [3].",
    "According to the WHO, research shows a clear benefit.",
    "Research shows a clear benefit (Miller et al., 2019).",
    "Studies show that it may help.",
    "Index funds are not 100 % safe.",
    "Nothing is guaranteed to succeed.",
    "You ask: is it guaranteed to succeed?",
    "Always back up your data, and never share a password.",
    "We have always used Postgres.",
    "The team delivered 100 % of the stories.",
]


@pytest.mark.parametrize("text", ABSOLUTE)
def test_an_absolute_claim_needs_support(text: str) -> None:
    assert [(f.rule, f.risk) for f in found(text)] == [("absolute_claim", "low")]
    assert [(f.rule, f.risk) for f in found(text, domain="medical")] == [("absolute_claim", "medium")]


@pytest.mark.parametrize("text", SUPPORTED)
def test_a_source_a_hedge_or_a_plain_use_is_enough(text: str) -> None:
    assert found(text, domain="medical") == []


def test_many_absolute_claims_are_revised_in_any_domain() -> None:
    assert {f.risk for f in found(" ".join(ABSOLUTE[:3]))} == {"medium"}


@pytest.mark.parametrize(
    "text",
    [
        "See Miller et al. (2031) for more.",
        "As shown before (Miller, 2031).",
        "See arXiv:2313.01234 for more.",
        "See ISBN 978-3-16-148410-1 for more.",
        "See doi 10.1234/abcd for more.",
        "It fell by half [citation needed].",
    ],
)
def test_a_citation_that_cannot_be_real_is_revised(text: str) -> None:
    assert [(f.rule, f.risk) for f in found(text)] == [("citation", "medium")]


@pytest.mark.parametrize(
    "text",
    [
        "See Miller et al. (2019) for more.",
        "The forecast for the year (2031) is open.",
        "See arXiv:2312.01234 for more.",
        "See ISBN 978-3-16-148410-0 and ISBN 0-306-40615-2.",
        "See doi 10.1038/s41586-020-2649-2.",
    ],
)
def test_a_citation_that_may_be_real_passes(text: str) -> None:
    assert found(text) == []


def test_a_figure_needs_a_source_where_the_stakes_are_high() -> None:
    text = "It cures 87 % of patients. It saves $4,000."
    assert [f.risk for f in found(text, domain="medical")] == ["medium", "medium"]
    assert [f.risk for f in found("It cures 87 % of patients.", domain="medical")] == ["low"]
    assert found(text) == []
    assert found("Does it cure 87 % of patients?", domain="medical") == []
    assert found(text, domain="medical", prompt="Does it cure 87 % and save $4,000?") == []
    assert found("It cures about 87 % of patients. In a 2019 trial it saved $4,000.", domain="medical") == []


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("I am 95% sure.", 0.95),
        ("Confidence: 0.97", 0.97),
        ("Certainty is 90", 0.9),
        ("I am absolutely certain of it.", 0.99),
        ("There is no doubt that it holds.", 0.99),
        ("I am 40 % confident, then 80 percent confident.", 0.8),
        ("I am not 100% sure.", None),
        ("Nobody is absolutely certain of it, nor 99% sure.", None),
        ("The 95% confidence interval is narrow.", None),
        ("A 95 % confidence level is usual.", None),
        ("Costs fell by 95 %.", None),
        ("Make sure 3 people agree.", None),
    ],
)
def test_certainty_is_read_from_the_text(text: str, certainty: float | None) -> None:
    assert stated_certainty(reply(text)) == certainty


def test_certainty_is_read_from_a_field_until_the_text_was_changed() -> None:
    assert stated_certainty(reply("Yes.", data={"confidence": 0.95})) == 0.95
    assert stated_certainty(reply("Yes.", data={"certainty": 95})) == 0.95
    assert stated_certainty(reply("Yes.", data={"confidence": True})) is None
    assert stated_certainty(reply("Yes.", data={"confidence": 0.95, "revised": True})) is None
    assert stated_certainty(reply("I am 92% sure.", data={"confidence": 0.95, "edited": True})) == 0.92


def test_agreement_that_was_counted_stands() -> None:
    assert agreement_of(reply("x", data={"agreement": 0.4}), said("a", "a", "a")) == 0.4


@pytest.mark.parametrize(
    ("replies", "agreement"),
    [
        ([], None),
        (["Paris"], None),
        (["Paris", "paris.", "London"], 2 / 3),
        (["Yes, migrate the service now.", "No, migrate the service now."], 0.5),
        (["Keep the monolith until the team grows.", "Keep the monolith while the team is small."], 1.0),
        (["Keep the monolith until the team grows.", "Buy a new database cluster in Frankfurt."], 0.5),
        (["42", "42", "41", "42"], 0.75),
        (["alpha beta", "beta gamma", "gamma delta"], 1.0),
    ],
)
def test_agreement_is_the_share_of_the_largest_position(replies: list[str], agreement: float | None) -> None:
    assert agreement_of(reply("x"), said(*replies)) == (agreement and pytest.approx(agreement))


def test_agreement_compares_the_positions_that_replies_state_and_leaves_failed_ones_out() -> None:
    replies = [
        reply("Long reasoning of one kind", data={"final_answer": "42"}),
        reply("Quite another argument", data={"final_answer": "42"}),
        failed("it broke"),
    ]
    assert agreement_of(reply("x"), replies) == 1.0


@given(st.lists(st.sampled_from(["Paris", "London", "yes it is", "no it is not", ""]), min_size=2), st.randoms())
def test_agreement_does_not_depend_on_the_order(texts: list[str], random: Any) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)
    agreement = agreement_of(reply("x"), said(*texts))
    assert agreement is not None
    assert 1 / len(texts) <= agreement <= 1
    assert agreement_of(reply("x"), said(*shuffled)) == agreement


@pytest.mark.parametrize(
    ("confidence", "agreement", "over"), [(0.9, 0.59, True), (0.89, 0.1, False), (0.9, 0.6, False), (1.0, 0.0, True)]
)
def test_overconfidence_is_certainty_from_90_with_agreement_below_60(
    confidence: float, agreement: float, over: bool
) -> None:
    answer = found("Migrate.", data={"confidence": confidence, "agreement": agreement})
    assert [(f.rule, f.risk) for f in answer] == ([("overconfidence", "medium")] if over else [])


def test_overconfidence_against_agents_who_say_different_things() -> None:
    agents = ("Paris", "London", "Rome")
    assert [f.rule for f in found("I am 99% sure that it is Paris.", *agents)] == ["overconfidence"]
    assert found("I am 99% sure that it is Paris.", "Paris", "Paris", "Paris") == []
    assert found("It is probably Paris.", *agents) == []


def test_an_answer_against_most_agents_must_say_why() -> None:
    assert [f.rule for f in found("Yes, do it.", "No.", "No, wait.", "Yes.")] == ["contradiction"]
    assert found("Yes, do it.", "No.", "Yes.", "Yes.") == []
    assert found("Wait a year.", "No.", "No.", "No.") == []
    assert found("Yes, do it.", "No.") == []


@given(st.lists(st.sampled_from(SEVERITY)), st.sampled_from(SEVERITY))
def test_a_further_finding_never_raises_the_score(risks: list[Any], more: Any) -> None:
    findings = [Finding("r", risk, "") for risk in risks]
    score = epistemic_score([*findings, Finding("r", more, "")])
    assert 0 <= score <= epistemic_score(findings) <= 1


def test_no_finding_is_the_full_score() -> None:
    assert epistemic_score([]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 60_000,
        "(A" * 30_000,
        "(" + "A" * 60_000,
        "(Ab, " * 12_000,
        "(" + "Aa " * 20_000,
        "1 " * 30_000,
        "1,1" * 20_000,
        "sure " * 12_000,
        "ISBN 1" + "1-" * 20_000,
        "always " * 9_000,
        "studies show " * 5_000,
    ],
)
def test_no_text_takes_a_rule_long(text: str) -> None:
    started = perf_counter()
    epistemic_findings(Reply(text=text), said(text, "other"), prompt=text, domain="medical", now=NOW)
    assert perf_counter() - started < 5
