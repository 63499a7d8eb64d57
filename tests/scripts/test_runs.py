"""The list of runs, and going on with one."""

import json
from collections.abc import Callable

from tasks.result import Result
from tests.scripts.conftest import Radiant, Tenant
from utils.runs import OpenRequest, conclude_run, open_run, set_status


def test_the_latest_runs_come_first(ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    theirs.run("theirs")
    for run_id in ("one", "two", "three"):
        ours.run(run_id)
    set_status(ours.id, "two", "failed", error="quorum missed\nat 'vote'")
    headers, *rows = radiant("runs").stdout.splitlines()
    assert headers.split() == ["RUN", "STATUS", "WORKFLOW", "DOMAIN", "STARTED", "NOTE"]
    assert [row.split()[:2] for row in rows] == [["three", "running"], ["two", "failed"], ["one", "running"]]
    assert rows[1].endswith("quorum missed at 'vote'")
    assert len(radiant("runs", "--limit", "2").stdout.splitlines()) == 3
    assert [row.split()[0] for row in radiant("runs", "--status", "failed").stdout.splitlines()[1:]] == ["two"]
    assert radiant("runs", "--status", "done").stdout == "no run is done\n"


def test_runs_as_json(ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    theirs.run("theirs")
    run_id = ours.waiting()
    (run,) = json.loads(radiant("runs", "--json").stdout)
    assert (run["run_id"], run["status"], run["user_id"]) == (run_id, "waiting", str(ours.admin))
    assert run["concluded_at"] is None
    assert json.loads(radiant("runs", "--json", "--status", "done").stdout) == []


def test_no_run_yet(ours: Tenant, radiant: Radiant) -> None:
    assert radiant("runs").stdout == "no run yet\n"


def test_resuming_a_concluded_run_gives_what_it_gave(ours: Tenant, radiant: Radiant) -> None:
    for status, code in (("done", 0), ("degraded", 0), ("rejected", 4), ("blocked", 4)):
        run_id = ours.run()
        answer = "" if code else "Buy."
        result = Result.model_validate({"answer": answer, "status": status, "pattern": "x", "run_id": run_id})
        conclude_run(ours.id, run_id, result.status, result.model_dump_json())
        given = radiant("resume", run_id)
        assert given.exit_code == code
        assert given.stdout.startswith(answer)
        assert run_id in given.stdout


def test_only_its_user_and_admins_go_on_with_a_run(ours: Tenant, refused: Callable[..., str]) -> None:
    member, approver = ours.user("member"), ours.user("approver")
    run_id = ours.run(user=member)
    assert "is another user's" in refused("resume", run_id, "--user", str(approver))


def test_the_upkeep_of_a_pattern_goes_on_by_itself(ours: Tenant, refused: Callable[..., str]) -> None:
    open_run(OpenRequest(ours.id, ours.admin, "toy_upkeep", "{}", "{}", "upkeep-1"))
    assert "pyflyte run workflows/maintenance.py pattern_upkeep" in refused("resume", "upkeep-1")
