"""A dry run's rules: what counts as which risk, what is done, and what is taken back in which order."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.dry_run import (
    carried_out,
    dry_run_report,
    effects,
    emulated,
    needs_no_revision,
    not_to_compare,
    not_to_rehearse,
    planned_calls,
    rehearsal,
    rehearsed,
    released,
    risk,
    to_be_undone,
    undo_calls,
    undone,
    world_broke,
    world_trace,
)
from tasks.reply import Replies, Reply, failed, reply

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = [
    reply("drop: x", key="drop", data={"name": "drop", "arguments": SCHEMA, "writes": True, "undo": "restore"}),
    reply("burn: x", key="burn", data={"name": "burn", "arguments": SCHEMA, "writes": True, "undo": ""}),
]


def plan(*steps: tuple[str, object]) -> Replies:
    return [reply(data={"steps": [{"tool": t, "args": {"n": n}, "reversible": "no"} for t, n in steps]})]


def steps(*tools: str) -> Replies:
    return planned_calls(plan(*((t, n) for n, t in enumerate(tools))), TOOLS)


def trace(of: Replies, world: str = "typical", whole: bool = True) -> Reply:
    said = [reply(data={"output": "o", "effects": "e"}) for _ in of]
    played = [emulated([s], [m]) for s, m in zip(of, said, strict=True)]
    return world_trace([reply(world, key=world)], of, played if whole else played[:-1])


def judged(*severities: int) -> Reply:
    return reply(data={"harms": [{"step": 1, "harm": "h", "severity": s} for s in severities]})


def rate(of: Replies, traces: Replies, said: Replies, rounds: Replies = []) -> dict[str, Any]:  # noqa: B006
    return risk(of, traces, said, rounds, worlds=2, revisions=2).data()


def done(state: str, tool: str = "drop", number: int = 1, undo: str = "restore", error: str = "") -> Reply:
    data = {"number": number, "tool": tool, "args": {"n": number}, "writes": True, "undo": undo, "foreseen": "f"}
    data |= {"state": state, "why": error, "real": "r", "held": float(state == "done"), "call": f"{number}. {tool}"}
    return reply("step", key=f"step {number}", data=data)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=4), st.lists(st.integers(0, 3), max_size=4), st.integers(0, 3))
def test_the_worst_harm_of_either_world_decides(first: list[int], second: list[int], revised: int) -> None:
    of = steps("drop")
    rounds = [reply(data={"decision": "revise"})] * revised
    said = rate(of, [trace(of), trace(of, "adverse")], [judged(*first), judged(*second)], rounds)
    worst = max([*first, *second], default=0)
    assert said["severity"] == worst
    assert said["decision"] == ("go" if worst < 2 else "revise" if worst == 2 and revised < 2 else "ask")


@pytest.mark.parametrize(
    ("traces", "said"), [(2, 1), (1, 2), (0, 0)], ids=["a judge failed", "a world broke", "nothing was played"]
)
def test_what_is_not_whole_counts_as_the_worst(traces: int, said: int) -> None:
    of = steps("drop", "burn")
    worlds = [trace(of, w, whole=i < traces) for i, w in enumerate(("typical", "adverse"))]
    made = rate(of, worlds, [judged(0)] * said + [failed("down")] * (2 - said))
    assert (made["severity"], made["decision"], made["unjudged"]) == (3, "ask", True)


def test_a_call_that_does_not_fit_is_revised_unrehearsed() -> None:
    of = planned_calls(plan(("drop", "x"), ("none", 1)), TOOLS)
    assert not_to_rehearse(of)
    made = rate(of, [], [])
    assert (made["severity"], made["decision"], [h["step"] for h in made["harms"]]) == (2, "revise", [1, 2])
    assert (rate([], [], [])["decision"], not_to_rehearse([])) == ("go", True)


def test_a_plan_that_was_not_had_leaves_the_one_before() -> None:
    before = steps("drop")
    assert planned_calls([failed("down")], TOOLS, before) == before
    assert planned_calls([], TOOLS) == []


def test_a_step_that_could_not_be_played_breaks_its_world() -> None:
    (one,) = steps("drop")
    broken = emulated([one], [failed("down")])
    assert (broken.ok, world_broke([broken]), world_broke([])) == (True, True, False)
    made = world_trace([reply("w", key="w")], [one], [broken])
    assert (made.data()["whole"], made.data()["lost"]) == (False, ["down"])


@pytest.mark.parametrize(
    ("decision", "person", "final", "over"),
    [
        ("go", "", "go", True),
        ("revise", "", "revise", False),
        ("ask", "run", "run", True),
        ("ask", "edit", "edit", False),
    ],
)
def test_what_a_round_decides(decision: str, person: str, final: str, over: bool) -> None:
    of = steps("drop")
    rated = [reply(data={"decision": decision, "severity": 1, "harms": [], "unjudged": False, "lost": []})]
    said = [reply(person, key=person)] if person else []
    made = rehearsal(rated, said, [trace(of)])
    assert (made.data()["decision"], rehearsed([made])) == (final, over)
    assert needs_no_revision(rated, said) is over
    assert [s.data()["foreseen"] for s in released(of, [made])] == (["o\ne"] if over else [])


@pytest.mark.parametrize(
    ("seen", "said", "state"),
    [
        ({"ok": True, "error": ""}, {"contradicts": False, "why": ""}, "done"),
        ({"ok": True, "error": ""}, {"contradicts": True, "why": "other"}, "contradicted"),
        ({"ok": True, "error": ""}, None, "contradicted"),
        ({"ok": False, "error": "failed"}, None, "failed"),
        ({"ok": False, "error": "timeout"}, None, "unknown"),
        ({"ok": False, "error": "lost"}, None, "unknown"),
    ],
)
def test_what_becomes_of_a_step(seen: dict[str, Any], said: dict[str, Any] | None, state: str) -> None:
    (one,) = steps("drop")
    given_ = [one.but(data={**one.data(), "foreseen": "f"})]
    compared = [reply(data=said)] if said else [failed("down")]
    made = carried_out(given_, [reply("real", data=seen)], compared)
    assert (made.data()["state"], made.data()["held"]) == (state, float(state == "done"))
    assert not_to_compare(given_, [reply("", data=seen)]) is (not seen["ok"])


def test_what_can_be_is_taken_back_the_last_first() -> None:
    all_of = [
        done("done", number=1),
        done("done", "burn", 2, undo=""),
        done("unknown", number=3),
        done("failed", number=4),
        done("contradicted", number=5),
    ]
    assert [u.key for u in undo_calls(all_of, [reply("undo", key="undo")])] == ["step 5", "step 1"]
    assert undo_calls(all_of, [reply("continue", key="continue")]) == []
    assert undo_calls(all_of, []) == []
    assert not to_be_undone([])


def report(of: Replies, *finished: Reply, back: Replies = []) -> Reply:  # noqa: B006 (never written to)
    rated = [reply(data={"decision": "go", "severity": 0, "harms": [], "unjudged": False, "lost": []})]
    return dry_run_report(of, [rehearsal(rated, [], [])], list(finished), [], back)


def test_the_report_says_what_stands_and_what_does_not() -> None:
    of = steps("drop", "drop")
    whole = report(of, done("done"), done("done", number=2))
    assert (whole.outcome, whole.data()["not_done"]) == ("answered", [])
    unknown = report(of, done("unknown", error="ERROR: begun"))
    assert unknown.text.startswith("A person must look before anything else is done: ERROR: begun")
    kept = undone([reply("restore", key="step 1")], [failed("refused")])
    stands = report(of, done("contradicted"), back=[kept])
    assert "1 of 2 steps were done." in stands.text
    assert "Could not be taken back:\n- restore: refused" in stands.text
    assert stands.outcome == "incomplete"


def test_effects_stand_world_beside_world() -> None:
    of = steps("drop", "burn")
    text = effects(of, [trace(of), trace(of, "adverse", whole=False)]).text
    assert "restore takes it back" in text
    assert "nothing takes it back" in text
    assert text.count("(not played)") == 1
    assert "though the plan" not in text
    (claimed,) = planned_calls(
        [reply(data={"steps": [{"tool": "burn", "args": {"n": 1}, "reversible": "yes"}]})], TOOLS
    )
    assert "nothing takes it back, though the plan says that it can be" in effects([claimed], []).text
