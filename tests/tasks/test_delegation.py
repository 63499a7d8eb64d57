"""Delegated work: briefs numbered on, gaps that are kept, claims by the reports that they cite; total on failures."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.delegation import (
    briefs,
    cited_claims,
    covered,
    delegated_answer,
    open_gaps,
    refuted_claims,
    report,
    some_answer,
    summaries,
    worker_start,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def made(*objectives: str, tools: tuple[str, ...] = ()) -> Reply:
    each = [{"objective": o, "exclude": "", "format": "F", "tools": list(tools), "effort": 3} for o in objectives]
    return reply(data={"briefs": each})


def filed(number: int, text: str = "R") -> Reply:
    return reply(f"Report {number} on: O\n\n{text}", key=str(number), data={"objective": "O"})


def verdict(key: str, word: str) -> Reply:
    return reply(key=key, data={"verdict": word, "reason": "WHY"})


def test_briefs_are_numbered_on_and_a_late_failure_gives_none() -> None:
    assert [b.key for b in briefs([made("A", "B")], [])] == ["1", "2"]
    assert [b.key for b in briefs([made("C")], [filed(1), failed("x", key="2")])] == ["3"]
    assert briefs([failed("down")], [filed(1)]) == []
    with pytest.raises(Refuse, match="could not be split: down"):
        briefs([failed("down")], [])


def test_a_worker_has_the_tools_of_its_brief_or_all_where_none_is_known() -> None:
    tools = [reply(key="web"), reply(key="sql"), failed("not configured", key="browser")]
    seats = [reply("lead"), reply("worker")]
    for named, expected in ((("sql",), ["sql"]), ((), ["web", "sql", "browser"]), (("x",), ["web", "sql", "browser"])):
        start = worker_start(briefs([made("A", tools=named)], []), tools, seats)
        assert [t.key for t in start["tools"]] == expected
    assert (start["steps"][0].text, start["model"][0].text) == ("3", "worker")
    assert "Leave alone" not in start["brief"][0].text


def test_a_report_is_the_last_answer_or_why_there_is_none() -> None:
    brief = briefs([made("A")], [])
    assert report(brief, [failed("x"), reply("R")]).text == "Report 1 on: A\n\nR"
    assert (report(brief, [failed("x")]).ok, report(brief, []).ok) == (False, False)
    assert (some_answer([failed("x"), reply("R")]), some_answer([failed("x")]), some_answer([])) == (True, False, False)


def test_summaries_are_of_the_reports_that_there_are() -> None:
    assert [s.text for s in summaries([reply("a b c")], [failed("x"), reply("d")], 2)] == ["a b", "d"]


@pytest.mark.parametrize(
    ("fresh", "judged", "expected"),
    [
        ([filed(1)], [reply(data={"gaps": ["X", "X", " "]})], ["X"]),
        ([filed(1)], [reply(data={"gaps": []})], []),
        ([filed(1)], [failed("down")], []),
        ([failed("x", key="1").but(data={"objective": "O"})], [], ["BEFORE", "There is no report on this: O"]),
        ([], [], ["BEFORE"]),
    ],
)
def test_what_is_open(fresh: Replies, judged: Replies, expected: list[str]) -> None:
    gaps = open_gaps([reply("BEFORE", key="gap 1")], fresh, judged)
    assert [g.text for g in gaps] == expected
    assert covered(gaps) is not bool(expected)


def test_claims_are_sentences_that_cite() -> None:
    draft = [reply("A is 1 [1]. B is 2 [1, 2]! No source. C is 3 [7].")]
    found = cited_claims(draft, [filed(1), filed(2)], most=9)
    assert [c.data()["cites"] for c in found["claims"]] == [["1"], ["1", "2"]]
    assert found["claims"][1].data()["reports"] == "Report 1 on: O\n\nR\n\nReport 2 on: O\n\nR"
    assert [u.text for u in found["unfounded"]] == ["C is 3 [7]."]
    assert [c.key for c in cited_claims(draft, [filed(1), filed(2)], most=1)["claims"]] == ["c1", "(cut)"]


@given(st.text(max_size=80), st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None)
def test_no_claim_without_its_report_and_no_more_than_allowed(text: str, reports: int, most: int) -> None:
    known = [filed(n) for n in range(1, reports + 1)]
    for draft in (text, f"{text} [1]. {text} [2]."):
        claims = [c for c in cited_claims([reply(draft)], known, most)["claims"] if c.ok]
        assert len(claims) <= most
        assert all(set(c.data()["cites"]) <= {r.key for r in known} for c in claims)


ANSWER: dict[str, Any] = {
    "draft": [reply("A [1].")],
    "claims": [reply("A [1].", key="c1", data={"cites": ["1"]}), reply("B [1].", key="c2", data={"cites": ["1"]})],
    "verdicts": [verdict("c1", "supported"), verdict("c2", "refuted")],
    "reports": [filed(1)],
    "gaps": [],
    "judged": [reply(data={"gaps": []})],
}


@pytest.mark.parametrize(
    ("revised", "more", "outcome", "quality"),
    [
        ([reply("A [1]!")], {}, "answered", 1.0),
        ([failed("down")], {}, "degraded", 0.5),
        ([reply("A [1]!")], {"gaps": [reply("G")]}, "incomplete", 1.0),
        ([reply("A [1]!")], {"judged": []}, "unchecked", 1.0),
        ([reply("A [1]!")], {"verdicts": []}, "answered", None),
        ([], {"claims": [], "verdicts": []}, "unchecked", None),
    ],
)
def test_the_outcome_says_what_is_missing(
    revised: Replies, more: dict[str, Any], outcome: str, quality: float | None
) -> None:
    given_now = {**ANSWER, **more}
    refuted = refuted_claims(given_now["claims"], given_now["verdicts"], [])
    answer = delegated_answer(refuted=refuted, revised=revised, **given_now)
    assert (answer.outcome, answer.data().get("quality")) == (outcome, quality)
