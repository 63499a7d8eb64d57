"""Running things side by side in threads, so that nothing waits in a pool that its own work needs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]], width: int) -> list[T]:
    """The results of all jobs in their order, at most `width` at a time.

    Every job is let run to its end, since what it paid for is kept; then the first error, in order, is raised.
    """
    if len(jobs) == 1:
        return [jobs[0]()]
    with ThreadPoolExecutor(max_workers=max(1, min(width, len(jobs)))) as pool:
        futures = [pool.submit(copy_context().run, job) for job in jobs]
        wait(futures)
    return [f.result() for f in futures]
