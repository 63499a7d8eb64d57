"""What a run gives: the Result, and the learning signals that are outputs beside it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.reply import Outcome, Reply
from utils.one_schema import OneSchema

RunStatus = Literal["done", "degraded", "waiting", "expired", "rejected", "blocked", "over_budget", "failed"]
Risk = Literal["none", "low", "medium", "high", "critical", "unknown"]
Gate = Literal["pass", "revise", "escalate", "block"]


class _Part(OneSchema, BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Part):
    """One of Cato's checks. `score` is in [0, 1], 1 the safest; None where the check has none."""

    kind: Literal["epistemic", "ethical", "policy", "storage"]
    verdict: Gate
    risk_level: Risk
    score: float | None = None
    reasons: list[str] = []
    judge_model: str = ""
    error: str = ""


class Verdict(_Part):
    """Cato's verdict on an answer: the worst of its checks."""

    verdict: Gate
    risk_level: Risk
    score: float | None = None
    """The epistemic score, in [0, 1]."""
    reasons: list[str] = []
    checks: list[Check] = []


class HumanDecision(_Part):
    """What a person decided. `original` is the answer that an edit replaced."""

    resolution: str
    guidance: str = ""
    resolved_by: str = ""
    resolved_at: str = ""
    original: str = ""


class Signal(_Part):
    """A learning signal (seed 000, neural_learning_signals); `value`, `confidence` are in [0, 1]."""

    signal_type: str
    value: float
    source: str
    confidence: float = 1.0
    weight: float = 1.0
    model: str = ""
    node: str = ""


class Result(_Part):
    """What think_tank gives. `cost` is USD, `seconds` the run's own time without waiting for people."""

    answer: str
    status: RunStatus
    confidence: float | None = None
    agreement: float | None = None
    outcome: Outcome = "answered"
    pattern: str
    models: list[str] = []
    replies: list[Reply] = []
    dissent: list[Reply] = []
    decision: HumanDecision | None = None
    verdict: Verdict | None = None
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unknown_cost_calls: int = 0
    seconds: float = 0.0
    run_id: str
    manifest_id: str = ""
    deck: str = ""
    rehearsal: bool = False
