"""The model layer against a real HTTP server: each fault, with streaming off and on."""

import json
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_openai import FakeOpenAI, Fault, Reply, fake_openai, no_provider, serve
from utils.llm import (
    CallFailed,
    ChatRequest,
    Completion,
    Message,
    Unparsable,
    charge_usd,
    complete,
    estimate_usd,
    parse_json,
    repair_request,
    warm_up,
)
from utils.settings import settings

__all__ = ["fake_openai", "no_provider"]

# LiteLLM reads deprecated attributes of pydantic's for each chunk of a stream.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

TENANT = UUID("00000000-0000-4000-8000-0000000000aa")
MODEL = "openai/gpt-4o-mini"
OTHER = "openai/gpt-6-luna"
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"verdict": {"enum": ["yes", "no"]}, "why": {"type": "string"}},
        "required": ["verdict"],
        "additionalProperties": False,
    }
)


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def server(request: pytest.FixtureRequest, fake_openai: FakeOpenAI, no_provider: pytest.MonkeyPatch) -> FakeOpenAI:
    """The fake server, once with streaming off and once with it on."""
    if request.param:
        no_provider.setenv("RADIANT_STREAM", "true")
        settings.cache_clear()
    return fake_openai


def asked(text: str = "Hello", **changes: object) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": MODEL, "messages": (Message(role="user", content=text),), "timeout": 10.0, **changes}
    )


def call(text: str = "Hello", **changes: object) -> Completion:
    return complete(asked(text, **changes), tenant_id=TENANT)


def failure(text: str = "Hello", **changes: object) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call(text, **changes)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_reply_carries_its_text_tokens_cost_and_model(server: FakeOpenAI) -> None:
    server.script(Reply("Forty-two.", prompt_tokens=1000, completion_tokens=500))
    reply = call("What is it?", temperature=0.25, max_tokens=99)
    assert (reply.text, reply.model, reply.finish_reason) == ("Forty-two.", MODEL, "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (1000, 500)
    assert reply.cost_usd == pytest.approx(1000 * 0.15e-6 + 500 * 0.6e-6)
    assert not reply.rehearsal
    (request,) = server.requests
    assert request.body["model"] == "gpt-4o-mini"
    assert (request.body["temperature"], request.body["max_tokens"]) == (0.25, 99)
    assert bool(request.body.get("stream")) == settings().stream


def test_streaming_measures_the_first_token(server: FakeOpenAI) -> None:
    reply = call("Hello")
    assert reply.text == "You said: Hello"
    assert reply.streamed == settings().stream
    if settings().stream:
        assert reply.time_to_first_token_ms is not None
        assert 0 <= reply.time_to_first_token_ms <= reply.latency_ms
    else:
        assert reply.time_to_first_token_ms is None


def test_a_server_that_counts_no_tokens_is_counted_for(server: FakeOpenAI) -> None:
    server.script(Reply("Some words in a reply.", usage=False))
    reply = call("Hello")
    assert reply.completion_tokens > 3
    assert charge_usd(reply, asked()) > 0


@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "reset", "cut", "malformed_body"])
def test_a_passing_fault_is_retried(server: FakeOpenAI, kind: str) -> None:
    server.script(Fault(kind), Fault(kind), Reply("At last."))  # type: ignore[arg-type]
    assert call(retries=2).text == "At last."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("rate_limit", "429"),
        ("server_error", "500"),
        ("reset", "connection"),
        ("cut", "connection"),
        ("malformed_body", "could not be read"),
    ],
)
def test_a_lasting_fault_fails_after_the_retries(server: FakeOpenAI, kind: str, cause: str) -> None:
    server.script(Fault(kind))  # type: ignore[arg-type]
    error = failure(retries=1)
    assert error.status == "failed"
    assert MODEL in error.message
    assert cause in error.message
    assert len(server.requests) == 2


