"""The market for jobs: scores, caps and ties of awards, whatever the order of bids; total on failed and odd replies."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.contract_net import (
    DEFAULT,
    acceptance,
    accepted_work,
    awards,
    contract,
    contract_answer,
    delivery,
    delivery_records,
    examined,
    jobs,
    offers,
    registered,
)
from tasks.reply import Replies, Reply, failed, reply

AGENTS = [reply(f"{n}: P", key=n, data={"model": "m", "tools": []}) for n in ("ann", "bob", "cy")]
MODELS = [reply("m")]


def work(count: int = 2) -> Replies:
    rows = [{"spec": f"S{n}", "test": "T", "class": "code", "budget": 100} for n in range(1, count + 1)]
    return jobs([reply(data={"jobs": rows})])


def bid(job: str, agent: str, cost: int = 50, confidence: float = 0.5, decision: str = "bid") -> Reply:
    data = {"decision": decision, "plan": "P", "cost": cost, "confidence": confidence}
    return reply(key=f"{job} · {agent}", data=data)


def past(agent: str, *accepted: int, kind: str = "code", model: str = "m") -> Replies:
    fields = [{"agent": agent, "model": model, "class": kind, "accepted": a} for a in accepted]
    return [reply("x", data={"kind": "delivery_record", "fields": f}) for f in fields]


def done(award: Reply, *, accepted: bool) -> Reply:
    (one,) = examined([delivery([award], [reply("W")], [])], [reply(key=award.key, data=_verdict(accepted))])
    return one


def _verdict(accepted: bool) -> dict[str, Any]:
    return {"accepted": accepted, "reason": "R"}


def test_the_record_is_of_the_agent_its_model_and_the_class() -> None:
    record = [*past("ann", 1, 1, 0), *past("ann", 0, kind="writing"), *past("ann", 0, model="n"), *past("bob", 0)]
    assert acceptance(AGENTS[0], "code", record) == pytest.approx(2 / 3)
    assert acceptance(AGENTS[2], "code", record) == 0.5
    assert acceptance(AGENTS[0], "code", [failed("x"), reply("junk")]) == 0.5


def test_the_score_is_half_record_then_confidence_then_price() -> None:
    (made,) = awards(work(1), [bid("j1", "ann", 25, 0.8)], AGENTS, past("ann", 1), MODELS)
    assert made.data()["score"] == pytest.approx(0.5 + 0.3 * 0.8 + 0.2 * 0.75)


def test_ties_go_to_the_first_agent() -> None:
    (made,) = awards(work(1), [bid("j1", "cy"), bid("j1", "bob")], AGENTS, [], MODELS)
    assert made.data()["agent"] == "bob"


def test_a_rejected_job_goes_on_until_the_default_has_tried() -> None:
    bids, so_far, who = [bid("j1", "ann")], list[Reply](), []
    while made := awards(work(1), bids, AGENTS, [], MODELS, so_far[:1], so_far[1:]):
        who.append(made[0].data()["agent"])
        so_far.append(done(made[0], accepted=False))
    assert who == ["ann", DEFAULT]
    assert awards(work(1), bids, AGENTS, [], MODELS, [done(so_far[0], accepted=True)]) == []


BIDS = st.lists(
    st.builds(
        bid,
        st.sampled_from(["j1", "j2", "j3", "j4", "j5", "j9"]),
        st.sampled_from(["ann", "bob", "cy", "eve"]),
        st.integers(0, 150),
        st.floats(0, 1),
        st.sampled_from(["bid", "decline"]),
    ),
    unique_by=lambda b: b.key,
)


@given(BIDS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_every_job_is_awarded_once_within_budget_and_cap_in_any_order_of_bids(bids: Replies, random: Any) -> None:
    made = awards(work(5), bids, AGENTS, [], MODELS)
    assert [a.key for a in made] == ["j1", "j2", "j3", "j4", "j5"]
    assert all(a.data()["cost"] <= 100 for a in made)
    counts = Counter(a.data()["agent"] for a in made)
    assert all(n <= 3 for agent, n in counts.items() if agent != DEFAULT)
    shuffled = list(bids)
    random.shuffle(shuffled)
    assert awards(work(5), shuffled, AGENTS, [], MODELS) == made


def test_without_agents_of_ones_own_there_are_four_with_the_models_in_turn() -> None:
    profiles = {"a": "A", "b": "B", "c": "C", "d": "D"}
    made = registered([], [reply("m"), reply("n")], [reply(key="web"), failed("x", key="sql")], profiles)
    assert [a.data()["model"] for a in made["out"]] == ["m", "n", "m", "n"]
    assert (made["out"][0].text, made["lead"][0].text) == ("a: A\nTools: web", "m")
    assert len(offers(work(2), made["out"])) == 8


def test_a_contract_has_the_agents_own_tools_or_all() -> None:
    (award,) = awards(work(1), [], AGENTS, [], MODELS)
    tools = [reply(key="web"), reply(key="sql")]
    start = contract([award], tools, 8)
    assert (start["tools"], start["plan"], start["steps"][0].text) == (tools, [], "8")
    own = award.but(data={**award.data(), "tools": ["sql"], "plan": "P"})
    assert [t.key for t in contract([own], tools, 8)["tools"]] == ["sql"]


def test_what_is_not_verified_is_not_accepted() -> None:
    (award,) = awards(work(1), [bid("j1", "ann")], AGENTS, [], MODELS)
    nothing, made = delivery([award], [], []), delivery([award], [reply("W")], [reply(data={"tokens": 7})])
    assert made.data()["tokens"] == 7
    for one, verdicts in ((nothing, []), (made, []), (made, [failed("down", key="j1")])):
        (row,) = examined([one], verdicts)
        assert (row.data()["accepted"], bool(row.data()["lost"])) == (False, True)


def test_the_answer_names_what_was_not_delivered() -> None:
    made = awards(work(2), [bid("j1", "ann"), bid("j2", "bob")], AGENTS, [], MODELS)
    entries = [done(made[1], accepted=True), done(made[0], accepted=False)]
    assert [d.key for d in accepted_work(entries)] == ["j2"]
    answer = contract_answer([reply("WHOLE")], work(2), entries, [])
    assert (answer.text, answer.data()["quality"]) == ("WHOLE\n\nNot delivered:\n- S1 (R)", 0.5)
    assert contract_answer([failed("x")], work(2), entries, []).text.startswith("W\n\nNot delivered")
    assert contract_answer([], [], [], []).data()["quality"] == 0
    assert [r.text for r in delivery_records(entries)] == ["bob on code", "ann on code"]
