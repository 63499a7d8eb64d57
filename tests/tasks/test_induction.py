"""Induction: examples as values, what a program's outputs fit, the ranking of rules and what is shown of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.induction import (
    all_fit,
    example_set,
    full_fit,
    induced,
    latest_program,
    misfits,
    rule_list,
    same_value,
    trial,
    trial_result,
    tried_rule,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, Slots, failed, reply


def examples(*pairs: tuple[str, str], queries: tuple[str, ...] = (), seed: int = 1) -> Slots:
    data = {"examples": [{"input": i, "output": o} for i, o in pairs], "queries": list(queries)}
    return example_set([reply(data=data)], seed)


DOUBLED = [(str(n), str(2 * n)) for n in range(1, 4)]


@settings(deadline=None)
@given(st.integers(3, 9), st.integers(0, 2**63))
def test_one_of_five_or_more_is_held_back_at_random(count: int, seed: int) -> None:
    made = examples(*((str(n), str(n)) for n in range(count)), seed=seed)
    assert len(made["hold"]) == (1 if count >= 5 else 0)
    assert sorted(int(e.key[1:]) for e in [*made["shown"], *made["hold"]]) == list(range(1, count + 1))
    assert examples(*((str(n), str(n)) for n in range(count)), seed=seed) == made


@pytest.mark.parametrize(
    ("inputs", "values"),
    [
        (("1", "2", "[3]"), [1, 2, [3]]),
        (("1", "2", "three"), ["1", "2", "three"]),
        (("01", "2", "3"), ["01", "2", "3"]),
        (("1", "2", "NaN"), ["1", "2", "NaN"]),
        (('"a"', '"b"', '"c"'), ["a", "b", "c"]),
    ],
)
def test_texts_are_values_where_all_of_them_are(inputs: tuple[str, ...], values: list[Any]) -> None:
    made = examples(*((i, "x") for i in inputs), queries=inputs[:1])
    assert [e.data()["input"] for e in made["shown"]] == values
    assert made["queries"][0].data()["input"] == values[0]
    assert made["shown"][0].text == f"f({values[0]!r}) == 'x'"


def test_three_different_examples_are_needed() -> None:
    with pytest.raises(Refuse, match="2 different examples"):
        examples(("1", "2"), ("1", "2"), ("2", "4"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (True, 1, False),
        (21, "21", True),
        ([1, [2]], [1, [2.0]], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        (None, None, True),
        (None, 0, False),
        ([1], "[1]", False),
        (" x", "x ", True),
    ],
)
def test_when_two_values_are_the_same(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other) is same


def test_rules_are_the_merged_ones_else_the_proposed_and_never_one_that_was_tried() -> None:
    proposed = [reply(t, key=f"s{n}") for n, t in enumerate(["Sort.", "sort", "Reverse.", " "])]
    merged = [reply(data={"rules": ["Sort it.", "Reverse it.", "sort it"]})]
    assert [r.text for r in rule_list(proposed, 8, merged)] == ["Sort it.", "Reverse it."]
    assert [r.text for r in rule_list(proposed, 8, [failed("down")])] == ["Sort.", "Reverse."]
    assert [r.text for r in rule_list(proposed, 1)] == ["Sort."]
    more = rule_list(proposed, 8, tried=[reply("Sort")])
    assert [(r.key, r.text) for r in more] == [("rule 2", "Reverse.")]


def test_the_cell_that_runs_holds_inputs_and_no_expected_output() -> None:
    made = examples(("1", "777"), ("2", "888"), ("3", "999"))
    (program,) = [latest_program([reply("```python\ndef f(x):\n    return x\n```")])]
    cell = trial([program], made["shown"]).data()["code"]
    assert "[1, 2, 3]" in cell
    assert not any(o in cell for o in ("777", "888", "999"))
    assert not trial([failed("down")], made["shown"]).ok


def ran(*outputs: Any, error: str = "") -> Replies:
    return [reply(data={"values": {"outputs": list(outputs)} if outputs else {}, "error": error})]


@pytest.mark.parametrize(
    ("run", "fitted"),
    [
        (ran(["ok", 2], ["ok", 4], ["ok", 6]), [True, True, True]),
        (ran(["ok", 2], ["error", "x"], ["ok", 7]), [True, False, False]),
        (ran(error="took too long"), [False, False, False]),
        (ran(["ok", 2]), [False, False, False]),
        (ran("junk", ["ok"], 3), [False, False, False]),
        ([failed("no sandbox")], [False, False, False]),
    ],
)
def test_what_a_run_fits(run: Replies, fitted: list[bool]) -> None:
    made = trial_result(run, examples(*DOUBLED)["shown"])
    assert list(made.data()["fitted"].values()) == fitted
    assert all_fit([made]) is all(fitted)
    assert made.text.count("- f(") == fitted.count(False)


def tried(name: str, source: str, outputs: list[Any], made: Slots) -> Reply:
    cases = [*made["shown"], *made["hold"], *made["queries"]]
    result = trial_result(ran(*(["ok", o] for o in outputs)), cases)
    return tried_rule([reply(name, key=name)], [reply(source)], [result])


def conclude(made: Slots, *rules: Reply) -> Reply:
    return induced(list(rules), made["shown"], made["hold"], made["queries"])


def test_more_examples_then_the_one_held_back_then_the_shorter_program() -> None:
    made = examples(*((str(n), str(n)) for n in range(1, 6)))
    shown = [e.data()["output"] for e in made["shown"]]
    held = made["hold"][0].data()["output"]
    rules = [
        tried("long", "x" * 9, [*shown, held], made),
        tried("short", "x", [*shown, held], made),
        tried("no hold", "", [*shown, -1], made),
        tried("fewer", "", [-1, *shown[1:], held], made),
    ]
    order = [r["rule"] for r in conclude(made, *rules).data()["rules"]]
    assert order == ["short", "long", "no hold", "fewer"]
    assert full_fit(rules)
    assert not full_fit(rules[2:])
    assert conclude(made, *rules[2:]).data()["fit"] == "4 of 4 examples, and the one held back not"


def test_two_full_fits_that_differ_on_a_query_are_both_shown() -> None:
    made = examples(*DOUBLED, queries=("4",))
    same = conclude(made, tried("double", "a", [2, 4, 6, 8], made), tried("add", "bb", [2, 4, 6, 8.0], made))
    assert (same.outcome, same.data()["outputs"], same.data()["rival"]) == ("answered", {"4": {"value": 8}}, None)
    split = conclude(made, tried("double", "a", [2, 4, 6, 8], made), tried("odd", "bb", [2, 4, 6, 9], made))
    assert (split.outcome, split.data()["rival"]["rule"]) == ("undecided", "odd")
    assert "4 -> 8" in split.text
    assert "4 -> 9" in split.text


def test_a_partial_fit_is_flagged_and_nothing_tried_is_an_error() -> None:
    made = examples(*DOUBLED)
    part = conclude(made, tried("half", "a", [2, 4, 7], made), failed("down", key="x"))
    assert (part.outcome, part.data()["partial_fit"], part.data()["lost"]) == ("incomplete", True, ["x: down"])
    assert part.data()["quality"] == pytest.approx(2 / 3)
    with pytest.raises(Refuse, match="no rule could be tried: down"):
        conclude(made, failed("down"))


def test_what_the_best_two_miss_is_shown_without_the_one_held_back() -> None:
    made = examples(*((str(n), str(n)) for n in range(1, 6)))
    shown, held = [e.data()["output"] for e in made["shown"]], made["hold"][0]
    rules = [tried(name, "", [-1, *shown[1:], 0], made) for name in ("a", "b", "c")]
    texts = [m.text for m in misfits(rules, made["shown"], made["hold"], 2)]
    assert [t.split("\n")[0] for t in texts] == ["Rule: a", "Rule: b"]
    assert made["shown"][0].text in texts[0]
    assert held.text not in "".join(texts)
