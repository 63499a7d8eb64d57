"""Progress on the terminal: which step runs, on which model, tokens and cost so far. Only ever on stderr.

On a terminal it is a live display; piped, or with CI=true, one plain line for each finished step.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from utils.display import clipped, duration, money, plural, printable, step_name
from utils.progress import Event, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console as RichConsole
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

QUICK = 0.15
"""A step without calls that took less seconds gets no line in the live display: it is no news."""
MOST_RUNNING = 8
"""Steps under way that the live display shows; of more it tells how many there are."""
MOST_SHOWN = 4000
"""Characters of a shown reply."""


@dataclass
class _Step:
    started: float
    calls: int = 0
    settled: int = 0
    kept: int = 0
    """Of those settled, how many an earlier try of the run had paid for."""
    tokens: int = 0
    cost: float = 0.0
    models: list[str] = field(default_factory=list)
    holds_steps: bool = False


@dataclass(frozen=True)
class _Line:
    """One line above the live display, or one of the plain ones."""

    name: str
    detail: str
    mark: str
    style: str
    body: str = ""


class Console:
    """Listens to the progress stream while it is open, and shows it on stderr. Safe to feed from any thread.

    `live` None means: where the stream is a terminal that can draw, and CI is not set.
    """

    def __init__(
        self, stream: TextIO | None = None, live: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._is_live = _draws_on(self._stream) if live is None else live
        self._clock = clock
        self._lock = Lock()
        self._steps: dict[str, _Step] = {}
        self._told: set[str] = set()
        self._calls, self._tokens, self._cost = 0, 0, 0.0
        self._opened = self._clock()
        self._paused_at: float | None = None
        self._held: list[_Line] = []
        """What finished while a person is asked: printed once they have answered, not into their answer."""
        self._away = 0.0
        self._live: Live | None = None
        self._rich: RichConsole | None = None

    def __enter__(self) -> Self:
        self._opened = self._clock()
        if self._is_live:
            self._start_live()
        self._stop_listening = listen(self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_listening()
        if self._live:
            self._live.stop()

    @contextmanager
    def paused(self) -> "Iterator[None]":
        """While a person is asked: nothing is drawn, and the clock stands still."""
        self._pause()
        try:
            yield
        finally:
            self._resume()

    def _hear(self, event: Event) -> None:
        if event.state == "paused":
            self._pause()
        elif event.state == "resumed":
            self._resume()
        else:
            # The live display draws under a lock of its own and asks for ours: print with ours released.
            with self._lock:
                line = self._take(event)
                if line and self._paused_at is not None:
                    self._held.append(line)
                    return
            if line:
                self._print(line)

    def _take(self, event: Event) -> _Line | None:
        """What an event changes, and the line that it is worth."""
        if event.state == "started":
            self._open(event.path)
        elif event.state == "called":
            step = self._step(event.path)
            step.calls += 1
            if event.model and event.model not in step.models:
                step.models.append(event.model)
        elif event.state == "shown":
            return _Line(step_name(event.path), "", "»", "bold", clipped(printable(event.text).strip(), MOST_SHOWN))
        elif event.state == "finished" and event.model:
            self._settle(event)
        elif event.state in ("finished", "skipped", "failed", "waiting"):
            return self._end(event)
        return None

    def _open(self, path: str) -> None:
        self._steps[path] = _Step(self._now())
        for other, step in self._steps.items():
            if path.startswith((f"{other}/", f"{other}@", f"{other}[", f"{other}.")):
                step.holds_steps = True

    def _step(self, path: str) -> _Step:
        """The step that a call belongs to: a tool calls under paths of its own."""
        while path not in self._steps and "/" in path:
            path = path.rpartition("/")[0]
        return self._steps.get(path) or _Step(self._now())

    def _settle(self, event: Event) -> None:
        step = self._step(event.path)
        step.settled += 1
        step.kept += event.from_ledger
        step.tokens += event.tokens
        step.cost += event.cost
        self._calls += 1
        self._tokens += event.tokens
        self._cost += event.cost

    def _end(self, event: Event) -> _Line | None:
        step = self._steps.pop(event.path, None) or _Step(self._now())
        name, took = step_name(event.path), self._now() - step.started
        if event.state == "failed":
            return self._failed(name, event.text)
        if event.state == "skipped" or step.holds_steps:
            return None
        if event.state == "waiting":
            return _Line(name, "waits for a person", "…", "yellow")
        if self._is_live and not step.settled and took < QUICK:
            return None
        return _Line(name, _spent(step, took if self._is_live else None) or "done", "✓", "green")

    def _failed(self, name: str, text: str) -> _Line | None:
        """The cause, once: an error passes through every step that holds the one that failed."""
        if text in self._told:
            return None
        self._told.add(text)
        cause = printable(text).strip().partition("\n")[0]
        return _Line(name, f"failed: {clipped(cause, 300)}", "✕", "red")

    def _now(self) -> float:
        """Seconds since the console was opened, without those in which a person was asked."""
        until = self._clock() if self._paused_at is None else self._paused_at
        return until - self._opened - self._away

    def _pause(self) -> None:
        with self._lock:
            if self._paused_at is not None:
                return
            self._paused_at = self._clock()
        if self._live:
            self._live.stop()

    def _resume(self) -> None:
        with self._lock:
            if self._paused_at is None:
                return
            self._away += self._clock() - self._paused_at
            self._paused_at = None
            held, self._held = self._held, []
        if self._live:
            self._start_live()
        for line in held:
            self._print(line)

    def _print(self, line: _Line) -> None:
        if self._rich is None:
            body = f"\n{line.body}" if line.body else ""
            detail = f": {line.detail}" if line.detail else ":"
            self._stream.write(f"[{self._now():.1f}s] {line.name}{detail}{body}\n")
            self._stream.flush()
            return
        from rich.padding import Padding
        from rich.text import Text

        self._rich.print(Text.assemble((f"{line.mark} ", line.style), (line.name, "bold"), "  ", (line.detail, "dim")))
        if line.body:
            self._rich.print(Padding(Text(line.body), (0, 0, 1, 2)))

    def _start_live(self) -> None:
        from rich.console import Console as RichConsole
        from rich.live import Live

        self._rich = self._rich or RichConsole(file=self._stream, force_terminal=True, highlight=False)
        # stdout is the answer's alone: what others print there must not be led to stderr.
        self._live = Live(
            console=self._rich,
            get_renderable=self._drawn,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=self._stream is sys.stderr,
        )
        self._live.start()

    def _drawn(self) -> "RenderableType":
        from rich.console import Group

        with self._lock:
            running = [(path, step) for path, step in self._steps.items() if not step.holds_steps]
            rows = [self._running(path, step) for path, step in running[:MOST_RUNNING]]
            return Group(*rows, self._footer(len(running) - len(rows)))

    def _running(self, path: str, step: _Step) -> "Text":
        from rich.text import Text

        spin = SPINNER[int(self._now() * 10) % len(SPINNER)]
        parts = [f"{step.settled} of {plural(step.calls, 'call')}"] if step.calls else []
        parts += [f"{max(0.0, self._now() - step.started):.1f} s"]
        parts += [", ".join(step.models)] if step.models else []
        row = Text(no_wrap=True, overflow="ellipsis")
        return row.append(f"{spin} ", "cyan").append(step_name(path), "bold").append(f"  {' · '.join(parts)}", "dim")

    def _footer(self, unseen: int) -> "Text":
        from rich.text import Text

        parts = [f"{unseen} more steps"] if unseen > 0 else []
        parts += [f"{self._now():.1f} s"]
        parts += [plural(self._calls, "call"), plural(self._tokens, "token")] if self._calls else []
        parts += [money(self._cost)] if self._cost else []
        return Text("  " + " · ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")


def _draws_on(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def _spent(step: _Step, seconds: float | None) -> str:
    """What a step came to. A cost of zero is left out: the price may be unknown."""
    kept = f" ({step.kept} paid before)" if step.kept else ""
    parts = [plural(step.settled, "call") + kept, plural(step.tokens, "token")] if step.settled else []
    parts += [money(step.cost)] if step.cost else []
    parts += [duration(seconds)] if seconds is not None else []
    return ", ".join(parts)


SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
