"""Small decisions on drafts, claims, panels, stages and specialists, each alone."""

from typing import Any

import pytest

from tasks.claims import all_supported, claims_of, verification_table, verified
from tasks.drafts import nothing_to_fix, refined
from tasks.functions import Refuse
from tasks.panels import debaters_and_judge, distinct_models, two_debaters
from tasks.reply import Replies, Reply, failed, reply
from tasks.specialists import roster, think_tank
from tasks.stages import decided, dossier, findings, gate, killed, stages_in_order

ENOUGH = 9.0


def feedback(score: float, *, done: bool = False) -> Reply:
    return reply(key="f", data={"score": score, "done": done, "issues": []})


def models(*names: str) -> Replies:
    return [reply(n, key=n) for n in names]


# Drafts.
@pytest.mark.parametrize(
    ("last", "stops"),
    [(feedback(8.9), False), (feedback(9), True), (feedback(0, done=True), True), (failed("lost"), True)],
)
def test_the_last_feedback_decides(last: Reply, stops: bool) -> None:
    assert nothing_to_fix([feedback(10), last], ENOUGH) is stops


def test_the_latest_usable_draft_is_given_with_what_was_lost() -> None:
    drafts = [reply("one", key="1"), reply("two", key="2"), failed("broken", key="3")]
    given = refined(drafts, [feedback(3), feedback(4)], ENOUGH)
    assert (given.text, given.outcome) == ("two", "degraded")
    assert (given.data()["iterations_used"], given.data()["lost"]) == (1, "broken")


# Claims.
def test_claims_are_distinct_and_bounded() -> None:
    extracted = [reply(data={"claims": ["a", " a", "", "b", "c"]})]
    assert [(c.key, c.text) for c in claims_of(extracted, 2)] == [("claim 1", "a"), ("claim 2", "b")]
    assert claims_of([failed("unreadable")], 2) == []


def test_a_claim_without_a_verdict_is_unknown_with_its_cause() -> None:
    claims = [reply("a", key="claim 1"), reply("b", key="claim 2")]
    verdicts = [failed("timed out", key="claim 1"), reply(key="claim 2", data={"verdict": "supported", "reason": "-"})]
    table = verification_table(claims, [], [], verdicts)
    assert [row.data()["verdict"] for row in table] == ["unknown", "supported"]
    assert "timed out" in table[0].data()["reason"]
    assert not all_supported(table)
    assert all_supported(table[1:])


def test_an_answer_is_unchecked_where_nothing_was_checked() -> None:
    baseline = [reply("draft")]
    assert verified(baseline, [], [], [failed("unreadable")]).outcome == "unchecked"
    assert verified(baseline, [], [], [reply(data={"claims": []})]).data()["revised"] is False


# Panels.
def test_the_same_model_twice_counts_once() -> None:
    assert [m.text for m in distinct_models(models("a", "b", "a", ""), 1, 3)] == ["a", "b"]
    with pytest.raises(Refuse, match=r"2 different models \(a, b\): 3 to 7"):
        distinct_models(models("a", "b", "a"), 3, 7)
    with pytest.raises(Refuse, match=r"0 different models \(none\)"):
        two_debaters([])


def test_the_judge_is_none_of_the_debaters() -> None:
    panel = debaters_and_judge(models("a", "a", "b", "b", "c", "d"))
    assert [m.text for m in panel["debaters"]] == ["a", "b"]
    assert [m.text for m in panel["judge"]] == ["c"]


# Stages.
def decision(choice: str, text: str = "") -> Reply:
    return reply(text, key=choice, data={"choice": choice, "text": text, "by": "someone", "at": "noon"})


def test_a_stage_ends_by_go_or_kill() -> None:
    assert not decided([])
    assert not decided([decision("go"), decision("rework")])
    assert decided([decision("rework"), decision("go")])
    assert decided([decision("kill")])


def test_only_a_go_approves_and_it_approves_the_last_draft() -> None:
    drafts = [reply("first"), reply("second")]
    went = gate([reply(key="scope")], drafts, [decision("rework", "more"), decision("go")])
    assert [(a.key, a.text) for a in went["approved"]] == [("scope", "second")]
    assert not killed(went["log"])
    stopped = gate([reply(key="scope")], drafts, [decision("rework")] * 3)
    assert (stopped["approved"], killed(stopped["log"])) == ([], True)


def test_the_log_names_person_time_and_notes() -> None:
    log = gate([reply(key="scope")], [reply("d")], [decision("kill", "too dear")])["log"]
    text = dossier([], log).text
    assert text.startswith("Killed at stage 'scope': too dear")
    assert "- scope: kill by someone at noon: too dear" in text


def test_a_check_is_shown_as_lines() -> None:
    checks = [{"criterion": "short", "pass": False, "evidence": "ten pages"}]
    assert findings([reply(data={"checks": checks})]).text == "FAIL: short (ten pages)"
    assert "could not be checked: it broke" in findings([failed("it broke")]).text


@pytest.mark.parametrize("count", [0, 2, 7])
def test_stages_are_three_to_six(count: int) -> None:
    with pytest.raises(Refuse, match=f"{count} stages: 3 to 6"):
        stages_in_order(models(*map(str, range(count))))


def test_a_stage_reads_as_text() -> None:
    given = [reply(key=n, data={"name": n, "deliverable": "a page", "criteria": ["short", "true"]}) for n in "abc"]
    assert stages_in_order(given)[0].text == "a: a page\n- short\n- true"
    assert stages_in_order([g.but(data={**g.data(), "criteria": "short"}) for g in given])[0].text.endswith("\n- short")


# Specialists.
def test_agents_keep_their_own_model_and_the_others_take_turns() -> None:
    agents = [
        reply(key=i, data={"agent_id": i, "role": "r", "model": m}) for i, m in (("a", "own"), ("b", ""), ("c", ""))
    ]
    made = roster(agents, models("x", "y"))
    assert [a.data()["model"] for a in made["agents"]] == ["own", "y", "x"]
    assert [m.text for m in made["models"]] == ["x", "y", "x"]


def test_positions_of_agents_who_were_not_heard_are_left_out() -> None:
    said: dict[str, Any] = {"answer": "a", "agreed": [], "confidence": 0.5, "agreement": 1.0}
    positions = [{"agent": "a", "position": "yes"}, {"agent": "ghost", "position": "no"}]
    synthesis = [reply(data={**said, "disagreements": [{"topic": "t", "positions": positions}]})]
    made = think_tank([reply(key="a"), reply(key="b"), failed("late", key="c")], synthesis)
    assert made["answer"][0].data()["disagreements"][0]["positions"] == positions[:1]
    assert made["answer"][0].outcome == "degraded"
    assert "Not heard: c (late)" in made["answer"][0].text
