"""Traces against a real collector over HTTP: who is under whom, one trace a run, and nothing that anybody wrote."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import thread_time
from timeit import repeat

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tasks.run import Run
from tests.fake_openai import FakeOpenAI
from tests.quoted_run import BROKEN, MODELS, SECRET, ask, partly_broken, python
from utils import span_export, telemetry
from utils.errors import RunFailed, Waiting
from utils.logs import bound
from utils.settings import settings
from utils.span_export import Harmless, trace_id


@dataclass(frozen=True)
class Sent:
    """A span as it arrived. Ids are hex; `parent` is empty for one without."""

    name: str
    scope: str
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, object]
    service: str


@dataclass
class Collector:
    """A collector of OTLP over HTTP; `raw` is what it got, byte by byte."""

    url: str
    raw: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Sent]:
        return [
            Sent(
                s.name,
                of_scope.scope.name,
                s.trace_id.hex(),
                s.span_id.hex(),
                s.parent_span_id.hex(),
                s.status.code == s.status.STATUS_CODE_ERROR,
                {a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value") for a in s.attributes},
                next(a.value.string_value for a in of_process.resource.attributes if a.key == "service.name"),
            )
            for body in self.raw
            for of_process in ExportTraceServiceRequest.FromString(body).resource_spans
            for of_scope in of_process.scope_spans
            for s in of_scope.spans
        ]


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.raw.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.usefixtures("database")
def test_a_run_is_one_trace_and_quotes_nobody(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = partly_broken
    with collecting() as collector:
        done = ask("telling", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert done.stdout.strip() in ("done", "degraded"), done
    spans = collector.spans()
    assert {s.trace for s in spans} == {f"{trace_id('telling'):032x}"}
    assert {s.service for s in spans} == {"radiant"}
    assert {s.attributes["radiant.tenant"] for s in spans} == {str(settings().tenant_id)}
    assert {s.attributes["radiant.run"] for s in spans} == {"telling"}
    by_id = {s.id: s for s in spans}
    (root,) = (s for s in spans if not s.parent)
    assert (root.name, root.attributes["radiant.state"]) == ("run consensus_voting", done.stdout.strip())

    (vote,) = (s for s in spans if s.attributes.get("radiant.node") == "body/vote" and s.name == "block vote")
    assert by_id[vote.parent] is root
    calls = [s for s in spans if s.parent == vote.id]
    assert {s.name for s in calls} == {f"call {m}" for m in MODELS}
    good = next(s for s in calls if s.name == f"call {MODELS[0]}")
    assert good.attributes["gen_ai.usage.input_tokens"] == 11
    assert good.attributes["gen_ai.usage.output_tokens"] == 7
    assert good.attributes["gen_ai.response.model"] == MODELS[0]
    assert good.attributes["radiant.cost_usd"] == pytest.approx(11 * 0.15e-6 + 7 * 0.6e-6)
    assert not good.failed
    bad = next(s for s in calls if s.name == f"call {BROKEN}")
    assert (bad.failed, bad.attributes["error.type"]) == (True, "CallFailed")

    tries = [s for s in spans if s.scope == "litellm"]
    chats = [s for s in tries if s.name.startswith("chat ")]
    assert {by_id[s.parent].name.split()[0] for s in chats} == {"call"}
    assert "block lessons" in {by_id[s.parent].name for s in tries if s.name.startswith("embeddings ")}
    assert any(s.failed and s.parent == bad.id for s in tries)
    assert any(not s.failed and s.parent == good.id for s in tries)
    assert SECRET.encode() not in b"".join(collector.raw)
    assert not {a for s in spans for a in s.attributes} - span_export.SENT


HELLO = "from utils.telemetry import span\nwith span('hello'): print('ran')"


@contextmanager
def silent(*, listens: bool) -> Iterator[str]:
    """The address of a collector that refuses connections, or takes them and never answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if listens:
            held.listen()
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def goes_on_untraced(url: str) -> None:
    done = python(HELLO, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert (done.returncode, done.stdout) == (0, "ran\n"), done
    assert done.stderr.count("\n") == 1, done.stderr
    assert "does not take spans" in done.stderr


@pytest.mark.parametrize("status", [500, 503])
def test_a_collector_that_fails_costs_a_run_nothing_but_a_line(status: int) -> None:
    with collecting(status) as collector:
        goes_on_untraced(collector.url)


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "hangs"])
def test_a_collector_that_is_away_costs_a_run_nothing_but_a_line(listens: bool) -> None:
    with silent(listens=listens) as url:
        goes_on_untraced(url)


