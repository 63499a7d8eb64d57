"""How spans leave the process: OTLP over HTTP, in batches, and never with anything that a person or a model wrote.

Only the attributes in SENT go out, whoever set them; no events and no texts of statuses, because both quote errors,
and these quote prompts and rows. Imported only where telemetry is on (utils/telemetry.py).
"""

import atexit
import logging
import os
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from threading import Lock
from time import monotonic

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status

from utils.logs import OURS, context
from utils.settings import settings

EXPORT_SECONDS = 3.0
"""How long a batch may take, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise; and how long all may on exit."""
QUEUE = 2048
"""Spans that wait for the collector; more are dropped."""

SENT = frozenset(
    {
        *(f"radiant.{name}" for name in ("run", "node", "tenant", "task", "execution", "attempt")),
        *(f"radiant.{name}" for name in ("kind", "state", "domain", "member", "try", "from_ledger", "cost_usd")),
        *(f"gen_ai.request.{name}" for name in ("model", "temperature", "max_tokens", "stream", "top_p", "seed")),
        *(f"gen_ai.response.{name}" for name in ("model", "id", "finish_reasons")),
        *(f"gen_ai.usage.{name}" for name in ("input_tokens", "output_tokens", "total_tokens")),
        *(f"gen_ai.usage.cache_{name}.input_tokens" for name in ("creation", "read")),
        *(f"gen_ai.cost.{name}" for name in ("input_cost", "output_cost", "total_cost")),
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "litellm.call_id",
        "http.response.status_code",
        "error.type",
    }
)


@cache
def provider() -> TracerProvider:
    """Spans made with it go to the collector, those that are left when the process ends within a few seconds."""
    timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else EXPORT_SECONDS
    exporter = Harmless(OTLPSpanExporter(timeout=timeout))
    made = TracerProvider(resource=_resource(), id_generator=RunIds(), shutdown_on_exit=False)
    made.add_span_processor(ContextMarks())
    made.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE, max_export_batch_size=QUEUE // 2))
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def end() -> None:
        exporter.end_within(EXPORT_SECONDS)
        made.shutdown()

    atexit.register(end)
    return made


def trace_id(run_id: str) -> int:
    """The id of a run's trace, the same in every node and try."""
    return int.from_bytes(sha256(f"radiant/{run_id}".encode()).digest()[:16], "big")


class Harmless(SpanExporter):
    """Sends what may leave, and says once, not each time, that a collector is away."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._away = False
        self._until: float | None = None
        self._lock = Lock()

    def end_within(self, seconds: float) -> None:
        """No batch is begun after that, nor any where the last one did not arrive."""
        self._until = monotonic() + seconds

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._until is not None and (self._away or monotonic() > self._until):
            return SpanExportResult.FAILURE
        result = self._exporter.export([_outgoing(span) for span in spans])
        away = result is not SpanExportResult.SUCCESS
        with self._lock:
            changed, self._away = away != self._away, away
        if changed:
            log = logging.getLogger(f"{OURS}.telemetry")
            log.warning("the collector of OTEL_EXPORTER_OTLP_ENDPOINT %s", _AWAY if away else "takes spans again")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


_AWAY = "does not take spans: runs go on, untraced"


def _outgoing(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in SENT},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class RunIds(RandomIdGenerator):
    """A span without a parent starts, or goes on with, the trace of the run that it belongs to."""

    def generate_trace_id(self) -> int:
        known = context()
        run = known.run or known.execution
        return trace_id(run) if run else super().generate_trace_id()


class ContextMarks(SpanProcessor):
    """Marks every span, LiteLLM's too, with whose it is."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attributes({f"radiant.{name}": value for name, value in vars(context()).items() if value})


def _resource() -> Resource:
    """`radiant`, or what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say.

    Never the command line, which a detector of processes would add: it holds prompts.
    """
    own = {"service.name": "radiant", "service.version": version("radiant-think-tank")}
    place = {"deployment.environment.name": settings().env}
    given = Resource.create({**own, **place, **OTELResourceDetector().detect().attributes})
    return Resource({name: value for name, value in given.attributes.items() if not name.startswith("process.command")})
