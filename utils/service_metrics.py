"""What the service tells Prometheus: calls, latency, what is in flight and what failed, by task."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("radiant_calls_total", "Attempts of nodes that ended", ["task"])
FAILURES = Counter("radiant_failures_total", "Attempts of nodes that failed", ["task"])
IN_FLIGHT = Gauge("radiant_in_flight", "Attempts of nodes that run now", ["task"])
ASKED = Gauge("radiant_asked", "Calls that Flyte waits for: those in flight, and those that wait for a thread")
SECONDS = Histogram(
    "radiant_call_seconds",
    "Seconds that an attempt of a node took",
    ["task"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000),
)


@dataclass
class Measure:
    """How an attempt ended."""

    failed: bool = False


@contextmanager
def measured(task: str) -> Iterator[Measure]:
    """Counts one attempt of a task's node."""
    measure = Measure()
    with IN_FLIGHT.labels(task).track_inprogress(), SECONDS.labels(task).time():
        yield measure
    CALLS.labels(task).inc()
    if measure.failed:
        FAILURES.labels(task).inc()
