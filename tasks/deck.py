"""The Deck: one HTML page for a run that a person would rather read than logs; and the page that a reviewer sees.

A page needs nothing from outside and no script. All that models and people wrote is foreign text (tasks/markdown.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tasks.cards import MOST_CHARS, TONES, Card, Cards, cut, table
from tasks.deck_view import DeckView, Sum, total
from tasks.drawing import draw
from tasks.markdown import plain, rendered
from tasks.ran import folded
from tasks.reply import Reply
from tasks.result import Result, RunStatus
from tasks.trace import Traced
from utils.display import clipped, cost_text, duration, money, percent, plural, printable, step_name
from utils.ledger import LedgerRow

if TYPE_CHECKING:
    from jinja2 import Template

MOST_TITLE = 180
STATUS: Mapping[RunStatus, tuple[str, str, str]] = {
    "done": ("Done", "good", ""),
    "degraded": ("Done, degraded", "wait", "Some replies are missing; enough of them came to answer."),
    "waiting": ("Waiting", "wait", "A person must decide before the run can go on."),
    "expired": ("Expired", "wait", "Nobody decided in time. The same command with this run id asks again."),
    "rejected": ("Rejected", "bad", "A person rejected the answer, so the run gives none."),
    "blocked": ("Blocked", "bad", "The safety check blocked the answer, so the run gives none."),
    "over_budget": ("Over budget", "bad", "A cap would have been passed. What was made so far is kept."),
    "failed": ("Failed", "bad", "A step could not give what the run needed. What was made so far is kept."),
}
OUTCOMES = {
    "no_consensus": "The replies did not agree, and the answer says so.",
    "undecided": "The run ends without a decision, and the answer says so.",
    "incomplete": "The answer is incomplete: a bound was reached first.",
    "unchecked": "The answer could not be checked.",
}
DECIDED = {"approve": "approved the answer", "revise": "asked for a revision", "edit": "edited the answer"} | {
    "reject": "rejected the answer"
}


@dataclass(frozen=True)
class Chip:
    """One figure beside the headline."""

    label: str
    value: str
    tone: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table of costs or steps."""

    name: str
    cells: tuple[str, ...]
    tone: str = ""
    cards: tuple[Card, ...] = ()


def render(view: DeckView) -> str:
    """The Deck of a run."""
    result, cards = (
        view.result,
        Cards(seen={view.result.answer, view.run.prompt, *(d.text for d in view.result.dissent)}),
    )
    status, tone, _ = STATUS[result.status]
    replies = cards.of(result.replies)
    return _template().render(
        kind="run",
        page_title=clipped(printable(view.run.prompt) or result.run_id, 80),
        prompt=_headline(view.run.prompt),
        rest_of_prompt=_rest(view.run.prompt),
        rehearsal=result.rehearsal,
        status=status,
        tone=tone,
        explained=_explained(result),
        chips=_chips(result),
        answer=rendered(result.answer) if result.answer else Markup(),
        decision=result.decision,
        decided=_decided(result),
        original=rendered(result.decision.original) if result.decision and result.decision.original else Markup(),
        guidance=rendered(result.decision.guidance) if result.decision else Markup(),
        reviews=_reviews(view),
        agreement=None if result.agreement is None else percent(result.agreement),
        agreement_share=result.agreement or 0.0,
        sides=_sides(result),
        dissent=cards.of(map(_below_its_topic, result.dissent), fields=False),
        picture=Markup(draw(view.graph, view.ran, view.ledger, view.used)),  # noqa: S704 -- drawing escapes
        replies=replies,
        verdict=result.verdict,
        tones=TONES,
        by_model=_by_model(view.ledger),
        by_step=_by_step(view.ledger, {folded(t.path) for t in view.ran}),
        whole=_cost_cells(total(view.ledger)),
        lessons=cards.lessons(view.lessons),
        learned=cards.lessons(r for r in view.learned if r.ok),
        unlearned=[clipped(printable(r.cause or r.text), 400) for r in view.learned if not r.ok],
        signals=view.signals,
        steps=_steps(view.ran, cards),
        cut=cards.cut,
        facts=_run_facts(view),
        percent=percent,
        printable=printable,
    )


