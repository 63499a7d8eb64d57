"""The rehearsal: the same request gives the same reply, a valid one, which says what it is."""

import json
import threading
from collections import Counter
from time import perf_counter
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_openai import no_provider
from utils.llm import ChatRequest, Completion, Message, complete, parse_json, warm_up
from utils.models import REHEARSAL_FAMILIES
from utils.rehearsal import instance, rehearse
from utils.settings import settings

__all__ = ["no_provider"]

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

TENANT = UUID("00000000-0000-4000-8000-0000000000aa")
VOTE = "Is the sky blue? End with a line FINAL: <yes|no>"


def say(question: str, model: str = "rehearsal/ada", **changes: Any) -> Completion:
    messages = (Message(role="system", content="You are a careful auditor."), Message(role="user", content=question))
    return complete(ChatRequest(model=model, messages=messages, **changes), tenant_id=TENANT)


@pytest.fixture(params=["false", "true"], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest, no_provider: pytest.MonkeyPatch) -> str:
    no_provider.setenv("RADIANT_STREAM", request.param)
    settings.cache_clear()
    return str(request.param)


def test_it_costs_nothing_and_says_what_it_is(stream: str) -> None:
    reply = say("Should we move to microservices?")
    assert (reply.cost_usd, reply.rehearsal, reply.finish_reason) == (0.0, True, "stop")
    assert reply.model == "rehearsal/ada"
    assert reply.streamed == (stream == "true")
    for part in ("Rehearsal", "careful auditor", "Should we move to microservices?"):
        assert part in reply.text
    assert reply.prompt_tokens > 10
    assert reply.completion_tokens > 10


def test_the_same_request_gives_the_same_reply(stream: str) -> None:
    assert say("One?").text == say("One?").text
    assert len({say("One?", model).text for model in REHEARSAL_FAMILIES}) == len(REHEARSAL_FAMILIES)


@given(st.text(min_size=1, max_size=60))
def test_a_vote_has_a_majority(question: str) -> None:
    text = f"{question}\nEnd with FINAL: <yes|no>"
    votes = Counter(
        rehearse(model, [{"role": "user", "content": text}]).rpartition("FINAL: ")[2] for model in REHEARSAL_FAMILIES
    )
    assert set(votes) <= {"yes", "no"}
    assert votes.most_common(1)[0][1] >= 4


def test_the_answer_line_is_the_last_and_only_where_it_is_asked_for(stream: str) -> None:
    assert say(VOTE).text.splitlines()[-1] in ("FINAL: yes", "FINAL: no")
    assert say("Say why. End with Answer: and the answer").text.splitlines()[-1].startswith("Answer: ")
    assert "FINAL" not in say("Is the sky blue?").text


def test_a_schema_gets_a_valid_instance(stream: str) -> None:
    schema = json.dumps({"type": "object", "properties": {"claim": {"type": "string"}}, "required": ["claim"]})
    reply = say("What is claimed?", json_schema=schema)
    assert "rehearsal" in json.loads(parse_json(reply.text, schema))["claim"].lower()


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    low = st.integers(-50, 50)
    return st.one_of(
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.just({"type": "string", "format": "date"}),
        st.builds(lambda size: {"type": "string", "minLength": size, "maxLength": size + 3}, st.integers(0, 60)),
        st.builds(lambda n, w: {"type": "integer", "minimum": n, "maximum": n + w}, low, st.integers(0, 9)),
        st.builds(lambda n, w: {"type": "number", "minimum": n / 7, "maximum": n / 7 + w}, low, st.floats(0, 5)),
        st.builds(lambda n: {"type": "number", "exclusiveMinimum": n, "exclusiveMaximum": n + 1}, low),
        st.builds(lambda n: {"type": "integer", "exclusiveMinimum": n}, low),
        st.builds(lambda n: {"type": "number", "maximum": n}, low),
        st.lists(st.text() | st.integers(), min_size=1, max_size=4).map(lambda values: {"enum": values}),
        st.text().map(lambda value: {"const": value}),
        st.just({"type": ["string", "null"]}),
        st.just({}),
    )


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.text("abc", min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            lambda parts, closed: {
                "type": "object",
                "properties": parts,
                "required": sorted(parts)[:1],
                "additionalProperties": not closed,
            },
            st.dictionaries(names, inner, max_size=3),
            st.booleans(),
        ),
        st.builds(lambda one, n: {"type": "array", "items": one, "minItems": n}, inner, st.integers(0, 4)),
        st.builds(lambda one, n: {"type": "array", "items": one, "maxItems": n}, inner, st.integers(0, 1)),
        st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, inner),
        st.builds(lambda one: {"$defs": {"part": one}, "allOf": [one]}, inner),
    )


@given(st.recursive(leaves(), nested, max_leaves=8), st.text(max_size=4))
def test_any_schema_gets_a_valid_instance(schema: dict[str, Any], seed: str) -> None:
    jsonschema.Draft202012Validator(schema).validate(instance(schema, seed=seed))


def test_references_and_recursion_end(no_provider: pytest.MonkeyPatch) -> None:
    node = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        },
        "required": ["name"],
    }
    schema = {"$defs": {"node": node}, "$ref": "#/$defs/node"}
    jsonschema.Draft202012Validator(schema).validate(instance(schema, seed="s"))


def test_examples_steer_and_booleans_vary() -> None:
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["pass", "block"], "examples": ["pass"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "sure": {"type": "boolean"},
        },
    }
    made: list[Any] = [instance(schema, seed=str(seed)) for seed in range(30)]
    assert {one["verdict"] for one in made} == {"pass"}
    assert {one["sure"] for one in made} == {True, False}
    assert all(0.7 <= one["score"] <= 0.95 for one in made)


def test_latency_is_real_and_side_by_side(no_provider: pytest.MonkeyPatch) -> None:
    warm_up()
    no_provider.setenv("RADIANT_REHEARSAL_LATENCY", "0.1")
    settings.cache_clear()
    say("to build the Router")
    started = perf_counter()
    threads = [threading.Thread(target=say, args=(f"question {number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert 0.1 <= perf_counter() - started < 0.4
