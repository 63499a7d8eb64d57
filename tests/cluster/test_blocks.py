"""Every kind of block on a real Flyte backend, in the service or as pods: the same graphs, node ids and right end."""

import json
import os
from html import unescape
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tasks.result import Result
from tasks.run import Run
from tasks.trace import traces
from tests.cluster.conftest import Execution, Launch
from utils.accounts import ensure_personal
from utils.ledger import ledger_of
from utils.reviews import reviews_of
from utils.runs import get_run
from utils.settings import settings

pytestmark = pytest.mark.cluster
QUESTION = ("--prompt", "Is 17 a prime number?")
FRAME = {"open", "lessons", "settle", "conclude", "learn", "deliver", "outputs"}
ENDS = {"start-node", "end-node"}


def tenant() -> UUID:
    return settings().tenant_id


def result_of(execution: Execution, of: UUID | None = None) -> Result:
    """The result that the run has in the database; its id is the execution's."""
    run = get_run(of or tenant(), execution.name)
    assert run.status == "done"
    return Result.model_validate_json(run.result or "")


@pytest.mark.parametrize(
    ("pattern", "blocks"),
    [
        ("consensus_voting", {"panel", "vote", "finals", "pairs", "same", "count"}),  # Step, Fan, Use
        ("self_refine", set()),  # Loop
        ("chain_of_verification", set()),  # Each
        ("ai_judge", {"sides"}),  # Choose, and Use within it
    ],
)
def test_a_pattern_ends_right_with_its_blocks_as_nodes(launch: Launch, pattern: str, blocks: set[str]) -> None:
    execution = launch("workflows/catalogue.py", pattern, *QUESTION)
    nodes = set(execution.finish().node_executions)
    assert FRAME | {f"body-{b}" for b in blocks} <= nodes
    result = result_of(execution)
    assert result.answer
    assert result.rehearsal
    assert {r.state for r in ledger_of(tenant(), execution.name)} == {"settled"}


def made_by(launch: Launch, pattern: str, *words: str) -> dict[str, list[str]]:
    """What a run of a tenant without lessons gives, which another would give again."""
    fresh, user = uuid4(), uuid4()
    ensure_personal(fresh, user)
    who = ("--tenant_id", str(fresh), "--user_id", str(user))
    execution = launch("workflows/catalogue.py", pattern, *QUESTION, *who, *words)
    nodes = execution.finish().node_executions
    result = result_of(execution, fresh)
    run = Run(tenant_id=str(fresh), user_id=str(user), run_id=execution.name, workflow=pattern)
    return {
        "nodes": sorted(nodes),
        "paths": sorted(t.path for t in traces(run) if t.kind in ("step", "fan")),
        "replies": [result.answer, *(r.text for r in result.replies)],
    }


@pytest.mark.service
@pytest.mark.parametrize("pattern", ["self_refine", "chain_of_verification"])
def test_both_grains_make_the_same_of_the_same_graph(launch: Launch, pattern: str) -> None:
    """Its blocks at the same paths, in one node or in a node each."""
    assert made_by(launch, pattern, "--grain", "auto") == made_by(launch, pattern, "--grain", "node")


@pytest.mark.pods
def test_pods_and_the_service_make_the_same_of_the_same_graph(launch: Launch) -> None:
    """Run once with a service and once without: who comes second finds what the first one made."""
    made = made_by(launch, "consensus_voting")
    kept = Path(os.environ["CLUSTER_RADIANT_HOME"]) / "consensus_voting.json"
    if kept.exists():
        assert json.loads(kept.read_text()) == made
    kept.write_text(json.dumps(made))


@pytest.mark.pods
def test_the_main_job_stops_for_a_person_and_goes_on_by_signal(launch: Launch) -> None:
    """Use at run time, Loop with Ask, Ask: @dynamic with a gate, signalled once through the API."""
    secret = "Is 17 prime? Answer to jane.roe@example.org."
    execution = launch("workflows/think_tank.py", "think_tank", "--prompt", secret, "--require_approval")
    execution.until(lambda: "settle@1/review" in execution.open_gates(), "the gate")
    (review,) = reviews_of(tenant(), execution.name)
    assert "jane.roe@example.org" not in review.shown
    assert "[EMAIL 1]" in review.shown
    before = {r.path for r in ledger_of(tenant(), execution.name)}
    execution.signal("settle@1/review", "approve")
    ended = execution.finish()
    assert ENDS | FRAME | {"body"} == set(ended.node_executions) | ENDS
    assert {r.path for r in ledger_of(tenant(), execution.name)} == before
    result = result_of(execution)
    assert result.decision is not None
    assert result.decision.resolution == "approve"
    assert result.answer.partition("\n")[0] in unescape(execution.deck("outputs"))
    assert ended.outputs is not None
    assert json.loads(ended.outputs.get("result", as_type=Result).model_dump_json()) == json.loads(
        result.model_dump_json()
    )


def test_a_text_is_asked_for_by_a_second_gate(launch: Launch) -> None:
    execution = launch("workflows/think_tank.py", "think_tank", *QUESTION, "--require_approval")
    execution.until(lambda: "settle@1/review" in execution.open_gates(), "the gate")
    execution.signal("settle@1/review", "edit")
    execution.until(lambda: "settle@1/review/text" in execution.open_gates(), "the gate for the text")
    execution.signal("settle@1/review/text", "Yes, says a person.")
    execution.finish()
    assert result_of(execution).answer == "Yes, says a person."


def test_a_second_turn_asks_under_a_name_of_its_own(launch: Launch) -> None:
    """Three stages, one of them reworked: four decisions, none of which opens on an old answer."""
    execution = launch("workflows/catalogue.py", "stage_gate_approval", "--prompt", "Plan a bakery.")
    answered: list[str] = []
    texts = 0

    def decide() -> bool:
        nonlocal texts
        for gate in sorted(execution.open_gates() - set(answered)):
            if gate.endswith("/text"):
                execution.signal(gate, "Tighter, please.")
                texts += 1
            else:
                execution.signal(gate, "rework" if not answered else "go")
            answered.append(gate)
        return execution.fetch().is_done

    execution.until(decide, "the last gate")
    execution.finish()
    decisions = [r.decision for r in reviews_of(tenant(), execution.name)]
    assert decisions == ["rework", "go", "go", "go"]
    assert len(set(answered)) == len(answered)