def render_question(question: str, parts: Mapping[str, str], domain: str, *, sanitised: bool = False) -> str:
    """The page that a person decides on: what is asked, why, the proposed answer, dissent, safety and the request.

    `parts` are the texts that the person may see, by name; they are shown as given, `sanitised` says that personal
    data in them is replaced by placeholders.
    """
    order = sorted(parts, key=lambda name: PART_ORDER.get(name, len(PART_ORDER)))
    return _template().render(
        kind="question",
        page_title=clipped(printable(question), 80),
        prompt=printable(question),
        domain=domain,
        sanitised=sanitised,
        parts=[(n, PART_TITLES.get(n, printable(n).replace("_", " ")), _part(parts[n])) for n in order],
        tones=TONES,
    )


PART_TITLES = {
    "why": "Why a person is asked",
    "answer": "The proposed answer",
    "dissent": "Where they differ",
    "safety": "The safety check",
    "prompt": "What was asked",
}
PART_ORDER = {name: place for place, name in enumerate(PART_TITLES)}


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("tasks").joinpath("deck.html").read_text(encoding="utf-8"))


def _headline(prompt: str) -> str:
    first = printable(prompt).strip().partition("\n")[0]
    return clipped(first, MOST_TITLE) or "(no question)"


def _rest(prompt: str) -> Markup:
    """The whole question where the headline is only its beginning."""
    whole = printable(prompt).strip()
    return Markup() if whole == _headline(prompt) else plain(cut(whole, MOST_CHARS))


def _explained(result: Result) -> list[str]:
    """What a person should know before they read on: why there is no answer, or what is wrong with it."""
    missing = [f"{clipped(r.key, 60)}: {clipped(r.cause or r.status, 160)}" for r in result.replies if not r.ok]
    notes = [STATUS[result.status][2], OUTCOMES.get(result.outcome, "")]
    if result.status == "degraded" and missing:
        notes.append(f"Not heard: {'; '.join(missing[:5])}{'; …' if len(missing) > 5 else ''}.")
    return [printable(note) for note in notes if note]


def _chips(result: Result) -> list[Chip]:
    chips = []
    if result.confidence is not None:
        low = "bad" if result.confidence < 0.3 else "wait" if result.confidence < 0.5 else ""
        chips.append(Chip("confidence", percent(result.confidence), low))
    if result.agreement is not None:
        chips.append(Chip("agreement", percent(result.agreement)))
    if result.verdict:
        chips.append(Chip("safety", result.verdict.verdict, TONES.get(result.verdict.verdict, "wait")))
    unpriced = f", {plural(result.unknown_cost_calls, 'call')} of unknown cost" if result.unknown_cost_calls else ""
    chips.append(Chip("cost", money(result.cost) + unpriced))
    chips.append(Chip("time", duration(result.seconds)))
    chips.append(Chip("calls", f"{result.calls:,}"))
    chips.append(Chip("tokens", f"{result.tokens:,}"))
    return chips


def _decided(result: Result) -> str:
    if result.decision is None:
        return ""
    who = "Nobody in time, so the rule" if result.decision.resolved_by == "expiry" else "A person"
    when = f" on {_when(result.decision.resolved_at)}" if result.decision.resolved_at else ""
    return f"{who} {DECIDED.get(result.decision.resolution, 'decided: ' + result.decision.resolution)}{when}."


def _sides(result: Result) -> list[tuple[str, str]]:
    """Who agrees, who differs and who was not heard, where dissent names those who replied."""
    on_points = {str(p.get("agent", "")) for d in result.dissent for p in _listed(d.data().get("positions"))}
    named = {d.key for d in result.dissent} | on_points
    heard = [r.key for r in result.replies if r.ok]
    # Who differs on a point may well agree with the answer: the share above counts that, these lines do not.
    differ, agree = ("Differ on a point", "Differ on no point") if on_points & set(heard) else ("Differ", "Agree")
    sides = [
        (differ, [k for k in heard if k in named]),
        (agree, [k for k in heard if k not in named]),
        ("Not heard", [f"{r.key} ({r.status})" for r in result.replies if not r.ok]),
    ]
    return [(label, clipped(printable(", ".join(keys)), 600)) for label, keys in sides if label and keys]


