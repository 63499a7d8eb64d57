"""What waits for a person, and what they are shown."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks.result import Result
from tests.scripts.conftest import QUESTION, Radiant, Tenant
from utils.db import tenant_transaction
from utils.reviews import Choice, decide, find_review, open_review
from utils.runs import conclude_run, set_status

LATE = "UPDATE reviews SET expires_at = now() - interval '1 minute' WHERE tenant_id = %s AND run_id = %s"


def test_the_inbox_has_all_that_waits_for_this_tenant(ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    mine, other = ours.waiting(), theirs.waiting()
    done = ours.waiting()
    review = find_review(ours.id, done, "settle@1/review")
    assert review
    decide(review, "approve", "", by=ours.admin)
    headers, *rows = radiant("inbox").stdout.splitlines()
    assert headers.split("  ")[0] == "RUN"
    assert [row.split()[:4] for row in rows] == [[mine, "settle@1/review", "general", "Approve?"]]
    assert rows[0].split("Approve?")[1].split()[0] in ("29", "30")
    assert [row.split()[0] for row in radiant("inbox", *theirs.flags).stdout.splitlines()[1:]] == [other]


@pytest.mark.parametrize(("waits", "left"), [(315_360_000.0, "no limit"), (7000.0, "1 h 5"), (-60.0, "time is up")])
def test_the_inbox_says_how_long_each_still_waits(waits: float, left: str, ours: Tenant, radiant: Radiant) -> None:
    ours.waiting(replace(QUESTION, waits=waits))
    assert left in radiant("inbox").stdout.splitlines()[1].split("Approve?")[1]


def test_a_foreign_text_cannot_act_on_the_terminal(ours: Tenant, radiant: Radiant) -> None:
    hostile = replace(QUESTION, reason="see\x1b[2J\nthis\x07", shown="safe\x1b]0;title\x07 text")
    run_id = ours.waiting(hostile)
    for printed in (radiant("inbox").stdout, radiant("show", run_id).stdout):
        assert "\x1b" not in printed
        assert "\x07" not in printed
    assert len(radiant("inbox").stdout.splitlines()) == 2


def test_a_reviewer_sees_placeholders_and_the_commands(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    printed = radiant("show", run_id).stdout
    assert "Yes, [PERSON 1] does." in printed
    assert "Lovelace" not in printed
    assert "Time left: " in printed
    assert printed.splitlines()[-4:] == [
        f"  radiant approve {run_id}",
        f'  radiant revise {run_id} --guidance "..."',
        f"  radiant edit {run_id}",
        f'  radiant reject {run_id} --reason "..."',
    ]


def test_the_commands_of_another_user_name_them(theirs: Tenant, radiant: Radiant) -> None:
    run_id = theirs.waiting()
    rest = " ".join(theirs.flags)
    assert f"  radiant approve {run_id} {rest}\n" in radiant("show", run_id, *theirs.flags).stdout


def test_other_choices_and_forms_are_decided_by_decide(ours: Tenant, radiant: Radiant) -> None:
    gate = replace(QUESTION, choices=(Choice("go"), Choice("rework", True), Choice("not now")))
    run_id = ours.waiting(gate)
    assert radiant("show", run_id).stdout.splitlines()[-3:] == [
        f"  radiant decide {run_id} go",
        f'  radiant decide {run_id} rework --text "..."',
        f"  radiant decide {run_id} 'not now'",
    ]
    form = replace(QUESTION, choices=(), form='{"type": "object"}')
    run_id = ours.waiting(form)
    printed = radiant("show", run_id).stdout
    assert 'JSON of this form: {"type": "object"}' in printed
    assert printed.splitlines()[-1] == f"  radiant decide {run_id} --answer '...'"


def test_of_several_reviews_path_shows_one(ours: Tenant, radiant: Radiant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting(path="gate[0]/ask")
    open_review(ours.id, run_id, "gate[1]/ask", replace(QUESTION, shown="the second"))
    both = radiant("show", run_id).stdout
    assert f"radiant approve {run_id} --path 'gate[0]/ask'" in both
    assert f"radiant approve {run_id} --path 'gate[1]/ask'" in both
    one = radiant("show", run_id, "--path", "gate[1]/ask").stdout
    assert "the second" in one
    assert "[PERSON 1]" not in one
    assert "did you mean gate[0]/ask" in refused("show", run_id, "--path", "gate[0]/as")


def test_a_decided_review_says_so(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    radiant("reject", run_id)
    assert f"radiant resume {run_id}" in radiant("show", run_id).stdout
    decided = radiant("show", run_id, "--path", "settle@1/review").stdout
    assert f"Review 'settle@1/review' decided: reject by {ours.admin}" in decided
    assert "radiant approve" not in decided


def test_an_overdue_review_offers_no_decision(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    with tenant_transaction(ours.id) as cursor:
        cursor.execute(LATE, (ours.id, run_id))
    printed = radiant("show", run_id).stdout
    assert "Review 'settle@1/review' expired" in printed
    assert "radiant approve" not in printed


def test_a_failed_run_says_why_and_how_to_go_on(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.run()
    set_status(ours.id, run_id, "failed", error="quorum missed at 'vote'")
    printed = radiant("show", run_id).stdout
    assert printed.splitlines() == [
        f"run {run_id} (consensus_voting, general): failed",
        "error: quorum missed at 'vote'",
        f"go on with: radiant resume {run_id}",
    ]


def test_a_concluded_run_shows_its_result_and_its_deck(ours: Tenant, radiant: Radiant) -> None:
    run_id = _concluded(ours)
    printed = radiant("show", run_id).stdout
    assert "Write to ada@example.org" in printed
    assert run_id in printed
    assert "/decks/1.html" in printed


def test_others_see_a_result_with_placeholders(ours: Tenant, radiant: Radiant) -> None:
    run_id, approver = _concluded(ours), ours.user("approver")
    printed = radiant("show", run_id, "--user", str(approver)).stdout
    assert "Write to " in printed
    assert "ada@example.org" not in printed


def test_another_tenants_run_is_unknown(ours: Tenant, theirs: Tenant, refused: Callable[..., str]) -> None:
    run_id = theirs.waiting()
    said = refused("show", run_id)
    assert f"unknown run '{run_id}'" in said
    assert "did you mean" not in said


def _concluded(tenant: Tenant) -> str:
    run_id = tenant.run()
    result = Result(
        answer="Write to ada@example.org first.", status="done", pattern="x", run_id=run_id, deck="/decks/1.html"
    )
    conclude_run(tenant.id, run_id, "done", result.model_dump_json())
    return run_id
