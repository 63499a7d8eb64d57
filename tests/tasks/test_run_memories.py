"""What runs remember for themselves alone: deleted with their texts, and nothing else is."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tasks import upkeep as upkeep_tasks
from tasks.calls import Spot
from tasks.memories import recall, remember
from tasks.reply import reply
from tests.tasks.conftest import open_for
from utils.db import tenant_transaction
from utils.runs import conclude_run

upkeep: Any = upkeep_tasks
"""A task is typed to give a promise; called here it gives what it made."""


def concluded(tenant: UUID, days: int) -> Spot:
    """A block of a run that ended so many days ago."""
    run = open_for(tenant)
    conclude_run(tenant, run.run_id, "done", "{}")
    with tenant_transaction(tenant) as cursor:
        cursor.execute(
            "UPDATE runs SET concluded_at = now() - make_interval(days => %s) WHERE run_id = %s", (days, run.run_id)
        )
    return Spot(run, "x")


@pytest.mark.usefixtures("fresh_database")
def test_what_old_runs_remembered_for_themselves_goes_and_nothing_else() -> None:
    places = [(concluded(t, 31), concluded(t, 29)) for t in (uuid4(), uuid4())]
    notes = [reply("a note")]
    for old, young in places:
        remember(young, memories=notes, kind="note", scope="run")
        remember(old, memories=notes, kind="note", scope="run")
        remember(replace(old, path="y"), memories=notes, kind="note", scope="user")
        remember(replace(old, path="z"), memories=notes, kind="note", scope="session", session=[reply("s")])
    assert upkeep.clean_up().memories == 2
    for old, young in places:
        assert len(recall("a note", 9, young, kinds=["note"], scope="run")) == 1
        assert recall("a note", 9, old, kinds=["note"], scope="run") == []
        assert len(recall("a note", 9, old, kinds=["note"], scope="user")) == 1
        assert len(recall("a note", 9, old, kinds=["note"], scope="session", session=[reply("s")])) == 1
    assert upkeep.clean_up().memories == 0
