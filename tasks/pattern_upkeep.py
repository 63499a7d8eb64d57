"""The background half of a pattern: a second graph of its file, run for whom it is due, as a run of its own.

A pattern file may have `upkeep()`, a GraphSpec named `<pattern>_upkeep` that has no inputs and asks nobody, and
`due()`, a Test of what Recall steps of that graph give. A run's id follows from what the test saw: the same state is
tended once, whoever looks. A run that was cut off is gone on with before another is begun.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from uuid import UUID

from tasks.calls import Spot
from tasks.deliver import degraded, with_sums, write_manifest
from tasks.ending import recorded_status
from tasks.functions import accepts, pattern_files, pattern_module
from tasks.outcomes import keep
from tasks.plain import PlainHost
from tasks.refs import bodies_of
from tasks.reply import Replies, Slots, reply
from tasks.result import Result, Signal
from tasks.run import Run
from tasks.spec import Ask, Graph, GraphSpec, Recall, Step, Test
from tasks.steps import holds
from tasks.tools import dump, looked_up, signals_of
from tasks.trace import traces
from tasks.views import Scope
from tasks.walk import walk
from utils.db import maintenance_transaction, tenant_transaction
from utils.errors import DatabaseUnavailable, RadiantError, RunBusy, SpecError
from utils.ledger import record
from utils.logs import OURS, bound
from utils.models import is_rehearsal, resolve_models
from utils.patterns import disabled
from utils.runs import OpenRequest, conclude_run, heartbeat, lease, open_run
from utils.telemetry import span


@dataclass(frozen=True)
class Upkeep:
    """A pattern's background graph, and the test of whether it has something to do. SpecError for what cannot be."""

    pattern: str
    graph: GraphSpec
    due: Test

    def __post_init__(self) -> None:
        if self.graph.id != f"{self.pattern}{SUFFIX}":
            raise self._wrong(f"its graph is '{self.graph.id}': name it '{self.pattern}{SUFFIX}'")
        if self.graph.inputs:
            raise self._wrong("it has inputs, which nobody gives")
        if _asks(self.graph):
            raise self._wrong("it asks a person, and nobody is there")
        if fault := accepts(self.due.fn, {*self.due.sees, *self.due.args}):
            raise self._wrong(fault)
        if not self.looks():
            raise self._wrong("its test sees nothing")

    def looks(self) -> dict[str, Recall]:
        """What the test sees, by ref: look-ups of the graph that need nothing else."""
        alone = {b.id: b.does for b in self.graph.blocks if isinstance(b, Step) and not b.sees and not b.unless}
        found = {}
        for view in self.due.sees.values():
            does = alone.get(view.ref)
            if not isinstance(does, Recall):
                raise self._wrong(f"its test sees '{view.ref}', which is no Recall of its graph without views")
            found[view.ref] = does
        return found

    def _wrong(self, why: str) -> SpecError:
        return SpecError(f"upkeep of '{self.pattern}': {why}")


@dataclass(frozen=True)
class Tended:
    """How many runs of upkeep came to their end, and how many did not: a later round goes on with these."""

    done: int
    unfinished: int


def find_upkeep(pattern: str) -> Upkeep | None:
    """A pattern's upkeep, or None where it has none."""
    module = pattern_module(pattern)
    return Upkeep(pattern, module.upkeep(), module.due()) if hasattr(module, "upkeep") else None


def tend_all(seconds: float = inf) -> Tended:
    """Runs what is due of every pattern, for every tenant and user who left it something; begins nothing after that.

    What goes wrong with one is logged, and is no reason to leave out the others.
    """
    until = time.monotonic() + seconds
    ended = [_tend_pattern(pattern, until) for pattern in pattern_files()]
    return Tended(sum(e.done for e in ended), sum(e.unfinished for e in ended))


def _tend_pattern(pattern: str, until: float) -> Tended:
    """One pattern's upkeep, for all whom it may concern."""
    done, unfinished = 0, 0
    with _logged(pattern):
        upkeep = find_upkeep(pattern)
        if upkeep is None:
            return Tended(0, 0)
        models = resolve_models("", domain="general", at_least=upkeep.graph.distinct_models)
        for tenant, user in whose(upkeep, rehearsal=_rehearsed(models)):
            if time.monotonic() > until:
                break
            unfinished += 1
            with _logged(f"{pattern} for tenant {tenant}"):
                done += tend(upkeep, tenant, user, models, until) is not None
                unfinished -= 1
    return Tended(done, unfinished)


@contextmanager
def _logged(whose: str) -> Iterator[None]:
    """What goes wrong here ends nothing else, unless the database is away."""
    try:
        yield
    except DatabaseUnavailable:
        raise
    except RadiantError as error:
        _log.warning("upkeep of %s: %s", whose, error.message)
    except Exception:
        _log.exception("upkeep of %s", whose)


def tend(upkeep: Upkeep, tenant: UUID, user: UUID, models: Sequence[str], until: float = inf) -> Result | None:
    """Runs a pattern's upkeep for one user, where it is due or was cut off; None where there is nothing to do.

    Nothing either where another process is at it, or the tenant does not use the pattern. Raises TimeUp past `until`
    (by the monotonic clock), and what else ends a run: the next call goes on with it, for a day.
    """
    if upkeep.pattern in disabled(tenant):
        return None
    look = Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id="",
        workflow=upkeep.graph.id,
        pattern=upkeep.graph.id,
        models=list(models),
        started=datetime.now(UTC).isoformat(),
        rehearsal=_rehearsed(models),
    )
    try:
        with lease(tenant, upkeep.graph.id, wait=0):
            run_id = _cut_off(upkeep, look) or _due(upkeep, look)
            return _run(upkeep, look.model_copy(update={"run_id": run_id}), until) if run_id else None
    except RunBusy:
        return None


