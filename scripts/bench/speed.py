"""What the platform costs over the calls that it makes: run `python -m scripts.bench.speed`.

Everything is measured against a baseline of the same run: the bare call (the rehearsal's, which waits for a known
time), plain flytekit tasks that make it, and an empty flytekit workflow's --help.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch
from uuid import UUID

from scripts.bench.plain_flytekit import bare, five_and_one, models, request
from utils.llm import ChatRequest, Completion

ROUNDS = 15
LATENCY = 0.1
HELP_ROUNDS = 5
EMPTY = """
from flytekit import task, workflow

@task
def nothing(prompt: str) -> str:
    return prompt

@workflow
def empty(prompt: str = "") -> str:
    return nothing(prompt=prompt)
"""


def main() -> None:
    """Prints each figure with its bound and the baseline that it stands against."""
    with tempfile.TemporaryDirectory(prefix="radiant-bench-", ignore_cleanup_errors=True) as home:
        os.environ.update(RADIANT_HOME=home, RADIANT_REHEARSAL_LATENCY=str(LATENCY))
        from utils import embedded
        from utils.settings import settings

        try:
            fan_and_join()
            ten_calls()
            durable_step()
        finally:
            embedded.stop(settings().home / "postgres")
        help_time(Path(home))


def fan_and_join() -> None:
    """Five 100 ms calls side by side and one that joins them, with ledger and trace, against two bare calls in a row.

    Once with a model that is simulated at LiteLLM's place and takes 100 ms to the point, once through LiteLLM.
    """
    from tasks.spec import Call, Fan, GraphSpec, Input, Member, Step, see

    graph = GraphSpec(
        id="bench",
        title="Five and one",
        description="Five calls side by side and one that joins them.",
        inputs=(Input(name="prompt", help="What is asked."),),
        blocks=(
            Fan(
                id="fan",
                does=Call(prompt="{{prompt}}"),
                members=tuple(Member(key=m, model=m) for m in models()[:5]),
                sees=see("prompt"),
                at_most=5,
            ),
            Step(id="join", does=Call(prompt="{{fan}}"), sees=see("fan")),
        ),
        gives={"out": "join"},
    )
    with patch("tasks.calls.complete", simulated):
        path = 2 * timed(lambda: _done(simulated(request("Hello there."), tenant_id=UUID(int=0))))
        ours = timed(lambda: walked(graph))
    print(f"critical path, two bare calls in a row   {path * 1000:8.1f} ms")
    print(f"five and one, ledger on                  {ours * 1000:8.1f} ms   {ours / path:.3f} x (at most 1.075)")
    path, ours = 2 * timed(bare_call), timed(lambda: walked(graph))
    plain = timed(lambda: _done(five_and_one(prompt="Hello there.")))
    print(f"the same through LiteLLM: critical path  {path * 1000:8.1f} ms")
    print(f"  ledger on                              {ours * 1000:8.1f} ms   {ours / path:.3f} x")
    print(f"  plain flytekit, no ledger              {plain * 1000:8.1f} ms   {plain / path:.3f} x")


def simulated(asked: ChatRequest, *, tenant_id: UUID) -> Completion:
    """A model that answers after 100 ms."""
    time.sleep(LATENCY)
    return Completion(
        text="Hello.",
        model=asked.model,
        prompt_tokens=10,
        completion_tokens=2,
        cost_usd=0.0,
        latency_ms=round(LATENCY * 1000),
        finish_reason="stop",
        streamed=False,
        time_to_first_token_ms=None,
        rehearsal=True,
    )


def ten_calls() -> None:
    """Ten 200 ms calls side by side."""
    from tasks.spec import Call, Fan, GraphSpec, Input, samples, see
    from utils.settings import settings

    os.environ["RADIANT_REHEARSAL_LATENCY"] = "0.2"
    settings.cache_clear()
    graph = GraphSpec(
        id="bench",
        title="Ten",
        description="Ten calls side by side.",
        inputs=(Input(name="prompt", help="What is asked."),),
        blocks=(Fan(id="fan", does=Call(prompt="{{prompt}}"), members=samples(10), sees=see("prompt"), at_most=10),),
        gives={"out": "fan"},
    )
    took = timed(lambda: walked(graph))
    print(f"ten 200 ms calls                         {took * 1000:8.1f} ms   (at most 350 ms)")


def durable_step() -> None:
    """A ledgered call over the bare one, with the call itself taking no time."""
    from utils.ledger import CallKey, paid_call
    from utils.llm import complete
    from utils.settings import settings

    os.environ["RADIANT_REHEARSAL_LATENCY"] = "0"
    settings.cache_clear()
    tenant, run_id = settings().tenant_id, opened().run_id
    done = complete(request("once"), tenant_id=tenant)

    def step(number: int) -> float:
        asked, start = request(str(number)), time.perf_counter()
        paid_call(CallKey(tenant, run_id, "bench", number), asked, lambda _: done)
        return time.perf_counter() - start

    took = median(step(number) for number in range(200))
    print(f"a durable step over its call             {took * 1000:8.2f} ms   (at most 2.0 ms)")


def help_time(home: Path) -> None:
    """`--help` of the main job against that of an empty flytekit workflow, and that neither imports litellm."""
    empty = home / "empty.py"
    empty.write_text(EMPTY)
    ours = ("workflows/think_tank.py", "think_tank")
    theirs = (str(empty), "empty")
    times: dict[tuple[str, str], list[float]] = {ours: [], theirs: []}
    for _ in range(HELP_ROUNDS):
        for which, taken in times.items():
            start = time.perf_counter()
            pyflyte(*which, "--help")
            taken.append(time.perf_counter() - start)
    a, b = median(times[ours]), median(times[theirs])
    print(
        f"--help of the main job                   {a * 1000:8.0f} ms   {a / b:.2f} x an empty workflow's (at most 1.5)"
    )
    imported = pyflyte(*ours, "--help", "-X", "importtime")
    print(f"litellm imported by --help               {'litellm' in imported}")


def pyflyte(*words: str) -> str:
    """The output of `pyflyte run`; words after -X go to the interpreter."""
    options = list(words[words.index("-X") :]) if "-X" in words else []
    words = words[: words.index("-X")] if "-X" in words else words
    main_module = "from flytekit.clis.sdk_in_container.pyflyte import main; main()"
    done = subprocess.run(
        [sys.executable, *options, "-c", main_module, "run", *words], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def bare_call() -> None:
    """A call with neither ledger nor Governor."""
    bare(models()[0], "Hello there.")


def _done(_: object) -> None:
    """Drops what a workflow gave: only its time counts."""


def opened() -> Any:
    """A new run of the personal tenant."""
    from tasks.run import Run
    from utils.accounts import ensure_personal
    from utils.runs import OpenRequest, open_run
    from utils.settings import settings

    tenant, user = settings().tenant_id, settings().user_id
    ensure_personal(tenant, user)
    run = open_run(OpenRequest(tenant_id=tenant, user_id=user, workflow="bench", spec="{}", inputs="{}"))
    return Run(
        tenant_id=str(tenant),
        user_id=str(UUID(str(user))),
        run_id=run.run_id,
        workflow="bench",
        models=models(),
        started=run.started_at.isoformat(),
        rehearsal=True,
    )


def walked(graph: Any) -> float:
    """Seconds that a graph took on the plain host, its run opened before."""
    from tasks.plain import PlainHost
    from tasks.views import Scope
    from tasks.walk import input_replies, walk

    scope: Scope[Any] = Scope({})
    run = opened()
    start = time.perf_counter()
    walk(graph, scope.with_names({"prompt": input_replies("Hello there.")}), "", PlainHost(run))
    return time.perf_counter() - start


def timed(work: Callable[[], float | None]) -> float:
    """The median of rounds, after one that warms up; work may say itself how long it took."""

    def once() -> float:
        start = time.perf_counter()
        said = work()
        return said if isinstance(said, float) else time.perf_counter() - start

    once()
    return median(once() for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
