"""Approvals: rules of risk, calls compared by digest, what needs what, trust; total on junk."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.approvals import (
    approved_call,
    decision,
    filled_step,
    is_free,
    next_queue,
    planned,
    risk,
    risk_rule,
    step_card,
    trust_offer,
)
from tasks.reply import Replies, Reply, failed, reply
from tasks.tool_calls import call_digest


def call(tool: str = "mail", writes: bool = False, valid: bool = True, **args: Any) -> Reply:
    data = {"tool": tool, "arguments": args, "writes": writes, "valid": valid, "undo": "", "message": "bad"}
    return reply(key=tool, data={**data, "digest": call_digest(tool, args)})


def steps(*needs: tuple[str, ...], kind: str = "read") -> Replies:
    usual = {"what": "w", "why": "y", "tool": "mail", "args": {}, "effect": "e", "cost": "c", "action": kind}
    return planned([reply(data={"steps": [{**usual, "id": f"s{n}", "needs": list(d)} for n, d in enumerate(needs)]})])


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(["read", "compute", "write", "send", "pay", "delete", "publish"]), st.booleans(), st.booleans())
def test_what_writes_or_is_grave_is_never_free_without_trust(kind: str, writes: bool, trusted: bool) -> None:
    one = call("calculator", writes, to="x")
    trust = [reply(key='["calculator",["to"]]')] if trusted else []
    made = [risk([risk_rule(steps((), kind=kind), [one], trust)], [])]
    if kind in ("pay", "delete", "publish"):
        assert not is_free(made)
    elif kind in ("write", "send") or writes:
        assert is_free(made) == trusted
    else:
        assert is_free(made)


def test_the_tools_name_goes_before_what_the_plan_calls_it() -> None:
    assert risk_rule(steps((), kind="read"), [call("send_payment")], []).data()["kind"] == "pay"


@pytest.mark.parametrize("judged", [[], [failed("down")], [reply(data={"reversible": "unsure"})]])
def test_what_nobody_surely_calls_reversible_is_asked(judged: Replies) -> None:
    assert not is_free([risk([risk_rule(steps(()), [call("lamp")], [])], judged)])


def test_a_call_runs_only_as_it_was_shown() -> None:
    card = [step_card(steps(()), [call(to="ann")], [reply(data={"why": "x"})])]
    said = [decision([reply(data={"by": "rule", "kind": "send"})], [reply(key="run")], card)]
    assert approved_call([call(to="ann")], said).ok
    assert approved_call([call(to="eve")], said).cause == "the arguments are not those that were shown"
    assert not approved_call([call(to="ann", valid=False)], said).ok


DAG = st.lists(st.sets(st.integers(0, 5), max_size=2), min_size=2, max_size=6)


@settings(deadline=None, max_examples=60)
@given(DAG)
def test_nothing_is_left_that_needs_what_was_not_done(needs: list[set[int]]) -> None:
    first, *queue = steps(*[tuple(f"s{n}" for n in of if n < place) for place, of in enumerate(needs)])
    entry = [reply(key=first.key, data={"status": "skipped"})]
    left = next_queue(queue, entry, [failed("down")], [])
    kept = {s.key for s in left}
    dropped = {s.key for s in queue} - kept
    assert all(not ({*s.data()["needs"]} & ({first.key} | dropped)) for s in left)
    assert next_queue(queue, [reply(key=first.key, data={"status": "done"})], [], []) == queue


def test_results_stand_in_arguments_at_any_depth() -> None:
    one = steps(())[0]
    one = one.but(data={**one.data(), "args": {"a": ["x [[s1]]", {"b": "[[ s1 ]][[s2]]"}], "n": 3}})
    log = [
        reply(key="s1", data={"status": "done", "result": "R"}),
        reply(key="s2", data={"status": "failed", "result": "F"}),
    ]
    assert filled_step([one], log).data()["args"] == {"a": ["x R", {"b": "R[[s2]]"}], "n": 3}


def row(choice: str = "run", kind: str = "send", asked: bool = True, **args: Any) -> Reply:
    return reply(key="s", data={"tool": "mail", "args": args, "choice": choice, "kind": kind, "asked": asked})


ROWS = [row(to=str(n)) for n in range(5)]


@pytest.mark.parametrize(
    ("rows", "offered"),
    [
        (ROWS, True),
        (ROWS[:4], False),
        ([*ROWS[:4], row("skip", to="x")], False),
        ([*ROWS[:4], row(to="x", text="y")], False),
        ([*ROWS[:4], row(kind="pay", to="x")], False),
        ([*ROWS[:2], row(asked=False, other="z"), *ROWS[2:]], True),
    ],
)
def test_trust_is_offered_after_five_approvals_of_one_shape(rows: Replies, offered: bool) -> None:
    offer = trust_offer(rows[:-1], rows[-1:], [])
    assert bool(offer) == offered
    assert trust_offer(rows[:-1], rows[-1:], offer) == []
