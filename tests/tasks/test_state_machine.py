"""State machines: reachability, rules in order, and the limits on visits."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.state_machine import (
    END,
    ERROR,
    kind_of,
    machine,
    machine_answer,
    moved,
    needs_no_choice,
    ruled,
    unsafe,
    visited,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

NAMES = st.sampled_from(["A", "B", "C", END])


def drawn(*states: dict[str, Any]) -> Replies:
    return [reply(data={"kind": "generate", "prompt": "p", **s}) for s in states]


def ways(*names: str) -> list[dict[str, str]]:
    return [{"to": n} for n in names]


def visit(name: str, output: str = "", *, ok: bool = True, unknown: bool = False) -> Reply:
    data = {"state": name, "kind": "tool", "output": output, "ok": ok, "error": "" if ok else "failed"}
    return reply(output, key=f"1 {name}", data={**data, "unknown": unknown})


@settings(deadline=None)
@given(st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=3))
def test_a_diagram_holds_where_every_state_has_a_path_to_its_end(a: list[str], b: list[str], c: list[str]) -> None:
    leads = {"A": set(a), "B": set(b), "C": set(c)}

    def reaches(name: str, seen: frozenset[str] = frozenset()) -> bool:
        return name == END or any(reaches(n, seen | {name}) for n in leads[name] - seen)

    states = drawn(*({"name": n, "initial": n == "A", "transitions": ways(*sorted(to))} for n, to in leads.items()))
    try:
        made = machine(states, [])
    except Refuse:
        assert not all(reaches(n) for n in leads)
    else:
        assert all(reaches(n) for n in leads)
        assert [s.key for s in made["states"]] == ["A", "B", "C", ERROR]
        assert [s.key for s in made["start"]] == ["A"]


RULES = [
    {"to": "E", "when": "error"},
    {"to": "N", "when": "empty"},
    {"to": "R", "regex": "^yes"},
    {"to": "S", "regex": "es"},
    {"to": "M"},
]


@pytest.mark.parametrize(
    ("given_", "to"),
    [
        (visit("A", "yes"), "R"),
        (visit("A", "it yes"), "S"),
        (visit("A", "no"), ""),
        (visit("A", " "), "N"),
        (visit("A", "yes", ok=False), "E"),
    ],
)
def test_the_first_rule_that_fires_leads(given_: Reply, to: str) -> None:
    state = [reply("A", key="A", data={"transitions": RULES})]
    rule = ruled(state, [given_])
    assert rule.text == to
    assert needs_no_choice(state, [rule]) is True, "one way is left without a rule"


def test_an_error_without_a_rule_leads_to_error() -> None:
    assert ruled([reply("A", key="A", data={"transitions": ways("B")})], [visit("A", ok=False)]).text == ERROR


@pytest.mark.parametrize(
    ("path", "chosen", "led"),
    [
        (["A", "A"], "A", ERROR),
        (["A"], "A", "A"),
        (["B", "A"], "A", "A"),
        ([ERROR, "A", "A"], "A", END),
        ([], "B", "B"),
        ([], END, END),
        ([], "Z", ERROR),
        ([ERROR], "Z", END),
    ],
)
def test_where_a_choice_leads(path: list[str], chosen: str, led: str) -> None:
    first = {"name": "A", "initial": True, "transitions": ways("A", "B", END)}
    states = machine(drawn(first, {"name": "B", "transitions": ways(END)}), [])["states"]
    history = [visit(n) for n in path]
    made = moved([states[0]], states, history, [visit("A", "x")], [reply("")], [reply(data={"to": chosen})])
    assert made["state"][0].key == led
    assert made["visit"][0].data()["next"] == led


def test_a_tool_that_may_have_changed_something_ends_in_failure() -> None:
    states = machine(drawn({"name": "A", "initial": True, "transitions": ways(END)}), [])["states"]
    lost = visit("A", "ERROR: send was begun", ok=False, unknown=True)
    made = moved([states[0]], states, [], [lost], [reply(ERROR)], [])
    answer = machine_answer(made["visit"], made["state"])
    assert answer.outcome == "incomplete"
    assert "A person must look" in answer.text


def test_a_visit_that_failed_is_an_ok_reply_that_says_so() -> None:
    state = [reply("A", key="A", data={"kind": "generate"})]
    made = visited(state, [failed("down")], 3)
    assert (made.ok, made.key, made.text, made.data()["ok"]) == (True, "3 A", "ERROR: down", False)
    assert kind_of(state) == "generate"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "a*a*a*b", "(", "(?:x){9}"])
def test_regexes_that_could_run_for_ever_are_refused(pattern: str) -> None:
    assert unsafe(pattern)


@pytest.mark.parametrize("pattern", ["^\\s*WRONG:", "[+*{]+ ok", "(yes|no)$", "\\(a\\)+"])
def test_plain_regexes_are_not(pattern: str) -> None:
    assert unsafe(pattern) == ""


def test_the_worst_regex_that_passes_ends_soon() -> None:
    state = [reply("A", key="A", data={"transitions": [{"to": END, "regex": "a*a*b"}]})]
    assert ruled(state, [visit("A", "a" * 100_000)]).text == ""
    assert ruled(state, [visit("A", "a" * 100_000 + "b")]).text == END


def test_an_empty_history_is_a_failure() -> None:
    made = machine_answer([], [reply("A", key="A", data={})])
    assert (made.outcome, made.data()["path"]) == ("incomplete", [])
