"""Each way to decide a review: recorded once, audited, refused where it does not fit."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.review import decided
from tests.scripts.conftest import PROGRAM, QUESTION, SHOWN, Radiant, Tenant, on_terminal
from utils.db import tenant_transaction
from utils.reviews import Choice, Review, answer_part, expire, find_review, open_review
from utils.runs import set_status

PATH = "settle@1/review"
FORM = '{"type": "object", "properties": {"votes": {"type": "integer"}}, "required": ["votes"]}'
AUDIT = "SELECT actor, action, detail FROM audit_log WHERE tenant_id = %s AND subject = %s ORDER BY id"
LATE = "UPDATE reviews SET expires_at = now() - interval '1 minute' WHERE tenant_id = %s AND run_id = %s"
SLOW_EDITOR = """
import sys
from pathlib import Path
from uuid import UUID
from utils.db import tenant_transaction

Path(sys.argv[1]).write_text("Too late.")
Path(__file__).with_name("edited").touch()
with tenant_transaction(UUID("{tenant}")) as cursor:
    cursor.execute("{late}", ("{tenant}", "{run}"))
"""
"""An editor in which the time of the review runs out."""
UNFIT_CHOICES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("approve",), "'approve' is not asked here: choose go, rework"),
    (("edit", "--text", "x"), "'edit' is not asked here"),
    (("decide",), "give a CHOICE: go, rework"),
    (("decide", "stay"), "'stay' is not asked here: choose go, rework"),
    (("decide", "rework"), "'rework' needs a text"),
    (("decide", "rework", "--text", "  "), "'rework' needs a text"),
    (("decide", "rework", "--text", "\udcff"), "the text is not UTF-8"),
    (("decide", "go", "--answer", "{}"), "this question has no form"),
    (("approve", "--path", "settle@1/revue"), "did you mean settle@1/review?"),
)
UNFIT_ANSWERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("go",), "this question has no choices"),
    ((), "give --answer with JSON of the form"),
    (("--answer", "three"), "--answer: the reply has no JSON in it; the form is {"),
    (("--answer", '{"votes": "many"}'), "$.votes"),
    (("--answer", '{"votes": 3, "note": "\\u0000"}'), "NUL"),
    (("--answer", '{"votes": 3, "note": "\\ud800"}'), "is not UTF-8"),
)
UNFIT_EDITS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "there is no terminal for an editor"),
    (("--text", "a", "--file", "b"), "not both"),
    (("--file", "/nowhere/at/all"), "cannot be read: No such file or directory"),
    (("--text", ""), "'edit' needs a text"),
)


def review_of(tenant: Tenant, run_id: str, path: str = PATH) -> Review:
    found = find_review(tenant.id, run_id, path)
    assert found
    return found


@pytest.mark.parametrize(
    ("command", "options", "text", "said"),
    [
        ("approve", (), "", "approved"),
        ("reject", (), "", "rejected"),
        ("reject", ("--reason", "wrong year"), "wrong year", "rejected"),
        ("revise", ("--guidance", "name [PERSON 1] once"), "name [PERSON 1] once", "sent back for revision"),
        ("edit", ("--text", "No, [PERSON 1] does not."), "No, [PERSON 1] does not.", "edited"),
    ],
)
def test_a_decision_is_recorded_and_audited(
    command: str, options: tuple[str, ...], text: str, said: str, ours: Tenant, radiant: Radiant
) -> None:
    run_id = ours.waiting()
    result = radiant(command, run_id, *options)
    assert result.stdout == f"run {run_id}: {said}; go on with `radiant resume {run_id}`\n"
    review = review_of(ours, run_id)
    assert (review.status, review.decision, review.text, review.resolved_by) == ("decided", command, text, ours.admin)
    with tenant_transaction(ours.id) as cursor:
        cursor.execute(AUDIT, (ours.id, run_id))
        assert cursor.fetchall() == [
            (ours.admin, "review.decided", {"path": PATH, "choice": command, "via": "radiant"})
        ]


def test_placeholders_are_restored_when_the_run_goes_on(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    radiant("edit", run_id, "--text", "No, [PERSON 1] does not.")
    assert decided(review_of(ours, run_id))["out"][0].text == "No, Ada Lovelace does not."


@pytest.mark.parametrize("stdin", [True, False])
def test_the_text_of_an_edit_may_come_from_a_file(stdin: bool, ours: Tenant, radiant: Radiant, tmp_path: Path) -> None:
    run_id, file = ours.waiting(), tmp_path / "answer.txt"
    file.write_text("Größer.\nZweite Zeile.", encoding="utf-8")
    radiant("edit", run_id, "--file", "-" if stdin else str(file), stdin=file.read_text("utf-8") if stdin else "")
    assert review_of(ours, run_id).text == "Größer.\nZweite Zeile."


def test_on_a_terminal_the_editor_opens_on_the_sanitised_answer(ours: Tenant, tmp_path: Path) -> None:
    run_id, seen, editor = ours.waiting(), tmp_path / "seen", tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {seen}\necho "No, [PERSON 1] does not." > "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    printed = on_terminal([PROGRAM, "edit", run_id], EDITOR=str(editor), VISUAL=str(editor))
    assert f"run {run_id}: edited" in printed
    assert seen.read_text().strip() == "Yes, [PERSON 1] does."
    assert review_of(ours, run_id).text == "No, [PERSON 1] does not."


def test_an_edit_that_took_too_long_decides_nothing(ours: Tenant, tmp_path: Path) -> None:
    run_id, editor = ours.waiting(), tmp_path / "editor"
    editor.write_text(f"#!{sys.executable}\n{SLOW_EDITOR.format(late=LATE, tenant=ours.id, run=run_id)}")
    editor.chmod(0o700)
    assert "has expired" in on_terminal([PROGRAM, "edit", run_id], EDITOR=str(editor), VISUAL=str(editor))
    assert review_of(ours, run_id).status == "open"
    assert (tmp_path / "edited").exists()


def test_an_editor_that_saves_nothing_decides_nothing(ours: Tenant) -> None:
    run_id = ours.waiting()
    assert "the review is still open" in on_terminal([PROGRAM, "edit", run_id], EDITOR="true", VISUAL="true")
    assert review_of(ours, run_id).status == "open"


def test_the_answer_is_found_among_what_is_shown() -> None:
    assert answer_part(SHOWN) == "Yes, [PERSON 1] does."
    assert answer_part("## answer\none\n\n## Two\nmore") == "one\n\n## Two\nmore"
    assert answer_part("## plan\nall of it") == "## plan\nall of it"


def test_generic_choices_and_forms(ours: Tenant, radiant: Radiant) -> None:
    gate = ours.waiting(replace(QUESTION, choices=(Choice("go"), Choice("rework", True))))
    assert "decided 'rework'" in radiant("decide", gate, "rework", "--text", "the budget").stdout
    assert (review_of(ours, gate).decision, review_of(ours, gate).text) == ("rework", "the budget")
    form = ours.waiting(replace(QUESTION, choices=(), form=FORM))
    answered = radiant("decide", form, "--answer", '{"votes": 3}')
    assert f"run {form}: answered;" in answered.stdout, answered.stderr
    assert json.loads(review_of(ours, form).answer) == {"votes": 3}


def test_what_does_not_fit_the_choices_is_refused(ours: Tenant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting(replace(QUESTION, choices=(Choice("go"), Choice("rework", True))))
    for (command, *rest), says in UNFIT_CHOICES:
        assert says in refused(command, run_id, *rest)
    assert review_of(ours, run_id).status == "open"


def test_what_does_not_fit_the_form_is_refused(ours: Tenant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting(replace(QUESTION, choices=(), form=FORM))
    for arguments, says in UNFIT_ANSWERS:
        assert says in refused("decide", run_id, *arguments)
    assert review_of(ours, run_id).status == "open"


def test_an_edit_without_a_text_is_refused(ours: Tenant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting()
    for options, says in UNFIT_EDITS:
        assert says in refused("edit", run_id, *options)
    assert review_of(ours, run_id).status == "open"


def test_a_file_that_is_no_text_is_refused(ours: Tenant, refused: Callable[..., str], tmp_path: Path) -> None:
    run_id, file = ours.waiting(), tmp_path / "answer"
    file.write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused("edit", run_id, "--file", str(file))
    file.write_bytes(b"a\x00b")
    assert "NUL" in refused("edit", run_id, "--file", str(file))


def test_members_do_not_decide_and_approvers_do(ours: Tenant, radiant: Radiant, refused: Callable[..., str]) -> None:
    run_id, member, approver = ours.waiting(), ours.user("member"), ours.user("approver")
    assert "your role is 'member'" in refused("approve", run_id, "--user", str(member))
    assert review_of(ours, run_id).status == "open"
    said = radiant("approve", run_id, "--user", str(approver)).stdout
    assert said == f"run {run_id}: approved; its user, or an admin, goes on with `radiant resume {run_id}`\n"
    assert review_of(ours, run_id).resolved_by == approver


def test_a_review_is_decided_once(ours: Tenant, radiant: Radiant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting()
    radiant("approve", run_id)
    assert f"the review '{PATH}' of run {run_id} is decided already (approve, 20" in refused("reject", run_id)
    assert review_of(ours, run_id).decision == "approve"


def test_of_those_who_decide_at_once_one_does(ours: Tenant) -> None:
    run_id = ours.waiting()
    commands = [[PROGRAM, name, run_id] for name in ("approve", "reject", "approve")]
    processes = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    said = [process.communicate(timeout=60) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 2, 2]
    assert all(out.count("\n") + err.count("\n") == 1 for out, err in said)
    with tenant_transaction(ours.id) as cursor:
        cursor.execute(AUDIT, (ours.id, run_id))
        assert [row[2]["choice"] for row in cursor.fetchall()] == [review_of(ours, run_id).decision]


def test_a_review_whose_time_is_up_is_not_decided(ours: Tenant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting()
    with tenant_transaction(ours.id) as cursor:
        cursor.execute(LATE, (ours.id, run_id))
    assert f"has expired: `radiant resume {run_id}`" in refused("approve", run_id)
    expire(review_of(ours, run_id))
    assert f"has expired: `radiant resume {run_id}`" in refused("approve", run_id)
    assert review_of(ours, run_id).decision == ""


def test_a_run_that_asks_nobody(ours: Tenant, refused: Callable[..., str]) -> None:
    assert "asks nobody" in refused("approve", ours.run())


def test_of_several_reviews_path_picks(ours: Tenant, radiant: Radiant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting(path="gate[0]/ask")
    open_review(ours.id, run_id, "gate[1]/ask", QUESTION)
    assert "has 2 open reviews: give --path gate[0]/ask or gate[1]/ask" in refused("approve", run_id)
    assert radiant("reject", run_id, "--path", "gate[1]/ask").stdout.endswith("; it still asks at gate[0]/ask\n")
    assert radiant("approve", run_id).stdout.endswith(f"go on with `radiant resume {run_id}`\n")
    assert [review_of(ours, run_id, f"gate[{i}]/ask").decision for i in (0, 1)] == ["approve", "reject"]


def test_a_run_under_way_is_not_said_to_need_resuming(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    set_status(ours.id, run_id, "running")
    assert radiant("approve", run_id).stdout == f"run {run_id}: approved\n"


def test_nobody_decides_for_another_tenant(ours: Tenant, theirs: Tenant, refused: Callable[..., str]) -> None:
    run_id = theirs.waiting()
    assert "unknown run" in refused("approve", run_id)
    assert review_of(theirs, run_id).status == "open"
