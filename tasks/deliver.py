"""The end of a run: its result, manifest and learning signals, then its Deck, and the run is closed."""

import json
from pathlib import Path
from uuid import UUID

from tasks.calls import Spot
from tasks.estimate import estimate
from tasks.functions import find_pattern
from tasks.outcomes import keep
from tasks.reply import Replies, Reply, Slots, canonical, reply
from tasks.result import HumanDecision, Result, RunStatus, Signal, Verdict
from tasks.run import Run
from tasks.settle import confidence_of, verdict_of
from tasks.spec import GraphSpec
from tasks.tools import frame_tool, signals_of
from tasks.trace import Traced, traces
from utils.db import tenant_transaction
from utils.ledger import keyed_digest, ledger_of, spent
from utils.reviews import Review, reviews_of
from utils.runs import conclude_run, get_run
from utils.settings import settings

STATUS_OF: dict[str, RunStatus] = {"reject": "rejected", "block": "blocked"}
HUMAN_VALUE = {"accept": 1.0, "edit": 0.5, "reject": 0.0}


@frame_tool
def conclude(
    spot: Spot,
    *,
    answer: Replies,
    decision: Replies,
    verdict: Replies,
    replies: Replies,
    dissent: Replies | None = None,
) -> Slots:
    """The Result but for its sums, and its signals; `outcome` is what the Librarian needs to know."""
    run, last = spot.run, decision[-1]
    gate = verdict_of(verdict)
    ran = traces(run)
    status = STATUS_OF.get(last.key) or ("degraded" if degraded(answer[0], ran) else "done")
    result = _result(run, status, answer[0], last, gate, ran)
    result = result.model_copy(update={"replies": replies, "dissent": dissent or []})
    signals = [*_signals(result, last, replies), *(Signal.model_validate_json(s.fields) for s in signals_of(run))]
    outcome = {
        "status": status,
        "decision": last.key if last.data().get("reviewed") else "none",
        "reviewed": bool(last.data().get("reviewed")),
        "verdict": gate.verdict,
    }
    return {
        "result": [_packed("result", result.answer, result)],
        "signals": [_packed(f"{s.signal_type} {s.model} {s.node}".strip(), "", s) for s in signals],
        "outcome": [reply(status, key="outcome", data=outcome)],
    }


@frame_tool
def deliver(
    spot: Spot, *, prompt: Replies, lessons: Replies, learned: Replies, result: Replies, signals: Replies
) -> Slots:
    """Writes manifest, signals and Deck, and closes the run: from here on the same command gives the stored result."""
    run = spot.run
    done = with_sums(run, Result.model_validate_json(result[0].fields))
    told = [Signal.model_validate_json(s.fields) for s in signals]
    write_manifest(run, prompt[0].text, done)
    keep(run, told)
    page = deck_of(run, done, told, lessons, learned)
    path = deck_path(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)
    conclude_run(UUID(run.tenant_id), run.run_id, done.status, done.model_dump_json())
    return {"result": [_packed("result", done.answer, done)]}


def with_sums(run: Run, result: Result) -> Result:
    """The result with all that the run cost, learning included."""
    sums = spent(UUID(run.tenant_id), run.run_id)
    return result.model_copy(
        update={
            "calls": sums.calls,
            "tokens": sums.tokens,
            "cost": sums.cost_usd,
            "unknown_cost_calls": sums.unknown_cost_calls,
            "seconds": _seconds(traces(run), reviews_of(UUID(run.tenant_id), run.run_id)),
        }
    )


def deck_path(run: Run) -> Path:
    """Where a run's Deck is: under the data directory, by tenant."""
    return settings().home / "decks" / run.tenant_id / f"{run.run_id}.html"


def deck_of(run: Run, result: Result, signals: list[Signal], lessons: Replies, learned: Replies) -> str:
    """The Deck of a run as HTML."""
    from tasks.deck import render
    from tasks.deck_view import DeckView

    tenant = UUID(run.tenant_id)
    graph = GraphSpec.from_json(get_run(tenant, run.run_id).spec)
    return render(
        DeckView(
            run=run,
            result=result,
            graph=graph,
            estimate=estimate(find_pattern(run.pattern)),
            signals=signals,
            traced=traces(run),
            lessons=lessons,
            learned=learned,
            ledger=ledger_of(tenant, run.run_id),
            reviews=reviews_of(tenant, run.run_id),
        )
    )


def _packed(key: str, text: str, part: Result | Signal) -> Reply:
    return Reply(key=key, text=text, fields=canonical(part.model_dump(mode="json")))


def degraded(answer: Reply, ran: tuple[Traced, ...]) -> bool:
    """Some replies of the body failed, and its quorum held."""
    body = (r for t in ran if t.path.startswith("body") for replies in t.slots.values() for r in replies)
    return answer.outcome == "degraded" or any(r.status in ("failed", "timeout") for r in body)


