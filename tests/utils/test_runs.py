"""Runs: opened once, resumed by their id, walked by one process at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Event
from typing import get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import as_owner
from utils.accounts import ensure_personal
from utils.db import tenant_transaction
from utils.errors import BadInput, RunBusy
from utils.runs import (
    Concluded,
    OpenRequest,
    Unfinished,
    check_run_id,
    conclude_run,
    get_run,
    heartbeat,
    lease,
    list_runs,
    new_run_id,
    open_run,
    set_status,
)


@pytest.fixture
def asked(database: str) -> OpenRequest:
    """What a new tenant's user asks for."""
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    return OpenRequest(tenant, user, "think_tank", '{"id":"x"}', '{"prompt": "secret", "agents": [1]}')


def test_a_new_run_gets_an_id_and_its_start(asked: OpenRequest) -> None:
    opened = open_run(asked)
    assert (opened.resumed, opened.status, opened.result) == (False, "running", None)
    run = get_run(asked.tenant_id, opened.run_id)
    assert (run.workflow, run.status, run.inputs) == ("think_tank", "running", '{"agents":[1],"prompt":"secret"}')
    assert run.started_at == opened.started_at
    assert open_run(asked).run_id != opened.run_id, "the same again is another run"


def test_new_ids_sort_by_time_and_pass_for_names() -> None:
    ids = [new_run_id() for _ in range(500)]
    assert len(set(ids)) == 500
    assert [i[:11] for i in ids] == sorted(i[:11] for i in ids)
    for run_id in ids:
        assert len(run_id) == 18
        check_run_id(run_id)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True))
def test_ids_of_ones_own_are_taken(run_id: str) -> None:
    check_run_id(run_id)


@pytest.mark.parametrize("run_id", ["X", "1a", "a_b", "a" * 64, "a\n", "a b", "-a", "ä"])
def test_malformed_ids_are_refused(run_id: str, asked: OpenRequest) -> None:
    with pytest.raises(BadInput, match="malformed: give a lower-case letter"):
        open_run(replace(asked, run_id=run_id))
    assert list_runs(asked.tenant_id) == ()


@pytest.mark.parametrize("status", get_args(Unfinished))
def test_what_has_not_concluded_goes_on(status: Unfinished, asked: OpenRequest) -> None:
    first = open_run(replace(asked, run_id="mine"))
    set_status(asked.tenant_id, "mine", status, error="what stopped it")
    assert get_run(asked.tenant_id, "mine").error == "what stopped it"
    reordered = '{"agents":[1],\n"prompt":"secret"}'
    again = open_run(replace(asked, run_id="mine", inputs=reordered, max_cost_usd=1.5))
    assert (again.resumed, again.status, again.result) == (True, "running", None)
    assert again.started_at == first.started_at
    run = get_run(asked.tenant_id, "mine")
    assert (run.status, run.error, run.max_cost_usd) == ("running", None, 1.5)


@pytest.mark.parametrize("status", get_args(Concluded))
def test_what_has_concluded_gives_its_result_back(status: Concluded, asked: OpenRequest) -> None:
    open_run(replace(asked, run_id="mine"))
    conclude_run(asked.tenant_id, "mine", status, '{"answer": "\\u0000 1.0"}')
    conclude_run(asked.tenant_id, "mine", "done", '{"answer": "another"}')
    set_status(asked.tenant_id, "mine", "failed", "afterwards")
    again = open_run(replace(asked, run_id="mine"))
    assert (again.resumed, again.status, again.result) == (True, status, '{"answer": "\\u0000 1.0"}')
    assert get_run(asked.tenant_id, "mine").concluded_at is not None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"workflow": "other"}, "other workflow:"),
        ({"inputs": '{"prompt": "hidden", "agents": [true]}'}, r"other inputs \(agents, prompt\):"),
        ({"inputs": '{"prompt": "secret"}'}, r"other inputs \(agents\):"),
        ({"spec": '{"id":"y"}'}, "other graph"),
    ],
)
def test_an_id_that_stands_for_something_else_is_refused(
    change: dict[str, str], named: str, asked: OpenRequest
) -> None:
    open_run(replace(asked, run_id="mine"))
    set_status(asked.tenant_id, "mine", "waiting")
    with pytest.raises(BadInput, match=named) as caught:
        open_run(replace(asked, run_id="mine", max_cost_usd=2, **change))  # type: ignore[arg-type]
    assert "secret" not in caught.value.message
    assert "hidden" not in caught.value.message
    run = get_run(asked.tenant_id, "mine")
    assert (run.status, run.max_cost_usd) == ("waiting", None)


def test_another_tenants_run_of_that_id_is_another_run(asked: OpenRequest) -> None:
    open_run(replace(asked, run_id="mine"))
    conclude_run(asked.tenant_id, "mine", "done", "{}")
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    other = open_run(replace(asked, tenant_id=tenant, user_id=user, run_id="mine", inputs="{}"))
    assert not other.resumed
    assert [r.status for r in list_runs(tenant)] == ["running"]


def test_the_same_command_goes_on_once_people_have_decided(asked: OpenRequest) -> None:
    run_id = open_run(asked).run_id
    open_review(asked, run_id, "review")
    set_status(asked.tenant_id, run_id, "waiting")
    open_review(asked, run_id, "second")
    decide(asked, "review")
    assert open_run(asked).run_id != run_id, "one is still open"
    decide(asked, "second")
    colleague = uuid4()
    with tenant_transaction(asked.tenant_id) as cursor:
        cursor.execute("INSERT INTO users (tenant_id, id, name) VALUES (%s, %s, 'x')", (asked.tenant_id, colleague))
    assert open_run(replace(asked, user_id=colleague)).run_id != run_id
    assert open_run(replace(asked, workflow="other")).run_id != run_id
    assert open_run(replace(asked, inputs="{}")).run_id != run_id
    again = open_run(asked)
    assert (again.run_id, again.resumed) == (run_id, True)
    assert open_run(asked).run_id != run_id, "it waits no more"


