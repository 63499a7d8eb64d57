"""Calls to models, all through LiteLLM: one request in, one completion or one CallFailed out.

Retries with jitter, fallbacks, cooldowns and timeouts are litellm.Router's. LiteLLM is imported on the first
call, not with this file: that import takes seconds.
"""

import json
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from time import perf_counter
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from utils.call_failures import call_failed
from utils.errors import CallFailed, Unparsable
from utils.json_replies import parse_json
from utils.logs import take_over
from utils.models import PROXY, is_rehearsal, provider
from utils.prices import price_ceiling, token_prices, tokens_at_most
from utils.rate_limit import take_turn
from utils.settings import Settings, settings
from utils.streams import FIRST_SEEN_AT, drained, draining_router
from utils.telemetry import start_telemetry, trace_headers

__all__ = [
    "CallFailed",
    "ChatRequest",
    "Completion",
    "Message",
    "Unparsable",
    "charge_usd",
    "complete",
    "estimate_usd",
    "parse_json",
    "repair_request",
    "vectors_of",
    "warm_up",
]

Role = Literal["system", "user", "assistant"]


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str


class ChatRequest(BaseModel):
    """What is asked of a model. `timeout` is seconds for one attempt; `retries` None means the setting's."""

    model_config = ConfigDict(frozen=True)

    model: str
    messages: tuple[Message, ...] = Field(min_length=1)
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=2048, ge=1)
    json_schema: str | None = None
    json_name: str = "reply"
    fallbacks: tuple[str, ...] = ()
    timeout: float = Field(default_factory=lambda: settings().call_timeout, gt=0)
    retries: int | None = Field(default=None, ge=0)

    def digest(self) -> str:
        """SHA-256 of what shapes the reply: how long and how often to try does not."""
        shape = self.model_dump(mode="json", exclude={"timeout", "retries"})
        return sha256(json.dumps(shape, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Completion(BaseModel):
    """A model's reply. `cost_usd` None means that the cost map does not know the model that answered."""

    model_config = ConfigDict(frozen=True)

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    latency_ms: int
    finish_reason: str
    streamed: bool
    time_to_first_token_ms: int | None
    rehearsal: bool


def complete(request: ChatRequest, *, tenant_id: UUID) -> Completion:
    """The reply of the request's model, or of the first fallback that gives one.

    `finish_reason` is "length" where the reply was cut at max_tokens. Raises CallFailed (status failed or
    timeout) when every attempt failed, and for an empty or an over-long reply.
    """
    take_turn(tenant_id, request.timeout)
    started = perf_counter()
    try:
        response = _ask(request, tenant_id)
    except Exception as error:
        raise call_failed(error, (request.model, *request.fallbacks), request.timeout) from None
    reply = _completion(response, request, started)
    if len(reply.text) > settings().max_reply_chars:
        raise CallFailed(f"model {reply.model} gave more than {settings().max_reply_chars} characters")
    if not reply.text.strip():
        raise CallFailed(f"model {reply.model} gave an empty reply ({reply.finish_reason})")
    return reply


def vectors_of(model: str, texts: Sequence[str], *, width: int) -> list[list[float]]:
    """The embeddings of a batch of texts, as the model gives them. Raises CallFailed."""
    try:
        response = _router().embedding(model, input=list(texts), dimensions=width)
    except Exception as error:
        raise call_failed(error, (model,), settings().call_timeout) from None
    return [item["embedding"] for item in sorted(response.data, key=lambda item: int(item["index"]))]


def warm_up() -> None:
    """Pays the first call's set-up now: LiteLLM's import, the Router, the model map."""
    messages = [{"role": "user", "content": "warm up"}]
    _router().completion(("rehearsal/ada",), messages=messages, stream=False, **{"no-log": True})
    token_prices("openai/any")


def estimate_usd(request: ChatRequest) -> float:
    """An upper bound of what the request costs, in USD: the dearest of its models, with every token used."""
    text = "".join((*(message.content for message in request.messages), request.json_schema or ""))
    prompt_tokens = tokens_at_most(text) + 8 * len(request.messages) + 128
    dearest = 0.0
    for model in (request.model, *request.fallbacks):
        into, out = token_prices(model) or price_ceiling()
        dearest = max(dearest, prompt_tokens * into + request.max_tokens * out)
    return dearest


def charge_usd(completion: Completion, request: ChatRequest) -> float:
    """What a cap counts for a completion, in USD: its cost, or the price ceiling where that is unknown."""
    if completion.cost_usd is not None:
        return completion.cost_usd
    into, out = price_ceiling()
    counted = completion.prompt_tokens * into + completion.completion_tokens * out
    return counted or estimate_usd(request)


def repair_request(request: ChatRequest, bad_text: str, error: str) -> ChatRequest:
    """The request again, with the reply that could not be used and what was wrong with it."""
    repair = REPAIR.format(error=error, schema=request.json_schema)
    turns = (Message(role="assistant", content=bad_text or "(empty)"), Message(role="user", content=repair))
    return request.model_copy(update={"messages": (*request.messages, *turns), "temperature": 0.0})


class _Router:
    """litellm.Router with a deployment for each model that was asked for, made on first use.

    A deployment a model, not one for all: a cooldown is of a deployment, so that a model that fails does not
    take the others with it.
    """

    def __init__(self, config: Settings) -> None:
        litellm = _litellm()
        from litellm.types.router import AllowedFailsPolicy

        self.config = config
        self._litellm = litellm
        self._deployed: set[str] = set()
        self._lock = threading.Lock()
        self._router = draining_router(litellm)(
            num_retries=config.call_retries,
            timeout=config.call_timeout,
            cooldown_time=COOLDOWN_SECONDS,
            # Without a policy by name LiteLLM cools no model that has one deployment only.
            allowed_fails_policy=AllowedFailsPolicy(**ALLOWED_FAILS),
        )

    def discard(self) -> None:
        """Unhooks it from LiteLLM, which takes no more than thirty callbacks: a later Router would count nothing."""
        self._router.discard()

    def completion(self, models: tuple[str, ...], **call: Any) -> Any:
        """Asks the first model; the others are its fallbacks."""
        if is_rehearsal(models[0]):
            return self._rehearsed(models[0], **call)
        for model in models:
            self._deploy(model)
        return self._router.completion(model=models[0], fallbacks=list(models[1:]), **call)

    def _rehearsed(self, model: str, **call: Any) -> Any:
        """Past the Router, which makes an event loop for each call: 0.5 ms of 1.5 for what cannot fail."""
        response = self._litellm.completion(model=model, **call)
        return drained(self._litellm, response, timeout=call["timeout"]) if call["stream"] else response

    def embedding(self, model: str, **call: Any) -> Any:
        self._deploy(model)
        return self._router.embedding(model=model, **call)

    def _deploy(self, model: str) -> None:
        if model in self._deployed:
            return
        from litellm.types.router import Deployment, LiteLLM_Params

        with self._lock:
            if model not in self._deployed:
                params = LiteLLM_Params(**self._parameters(model))
                self._router.add_deployment(Deployment(model_name=model, litellm_params=params))
                self._deployed.add(model)

    def _parameters(self, model: str) -> dict[str, Any]:
        if is_rehearsal(model):
            return {"model": model}
        if self.config.litellm_proxy_url:
            return {
                "model": f"{PROXY}/{model.removeprefix(f'{PROXY}/')}",
                "api_base": self.config.litellm_proxy_url,
                "api_key": self.config.litellm_api_key.get_secret_value() or "none",
            }
        if provider(model) == "openai" and self.config.openai_api_base:
            # The OpenAI client refuses to start without a key; servers of one's own often want none.
            key = os.environ.get("OPENAI_API_KEY") or "none"
            return {"model": model, "api_base": self.config.openai_api_base, "api_key": key}
        return {"model": model}


_building = threading.Lock()
_routers: list[_Router] = []


def _router() -> _Router:
    """The process's Router; a new one where the settings were read anew (tests do)."""
    config = settings()
    if not _routers or _routers[0].config is not config:
        with _building:
            if not _routers or _routers[0].config is not config:
                for old in _routers:
                    old.discard()
                _routers[:] = [_Router(config)]
    return _routers[0]


@lru_cache(maxsize=1)
def _litellm() -> Any:
    """LiteLLM, quiet and without a network look-up, its retry waits set: it reads these on import only."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("INITIAL_RETRY_DELAY", str(settings().retry_wait))
    os.environ.setdefault("JITTER", str(settings().retry_wait))
    import logging
    import warnings

    with warnings.catch_warnings():
        # Pydantic warns of LiteLLM's own types when they are first used; that is nothing a user can act on.
        warnings.simplefilter("ignore")
        import litellm

        litellm.ModelResponse()
        litellm.types.utils.Delta()

    from utils.rehearsal import provider as rehearsal_provider

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    litellm.disable_streaming_logging = True
    litellm.custom_provider_map = [{"provider": "rehearsal", "custom_handler": rehearsal_provider()}]
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        take_over(name, logging.CRITICAL)
    _trace_tries(litellm)
    return litellm


def _trace_tries(litellm: Any) -> None:
    """LiteLLM's own spans, one for each try at a provider, without what was said; nothing where tracing is off."""
    tracing = start_telemetry()
    if tracing is None:
        return
    os.environ.setdefault("USE_OTEL_LITELLM_REQUEST_SPAN", "true")  # else it writes over the span around it
    from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig
    from litellm.integrations.opentelemetry_utils.gen_ai_semconv import OTELSemconvCategory

    conventions = {OTELSemconvCategory.GEN_AI_LATEST_EXPERIMENTAL}
    config = OpenTelemetryConfig(capture_message_content="NO_CONTENT", semconv_stability_opt_in=conventions)
    litellm.callbacks.append(OpenTelemetry(config=config, tracer_provider=tracing))


def _ask(request: ChatRequest, tenant_id: UUID) -> Any:
    messages, response_format = _with_schema(request)
    call: dict[str, Any] = {
        "messages": messages,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "timeout": request.timeout,
        "num_retries": settings().call_retries if request.retries is None else request.retries,
        "stream": settings().stream,
    }
    if response_format:
        call["response_format"] = response_format
    if settings().stream:
        call["stream_options"] = {"include_usage": True}
    if settings().litellm_proxy_url:
        call["extra_headers"] = {"X-Tenant-ID": str(tenant_id), **trace_headers()}
    return _router().completion((request.model, *request.fallbacks), **call)


def _with_schema(request: ChatRequest) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    """The messages, and the response format where each model that may answer takes one."""
    messages = [message.model_dump() for message in request.messages]
    if request.json_schema is None:
        return messages, None
    if all(_takes_schema(model) for model in (request.model, *request.fallbacks)):
        schema = {"name": request.json_name, "schema": json.loads(request.json_schema)}
        return messages, {"type": "json_schema", "json_schema": schema}
    instruction = ONLY_JSON.format(schema=request.json_schema)
    if messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{instruction}"
        return messages, None
    return [{"role": "system", "content": instruction}, *messages], None


@lru_cache(maxsize=512)
def _takes_schema(model: str) -> bool:
    return is_rehearsal(model) or bool(_litellm().supports_response_schema(model.removeprefix(f"{PROXY}/")))


def _completion(response: Any, request: ChatRequest, started: float) -> Completion:
    hidden = response._hidden_params
    model = (hidden.get("additional_headers") or {}).get("x-litellm-model-group") or request.model
    choice = response.choices[0]
    first_token_at = hidden.get(FIRST_SEEN_AT)
    usage = _usage(response, model)
    return Completion(
        text=choice.message.content or "",
        model=model,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost_usd=_cost(usage, model),
        latency_ms=_ms(started, perf_counter()),
        finish_reason=str(choice.finish_reason),
        streamed=first_token_at is not None,
        time_to_first_token_ms=None if first_token_at is None else _ms(started, first_token_at),
        rehearsal=is_rehearsal(model),
    )


def _usage(response: Any, model: str) -> Any:
    """The tokens that the provider counted, or where it did not, those that LiteLLM counts."""
    usage = getattr(response, "usage", None)
    text = response.choices[0].message.content or ""
    if usage and (usage.completion_tokens or not text):
        return usage
    counted = _litellm().token_counter(model=model, text=text)
    prompt = usage.prompt_tokens if usage else 0
    return _litellm().Usage(prompt_tokens=prompt, completion_tokens=counted, total_tokens=prompt + counted)


def _cost(usage: Any, model: str) -> float | None:
    if is_rehearsal(model):
        return 0.0
    if token_prices(model) is None:
        return None
    name = model.removeprefix(f"{PROXY}/")
    try:
        return float(sum(_litellm().cost_per_token(model=name, usage_object=usage)))
    except Exception:
        # A price that cannot be worked out is unknown, never zero: the caller charges the ceiling.
        return None


def _ms(start: float, end: float) -> int:
    return round((end - start) * 1000)


COOLDOWN_SECONDS = 30.0
ALLOWED_FAILS = {
    "TimeoutErrorAllowedFails": 10,
    "InternalServerErrorAllowedFails": 25,
    "RateLimitErrorAllowedFails": 100,
}
"""After so many failures within COOLDOWN_SECONDS a model rests as long, and its fallbacks answer at once. LiteLLM
counts failures, not their share, so the numbers are high: a fan of calls with a few faults must not end in a rest.
"""

ONLY_JSON = """Reply with one JSON value only, no prose and no code fence. It must fit this JSON schema:
{schema}"""

REPAIR = """That reply could not be used: {error}.
Reply again with the corrected JSON value only, no prose and no code fence. It must fit this JSON schema:
{schema}"""