def test_without_an_endpoint_nothing_is_imported() -> None:
    found = python(HELLO + "\nimport sys\nprint([m for m in sys.modules if m.startswith('opentelemetry')])")
    assert found.stdout == "ran\n[]\n", found


def test_a_service_name_of_ones_own_wins() -> None:
    with collecting() as collector:
        named = {"OTEL_SERVICE_NAME": "ours", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        assert python(HELLO, **named).returncode == 0
    assert [s.service for s in collector.spans()] == ["ours"]


def test_without_the_sdk_a_run_goes_on_and_says_so() -> None:
    hide = "import sys\nsys.modules['opentelemetry.sdk'] = None\n"
    done = python(hide + HELLO, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "radiant-think-tank[telemetry]" in done.stderr


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Spans of this process, as the provider of a run makes them."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(id_generator=span_export.RunIds(), shutdown_on_exit=False)
    provider.add_span_processor(span_export.ContextMarks())
    provider.add_span_processor(SimpleSpanProcessor(Harmless(kept)))
    monkeypatch.setattr(telemetry, "start_telemetry", lambda: provider)
    return kept


def test_the_nodes_and_tries_of_a_run_are_one_trace(memory: InMemorySpanExporter) -> None:
    run = Run(tenant_id="t1", user_id="u1", run_id="r1", workflow="w")
    for node, inputs in (("open", {"run_id": "r1"}), ("vote", {"run": run}), ("vote", {"run": run})):
        with telemetry.task_span("tasks.nodes.node", inputs, execution="e1", node=node, attempt=0):
            pass
    with telemetry.task_span("tasks.nodes.node", {"run_id": ""}, execution="e2", node="open", attempt=1):
        pass
    first, second, third, other = memory.get_finished_spans()
    assert {s.context.trace_id for s in (first, second, third) if s.context} == {trace_id("r1")}
    assert other.context is not None
    assert other.context.trace_id == trace_id("e2")
    assert second.attributes is not None
    assert dict(second.attributes) == {
        "radiant.run": "r1",
        "radiant.tenant": "t1",
        "radiant.task": "tasks.nodes.node",
        "radiant.execution": "e1",
        "radiant.node": "vote",
        "radiant.attempt": "0",
    }


def test_an_error_leaves_its_kind_and_not_its_text(memory: InMemorySpanExporter) -> None:
    with bound(run="r1"):
        with pytest.raises(RunFailed), telemetry.span("block a"):
            raise RunFailed(SECRET)
        with pytest.raises(Waiting), telemetry.span("block b", secret=SECRET):
            raise Waiting(SECRET)
    failed, waiting = memory.get_finished_spans()
    assert (failed.status.status_code, (failed.attributes or {})["error.type"]) == (StatusCode.ERROR, "RunFailed")
    assert (waiting.status.status_code, (waiting.attributes or {})["radiant.state"]) == (StatusCode.UNSET, "waiting")
    assert SECRET not in "".join(s.to_json() for s in (failed, waiting))


def test_the_trace_context_goes_to_a_proxy_of_ones_own(memory: InMemorySpanExporter) -> None:
    assert telemetry.trace_headers() == {}
    with bound(run="r1"), telemetry.span("call"):
        sent = telemetry.trace_headers()["traceparent"]
    (span,) = memory.get_finished_spans()
    assert span.context is not None
    assert sent.split("-")[1:3] == [f"{trace_id('r1'):032x}", f"{span.context.span_id:016x}"]


class _Away(SpanExporter):
    """A collector that is away until told otherwise."""

    def __init__(self) -> None:
        self.asked = 0
        self.result = SpanExportResult.FAILURE

    def export(self, spans: object) -> SpanExportResult:
        self.asked += 1
        return self.result


def test_what_a_collector_does_is_said_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    away = _Away()
    harmless, spans = Harmless(away), list[ReadableSpan]()
    harmless.export(spans)
    harmless.export(spans)
    assert len(caplog.records) == 1
    away.result = SpanExportResult.SUCCESS
    harmless.export(spans)
    assert len(caplog.records) == 2
    away.result = SpanExportResult.FAILURE
    harmless.export(spans)
    harmless.end_within(60)
    assert harmless.export(spans) is SpanExportResult.FAILURE
    assert away.asked == 4, "a collector that was away last is not asked again on exit"


def test_off_it_costs_a_block_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "start_telemetry", lambda: None)

    def block() -> None:
        with bound(run="r1", tenant="t1", node="body/vote"), telemetry.span("block vote", kind="fan") as here:
            here.put(state="skipped")

    assert min(repeat(block, timer=thread_time, number=100, repeat=100)) / 100 < 20e-6