def test_a_stream_that_ends_early_is_no_reply(server: FakeOpenAI) -> None:
    server.script(Fault("early_end"), Reply("The whole of it."))
    assert call(retries=1).text == "The whole of it."


def test_a_hanging_server_is_a_timeout(server: FakeOpenAI) -> None:
    server.script(Fault("hang"))
    error = failure(timeout=0.2, retries=0)
    assert error.status == "timeout"
    assert "0.2 s" in error.message


def test_a_hanging_call_is_retried_then_answered(server: FakeOpenAI) -> None:
    server.script(Fault("hang"), Reply("Awake."))
    assert call(timeout=2.0, retries=1).text == "Awake."


@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "reset", "cut", "hang", "bad_request"])
def test_a_fallback_answers_and_is_named(server: FakeOpenAI, kind: str) -> None:
    fault = Fault(kind)  # type: ignore[arg-type]
    server.behave = lambda request: fault if request.body["model"] == "gpt-4o-mini" else Reply("Me instead.")
    reply = call(fallbacks=(OTHER,), retries=0, timeout=2.0)
    assert (reply.text, reply.model) == ("Me instead.", OTHER)
    assert reply.cost_usd is not None


def test_where_the_fallback_fails_too_both_are_named(server: FakeOpenAI) -> None:
    server.script(Fault("server_error"))
    error = failure(fallbacks=(OTHER,), retries=0)
    assert MODEL in error.message
    assert OTHER in error.message
    assert {request.body["model"] for request in server.requests} == {"gpt-4o-mini", "gpt-6-luna"}


def test_a_refused_request_is_not_retried_and_says_why_without_secrets(
    server: FakeOpenAI, no_provider: pytest.MonkeyPatch
) -> None:
    no_provider.setenv("OPENAI_API_KEY", "the-secret-itself")
    server.script(Fault("bad_request", "top_k is odd; key the-secret-itself sk-abc123456789 at https://h/x?k=1"))
    error = failure(retries=2)
    assert len(server.requests) == 1
    assert "top_k is odd" in error.message
    for secret in ("the-secret-itself", "sk-abc123456789", "https://", server.base_url):
        assert secret not in error.message


def test_an_empty_reply_is_a_failure(server: FakeOpenAI) -> None:
    server.script(Reply("  \n"))
    assert "empty reply" in failure().message


def test_a_reply_cut_at_max_tokens_says_so(server: FakeOpenAI) -> None:
    server.script(Reply("It goes on and", finish_reason="length"))
    reply = call()
    assert (reply.text, reply.finish_reason) == ("It goes on and", "length")


def test_an_over_long_reply_is_a_failure_and_not_paid_again(
    server: FakeOpenAI, no_provider: pytest.MonkeyPatch
) -> None:
    no_provider.setenv("RADIANT_MAX_REPLY_CHARS", "1000")
    no_provider.setenv("RADIANT_STREAM", str(settings().stream))
    settings.cache_clear()
    server.script(Reply("x" * 1001))
    assert "more than 1000 characters" in failure(retries=2).message
    assert len(server.requests) == 1


def rested() -> None:
    """Fails until the model rests. LiteLLM counts failures in a thread of its own, some calls later."""
    for _ in range(500):
        if "rests" in failure(retries=0).message:
            return
    pytest.fail("the model never rested")


