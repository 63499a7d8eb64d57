"""The main job in processes that can be killed at any moment, forked from a server that has everything imported."""

import multiprocessing
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from tests.pyflyte import Done, think_tank
from utils.settings import settings

LONGEST = 60.0
"""Seconds after which a process that nobody kills counts as hung."""
GLANCE = 0.002


@dataclass(frozen=True)
class Ran:
    """How a process ended: `done` is None where it was killed before it could say so."""

    done: Done | None
    seconds: float


def run(words: tuple[str, ...], environ: Mapping[str, str], *, kill_after: float = LONGEST) -> Ran:
    """Runs the main job, and kills it with SIGKILL after so many seconds. `environ` is added to this process's."""
    return _run(words, environ, lambda said: said.poll(kill_after))


def run_until(words: tuple[str, ...], environ: Mapping[str, str], reached: Callable[[], bool]) -> Ran:
    """Runs the main job, and kills it with SIGKILL as soon as `reached` holds."""

    def watch(said: "Connection[Any, Any]") -> bool:
        until = perf_counter() + LONGEST
        while not said.poll(GLANCE):
            if reached() or perf_counter() > until:
                return False
        return True

    return _run(words, environ, watch)


def _run(words: tuple[str, ...], environ: Mapping[str, str], ended: "Callable[[Connection[Any, Any]], bool]") -> Ran:
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["tests.kill_preload"])
    said, says = forking.Pipe(duplex=False)
    process = forking.Process(target=_main_job, args=(words, {**os.environ, **environ}, says))
    process.start()
    says.close()
    began = perf_counter()
    with said:
        done: Done | None = said.recv() if ended(said) else None
        seconds = perf_counter() - began
        process.kill()
    process.join()
    process.close()
    return Ran(done, seconds)


def _main_job(words: tuple[str, ...], environ: dict[str, str], says: "Connection[Any, Any]") -> None:
    os.environ.clear()
    os.environ.update(environ)
    settings.cache_clear()
    says.send(think_tank(*words))