def test_a_waiting_run_without_a_review_is_not_gone_on_with(asked: OpenRequest) -> None:
    run_id = open_run(asked).run_id
    set_status(asked.tenant_id, run_id, "waiting")
    assert open_run(asked).run_id != run_id


def test_processes_that_open_a_run_at_once_open_one(asked: OpenRequest) -> None:
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: open_run(replace(asked, run_id="mine")), range(16)))
    assert sorted(o.resumed for o in opened) == [False] + [True] * 15
    assert len({o.started_at for o in opened}) == 1


def test_an_unknown_user_or_parent_is_one_line(asked: OpenRequest) -> None:
    with pytest.raises(BadInput, match="has no parent run gone"):
        open_run(replace(asked, parent_run_id="gone"))
    with pytest.raises(BadInput, match="has no user"):
        open_run(replace(asked, user_id=uuid4()))


def test_a_rehearsal_stays_one(asked: OpenRequest) -> None:
    open_run(replace(asked, run_id="mine", rehearsal=True))
    open_run(replace(asked, run_id="mine"))
    assert get_run(asked.tenant_id, "mine").rehearsal


def test_runs_are_listed_the_newest_first(asked: OpenRequest) -> None:
    for name in ("one", "two", "three"):
        open_run(replace(asked, run_id=name))
    conclude_run(asked.tenant_id, "two", "done", "{}")
    assert [r.run_id for r in list_runs(asked.tenant_id)] == ["three", "two", "one"]
    assert [r.run_id for r in list_runs(asked.tenant_id, status="running", limit=1)] == ["three"]
    assert [r.run_id for r in list_runs(asked.tenant_id, status="done", user_id=asked.user_id)] == ["two"]
    assert list_runs(asked.tenant_id, user_id=uuid4()) == ()


def test_an_unknown_run_gets_the_nearest_ids(asked: OpenRequest) -> None:
    open_run(replace(asked, run_id="mine"))
    with pytest.raises(BadInput, match="unknown run 'mime': did you mean mine"):
        get_run(asked.tenant_id, "mime")
    with pytest.raises(BadInput, match="unknown run"):
        set_status(asked.tenant_id, "mime", "failed")


@pytest.mark.usefixtures("asked")
def test_a_lease_is_one_process_at_a_time() -> None:
    tenant = uuid4()
    with lease(tenant, "mine"):
        with pytest.raises(RunBusy, match="under way in another process"), lease(tenant, "mine", wait=0.01):
            pass
        with lease(tenant, "other", wait=0.01), lease(uuid4(), "mine", wait=0.01):
            pass
    with lease(tenant, "mine", wait=0.01):
        pass


@pytest.mark.usefixtures("asked")
def test_a_killed_process_leaves_its_lease() -> None:
    tenant = uuid4()
    with holding(tenant, "mine") as process:
        with pytest.raises(RunBusy), lease(tenant, "mine", wait=0.01):
            pass
        process.kill()
        with lease(tenant, "mine", wait=10):
            pass


def test_a_heartbeat_shows_life_until_it_ends(asked: OpenRequest) -> None:
    run_id = open_run(asked).run_id
    with tenant_transaction(asked.tenant_id) as cursor:
        cursor.execute("UPDATE runs SET alive_at = '2001-01-01'")
    with heartbeat(asked.tenant_id, run_id, every=0.005):
        first = alive_after(asked, run_id, get_run(asked.tenant_id, run_id).started_at)
        alive_after(asked, run_id, first)
    last = get_run(asked.tenant_id, run_id).alive_at
    assert get_run(asked.tenant_id, run_id).alive_at == last


def test_a_heartbeat_outlives_a_database_that_is_away(
    asked: OpenRequest, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = open_run(asked).run_id
    with heartbeat(asked.tenant_id, run_id, every=0.005):
        with as_owner(database) as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone() != (0,)
            cursor.execute("SELECT clock_timestamp()")
            (cut,) = cursor.fetchone() or (None,)
        assert isinstance(cut, datetime)
        alive_after(asked, run_id, cut)


def alive_after(asked: OpenRequest, run_id: str, moment: datetime) -> datetime:
    """The first sign of life after a moment; within ten seconds."""
    for _ in range(2000):
        alive = get_run(asked.tenant_id, run_id).alive_at
        if alive > moment:
            return alive
        Event().wait(0.005)
    raise AssertionError("no sign of life")


def open_review(asked: OpenRequest, run_id: str, path: str) -> None:
    with tenant_transaction(asked.tenant_id) as cursor:
        cursor.execute(
            "INSERT INTO reviews (tenant_id, run_id, path, reason, shown) VALUES (%s, %s, %s, 'asked', 'text')",
            (asked.tenant_id, run_id, path),
        )


def decide(asked: OpenRequest, path: str) -> None:
    with tenant_transaction(asked.tenant_id) as cursor:
        cursor.execute(
            "UPDATE reviews SET status = 'decided', decision = 'approve', resolved_by = %s, resolved_at = now() "
            "WHERE path = %s",
            (asked.user_id, path),
        )


@contextmanager
def holding(tenant: UUID, run_id: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds a lease until it is killed."""
    command = [sys.executable, "-c", HOLD, str(tenant), run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline()) == "held"
            yield process
        finally:
            process.kill()


HOLD = """
import sys
from uuid import UUID
from utils.runs import lease
with lease(UUID(sys.argv[1]), sys.argv[2]):
    print('"held"', flush=True)
    sys.stdin.read()
"""
