"""Criticism by tools: what counts as a result, as a quote, and as the end."""

import pytest

from tasks.algorithms.tool_critique import critique_over, grounded_issues, that_only_read, tool_checked, usable_results
from tasks.reply import Reply, failed, reply


def record(*, usable: bool = True, criticised: bool = True, issues: int = 0, changed: bool = False) -> Reply:
    issue = {"issue": "i", "quote": "q", "fix": "f", "call": "call 1"}
    data = {"calls": [], "usable": usable, "criticised": criticised, "issues": [issue] * issues, "dropped": 0}
    return reply(data={**data, "changed": changed, "changes": [], "lost": []})


@pytest.mark.parametrize(
    ("rounds", "over", "outcome"),
    [
        ([record()], True, "answered"),
        ([record(issues=1, changed=True)], False, "incomplete"),
        ([record(issues=1)], False, "incomplete"),
        ([record(issues=1), record(issues=1)], True, "incomplete"),
        ([record(issues=1, changed=True), record(issues=1)], False, "incomplete"),
        ([record(usable=False)], True, "unchecked"),
        ([record(criticised=False)], False, "unchecked"),
        ([record(criticised=False), record()], True, "answered"),
    ],
)
def test_when_it_ends_and_what_that_means(rounds: list[Reply], over: bool, outcome: str) -> None:
    assert critique_over(rounds) is over
    assert tool_checked([reply("a")], rounds).outcome == outcome


def test_a_quote_is_whole_words_of_a_result_as_white_space_is_folded() -> None:
    results = [reply("the sum\nis 391", key="call 2")]

    def calls(quote: str) -> list[str]:
        critique = reply(data={"issues": [{"issue": "i", "quote": quote, "fix": "f"}]})
        return [i.data()["call"] for i in grounded_issues([critique, failed("down")], results)]

    assert calls("sum is 391") == ["call 2"]
    assert [calls(q) for q in ("39", "", " ", "um is", "391.")] == [[], [], [], [], []]


def test_only_what_succeeded_is_a_result_under_the_key_of_its_call() -> None:
    calls = [reply(key=f"call {n}") for n in (1, 2, 3)]
    ran = [failed("down", at=[0]), reply("boom", data={"ok": False}, at=[1]), reply("4", at=[2])]
    assert [(r.key, r.text) for r in usable_results(calls, ran)] == [("call 3", "4")]
    assert usable_results([], []) == []


def test_tools_that_write_are_no_tools_of_a_check() -> None:
    tools = [reply(key="a", data={"writes": False}), reply(key="b", data={"writes": True}), failed("gone", key="c")]
    assert [t.ok for t in that_only_read(tools)] == [True, False, False]
