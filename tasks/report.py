"""What a run says at its end, and what it says of its cost before it starts: text for a terminal or a pipe."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tasks.estimate import Estimate
from tasks.result import Result, RunStatus
from utils.display import clipped, duration, money, percent, plural, printable

if TYPE_CHECKING:
    from rich.markdown import Markdown

NO_ANSWER: dict[RunStatus, str] = {
    "rejected": "A person rejected the answer: this run gives none.",
    "blocked": "The safety check blocked the answer: this run gives none.",
}
COLOURS: dict[RunStatus, str] = {"done": "green", "degraded": "yellow", "waiting": "yellow", "expired": "yellow"}
MOST_MARKDOWN = 40_000


def final_block(result: Result, styled: bool | None = None, width: int | None = None) -> str:
    """The answer, then one short block on how it came about. `styled` None means: where stdout is a terminal."""
    if styled is None:
        styled = sys.stdout.isatty() and not os.environ.get("CI")
    answer = printable(result.answer).strip() or NO_ANSWER.get(result.status, "There is no answer.")
    rows = list(_rows(result))
    if styled:
        return _styled(answer, rows, result, width)
    wide = max(len(name) for name, _ in rows)
    return "\n".join([answer, "", *(f"{name:<{wide}}  {value}" for name, value in rows)])


def estimate_line(estimate: Estimate, usd: float | None, cap_usd: float) -> str:
    """One line on what a run may cost at most; `usd` None where a model's price is not known."""
    most = f"at most {plural(estimate.most_calls, 'call')} and {money(usd) if usd is not None else 'an unknown cost'}"
    return f"Estimate: {most}; the cap of this run is {money(cap_usd)}."


def _rows(result: Result) -> Iterable[tuple[str, str]]:
    if result.rehearsal:
        yield "REHEARSAL", "no model was asked: nothing above is an answer to rely on"
    outcome = "" if result.outcome in ("answered", result.status) else f" ({result.outcome.replace('_', ' ')})"
    yield "status", f"{result.status.replace('_', ' ')}{outcome}{_of_person(result)}"
    if missing := [r for r in result.replies if not r.ok]:
        names = ", ".join(clipped(printable(f"{r.key}: {r.cause or r.status}"), 120) for r in missing[:3])
        yield "not heard", f"{names}{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}"
    if result.confidence is not None:
        agreement = "" if result.agreement is None else f", agreement {percent(result.agreement)}"
        yield "confidence", f"{percent(result.confidence)}{agreement}"
    yield "pattern", result.pattern
    yield "models", ", ".join(result.models) or "none"
    unpriced = result.unknown_cost_calls
    beside = f" + {plural(unpriced, 'call')} of unknown cost" if unpriced else ""
    yield "cost", f"{plural(result.calls, 'call')}, {result.tokens:,} tokens, {money(result.cost)}{beside}"
    yield "time", duration(result.seconds)
    yield "run", result.run_id
    if result.deck:
        yield "deck", result.deck


def _of_person(result: Result) -> str:
    if result.decision is None:
        return ""
    done = {"approve": "approved", "edit": "edited", "reject": "rejected", "revise": "revised"}
    return f", {done.get(result.decision.resolution, result.decision.resolution)} by a person"


def _styled(answer: str, rows: Sequence[tuple[str, str]], result: Result, width: int | None) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, force_terminal=True, width=width or _terminal_width(), highlight=False)
    console.print(_markdown(answer) if len(answer) <= MOST_MARKDOWN else Text(answer))
    console.print()
    wide = max(len(name) for name, _ in rows)
    for name, value in rows:
        loud = "yellow" if name == "REHEARSAL" else ""
        colour = COLOURS.get(result.status, "red") if name == "status" else loud
        # Not wrapped: a path or an id that is broken over lines cannot be copied.
        console.print(Text.assemble((f"{name:<{wide}}  ", loud or "dim"), (value, colour)), soft_wrap=True)
    return out.getvalue().rstrip("\n")


def _markdown(text: str) -> "Markdown":
    """A text for rich, which would leave out what looks like an HTML tag: `List<String>` is no markup here."""
    from markdown_it import MarkdownIt
    from rich.markdown import Markdown

    made = Markdown("", hyperlinks=False)
    made.parsed = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).parse(text)
    return made


def _terminal_width() -> int:
    """The terminal's, and no wider than reads well."""
    import shutil

    return min(100, shutil.get_terminal_size().columns)
