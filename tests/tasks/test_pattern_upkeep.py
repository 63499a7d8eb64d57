"""Upkeep of patterns: run where its test says so, once for one state of things, gone on with where it was cut off."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from tasks.calls import Spot
from tasks.functions import Refuse, pure
from tasks.memories import recall, remember
from tasks.outcomes import keep
from tasks.outcomes import recall as outcomes
from tasks.pattern_upkeep import Upkeep, find_upkeep, tend, whose
from tasks.reply import Replies, Reply, reply
from tasks.result import Result
from tasks.result import Signal as Told
from tasks.run import Run
from tasks.spec import (
    Ask,
    At,
    Call,
    Carry,
    Function,
    Graph,
    GraphSpec,
    Input,
    Loop,
    Recall,
    Remember,
    Signal,
    Step,
    Test,
    Tool,
    View,
    see,
)
from tests.conftest import as_owner
from tests.tasks.conftest import open_for
from utils.db import tenant_transaction
from utils.errors import RunFailed, SpecError, TimeUp
from utils.ledger import ledger_of
from utils.patterns import switch
from utils.runs import get_run, lease, list_runs

KIND, DIGEST = "upkeep note", "upkeep digest"
MODELS = ("rehearsal/ada",)
HERE = "tests.tasks.test_pattern_upkeep"
NOTES = Step(
    id="notes", does=Recall(store="memories", k=100, args={"kinds": [KIND], "scope": "user", "order": "latest"})
)
REGISTERED = """
INSERT INTO orchestration_pattern_categories (category_id, name, description, display_order, pattern_count)
VALUES ('toys', 'Toys', 'Toys.', 1, 1);
INSERT INTO orchestration_patterns (pattern_id, category_id, name, description, research_basis, complexity, impact,
    execution_type, parallelizable, typical_model_count, described)
