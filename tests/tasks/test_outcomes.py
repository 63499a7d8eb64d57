"""Outcomes: signals of many runs as means of their sources, and a Fan that signals each of what it used."""

from uuid import UUID, uuid4

import pytest

from tasks.calls import Spot
from tasks.outcomes import LATEST, keep, recall
from tasks.reply import Replies
from tasks.result import Signal as Told
from tasks.run import Run
from tasks.spec import At, Fan, GraphSpec, Input, Recall, Signal, Step
from tasks.tools import MOST_SOURCE, signals_of
from tests.tasks.conftest import Give, open_for
from utils.db import tenant_transaction
from utils.errors import RunFailed

SKILL = "skill_success"
ITEMS = Input(name="used", type="items", help="What was used, with how it went.", default=[])
TELLS = GraphSpec(
    id="tells",
    title="",
    description="",
    inputs=(ITEMS,),
    blocks=(
        Fan(
            id="tell",
            over="used",
            does=Signal(signal=SKILL, value=At(ref="item", field="went"), source=At(ref="item", field="key")),
            at_most=100,
        ),
        Step(id="seen", does=Recall(store="outcomes", k=1000, args={"signals": [SKILL]})),
    ),
    gives={"told": "tell", "seen": "seen"},
)


@pytest.fixture
def spot(run: Run) -> Spot:
    return Spot(run, "look")


def told(spot: Spot, *values: tuple[str, float], name: str = SKILL) -> None:
    """A later run of the same tenant ends with these signals."""
    run = open_for(UUID(spot.run.tenant_id))
    keep(run, [Told(signal_type=name, value=value, source=source) for source, value in values])


def means(spot: Spot, *names: str, k: int = 1000) -> dict[str, float | None]:
    return {r.key: r.score for r in recall("", k, spot, signals=names or [SKILL])}


def test_each_source_has_its_uses_its_mean_and_its_latest_values(spot: Spot) -> None:
    told(spot, ("sort", 1.0), ("parse", 0.0))
    told(spot, ("sort", 0.5))
    newest, other = recall("", 10, spot, signals=[SKILL])
    assert (newest.key, newest.score, other.key, other.score) == ("sort", 0.75, "parse", 0.0)
    seen = newest.data()
    assert (seen["signal"], seen["source"], seen["uses"], seen["mean"]) == (SKILL, "sort", 2, 0.75)
    assert seen["latest"] == [0.5, 1.0], "the newest first"
    assert seen["at"] > other.data()["at"]


def test_of_many_values_the_latest_are_given_and_all_are_counted(spot: Spot) -> None:
    for n in range(LATEST + 2):
        told(spot, ("sort", n / 100))
    (only,) = recall("", 10, spot, signals=[SKILL])
    assert only.data()["uses"] == LATEST + 2
    assert only.data()["latest"] == [n / 100 for n in range(LATEST + 1, 1, -1)]


def test_only_the_names_that_are_asked_for_are_read_and_several_stay_apart(spot: Spot) -> None:
    told(spot, ("sort", 1.0))
    told(spot, ("sort", 0.0), name="speed")
    told(spot, ("sort", 0.5), name="beauty")
    assert means(spot) == {"sort": 1.0}
    assert means(spot, SKILL, "speed") == {f"{SKILL} · sort": 1.0, "speed · sort": 0.0}
    assert means(spot, "nothing") == {}


def test_the_k_sources_of_the_most_recent_signals_are_given(spot: Spot) -> None:
    for name in ("old", "middle", "new"):
        told(spot, (name, 1.0))
    assert list(means(spot, k=2)) == ["new", "middle"]


def test_another_tenant_sees_nothing(spot: Spot) -> None:
    told(spot, ("sort", 1.0))
    assert means(Spot(open_for(uuid4()), "look")) == {}


def test_rehearsals_and_real_runs_learn_apart(spot: Spot) -> None:
    told(spot, ("sort", 0.0))
    real = open_for(UUID(spot.run.tenant_id))
    keep(real, [Told(signal_type=SKILL, value=1.0, source="sort")])
    with tenant_transaction(UUID(spot.run.tenant_id)) as cursor:
        cursor.execute("UPDATE runs SET rehearsal = false WHERE run_id = %s", (real.run_id,))
    assert means(spot) == {"sort": 0.0}
    assert means(Spot(spot.run.model_copy(update={"rehearsal": False}), "look")) == {"sort": 1.0}


def test_a_persons_decision_on_a_run_bounds_its_signals_where_that_is_asked_for(spot: Spot) -> None:
    told(spot, ("good", 1.0), ("bad", 0.0))
    decided = Told(signal_type="human_decision", value=0.5, source="review")
    keep(spot.run, [Told(signal_type=SKILL, value=v, source=s) for s, v in (("good", 1.0), ("bad", 0.0))] + [decided])
    assert means(spot) == {"good": 1.0, "bad": 0.0}
    assert {r.key: r.score for r in recall("", 9, spot, signals=[SKILL], rated=True)} == {"good": 0.75, "bad": 0.0}


def test_only_reviewed_runs_or_those_of_the_same_domain_count_where_that_is_asked_for(spot: Spot) -> None:
    told(spot, ("sort", 0.0))
    assert recall("", 9, spot, signals=[SKILL], reviewed_only=True) == []
    decided = Told(signal_type="human_decision", value=1.0, source="review")
    keep(spot.run, [Told(signal_type=SKILL, value=1.0, source="sort"), decided])
    (reviewed,) = recall("", 9, spot, signals=[SKILL], rated=True, reviewed_only=True)
    assert (reviewed.score, reviewed.data()["uses"]) == (1.0, 1)
    medical = Spot(spot.run.model_copy(update={"domain": "medical"}), "look")
    assert recall("", 9, medical, signals=[SKILL], same_domain=True) == []
    assert recall("", 9, spot, signals=[SKILL], same_domain=True)[0].score == 0.5


def test_a_run_keeps_its_signals_once(spot: Spot) -> None:
    for _ in range(2):
        keep(spot.run, [Told(signal_type=SKILL, value=1.0, source="sort")])
    (only,) = recall("", 10, spot, signals=[SKILL])
    assert only.data()["uses"] == 1


def test_a_fan_signals_each_of_what_was_used_by_its_name(give: Give, run: Run) -> None:
    told(Spot(run, ""), ("sort", 1.0))
    used = [{"key": "sort", "went": 0}, {"key": "parse", "went": 1.5}]
    gave = give(TELLS, used=used)
    assert sources(gave["told"]) == {"sort": 0.0, "parse": 1.0}, "a value is cut to [0, 1]"
    assert sources(signals_of(run)) == {"sort": 0.0, "parse": 1.0}
    assert [(r.key, r.score) for r in gave["seen"]] == [("sort", 1.0)], "its own count when the run has ended"


def sources(signals: Replies) -> dict[str, float]:
    return {s.data()["source"]: s.data()["value"] for s in signals}


def test_the_source_is_cut_where_it_is_a_whole_text_and_must_be_there(give: Give) -> None:
    gave = give(TELLS, used=[{"key": "k" * 1000, "went": 1}])
    assert list(sources(gave["told"])) == ["k" * MOST_SOURCE]
    with pytest.raises(RunFailed, match="no field 'went'"):
        give(TELLS.model_copy(update={"id": "again"}), used=[{"key": "sort"}])


def test_what_it_is_a_signal_of_may_be_a_literal_and_survives_json() -> None:
    assert Signal(signal="s", value=At(ref="x")).source == "pattern"
    assert GraphSpec.from_json(TELLS.to_json()) == TELLS