def _below_its_topic(dissent: Reply) -> Reply:
    """Dissent without the line that says its topic, which heads its card."""
    topic = dissent.data().get("topic")
    return dissent.but(text=dissent.text.removeprefix(f"- {topic}\n")) if topic else dissent


def _listed(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _reviews(view: DeckView) -> list[Row]:
    """Every time that a person was asked: what for, when, and what came of it."""
    rows = []
    for review in view.reviews:
        taken = duration((review.resolved_at - review.opened_at).total_seconds()) if review.resolved_at else "open"
        outcome = review.decision or review.status
        said = clipped(printable(review.text), 400)
        cells = (review.opened_at.strftime("%Y-%m-%d %H:%M:%S"), outcome, taken, said)
        rows.append(Row(step_name(review.path), cells, TONES.get(outcome, "wait")))
    return rows


def _part(text: str) -> Markup:
    """A text, or the table of its fields where it is JSON."""
    stripped = text.strip()
    return (table(stripped) if stripped.startswith("{") else Markup()) or rendered(text)


def _cost_cells(summed: Sum) -> tuple[str, ...]:
    return (f"{summed.calls:,}", f"{summed.tokens:,}", cost_text(summed.cost_usd, summed.unknown_calls))


def _by(rows: Sequence[LedgerRow], name: Mapping[int, str]) -> list[Row]:
    ordered = sorted(range(len(rows)), key=lambda i: name[i])
    sums = [(key, total(rows[i] for i in many)) for key, many in groupby(ordered, key=lambda i: name[i])]
    dearest = sorted(sums, key=lambda s: (-s[1].cost_usd, -s[1].tokens, s[0]))
    return [Row(printable(key), _cost_cells(summed)) for key, summed in dearest if summed.calls]


def _by_model(rows: Sequence[LedgerRow]) -> list[Row]:
    return _by(rows, {i: r.model_used or r.model_requested for i, r in enumerate(rows)})


def _by_step(rows: Sequence[LedgerRow], blocks: Collection[str]) -> list[Row]:
    """Costs by block; what a tool paid for counts to the tool."""
    places = {i: folded(r.path) for i, r in enumerate(rows)}
    for i, place in places.items():
        ways = [place.rsplit("/", up)[0] for up in range(place.count("/") + 1)]
        places[i] = next((way for way in ways if way in blocks), place)
    return _by(rows, {i: step_name(place) for i, place in places.items()})


def _steps(ran: Sequence[Traced], cards: Cards) -> list[Row]:
    """Every step in the order in which it started, with what it gave that no earlier part of the page shows."""
    started = min((t.started for t in ran), default=0.0)
    rows = []
    for one in sorted(ran, key=lambda t: t.started):
        given = [r for slot in sorted(one.slots) for r in one.slots[slot]]
        state = "ran" if one.state == "finished" else one.state
        cells = (one.kind, state, f"+{duration(one.started - started)}", duration(one.ms / 1000))
        rows.append(Row(step_name(one.path), cells, TONES.get(state, "wait"), cards.fresh(given)))
    return rows


def _when(iso: str) -> str:
    """A moment to the second, with its zone; as it was given where it is not ISO 8601."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    except ValueError:
        return iso


def _run_facts(view: DeckView) -> list[tuple[str, str]]:
    run, result = view.run, view.result
    facts = [
        ("Run", result.run_id),
        ("Manifest", result.manifest_id),
        ("Workflow", run.workflow),
        ("Pattern", result.pattern),
        ("Domain", run.domain),
        ("Models", ", ".join(result.models)),
        ("Started", _when(run.started)),
        ("Outcome", result.outcome.replace("_", " ")),
        ("Specification", f"{view.graph.id}, digest {view.graph_digest}"),
    ]
    if view.estimate:
        bound = f"{plural(view.estimate.most_calls, 'call')}, {view.estimate.most_tokens:,} answer tokens"
        facts.append(("At most", bound))
    return [(name, printable(value)) for name, value in facts if value]
