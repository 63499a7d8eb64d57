"""What a durable step costs beyond its model call: reserving, settling, and reading back.

python -m scripts.bench.ledger
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from time import perf_counter
from uuid import uuid4

from scripts.bench.governor import completion, request, scratch_database
from utils.accounts import ensure_personal
from utils.ledger import CallKey, PaidCall, paid_call
from utils.llm import ChatRequest, Completion
from utils.runs import OpenRequest, open_run

CALLS = 600
THREADS = 16
MOST_MS = 2.0


def main() -> int:
    """Prints medians and 95th percentiles in ms; exit code 1 where a step costs more than 2.0 ms (median)."""
    with scratch_database():
        tenant, user = uuid4(), uuid4()
        ensure_personal(tenant, user)
        run = open_run(OpenRequest(tenant, user, "bench", "{}", "{}")).run_id
        called: list[float] = []

        def provide(_: ChatRequest) -> Completion:
            called.append(perf_counter())
            return completion("word " * 400, 0.000001)

        def step(number: int) -> PaidCall:
            key = CallKey(tenant, run, f"step{number}")
            return paid_call(key, request("word " * 400), provide, estimate=lambda _: 0.00001)

        steps = [_timed(step, n) for n in range(CALLS)][50:]
        calls = called[50:]
        found = [_timed(step, n) for n in range(CALLS)][50:]
        _show("reserve", [at - start for (start, _), at in zip(steps, calls, strict=True)])
        _show("settle", [end - at for (_, end), at in zip(steps, calls, strict=True)])
        whole = _show("step", [end - start for start, end in steps])
        _show("found", [end - start for start, end in found])
        started = perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(step, range(CALLS, 3 * CALLS)))
        rate = 2 * CALLS / (perf_counter() - started)
        print(f"{THREADS} threads, one tenant: {rate:.0f} calls reserved and settled a second")
    return 0 if whole <= MOST_MS else 1


def _timed(step: Callable[[int], PaidCall], number: int) -> tuple[float, float]:
    started = perf_counter()
    step(number)
    return started, perf_counter()


def _show(name: str, seconds: list[float]) -> float:
    middle = median(seconds) * 1000
    print(f"{name:8} median {middle:.2f} ms, 95% {quantiles(seconds, n=20)[-1] * 1000:.2f} ms")
    return middle


if __name__ == "__main__":
    sys.exit(main())
