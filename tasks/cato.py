"""Cato, the safety service: checks an answer before it leaves, and a lesson before it is remembered.

A check is deterministic rules, then a judge model; the worse of the two counts. It fails closed: a check that
raised, took too long or could not be read has the risk `unknown`, which escalates to a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Literal
from uuid import UUID

from tasks.calls import Spot
from tasks.cato_claims import agreement_of, epistemic_findings, epistemic_score
from tasks.cato_judge import EPISTEMIC, ETHICAL, POLICY, STORAGE, Opinion, Question, judge
from tasks.cato_rules import (
    GATE,
    Finding,
    Policy,
    clipped,
    ethical_findings,
    policy_findings,
    policy_of,
    storage_findings,
    worst,
    worst_first,
)
from tasks.reply import Replies, Reply, Slots, canonical, ok_of
from tasks.result import Check, Risk, Verdict
from tasks.spec import OUT
from tasks.tools import frame_tool
from utils.concurrency import together
from utils.db import tenant_transaction
from utils.errors import BadInput, OverBudget, RadiantError
from utils.ledger import keyed_digest

Kind = Literal["epistemic", "ethical", "policy", "storage"]

SHOWN_OF_A_REPLY = 4_000
"""Characters of an agent's reply that the epistemic judge is shown; the answer itself is shown whole."""


@frame_tool
def gate(spot: Spot, *, prompt: Replies, answer: Replies, replies: Replies) -> Slots:
    """Cato's verdict on the answer, as the fields of one reply: the worst of three checks made side by side.

    `replies` are those of the agents from whom the answer was made. Each check is stored. OverBudget and BadInput
    are raised; all else that goes wrong escalates.
    """
    given = _Given(spot, "\n".join(r.text for r in prompt), answer[0] if answer else Reply(status="failed"), replies)
    kinds: tuple[Kind, ...] = ("epistemic", "ethical", "policy")
    jobs = [partial(_check, kind, spot, partial(_RULES[kind], given), given.answer.model) for kind in kinds]
    done = together(jobs, len(jobs))
    _store(spot, given.answer.text, done)
    verdict = combined([one.check for one in done])
    judged = [one.opinion.reply for one in done if one.opinion]
    found = Reply(
        key="cato",
        text=_in_a_line(verdict),
        score=verdict.score,
        fields=canonical(verdict.model_dump(mode="json")),
        tokens=sum(r.tokens for r in judged),
        calls=sum(r.calls for r in judged),
        cost=sum(r.cost for r in judged),
    )
    return {OUT: [found]}


def check_storage(spot: Spot, text: str) -> Check:
    """Whether a text may enter the Grimoire: only where the verdict is `pass`. Stored under the spot's path.

    OverBudget and BadInput are raised; all else that goes wrong does not pass.
    """
    done = _check("storage", spot, partial(_storage, spot, text), "")
    _store(spot, text, [done])
    return done.check


def combined(checks: Sequence[Check]) -> Verdict:
    """The worst of some checks, with the reasons of all that did not pass. No check at all is unknown."""
    ordered = worst_first(checks)
    risk = worst(c.risk_level for c in checks) if checks else "unknown"
    concerns = [c for c in ordered if c.verdict != "pass"] or ordered
    reasons = [f"{c.kind}: {reason}" for c in concerns for reason in (*c.reasons, *_unchecked(c))]
    score = next((c.score for c in checks if c.kind == "epistemic"), None)
    return Verdict(verdict=GATE[risk], risk_level=risk, score=score, reasons=reasons, checks=list(checks))


@dataclass(frozen=True)
class _Given:
    spot: Spot
    prompt: str
    answer: Reply
    replies: Replies


@dataclass(frozen=True)
class _Done:
    """A check as it is stored."""

    check: Check
    findings: list[Finding]
    opinion: Opinion | None
    latency_ms: int


_Ruled = tuple[list[Finding], Question | None]
"""What the rules found, and what a judge is still asked."""


def _check(kind: Kind, spot: Spot, rules: Callable[[], _Ruled], writer: str) -> _Done:
    started = perf_counter()
    findings: list[Finding] = []
    opinion, error = None, ""
    try:
        findings, question = rules()
        if question and worst(f.risk for f in findings) != "critical":
            opinion = judge(question, replace(spot, path=f"{_path(spot)}/{kind}", member=0, key=kind), writer=writer)
    except (OverBudget, BadInput):
        raise
    except Exception as raised:
        error = _line(raised)
    risks: list[Risk] = [f.risk for f in findings]
    if opinion:
        risks.append(opinion.risk)
    if error:
        risks.append("unknown")
    risk = worst(risks)
    check = Check(
        kind=kind,
        verdict=GATE[risk],
        risk_level=risk,
        score=_score(findings, opinion) if kind == "epistemic" and not error else None,
        reasons=list(dict.fromkeys([*(f.reason for f in findings), *(opinion.reasons if opinion else ())])),
        judge_model=opinion.reply.model if opinion else "",
        error=error,
    )
    return _Done(check, findings, opinion, round((perf_counter() - started) * 1000))


