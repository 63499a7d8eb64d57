"""Written graphs: what is admitted, what is not and why, and when two are equal."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.workflow_graphs import SIMPLEST, VOCABULARY, digest, written
from tasks.functions import resolve
from tasks.spec import Call, GraphSpec, Step
from utils.errors import SpecError
from workflows.patterns.emerging.automatic_workflow_search import PROPOSE

VOTE: list[dict[str, Any]] = [
    {
        "kind": "fan",
        "id": "tries",
        "does": {"kind": "call", "prompt": "[[prompt]]"},
        "sees": {"prompt": {"ref": "prompt"}},
        "members": [{"key": "s1"}, {"key": "s2"}],
        "at_most": 2,
    },
    {
        "kind": "fan",
        "id": "finals",
        "over": "tries",
        "does": {"kind": "function", "fn": "tasks.answers.final_answer", "args": {"marker": "Answer"}},
        "sees": {"given": {"ref": "item"}},
        "at_most": 2,
    },
    {
        "kind": "step",
        "id": "vote",
        "does": {"kind": "function", "fn": "tasks.voting.plurality"},
        "slots": ["answer"],
        "sees": {"replies": {"ref": "tries"}, "finals": {"ref": "finals"}},
    },
]
LOOP: list[dict[str, Any]] = [
    {
        "kind": "loop",
        "id": "work",
        "turns": 3,
        "carries": {"model": {"start": "prompt", "next": "kind"}},
        "until": {
            "fn": "tasks.algorithms.graph_primitives.field_is",
            "sees": {"seen": {"ref": "model"}},
            "args": {"field": "kind", "value": "model"},
        },
        "body": {
            "blocks": [
                {
                    "kind": "step",
                    "id": "do",
                    "does": {"kind": "call", "prompt": "[[show]]"},
                    "sees": {"show": {"ref": "model"}},
                }
            ],
            "gives": {"kind": "do"},
        },
    }
]


def call(**changes: Any) -> dict[str, Any]:
    return {"kind": "call", "prompt": "[[prompt]]", **changes}


def step(does: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"kind": "step", "id": "a", "does": does, "sees": {"prompt": {"ref": "prompt"}}, **changes}


def test_a_graph_within_the_vocabulary_is_a_pattern() -> None:
    spec = written(VOTE, "vote.answer", 25)
    assert GraphSpec.from_json(spec.to_json()) == spec
    assert [b.id for b in written(LOOP, "work.model", 3).blocks] == ["work"]
    (one,) = written(SIMPLEST, "answer", 1).blocks
    assert isinstance(one, Step)
    assert isinstance(one.does, Call)
    assert "{{prompt}}" in one.does.prompt
    assert all(resolve(name) for name in VOCABULARY)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"kind": "ask", "id": "a", "question": "?"}, "no kind"),
        ({"kind": "use", "id": "a", "pattern": "self_refine"}, "no kind"),
        (step({"kind": "tool", "name": "tasks.toolbox.run_tool"}), "no kind"),
        (step({"kind": "remember", "store": "memories"}), "no kind"),
        (step({"kind": "function", "fn": "tasks.chunking.chunks"}), "no function"),
        (step(call(model="openai/dear")), "'model' may not be set"),
        (step(call(retries=5)), "'retries' may not be set"),
        (step(call(), show=True), "'show' may not be set"),
        (step(call(max_tokens=100_000)), "max_tokens"),
        (step(call(max_tokens={"ref": "prompt"})), "max_tokens"),
        (step(call(temperature={"ref": "prompt"})), "temperature is a number"),
        (step(call(prompt="[[prompt]]" + "x" * 6000)), "characters"),
        (step(call(answer_schema={"type": "array"})), "of type object"),
        (step(call(answer_schema={"type": "object", "properties": 3})), "answer_schema"),
        (step(call(prompt="[[nobody]]")), "which it does not see"),
        (step(call(), sees={"prompt": {"ref": "later"}}), "which nothing gives"),
    ],
)
def test_what_is_not_admitted_is_refused_in_one_line(block: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says) as refused:
        written([block], "a", 25)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(("most", "says"), [(1, "may make 2 calls: 1 to 1")])
def test_calls_are_counted_at_their_widest(most: int, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        written(VOTE, "vote.answer", most)


def test_a_graph_without_a_call_is_none() -> None:
    highest = {"kind": "function", "fn": VOCABULARY[-1], "args": {"field": "x"}}
    sees = {"replies": {"ref": "prompt"}, "scores": {"ref": "prompt"}}
    with pytest.raises(SpecError, match="may make 0 calls"):
        written([step(highest, sees=sees)], "a", 25)


def test_equal_graphs_have_equal_digests() -> None:
    assert digest(written(VOTE, "vote.answer", 25)) == digest(written(VOTE, "vote.answer", 30))
    assert digest(written(VOTE, "vote.answer", 25)) != digest(written(SIMPLEST, "answer", 25))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["step", "call", "prompt"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "id", "does", "sees", "body", "blocks", "fn", "over"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(JUNK, max_size=3), st.text(max_size=8))
def test_junk_is_refused_and_never_raises_anything_else(blocks: list[Any], answer: str) -> None:
    with pytest.raises(SpecError):
        written(blocks, answer, 25)


def test_the_example_that_the_designer_is_shown_is_admitted() -> None:
    shown = json.loads(PROPOSE[PROPOSE.rindex("for example:\n") + 13 :])
    assert written(shown["blocks"], shown["answer"], 25).gives == {"answer": "vote.answer"}