def _asks(graph: Graph) -> bool:
    return any(isinstance(b, Ask) or any(_asks(body) for body in bodies_of(b).values()) for b in graph.blocks)


def _rehearsed(models: Sequence[str]) -> bool:
    return all(is_rehearsal(m) for m in models)


def whose(upkeep: Upkeep, *, rehearsal: bool) -> list[tuple[UUID, UUID]]:
    """Tenant and user of all that the test could see: those who left something of the kinds that it looks for."""
    looks = upkeep.looks().values()
    values = {
        "kinds": [k for look in looks for k in _names(look, "kinds")],
        "signals": [s for look in looks for s in _names(look, "signals")],
        "rehearsal": rehearsal,
    }
    with maintenance_transaction() as cursor:
        cursor.execute(_WHOSE, values)
        return [(UUID(str(tenant)), UUID(str(user))) for tenant, user in cursor.fetchall()]


def _names(look: Recall, arg: str) -> list[str]:
    given = look.args.get(arg)
    return [str(name) for name in given] if isinstance(given, list) else []


def _cut_off(upkeep: Upkeep, look: Run) -> str:
    """A run of this very graph, of the last day, that has not come to its end; empty where there is none."""
    values = (look.tenant_id, look.user_id, upkeep.graph.id, f"{_prefix(upkeep)}%", look.rehearsal)
    with tenant_transaction(UUID(look.tenant_id), durable=False) as cursor:
        cursor.execute(_CUT_OFF, values)
        found = cursor.fetchone()
    return str(found[0]) if found else ""


def _due(upkeep: Upkeep, look: Run) -> str:
    """The id of the run for what there is now, where its test says that it is due; else empty."""
    seen: Slots = {ref: looked_up(does, {}, Spot(look, ref)) for ref, does in upkeep.looks().items()}
    scope: Scope[Replies] = Scope({})
    if not holds(upkeep.due, scope.with_names(seen), upkeep.graph.id, look):
        return ""
    return _prefix(upkeep) + sha256(f"{look.user_id}{dump(seen)}".encode()).hexdigest()[:24]


def _prefix(upkeep: Upkeep) -> str:
    return f"upkeep-{sha256(upkeep.graph.to_json().encode()).hexdigest()[:8]}-"


def _run(upkeep: Upkeep, asked: Run, until: float) -> Result | None:
    tenant, graph = UUID(asked.tenant_id), upkeep.graph
    request = OpenRequest(
        tenant_id=tenant,
        user_id=UUID(asked.user_id),
        workflow=graph.id,
        spec=graph.to_json(),
        inputs="{}",
        run_id=asked.run_id,
        rehearsal=asked.rehearsal,
    )
    opened = open_run(request)
    if opened.result is not None:
        return None
    run = Run.model_validate_json(record(tenant, asked.run_id, "", "inputs", asked.model_dump_json))
    with (
        heartbeat(tenant, run.run_id),
        bound(run=run.run_id, tenant=run.tenant_id),
        span(f"run {graph.id}") as here,
        recorded_status(run),
    ):
        nothing: Scope[Replies] = Scope({})
        made = walk(graph, nothing, BODY, PlainHost(run, resumed=opened.resumed, until=until))
        result = _concluded(run, made)
        here.put(state=result.status)
    return result


def _concluded(run: Run, made: Slots) -> Result:
    """The end of such a run: manifest, signals, and the text of what the graph gives as `answer`."""
    ran = traces(run)
    answer = next(iter(made.get("answer", [])), reply("", key="answer"))
    result = Result(
        answer=answer.text,
        status="degraded" if degraded(answer, ran) else "done",
        outcome=answer.outcome,
        pattern=run.pattern,
        models=sorted({r.model for t in ran for rs in t.slots.values() for r in rs if r.model}),
        run_id=run.run_id,
        manifest_id=run.run_id,
        rehearsal=run.rehearsal,
    )
    result = with_sums(run, result)
    write_manifest(run, "", result)
    keep(run, [Signal.model_validate_json(s.fields) for s in signals_of(run)])
    conclude_run(UUID(run.tenant_id), run.run_id, result.status, result.model_dump_json())
    return result


_log = logging.getLogger(f"{OURS}.upkeep")

SUFFIX = "_upkeep"
BODY = "body"
"""The path of its graph, as that of every pattern's: there the frame's own tools are out of reach."""
_WHOSE = """
SELECT m.tenant_id, coalesce(m.user_id, r.user_id) FROM memories m
LEFT JOIN runs r ON r.tenant_id = m.tenant_id AND r.run_id = m.source_run_id
WHERE m.kind = ANY (%(kinds)s::text[]) AND m.rehearsal = %(rehearsal)s AND m.valid_to IS NULL
    AND (m.user_id IS NOT NULL OR r.user_id IS NOT NULL)
UNION
SELECT s.tenant_id, r.user_id FROM neural_learning_signals s
JOIN runs r ON r.tenant_id = s.tenant_id AND r.run_id = s.run_id
WHERE s.signal_type = ANY (%(signals)s::text[]) AND r.rehearsal = %(rehearsal)s
ORDER BY 1, 2
"""
_CUT_OFF = """
SELECT run_id FROM runs
WHERE tenant_id = %s AND user_id = %s AND workflow = %s AND run_id LIKE %s AND rehearsal = %s
    AND status IN ('running', 'failed', 'over_budget') AND started_at > now() - interval '1 day'
ORDER BY started_at LIMIT 1
"""
