"""The prompts of a pattern: found at every depth, changed one at a time, and its run gathered."""

import pytest

from tasks.algorithms.prompt_nodes import nodes, placeholders, traced, with_prompt, with_trace
from tasks.estimate import estimate
from tasks.functions import find_pattern
from tasks.reply import reply
from tasks.spec import GraphSpec
from utils.errors import SpecError

REFINE = find_pattern("self_refine")


def test_every_call_is_a_node_wherever_it_lies() -> None:
    assert list(nodes(REFINE)) == ["draft", "refine/critique", "refine/revise"]
    assert "route.skeleton/by-points.expand/expand" in nodes(find_pattern("skeleton_of_thought"))


@pytest.mark.parametrize("node", ["draft", "refine/critique", "refine/revise"])
def test_one_prompt_changes_and_nothing_else(node: str) -> None:
    before = nodes(REFINE)
    made = with_prompt(REFINE, node, f"{before[node]} NEW")
    assert nodes(made) == {**before, node: f"{before[node]} NEW"}
    assert with_prompt(made, node, before[node]) == REFINE


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("nothing", r"lacks \{\{draft\}\}, \{\{prompt\}\}"),
        ("{{prompt}} {{draft}} {{secret}}", "secret"),
        ("{{prompt}} {{draft}}" + "x" * 6000, "characters"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(prompt: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        with_prompt(REFINE, "refine/critique", prompt)


@pytest.mark.parametrize("name", ["self_refine", "chain_of_thought", "skeleton_of_thought", "devils_advocate"])
def test_a_traced_pattern_gives_its_run_too_and_makes_the_same_calls(name: str) -> None:
    spec = find_pattern(name)
    made = traced(spec)
    assert set(made.gives) == {*spec.gives, "trace"}
    assert estimate(made) == estimate(spec)
    assert nodes(made) == nodes(spec)
    assert GraphSpec.from_json(made.to_json()) == made


def test_a_trace_names_the_block_of_each_reply_in_order() -> None:
    first = with_trace([reply("a", key="1")], "draft")
    both = with_trace([reply(data={"x": 1}, key="k" * 3)], "check", first)
    assert [(b.key, b.text) for b in both] == [("draft 1", "a"), ("check kkk", '{"x":1}')]


def test_placeholders_are_names_with_their_fields() -> None:
    assert placeholders("{{a}} {{b.c}} {{ a }} {d}") == {"{{a}}", "{{b.c}}"}
