"""Progress on the terminal: plain lines, the live display, and what neither may do."""

import io
import re
import sys
from collections.abc import Callable
from threading import Thread

import pytest

from utils.console import Console
from utils.progress import Event, emit, paused

MODEL, OTHER = "openai/gpt-5.2", "anthropic/claude-sonnet-4-6"


@pytest.fixture(autouse=True)
def _an_ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain(*events: Event | Callable[[], None], clock: Clock | None = None) -> list[str]:
    """The lines that a plain console writes for these events."""
    stream = io.StringIO()
    with Console(stream, live=False, clock=clock or Clock()):
        for event in events:
            emit(event) if isinstance(event, Event) else event()
    return stream.getvalue().splitlines()


def live(*events: Event) -> str:
    """All that a live console draws for these events, without its control codes but for colours."""
    stream = io.StringIO()
    with Console(stream, live=True):
        for event in events:
            emit(event)
    return re.sub(r"\x1b\[[0-9;?]*[A-HJ-lh]", "", stream.getvalue())


def call(path: str, tokens: int = 617, cost: float = 0.00615, model: str = MODEL, kept: bool = False) -> list[Event]:
    return [Event(path, "called", model), Event(path, "finished", model, tokens, cost, from_ledger=kept)]


def test_a_finished_step_is_one_line() -> None:
    clock = Clock()

    def wait() -> None:
        clock.now += 12.34

    events = [Event("body/specialists", "started"), *call("body/specialists") * 2]
    assert plain(*events, wait, Event("body/specialists", "finished"), clock=clock) == [
        "[12.3s] specialists: 2 calls, 1,234 tokens, $0.0123"
    ]


def test_what_was_paid_before_is_said() -> None:
    events = [Event("a", "started"), *call("a", kept=True), *call("a"), Event("a", "finished")]
    assert plain(*events) == ["[0.0s] a: 2 calls (1 paid before), 1,234 tokens, $0.0123"]


def test_a_cost_of_zero_is_left_out_since_it_may_be_unknown() -> None:
    assert plain(Event("a", "started"), *call("a", cost=0.0), Event("a", "finished")) == [
        "[0.0s] a: 1 call, 617 tokens"
    ]


def test_calls_of_a_tool_count_to_its_step() -> None:
    events = [
        Event("settle@2/cato", "started"),
        *call("settle@2/cato/judge", 10, 0),
        Event("settle@2/cato", "finished"),
    ]
    assert plain(*events) == ["[0.0s] cato (turn 2): 1 call, 10 tokens"]


@pytest.mark.parametrize("inside", ["body/vote", "body@1/vote", "body[0]/vote", "body.one/vote"])
def test_a_step_that_holds_others_gets_no_line(inside: str) -> None:
    started, finished = (Event("body", "started"), Event(inside, "started")), Event(inside, "finished")
    lines = plain(*started, finished, Event("body", "finished"))
    assert [line.partition("] ")[2].partition(" ")[0] for line in lines] == ["vote" if "[" in inside else "vote:"]


def test_a_failure_is_told_once_with_its_cause() -> None:
    lines = plain(
        Event("loop", "started"),
        Event("loop@1/draft", "started"),
        Event("loop@1/draft", "failed", text="no key\nTraceback"),
        Event("loop", "failed", text="no key\nTraceback"),
    )
    assert lines == ["[0.0s] draft: failed: no key"]


def test_a_step_that_holds_others_tells_a_failure_of_its_own() -> None:
    events = [Event("each", "started"), Event("each[0]/a", "started"), Event("each[0]/a", "finished")]
    assert plain(*events, Event("each", "failed", text="too many"))[-1] == "[0.0s] each: failed: too many"


def test_skipped_steps_are_not_news_and_waiting_is() -> None:
    assert plain(Event("a", "started"), Event("a", "skipped"), Event("b", "started"), Event("b", "waiting")) == [
        "[0.0s] b: waits for a person"
    ]


