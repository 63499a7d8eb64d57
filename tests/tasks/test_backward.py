"""Backward chaining as a pure search: against forward chaining on random rules, with its cache, cycles and bounds."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.backward import (
    fact_verdict,
    grown,
    knowledge,
    needs_no_rules,
    next_goal,
    proof_answer,
    root_settled,
    selected_rules,
)
from tasks.reply import Replies, Reply, failed, reply

Rule = tuple[str, str]
ATOMS = "abcdef"
RULES = st.lists(
    st.tuples(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3, unique=True), st.sampled_from(ATOMS)), max_size=6
)


def search(facts: Sequence[str], rules: Sequence[Rule], goal: str, depth: int = 5, most: int = 60) -> Reply:
    """The search with models that never err, on goals of one letter; `!` before one negates."""
    made = knowledge(
        [reply(data={"facts": list(facts), "rules": [{"if": i, "then": t} for i, t in rules], "goal": goal})]
    )
    nodes, turns = made["nodes"], 0
    while turns < most and not (turns and root_settled(nodes)):
        turns += 1
        nodes = _turn(nodes, made["facts"], made["rules"], depth)
    return proof_answer(nodes, made["facts"], made["rules"], [reply(data={"turns": turns})])


def _turn(nodes: Replies, facts: Replies, rules: Replies, depth: int) -> Replies:
    goal = next_goal(nodes)
    yes = [f.key for f in facts if f.text == goal.text]
    no = [f.key for f in facts if f.text == f"!{goal.text}"]
    said = reply(data={"verdict": "supported" if yes else "refuted" if no else "unknown", "facts": yes or no})
    verdict = fact_verdict([goal], [said], facts)
    selection: Replies = []
    if not needs_no_rules([goal], [verdict], rules, depth):
        fits = [r.key for r in rules if r.data()["then"].lstrip("!") == goal.text]
        selection = [reply(data={"rules": fits})]
    selected = selected_rules(selection, rules, 4)
    parts = [reply(key=r.key, data={"subgoals": r.data()["if"].split()}) for r in selected]
    signs = [
        reply(key=r.key, data={"sign": "asserts" if r.data()["then"] == goal.text else "negates"}) for r in selected
    ]
    return grown(nodes, [goal], [verdict], rules, selection, selected, parts, signs, depth, 4)


def forward(facts: Sequence[str], rules: Sequence[tuple[list[str], str]]) -> set[str]:
    known = set(facts)
    while new := {t for i, t in rules if set(i) <= known} - known:
        known |= new
    return known


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from(ATOMS), max_size=3), RULES)
def test_it_proves_only_what_follows_and_whatever_follows_unless_it_reached_a_bound(
    facts: list[str], rules: list[tuple[list[str], str]]
) -> None:
    few = [(i, t) for n, (i, t) in enumerate(rules) if sum(u == t for _, u in rules[:n]) < 4]
    made = search(facts, [(" ".join(i), t) for i, t in few], "a").data()
    follows = "a" in forward(facts, few)
    if made["final_answer"] == "proved":
        assert follows
        assert made["proof"]
    else:
        assert not follows or made["incomplete"]
    assert 1 <= made["nodes_visited"] == made["turns"] <= 60


@pytest.mark.parametrize(
    ("facts", "rules", "said", "visited"),
    [
        (["a"], [], "proved", 1),
        (["!a"], [], "disproved", 1),
        ([], [], "unknown", 1),
        (["b", "c"], [("b c", "a")], "proved", 3),
        (["b"], [("b c", "a")], "unknown", 3),
        (["b"], [("b", "!a")], "disproved", 2),
        (["c"], [("b", "a"), ("c", "a")], "proved", 3),
        (["d"], [("b c", "a"), ("d", "a")], "proved", 2),
        (["c"], [("b", "a"), ("a", "b"), ("c", "b")], "proved", 3),
        ([], [("b", "a"), ("a", "b")], "unknown", 2),
        (["d"], [("b c", "a"), ("d", "b"), ("b", "c")], "proved", 4),
    ],
    ids=str,
)
def test_known_searches(facts: list[str], rules: list[Rule], said: str, visited: int) -> None:
    made = search(facts, rules, "a")
    assert (made.data()["final_answer"], made.data()["nodes_visited"]) == (said, visited)
    assert made.outcome == ("undecided" if said == "unknown" else "answered")


def test_the_proof_names_facts_and_rules_and_what_was_shown_before() -> None:
    made = search(["d"], [("b c", "a"), ("d", "b"), ("b", "c")], "a")
    assert made.text.split("\n") == [
        "a: proved",
        "",
        "- a [supported by r1: if b c then a]",
        "  - b [supported by r2: if d then b]",
        "    - d [supported by f1: d]",
        "  - c [supported by r3: if b then c]",
        "    - b [supported, as shown for the same goal]",
    ]


def test_depth_and_nodes_are_bounds_that_leave_it_incomplete() -> None:
    chain = [(b, a) for a, b in zip("abcdefg", "bcdefgh", strict=True)]
    assert search(["f"], chain, "a").data()["final_answer"] == "proved"
    deep = search(["g"], chain, "a")
    assert (deep.data()["final_answer"], deep.outcome, deep.data()["nodes_visited"]) == ("unknown", "incomplete", 6)
    short = search(["c"], chain, "a", most=2)
    assert (short.data()["incomplete"], short.data()["nodes_visited"]) == (True, 2)


def test_the_shortest_antecedents_come_first_and_no_more_than_four() -> None:
    rules = knowledge(
        [reply(data={"facts": [], "rules": [{"if": "b " * (9 - n), "then": f"{n}"} for n in range(6)], "goal": "a"})]
    )["rules"]
    chosen = selected_rules([reply(data={"rules": [r.key for r in rules] + ["r99"]})], rules, 4)
    assert [r.key for r in chosen] == ["r6", "r5", "r4", "r3"]
    assert selected_rules([failed("down")], rules, 4) == []


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (reply(data={"verdict": "supported", "facts": ["f1"]}), "supported"),
        (reply(data={"verdict": "supported", "facts": ["f9"]}), "unknown"),
        (reply(data={"verdict": "refuted", "facts": []}), "unknown"),
        (failed("down"), "unknown"),
    ],
)
def test_a_verdict_must_name_a_fact_that_there_is(check: Reply, verdict: str) -> None:
    facts = [reply("b", key="f1")]
    assert fact_verdict([reply("a", key="0")], [check], facts).data()["verdict"] == verdict