VALUES ('toy', 'toys', 'Toy', 'A toy.', '', 'low', 'low', 'serial', false, 1, 'toy')
"""
CLOSED: set[str] = set()
"""Where `passes` refuses, for now."""


@pure
def enough(notes: Replies, least: int) -> bool:
    return len(notes) >= least


@pure
def passes(made: Replies) -> Reply:
    if CLOSED:
        raise Refuse("closed for now")
    return made[0].but(score=1.0)


def upkeep(*more: Step | Loop | Ask, ends: bool = True, least: int = 2) -> Upkeep:
    """Two notes are summarised and, if it `ends` them, gone."""
    ended = {"replaces": "notes"} if ends else {}
    graph = GraphSpec(
        id="toy_upkeep",
        title="",
        description="",
        blocks=(
            NOTES,
            Step(id="sum", does=Call(prompt="Sum up: {{notes}}"), sees=see("notes")),
            Step(id="passed", does=Function(fn=f"{HERE}.passes"), sees=see(made="sum")),
            Step(
                id="keep",
                does=Remember(store="memories", args={"kind": DIGEST}),
                sees=see(memories="passed", **ended),
            ),
            Step(id="tell", does=Signal(signal="tended", value=At(ref="passed", field="score"), source="toy")),
            *more,
        ),
        gives={"answer": "passed"},
    )
    return Upkeep("toy", graph, Test(fn=f"{HERE}.enough", sees=see("notes"), args={"least": least}))


@pytest.fixture
def spot(run: Run) -> Iterator[Spot]:
    yield Spot(run, "live")
    CLOSED.clear()


def note(spot: Spot, *texts: str) -> None:
    """A later run of the same user leaves these notes."""
    later = open_for(UUID(spot.run.tenant_id)).model_copy(update={"user_id": spot.run.user_id})
    remember(Spot(later, "live"), memories=[reply(t) for t in texts], kind=KIND)


def tended(spot: Spot, what: Upkeep | None = None, until: float = float("inf")) -> Result | None:
    return tend(what or upkeep(), UUID(spot.run.tenant_id), UUID(spot.run.user_id), MODELS, until)


def kept(spot: Spot, kind: str) -> list[str]:
    return [r.text for r in recall("", 100, spot, kinds=[kind], scope="user", order="latest")]


def runs(spot: Spot) -> list[tuple[str, str]]:
    found = list_runs(UUID(spot.run.tenant_id))
    return [(r.run_id, r.status) for r in reversed(found) if r.workflow == "toy_upkeep"]


def test_what_is_due_is_a_run_of_its_own_with_its_cost_and_its_signals(spot: Spot) -> None:
    note(spot, "tea at five", "cake at six")
    result = tended(spot)
    assert result
    assert (result.status, result.calls, result.rehearsal) == ("done", 1, True)
    assert kept(spot, DIGEST) == [result.answer]
    tenant, run = UUID(spot.run.tenant_id), get_run(UUID(spot.run.tenant_id), result.run_id)
    assert (run.workflow, run.status, str(run.user_id)) == ("toy_upkeep", "done", spot.run.user_id)
    assert [row.path for row in ledger_of(tenant, run.run_id)] == ["body/sum"]
    (told,) = outcomes("", 10, spot, signals=["tended"])
    assert (told.key, told.score) == ("toy", 1.0)
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT orchestration_id FROM execution_manifests WHERE run_id = %s", (run.run_id,))
        assert cursor.fetchall() == [("toy_upkeep",)], "it counts as no use of the pattern"


def test_what_is_not_due_opens_no_run(spot: Spot) -> None:
    note(spot, "one alone")
    assert tended(spot) is None
    assert runs(spot) == []


def test_done_it_is_not_due_again_until_there_is_more(spot: Spot) -> None:
    note(spot, "one", "two")
    assert tended(spot)
    assert tended(spot) is None
    note(spot, "three", "four")
    assert tended(spot)
    assert [status for _, status in runs(spot)] == ["done", "done"]


def test_the_same_state_is_tended_once_even_where_its_test_still_holds(spot: Spot) -> None:
    note(spot, "one", "two")
    assert tended(spot, upkeep(ends=False))
    assert tended(spot, upkeep(ends=False)) is None
    note(spot, "three")
    assert tended(spot, upkeep(ends=False))


def test_a_failure_is_kept_and_the_next_round_pays_nothing_twice(spot: Spot) -> None:
    note(spot, "one", "two")
    CLOSED.add("passes")
    with pytest.raises(RunFailed, match="closed for now"):
        tended(spot)
    ((first, status),) = runs(spot)
    assert status == "failed"
    CLOSED.clear()
    note(spot, "three")
    result = tended(spot)
    assert result
    assert (result.run_id, result.calls) == (first, 1), "gone on with, although there is more by now"
    assert kept(spot, KIND) == ["three"], "it saw what it saw at first"


def test_out_of_time_it_stays_under_way_and_the_next_round_goes_on(spot: Spot) -> None:
    note(spot, "one", "two")
    with pytest.raises(TimeUp):
        tended(spot, until=time.monotonic() - 1)
    ((first, status),) = runs(spot)
    assert status == "running"
    result = tended(spot)
    assert result
    assert result.run_id == first


def test_what_was_cut_off_over_a_day_ago_or_of_another_graph_is_let_be(spot: Spot) -> None:
    note(spot, "one", "two")
    with pytest.raises(TimeUp):
        tended(spot, until=time.monotonic() - 1)
    note(spot, "three")
    changed = tended(spot, upkeep(ends=False))
    assert changed
    with tenant_transaction(UUID(spot.run.tenant_id)) as cursor:
        cursor.execute("UPDATE runs SET started_at = now() - interval '25 h' WHERE status = 'running'")
    result = tended(spot)
    assert result
    assert len({r for r, _ in runs(spot)}) == 3


def test_two_at_once_run_it_once(spot: Spot) -> None:
    note(spot, "one", "two")
    together = Barrier(2)

    def one(_: int) -> Result | None:
        together.wait(10)
        return tended(spot)

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(one, range(2)))
    assert [bool(m) for m in sorted(made, key=bool)] == [False, True]
    assert [status for _, status in runs(spot)] == ["done"]


def test_another_process_at_it_leaves_nothing_to_do(spot: Spot) -> None:
    note(spot, "one", "two")
    with lease(UUID(spot.run.tenant_id), "toy_upkeep"):
        assert tended(spot) is None
    assert tended(spot)


def test_each_user_has_their_own_and_sees_nothing_of_anothers(spot: Spot) -> None:
    tenant, other = UUID(spot.run.tenant_id), uuid4()
    with tenant_transaction(tenant) as cursor:
        cursor.execute("INSERT INTO users (tenant_id, id, name) VALUES (%s, %s, 'x')", (tenant, other))
    theirs = Spot(spot.run.model_copy(update={"user_id": str(other)}), "live")
    note(spot, "mine", "mine too")
    note(theirs, "theirs")
    assert tended(spot)
    assert tended(theirs) is None
    assert (kept(theirs, KIND), kept(theirs, DIGEST), kept(spot, KIND)) == (["theirs"], [], [])


def test_a_pattern_that_the_tenant_does_not_use_is_not_tended(fresh_database: str, spot: Spot) -> None:
    tenant = UUID(spot.run.tenant_id)
    note(spot, "one", "two")
    with as_owner(fresh_database) as cursor:
        cursor.execute(REGISTERED)
    assert switch(tenant, UUID(spot.run.user_id), "toy", enabled=False)
    assert tended(spot) is None
    switch(tenant, UUID(spot.run.user_id), "toy", enabled=True)
    assert tended(spot)


def test_those_who_left_something_of_the_kinds_it_looks_for_are_tended(spot: Spot) -> None:
    here = (UUID(spot.run.tenant_id), UUID(spot.run.user_id))
    assert here not in whose(upkeep(), rehearsal=True)
    note(spot, "one")
    assert here in whose(upkeep(), rehearsal=True)
    assert here not in whose(upkeep(), rehearsal=False), "what rehearsals left is theirs alone"


def test_what_a_tenant_shares_and_what_was_signalled_belong_to_the_user_who_left_them(spot: Spot) -> None:
    here = (UUID(spot.run.tenant_id), UUID(spot.run.user_id))
    shared = replace(upkeep(), due=Test(fn=f"{HERE}.enough", sees=see("notes"), args={"least": 1}))
    remember(spot, memories=[reply("for all")], kind=KIND, scope="tenant")
    assert here in whose(shared, rehearsal=True)
    heard = Step(id="heard", does=Recall(store="outcomes", k=10, args={"signals": ["upkeep heard"]}))
    by_signal = upkeep(heard, Step(id="x", does=Remember(store="memories"), sees=see(memories="heard")))
    by_signal = replace(by_signal, due=Test(fn=f"{HERE}.enough", sees={"notes": View(ref="heard")}, args={"least": 1}))
    assert here not in whose(by_signal, rehearsal=True)
    keep(spot.run, [Told(signal_type="upkeep heard", value=1, source="it")])
    assert here in whose(by_signal, rehearsal=True)


def test_the_frames_own_tools_are_out_of_its_reach(spot: Spot) -> None:
    note(spot, "one", "two")
    deliver = Step(id="end", does=Tool(name="tasks.deliver.deliver", writes=True), sees=see(prompt="notes"))
    with pytest.raises(RunFailed, match="the frame's own tool"):
        tended(spot, upkeep(deliver))


ASKS = Ask(id="ask", question="Well?", shows=see("notes"), choices=("yes", "no"))


@pytest.mark.parametrize(
    ("pattern", "due", "said"),
    [
        ("other", {}, "its graph is 'toy_upkeep': name it 'other_upkeep'"),
        ("toy", {"sees": see(notes="sum"), "args": {"least": 1}}, "'sum', which is no Recall"),
        ("toy", {"sees": see(notes="gone"), "args": {"least": 1}}, "'gone', which is no Recall"),
        ("toy", {"sees": see("notes")}, "also needs least"),
        ("toy", {"fn": "tests.tasks.toys.in_turn", "args": {"bound": 1}}, "its test sees nothing"),
    ],
)
def test_what_could_not_run_on_its_own_does_not_construct(pattern: str, due: dict[str, Any], said: str) -> None:
    graph = upkeep().graph
    test = Test(**{"fn": f"{HERE}.enough", **due})
    with pytest.raises(SpecError, match=said):
        Upkeep(pattern, graph, test)


def test_it_takes_nothing_from_a_person() -> None:
    whole = upkeep()
    body = Graph(blocks=(ASKS,), gives={"said": "ask"})
    loop = Loop(id="loop", carries={"said": Carry(next="said")}, body=body, turns=1)
    for asks in (ASKS, loop):
        with pytest.raises(SpecError, match="asks a person"):
            replace(whole, graph=whole.graph.model_copy(update={"blocks": (NOTES, asks)}))
    with pytest.raises(SpecError, match="has inputs"):
        replace(whole, graph=whole.graph.model_copy(update={"inputs": (Input(name="prompt", help="x"),)}))


def test_a_pattern_without_one_has_none() -> None:
    assert find_upkeep("self_refine") is None