def _score(findings: list[Finding], opinion: Opinion | None) -> float:
    ruled = epistemic_score(findings)
    return ruled if opinion is None or opinion.score is None else min(ruled, opinion.score)


def _line(error: Exception) -> str:
    return clipped(error.message if isinstance(error, RadiantError) else f"{type(error).__name__}: {error}", 300)


def _unchecked(check: Check) -> list[str]:
    return [f"could not be checked: {check.error}"] if check.error else []


def _in_a_line(verdict: Verdict) -> str:
    why = f": {verdict.reasons[0]}" if verdict.reasons else ""
    more = f" (and {len(verdict.reasons) - 1} more)" if len(verdict.reasons) > 1 else ""
    return f"{verdict.verdict}, risk {verdict.risk_level}{why}{more}"


def _text(given: _Given) -> str:
    if not given.answer.ok or not given.answer.text.strip():
        raise RadiantError(f"there is no answer to check{given.answer.cause and f': {given.answer.cause}'}")
    return given.answer.text


def _epistemic(given: _Given) -> _Ruled:
    text, run = _text(given), given.spot.run
    findings = epistemic_findings(given.answer, given.replies, prompt=given.prompt, domain=run.domain, now=run.started)
    agreement = agreement_of(given.answer, given.replies)
    said = [f"{r.key or n}: {r.text[:SHOWN_OF_A_REPLY]}" for n, r in enumerate(ok_of(given.replies), 1)]
    shown = {
        "prompt": given.prompt[:SHOWN_OF_A_REPLY],
        "answer": text,
        "replies": "\n\n".join(said),
        "agreement": "not known" if agreement is None else f"{agreement:.2f}",
    }
    return findings, Question(EPISTEMIC, shown, scored=True)


def _ethical(given: _Given) -> _Ruled:
    text, domain = _text(given), given.spot.run.domain
    shown = {"prompt": given.prompt[:SHOWN_OF_A_REPLY], "answer": text, "domain": domain}
    return ethical_findings(text, domain), Question(ETHICAL, shown)


def _policy(given: _Given) -> _Ruled:
    text, run = _text(given), given.spot.run
    policy = _policy_of_tenant(UUID(run.tenant_id))
    shown = {"topics": "\n".join(policy.forbidden_topics), "answer": text}
    return policy_findings(text, run.domain, policy), Question(POLICY, shown) if policy.forbidden_topics else None


def _storage(spot: Spot, text: str) -> _Ruled:
    from utils.phi import contains_personal

    findings = storage_findings(text)
    if not findings and contains_personal(text):
        findings = [Finding("personal_data", "critical", "it holds personal data")]
    return findings, None if findings else Question(STORAGE, {"note": text, "domain": spot.run.domain})


_RULES: dict[Kind, Callable[[_Given], _Ruled]] = {"epistemic": _epistemic, "ethical": _ethical, "policy": _policy}


def _policy_of_tenant(tenant: UUID) -> Policy:
    with tenant_transaction(tenant, durable=False) as cursor:
        cursor.execute(_POLICY, (tenant,))
        found = cursor.fetchone()
    if found is None:
        raise RadiantError(f"there is no tenant {tenant}")
    return policy_of(found[0])


def _path(spot: Spot) -> str:
    return spot.path if spot.member == 0 else f"{spot.path}#{spot.member}"


def _store(spot: Spot, content: str, done: list[_Done]) -> None:
    tenant, digest = UUID(spot.run.tenant_id), keyed_digest(content)
    with tenant_transaction(tenant, durable=False) as cursor:
        for one in done:
            check = one.check
            values = {
                **check.model_dump(include={"kind", "verdict", "risk_level", "score"}),
                "tenant": tenant,
                "run": spot.run.run_id,
                "path": _path(spot),
                "digest": digest,
                "reasons": canonical(check.reasons),
                "rules": canonical([f.rule for f in one.findings]),
                "judge_model": check.judge_model or None,
                "error": check.error or None,
                "latency": one.latency_ms,
            }
            cursor.execute(_STORE, values)


_POLICY = "SELECT policy FROM tenants WHERE id = %s"
_STORE = """
INSERT INTO cato_checks (tenant_id, run_id, path, kind, content_digest, risk_level, verdict, score, reasons, rules,
    judge_model, error, latency_ms)
VALUES (%(tenant)s, %(run)s, %(path)s, %(kind)s, %(digest)s, %(risk_level)s, %(verdict)s, %(score)s, %(reasons)s,
    %(rules)s, %(judge_model)s, %(error)s, %(latency)s)
ON CONFLICT (tenant_id, run_id, path, kind) DO UPDATE SET
    content_digest = excluded.content_digest, risk_level = excluded.risk_level, verdict = excluded.verdict,
    score = excluded.score, reasons = excluded.reasons, rules = excluded.rules, judge_model = excluded.judge_model,
    error = excluded.error, latency_ms = excluded.latency_ms, created_at = now()
"""