@pytest.mark.parametrize("show", [lambda e: "\n".join(plain(e)), live], ids=["plain", "live"])
def test_a_shown_reply_cannot_act_on_the_terminal(show: Callable[[Event], str]) -> None:
    drawn = show(Event("draft", "shown", text="[red]bold[/red] \x1b[2Jgone \x1b]0;title\x07 \u202ereversed\rover"))
    assert "[red]bold[/red] gone" in drawn
    assert "\x1b[2J" not in drawn
    assert "\x1b]0" not in drawn
    assert "\u202e" not in drawn
    assert "\ufffdover" in drawn


def test_the_clock_stands_still_while_a_person_is_asked() -> None:
    clock, stream = Clock(), io.StringIO()
    with Console(stream, live=False, clock=clock) as console:
        with paused():
            clock.now += 600
            emit(Event("ask", "finished"))
        with console.paused(), paused():
            clock.now += 600
        clock.now += 1.5
        emit(Event("after", "finished"))
    assert stream.getvalue().splitlines() == ["[0.0s] ask: done", "[1.5s] after: done"]


def test_nothing_is_heard_once_it_is_closed() -> None:
    stream = io.StringIO()
    with Console(stream, live=False):
        pass
    emit(Event("a", "finished"))
    assert stream.getvalue() == ""


def test_the_live_display_has_a_tick_for_what_is_done_and_red_for_what_failed() -> None:
    drawn = live(
        *[Event("body/specialists", "started"), *call("body/specialists"), Event("body/specialists", "finished")],
        *[Event("synthesis", "started"), Event("synthesis", "failed", text="no money")],
    )
    assert re.search(r"\x1b\[32m✓ .*specialists", drawn)
    assert "1 call, 617 tokens, $0.0062" in drawn
    assert re.search(r"\x1b\[31m✕ .*synthesis", drawn)
    assert "failed: no money" in drawn


def test_the_live_display_shows_what_runs_with_models_and_sums() -> None:
    drawn = live(Event("write", "started"), *call("write"), Event("write", "called", OTHER))
    assert f"1 of 2 calls · 0.0 s · {MODEL}, {OTHER}"[:40] in drawn
    assert "1 call · 617 tokens · $0.0062" in drawn


def test_the_live_display_leaves_quick_steps_without_calls_out() -> None:
    assert "✓" not in live(Event("vote", "started"), Event("vote", "finished"))


def test_the_live_display_stands_still_while_paused() -> None:
    stream = io.StringIO()
    with Console(stream, live=True):
        emit(Event("write", "started"))
        with paused():
            before = stream.getvalue()
            emit(Event("write", "called", MODEL))
            assert stream.getvalue() == before
        emit(Event("write", "called", OTHER))
    assert OTHER in stream.getvalue()


@pytest.mark.parametrize(("is_live"), [False, True])
def test_stdout_stays_empty(is_live: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with Console(live=is_live):
        emit(Event("a", "shown", text="hello"))
        print("the answer", file=sys.stdout)  # noqa: T201 -- what a run itself prints must pass untouched
    out, err = capfd.readouterr()
    assert out == "the answer\n"
    assert "hello" in err


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    with Console(stream):
        emit(Event("a", "finished"))
    assert stream.getvalue() == "[0.0s] a: done\n"


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_a_terminal_that_cannot_draw_gets_plain_lines(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv(name, value)
    stream = Terminal()
    with Console(stream):
        emit(Event("a", "finished"))
    assert stream.getvalue().endswith("s] a: done\n")


@pytest.mark.parametrize("is_live", [False, True])
def test_many_threads_may_report_at_once(is_live: bool) -> None:
    stream = io.StringIO()

    def work(number: int) -> None:
        for turn in range(1, 26):
            path = f"loop@{turn}/step-{number}"
            for event in [Event(path, "started"), *call(path, 1, 0.001), Event(path, "finished")]:
                emit(event)

    with Console(stream, live=is_live):
        threads = [Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
    text = stream.getvalue()
    assert text.count("1 token, $0.0010") == 200
    assert not is_live or "200 calls · 200 tokens · $0.2000" in text


def test_what_finishes_while_a_person_is_asked_is_printed_after_their_answer() -> None:
    stream = io.StringIO()
    with Console(stream, live=False):
        with paused():
            emit(Event("draft", "finished"))
            asked = stream.getvalue()
        assert asked == ""
        assert "draft" in stream.getvalue()
