"""The Governor in a storm: runs at a cap in many threads of several processes, about half of them killed with -9.

    python -m scripts.bench.governor

A connection of its own looks at the windows throughout. At the end what the dead had reserved must be free again.
"""

import argparse
import os
import random
import selectors
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from utils import embedded
from utils.accounts import ensure_personal
from utils.db import maintenance_transaction, reset
from utils.errors import OverBudget
from utils.governor import Budget, budgets
from utils.ledger import CallKey, paid_call
from utils.llm import ChatRequest, Completion, Message
from utils.runs import OpenRequest, open_run
from utils.settings import settings

ESTIMATE, COST = 0.02, 0.01
"""What a simulated call reserves and costs, in USD."""


class Work(BaseModel):
    """What one process does: walks runs of `calls` calls each; a doomed run holds its last call for ever.

    The provider appends a line to the file `paid` for each call that it is paid for, and says so where it `tells`.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    runs: tuple[str, ...]
    doomed: frozenset[str] = frozenset()
    calls: int
    threads: int
    paid: Path
    tells: bool = False


@dataclass(frozen=True)
class Figures:
    """What a storm showed. `highest` is the largest settled + reserved over its cap that was ever seen."""

    runs: int
    killed: int
    over_budget: int
    calls_paid: int
    samples: int
    highest: float
    seconds: float
    before: Budget
    after: Budget
    """The hour, with the dead's reservations in it, and after others took their room."""


