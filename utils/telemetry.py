"""OpenTelemetry traces: run -> node -> block path -> call, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

Without it nothing is imported, and a span costs next to nothing. All nodes and tries of a run are one trace, whose id
is the run id's digest: Flyte hands no header from node to node. What is sent, and what never is, says
utils/span_export.py. A run does not feel what a collector does or fails to do.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from utils.errors import Waiting
from utils.logs import OURS, bound, start_logging

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

Value = str | int | float | bool
_starting = Lock()
_log = logging.getLogger(f"{OURS}.telemetry")


class Span(Protocol):
    """A piece of work that is under way."""

    def put(self, **attributes: Value) -> None:
        """Adds attributes `radiant.<name>`; one that utils/span_export.py does not list is not sent."""

    def answered(self, model: str, tokens: tuple[int, int], finish_reason: str, cost_usd: float | None) -> None:
        """Adds what came of a model call; `tokens` are those of the prompt and of the reply."""


@cache
def start_telemetry() -> "TracerProvider | None":
    """Starts tracing, once; None where it is off. The first span does so too."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    try:
        from utils.span_export import provider
    except ImportError:
        _log.warning(
            "no traces, although OTEL_EXPORTER_OTLP_ENDPOINT is set: pip install radiant-think-tank[telemetry]"
        )
        return None
    with _starting:
        return provider()


def span(name: str, **attributes: Value) -> AbstractContextManager[Span]:
    """Traces what is done within. Its attributes are `radiant.<name>`, with those that logs.bound has."""
    provider = start_telemetry()
    return _OFF if provider is None else _open(provider, name, _prefixed(attributes))


def call_span(model: str, *, member: int, attempt: int) -> AbstractContextManager[Span]:
    """Traces one call to a model, with its fallbacks; LiteLLM's own spans, one for each try, lie below it."""
    provider = start_telemetry()
    if provider is None:
        return _OFF
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    own = _prefixed({"member": member, "try": attempt})
    return _open(provider, f"call {model}", {**asked, **own})


@contextmanager
def task_span(task: str, inputs: Mapping[str, object], *, execution: str, node: str, attempt: int) -> Iterator[Span]:
    """Logs and traces one try of a Flyte task. Its run is the one among its inputs, else it is the execution's."""
    start_logging()
    run = inputs.get("run")
    known = {
        "run": getattr(run, "run_id", "") or str(inputs.get("run_id") or execution),
        "tenant": getattr(run, "tenant_id", "") or str(inputs.get("tenant_id") or ""),
    }
    started = perf_counter()
    with (
        bound(**known, task=task, execution=execution, node=node, attempt=str(attempt)),
        span(f"task {task.rpartition('.')[2]}") as opened,
    ):
        _log.info("task started")
        try:
            yield opened
        except Exception:
            _log.warning("task failed", exc_info=True)
            raise
        _log.info("task finished", extra={"ms": round((perf_counter() - started) * 1000)})


def trace_headers() -> dict[str, str]:
    """W3C trace context of the span that is under way, for a server of one's own; nothing where tracing is off."""
    headers: dict[str, str] = {}
    if start_telemetry() is not None:
        from opentelemetry.propagate import inject

        inject(headers)
    return headers


class _Nothing:
    def put(self, **attributes: Value) -> None: ...

    def answered(self, model: str, tokens: tuple[int, int], finish_reason: str, cost_usd: float | None) -> None: ...


_OFF: AbstractContextManager[Span] = nullcontext(_Nothing())


class _Opened:
    def __init__(self, opened: "OtelSpan") -> None:
        self._span = opened

    def put(self, **attributes: Value) -> None:
        self._span.set_attributes(_prefixed(attributes))

    def answered(self, model: str, tokens: tuple[int, int], finish_reason: str, cost_usd: float | None) -> None:
        self._span.set_attributes(
            {
                "gen_ai.response.model": model,
                "gen_ai.usage.input_tokens": tokens[0],
                "gen_ai.usage.output_tokens": tokens[1],
                "gen_ai.response.finish_reasons": (finish_reason,),
            }
        )
        if cost_usd is not None:
            self.put(cost_usd=cost_usd)


@contextmanager
def _open(provider: "TracerProvider", name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
    from opentelemetry.trace import StatusCode

    with provider.get_tracer("radiant").start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield _Opened(opened)
        except Waiting:
            opened.set_attribute("radiant.state", "waiting")
            raise
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


def _prefixed(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"radiant.{name}": value for name, value in attributes.items()}