@pytest.fixture
def _long_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures count for an hour, so that a slow machine forgets none of them."""
    monkeypatch.setattr("utils.llm.COOLDOWN_SECONDS", 3600.0)


@pytest.mark.usefixtures("_long_memory")
def test_a_model_that_keeps_failing_rests_and_its_fallback_answers_at_once(server: FakeOpenAI) -> None:
    def tried() -> int:
        return sum(request.body["model"] == "gpt-4o-mini" for request in server.requests)

    server.behave = lambda request: (
        Fault("server_error") if request.body["model"] == "gpt-4o-mini" else Reply("Me instead.")
    )
    assert call(fallbacks=(OTHER,), retries=0).text == "Me instead."
    rested()
    before = tried()
    assert before >= 25
    assert call(fallbacks=(OTHER,), retries=0).text == "Me instead."
    assert tried() == before


@pytest.mark.usefixtures("_long_memory")
def test_a_resting_model_is_alone_in_that(server: FakeOpenAI) -> None:
    server.behave = lambda request: (
        Fault("server_error") if request.body["model"] == "gpt-4o-mini" else Reply("I am well.")
    )
    rested()
    assert call(model=OTHER).text == "I am well."


def test_many_threads_share_one_router(server: FakeOpenAI) -> None:
    together = threading.Barrier(8)
    texts: dict[int, str] = {}

    def one(number: int) -> None:
        together.wait(10)
        texts[number] = call(f"thread {number}", model=f"openai/own-{number}").text

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert texts == {number: f"You said: thread {number}" for number in range(8)}


def test_structured_output_asks_for_the_schema_where_the_model_takes_one(server: FakeOpenAI) -> None:
    server.script(Reply('{"verdict": "yes"}'))
    reply = call(json_schema=SCHEMA, json_name="vote")
    assert json.loads(parse_json(reply.text, SCHEMA)) == {"verdict": "yes"}
    (request,) = server.requests
    asked_for = request.body["response_format"]["json_schema"]
    assert (asked_for["name"], asked_for["schema"]) == ("vote", json.loads(SCHEMA))
    assert [message["role"] for message in request.body["messages"]] == ["user"]


@pytest.mark.parametrize("roles", [("user",), ("system", "user")])
def test_structured_output_instructs_where_it_does_not(server: FakeOpenAI, roles: tuple[str, ...]) -> None:
    server.script(Reply('{"verdict": "no"}'))
    messages = [{"role": role, "content": f"as {role}"} for role in roles]
    call(model="openai/own-model", json_schema=SCHEMA, messages=messages)
    (request,) = server.requests
    assert "response_format" not in request.body
    assert [message["role"] for message in request.body["messages"]] == ["system", "user"]
    assert SCHEMA in request.body["messages"][0]["content"]


def test_one_repair_turns_malformed_json_into_an_answer(server: FakeOpenAI) -> None:
    server.script(Reply('{"verdict": "perhaps"}'), Reply('{"verdict": "yes"}'))
    request = asked(json_schema=SCHEMA)
    first = complete(request, tenant_id=TENANT)
    with pytest.raises(Unparsable) as caught:
        parse_json(first.text, SCHEMA)
    second = complete(repair_request(request, first.text, caught.value.message), tenant_id=TENANT)
    assert parse_json(second.text, SCHEMA) == '{"verdict": "yes"}'
    repair = server.requests[1].body["messages"]
    assert [message["role"] for message in repair] == ["user", "assistant", "user"]
    assert "'perhaps' is not one of" in repair[2]["content"]


def test_through_a_proxy_each_call_carries_its_tenant(no_provider: pytest.MonkeyPatch) -> None:
    with serve() as proxy:
        no_provider.setenv("LITELLM_PROXY_URL", proxy.base_url)
        no_provider.setenv("LITELLM_API_KEY", "proxy-key")
        settings.cache_clear()
        reply = call(model="anthropic/claude-haiku-4-5")
        (request,) = proxy.requests
    assert request.headers["x-tenant-id"] == str(TENANT)
    assert request.headers["authorization"] == "Bearer proxy-key"
    assert request.body["model"] == "anthropic/claude-haiku-4-5"
    assert reply.model == "anthropic/claude-haiku-4-5"
    assert reply.cost_usd == pytest.approx(11 * 1e-6 + 7 * 5e-6)


def test_no_tenant_is_told_to_a_provider_itself(server: FakeOpenAI) -> None:
    call()
    assert "x-tenant-id" not in server.requests[0].headers


def test_an_unknown_model_costs_unknown_and_is_charged_at_the_ceiling(server: FakeOpenAI) -> None:
    request = asked(model="openai/own-model")
    reply = complete(request, tenant_id=TENANT)
    assert reply.cost_usd is None
    ceiling = settings().price_ceiling_per_million_tokens / 1e6
    assert charge_usd(reply, request) == pytest.approx(18 * ceiling)
    assert estimate_usd(request) > request.max_tokens * ceiling


def test_the_estimate_takes_the_dearest_of_the_models(no_provider: pytest.MonkeyPatch) -> None:
    cheap, dear = asked(), asked(fallbacks=("openai/gpt-6-astra",))
    assert estimate_usd(cheap) < 0.01 < estimate_usd(dear)
    assert estimate_usd(asked(model="rehearsal/ada")) == 0.0


@given(st.text(max_size=400))
def test_the_estimate_bounds_what_a_tokenizer_counts(text: str) -> None:
    warm_up()
    import litellm

    counted = litellm.token_counter(model="gpt-4o-mini", text=text)
    request = asked(text or ".", max_tokens=1)
    assert estimate_usd(request) >= counted * 0.15e-6


@pytest.mark.parametrize("limit", [1, 3])
def test_a_tenant_has_its_calls_a_minute(server: FakeOpenAI, no_provider: pytest.MonkeyPatch, limit: int) -> None:
    no_provider.setenv("RADIANT_CALLS_PER_MINUTE_PER_TENANT", str(limit))
    settings.cache_clear()
    mine, other = uuid4(), uuid4()
    for _ in range(limit):
        complete(asked(), tenant_id=mine)
    with pytest.raises(CallFailed, match=f"its {limit} calls of this minute"):
        complete(asked(timeout=0.1), tenant_id=mine)
    assert complete(asked(), tenant_id=other).text
    assert len(server.requests) == limit + 1


def test_the_digest_is_of_what_shapes_the_reply() -> None:
    same = [asked(), asked(timeout=1.0), asked(retries=5)]
    assert len({request.digest() for request in same}) == 1
    changes: list[dict[str, Any]] = [
        {"model": OTHER},
        {"temperature": 0.1},
        {"max_tokens": 7},
        {"json_schema": SCHEMA},
        {"json_name": "vote"},
        {"fallbacks": (OTHER,)},
    ]
    digests = {asked(**change).digest() for change in changes} | {asked().digest(), asked("Bye").digest()}
    assert len(digests) == len(changes) + 2


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "yes"}',
        '  {"verdict":"yes"}\n',
        'Sure! Here it is:\n```json\n{"verdict": "yes"}\n```\nHope that helps.',
        '```\n{"verdict": "yes"}\n```',
        'As {asked}: I think [1] that {"verdict": "yes"} is right.',
        '{"verdict": "perhaps"} no wait {"verdict": "yes"}',
    ],
)
def test_json_is_found_in_what_surrounds_it(text: str) -> None:
    assert parse_json(text, SCHEMA) == '{"verdict": "yes"}'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("I would say yes.", "no JSON"),
        ('{"verdict": "yes"', "no JSON"),
        ('{"verdict": "perhaps"}', "verdict"),
        ('{"why": "because"}', "'verdict' is a required property"),
        ("[]", "not of type 'object'"),
        ("", "no JSON"),
    ],
)
def test_what_is_not_the_json_asked_for_says_what_is_wrong(text: str, wrong: str) -> None:
    with pytest.raises(Unparsable) as caught:
        parse_json(text, SCHEMA)
    assert wrong in caught.value.message
    assert "\n" not in caught.value.message


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none(), max_size=5), st.text())
def test_any_object_survives_prose_without_braces_around_it(value: dict[str, object], prose: str) -> None:
    prose = prose.translate({ord(mark): None for mark in "{}[]`"})
    assert json.loads(parse_json(f"{prose} {json.dumps(value)} {prose}", '{"type": "object"}')) == value