def storm(*, runs: int, threads: int, processes: int, seed: int) -> Figures:
    """Walks `runs` runs in `threads` threads, killing processes as they go, against the caps of the settings."""
    chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    ids = [open_run(OpenRequest(tenant, user, "storm", "{}", f'{{"run":{n}}}')).run_id for n in range(runs)]
    share = 2 * threads // processes  # so many that half of them, the doomed, fill the threads of a process
    batches = [ids[n : n + share] for n in range(0, runs, share)]
    with tempfile.TemporaryDirectory() as place, _sampling(tenant) as seen:
        paid = Path(place, "paid")
        works = [
            Work(
                tenant_id=tenant,
                runs=tuple(batch),
                doomed=frozenset(batch[::2]),
                calls=2,
                threads=threads // processes,
                paid=paid,
            )
            for batch in batches
        ]
        moments = [chance.randint(len(w.runs) * 3 // 4, len(w.runs)) for w in works]
        ages = [n % 2 == 0 for n in range(len(works))]
        started = perf_counter()
        with ThreadPoolExecutor(processes) as pool:
            ends = list(pool.map(_kill_amid, works, moments, ages))
        seconds = perf_counter() - started
        calls = paid.read_text().splitlines()
        _, before, _ = budgets(tenant)
        _fill(tenant, user, ids)
        _, after, _ = budgets(tenant)
    states = {run: state for end in ends for run, state in end.items()}
    over = sum(state == "over" for state in states.values())
    killed = {line.split()[0] for line in calls} - {run for run, state in states.items() if state != "held"}
    fullest = max(seen, default=0.0)
    return Figures(runs, len(killed), over, len(calls), len(seen), fullest, seconds, before, after)


def start(work: Work) -> "subprocess.Popen[bytes]":
    """A process that does the work, and writes `held`, `over` or `done` and the run for each as it comes to it."""
    command = [sys.executable, "-m", "scripts.bench.governor", "--worker", work.model_dump_json()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)


def request(text: str) -> ChatRequest:
    """A request to a model that is simulated."""
    return ChatRequest(model="simulated", messages=(Message(role="user", content=text),), timeout=60)


def completion(text: str, cost_usd: float | None = COST) -> Completion:
    """A simulated model's reply."""
    return Completion(
        text=text,
        model="simulated",
        prompt_tokens=10,
        completion_tokens=20,
        cost_usd=cost_usd,
        latency_ms=1,
        finish_reason="stop",
        streamed=False,
        time_to_first_token_ms=None,
        rehearsal=False,
    )


def _work(work: Work) -> None:
    paid = os.open(work.paid, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    never = threading.Event()

    def walk(run_id: str) -> None:
        for number in range(work.calls):
            place = f"{run_id} {number}"

            def provide(asked: ChatRequest, place: str = place, last: bool = number == work.calls - 1) -> Completion:
                os.write(paid, f"{place}\n".encode())
                if work.tells:
                    _say(f"paid {run_id}")
                if last and run_id in work.doomed:
                    _say(f"held {run_id}")
                    never.wait()
                return completion(f"{place}: answered by {os.getpid()}")

            key = CallKey(work.tenant_id, run_id, f"step{number}")
            try:
                paid_call(key, request(place), provide, estimate=lambda _: ESTIMATE)
            except OverBudget:
                _say(f"over {run_id}")
                return
        _say(f"done {run_id}")

    with ThreadPoolExecutor(work.threads) as pool:
        list(pool.map(walk, work.runs))


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # whole, whatever other threads write


def _kill_amid(work: Work, moment: int, ages: bool) -> dict[str, str]:
    """Kills the process of the work after so many of its lines, or when it falls silent; gives run -> state.

    Where it `ages`, what it left behind looks as if two minutes had passed since.
    """
    ends: dict[str, str] = {}
    process = start(work)
    assert process.stdout is not None
    with process.stdout as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while len(ends) < moment and selector.select(timeout=0.5 if ends else None):
            line = output.readline()
            if not line:
                break
            ends |= _state(line)
        process.kill()
        for line in output:  # what it said before the kill
            ends |= _state(line)
    process.wait()
    if ages:
        age(work.tenant_id, work.runs)
    return ends


def _state(line: bytes) -> dict[str, str]:
    state, run_id = line.decode().split()
    return {run_id: state}


def age(tenant_id: UUID, run_ids: tuple[str, ...]) -> None:
    """Sets these runs' last sign of life back by a little more than a reservation lasts."""
    seconds = settings().reservation_seconds + 1
    with maintenance_transaction() as cursor:
        cursor.execute(_AGE_RUNS, (seconds, tenant_id, list(run_ids)))
        cursor.execute(_AGE_CALLS, (seconds, tenant_id, list(run_ids)))


def _fill(tenant_id: UUID, user_id: UUID, dead: list[str]) -> None:
    """Lets the dead fall silent for good, and spends all that is then free, in calls that cost their estimate."""
    age(tenant_id, tuple(dead))
    for number in range(10_000):
        run = open_run(OpenRequest(tenant_id, user_id, "fill", "{}", f'{{"run":{number}}}'))
        try:
            key = CallKey(tenant_id, run.run_id, "step")
            paid_call(key, request("fill"), lambda _: completion("", ESTIMATE), estimate=lambda _: ESTIMATE)
        except OverBudget:
            return


@contextmanager
def _sampling(tenant_id: UUID) -> Iterator[list[float]]:
    """Looks at every window of the tenant all the while; gives the fullest one of each look, as share of its cap."""
    seen: list[float] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.002):
            with maintenance_transaction() as cursor:
                cursor.execute(_FULLEST, (tenant_id,))
                found = cursor.fetchone()
            if found and found[0] is not None:
                seen.append(float(found[0]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@contextmanager
def scratch_database() -> Iterator[None]:
    """DATABASE_URL's database where it is set, else an embedded one that goes with the benchmark."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    with tempfile.TemporaryDirectory() as home:
        os.environ["RADIANT_HOME"] = home
        settings.cache_clear()
        try:
            yield
        finally:
            reset()
            embedded.stop(Path(home, "postgres"))


def main() -> int:
    """Prints the figures; exit code 1 where a cap was passed or the dead's room was not free again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        _work(Work.model_validate_json(asked.worker))
        return 0
    os.environ["RADIANT_MAX_COST_PER_HOUR"] = str(asked.runs * 0.017)
    with scratch_database():
        found = storm(runs=asked.runs, threads=asked.threads, processes=asked.processes, seed=asked.seed)
    left = found.after.cap - found.after.settled
    held = not found.highest > 1
    freed = found.after.reserved == 0 and left < ESTIMATE
    print(f"{found.runs} runs in {asked.threads} threads: {found.killed} killed, {found.over_budget} over budget")
    rate = found.calls_paid / found.seconds
    print(f"{found.calls_paid} calls in {found.seconds:.1f} s: {rate:.0f} a second, kills and starts included")
    print(f"fullest window in {found.samples} looks: {found.highest:.2%} of its cap: {'held' if held else 'PASSED'}")
    print(f"reserved by the dead: {found.before.reserved:.2f} USD; after others came: {found.after.reserved:.2f}")
    print(f"settled {found.after.settled:.2f} of {found.after.cap:.2f} USD: {'freed' if freed else 'NOT FREED'}")
    return 0 if held and freed else 1


_FULLEST = """
SELECT max((settled_usd + reserved_usd) / nullif(cap_usd, 0)) FROM budgets WHERE tenant_id = %s
"""
_AGE_RUNS = """
UPDATE runs SET alive_at = alive_at - make_interval(secs => %s) WHERE tenant_id = %s AND run_id = ANY(%s)
"""
_AGE_CALLS = """
UPDATE model_calls SET reserved_at = reserved_at - make_interval(secs => %s)
WHERE tenant_id = %s AND run_id = ANY(%s) AND state = 'reserved'
"""

if __name__ == "__main__":
    sys.exit(main())