def _result(run: Run, status: RunStatus, answer: Reply, last: Reply, gate: Verdict, ran: tuple[Traced, ...]) -> Result:
    data = last.data()
    decided = data.get("reviewed") and HumanDecision(
        resolution={"accept": "approve"}.get(last.key, last.key),
        guidance=last.text if last.key != "edit" else "",
        resolved_by=str(data.get("by", "")),
        resolved_at=str(data.get("at", "")),
        original=str(data.get("original", "")),
    )
    return Result(
        answer=answer.text if status not in ("rejected", "blocked") else "",
        status=status,
        confidence=confidence_of(answer, gate),
        agreement=answer.data().get("agreement"),
        outcome=answer.outcome,
        pattern=run.pattern,
        models=sorted({r.model for t in ran for rs in t.slots.values() for r in rs if r.model}),
        decision=decided or None,
        verdict=gate,
        run_id=run.run_id,
        manifest_id=run.run_id,
        deck=str(deck_path(run)),
        rehearsal=run.rehearsal,
    )


def _seconds(ran: tuple[Traced, ...], reviews: tuple[Review, ...]) -> float:
    """The run's own time: its top-level blocks, which follow one another, less the waiting for people within them."""
    own = sum(t.ms for t in ran if "/" not in t.path) / 1000
    started = {t.path: t.started for t in ran if "/" not in t.path}
    for review in reviews:
        block = review.path.partition("/")[0].partition("@")[0]
        if review.resolved_at and review.opened_at.timestamp() >= started.get(block, float("inf")):
            own -= (review.resolved_at - review.opened_at).total_seconds()
    return max(0.0, own)


def _signals(result: Result, last: Reply, replies: Replies) -> list[Signal]:
    """What the Neural Engine learns from: how the run ended, what a person said, who answered."""
    whole = {"done": 1.0, "degraded": 0.5}.get(result.status, 0.0)
    made = [Signal(signal_type="outcome", value=whole, source="run")]
    if result.agreement is not None:
        made.append(Signal(signal_type="agreement", value=result.agreement, source="pattern"))
    if result.verdict and result.verdict.score is not None:
        made.append(Signal(signal_type="safety", value=result.verdict.score, source="cato"))
    if last.data().get("reviewed"):
        made.append(Signal(signal_type="human_decision", value=HUMAN_VALUE.get(last.key, 0.0), source="review"))
    for one in replies:
        if one.model:
            value = 1.0 if one.ok else 0.0
            made.append(Signal(signal_type="reply", value=value, source="step", model=one.model, node=one.key))
    return made


def write_manifest(run: Run, prompt: str, result: Result) -> None:
    """What a run used, how it went and what it cost, as its one row; written again, it is brought up to date."""
    ran, rows = traces(run), ledger_of(UUID(run.tenant_id), run.run_id)
    details = [
        {"path": t.path, "kind": t.kind, "state": t.state, "latency": round(t.ms), "started": t.started} for t in ran
    ]
    values = {
        "tenant": run.tenant_id,
        "run": run.run_id,
        "user": run.user_id,
        "domain": run.domain,
        "prompt_hash": keyed_digest(prompt),
        "input_tokens": sum(r.prompt_tokens or 0 for r in rows),
        "output_tokens": sum(r.completion_tokens or 0 for r in rows),
        "models": result.models,
        "orchestration": run.pattern,
        "latency": round(result.seconds * 1000),
        "cost": result.cost,
        "steps": len(ran),
        "details": json.dumps(details),
        "status": result.status,
        "confidence": result.confidence,
        "agreement": result.agreement,
        "epistemic": result.verdict.score if result.verdict else None,
        "streamed": settings().stream,
        "rehearsal": run.rehearsal,
    }
    with tenant_transaction(UUID(run.tenant_id)) as cursor:
        cursor.execute(_MANIFEST, values)


_MANIFEST = """
INSERT INTO execution_manifests (tenant_id, output_id, run_id, user_id, domain_mode, input_prompt_hash, input_tokens,
    models_used, orchestration_id, orchestration_name, output_tokens, total_latency_ms, total_cost, step_count,
    step_details, status, confidence, agreement, epistemic, was_streamed, rehearsal)
VALUES (%(tenant)s, %(run)s, %(run)s, %(user)s, %(domain)s, %(prompt_hash)s, %(input_tokens)s, %(models)s,
    %(orchestration)s, %(orchestration)s, %(output_tokens)s, %(latency)s, %(cost)s, %(steps)s, %(details)s, %(status)s,
    %(confidence)s, %(agreement)s, %(epistemic)s, %(streamed)s, %(rehearsal)s)
ON CONFLICT (tenant_id, output_id) DO UPDATE SET status = excluded.status, total_cost = excluded.total_cost,
    total_latency_ms = excluded.total_latency_ms, step_details = excluded.step_details
"""
