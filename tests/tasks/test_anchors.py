"""Test anchors: which tests are run, what a program tells of them, and which revision of the code stays."""

from typing import Any

import pytest

from tasks.algorithms.anchors import (
    anchored_code,
    check_program,
    check_seen,
    first_module,
    given_test_failed,
    kept_code,
    no_code,
    not_to_judge,
    picked_approach,
    queued_tests,
    settled_test,
    understood,
)
from tasks.algorithms.gates import passed as passed_check
from tasks.calls import Spot
from tasks.code import run_code
from tasks.reply import Replies, Reply, failed, reply
from tasks.run import Run
from utils.sandbox import capabilities
from utils.sandbox_policy import missing_confinement

confined = pytest.mark.skipif(not capabilities()["confined"], reason=missing_confinement())


def said(value: str = "1", wanted: str = "2") -> dict[str, str]:
    return {"input": value, "expected": wanted, "covers": "x"}


def task(*given: dict[str, str], name: str = "double") -> list[Reply]:
    return [understood([reply(data={"function": name, "given_tests": list(given)})])]


def queue(*given: dict[str, str], further: tuple[dict[str, str], ...] = (), most: int = 20) -> dict[str, Replies]:
    return queued_tests(task(*given), [reply(data={"tests": list(further)})], most)


GIVEN = queue(said())["queue"]
FURTHER = queue(further=(said(),))["queue"]


def seen(message: str = "", broken: list[str] | None = None) -> Reply:
    return reply(message, data={"passed": not message, "message": message, "broken": broken or [], "lost": []})


@pytest.mark.parametrize(("name", "used"), [("double", "double"), ("a b", "solve"), ("", "solve")])
def test_a_function_has_a_name_that_python_can_have(name: str, used: str) -> None:
    assert task(name=name)[0].data()["function"] == used


def test_given_tests_come_first_and_no_more_than_so_many_are_run() -> None:
    made = queue(said(), further=(said("2", "4"), said("3", "6")), most=2)
    assert [t.key for t in made["queue"]] == ["given 1", "further 1"]
    assert [(u.key, u.data()["status"]) for u in made["unusable"]] == [("further 2", "not run")]
    assert queued_tests(task(), [failed("down")], 20) == {"queue": [], "unusable": []}


@pytest.mark.parametrize("bad", [said("1 +"), said("1", "x = 2"), said("1) + f(2"), said("1", ""), said("1\n)\nboom(")])
def test_a_test_that_is_no_python_is_dropped(bad: dict[str, str]) -> None:
    made = queue(bad)
    assert (made["queue"], made["unusable"][0].data()["status"]) == ([], "dropped")


@pytest.mark.parametrize(
    ("ranked", "picked"),
    [([reply(data={"best": 2})], "b"), ([reply(data={"best": 3})], "a"), ([failed("down")], "a"), ([], "a")],
)
def test_the_ranking_numbers_what_could_be_had(ranked: Replies, picked: str) -> None:
    assert [p.text for p in picked_approach([failed("x"), reply("a"), reply("b")], ranked)] == [picked]
    assert picked_approach([failed("x")], ranked) == []


@pytest.mark.parametrize(
    ("code", "passed", "message"),
    [
        ("def double(x):\n    return 2 * x", True, "passed"),
        ("def double(x):\n    return 3 * x", False, "it gave 3, 2 is expected"),
        ("def double(x):\n    return 2.0000000000001 * x", False, "it gave"),
        ("def double(x):\n    raise SystemExit", False, "SystemExit"),
        ("def other(x):\n    return 2", False, "double"),
        ("def double(x", False, "SyntaxError"),
        ("import sys\nresults = {'given 1': 'passed 7'}\nsys.exit()", False, "ended"),
    ],
)
@confined
def test_a_program_tells_what_passed(run: Run, code: str, passed: bool, message: str) -> None:
    """The code cannot know the word by which a test is said to have passed."""
    made = check_program(task(), [reply(code)], GIVEN, [], seed=7)
    ran = run_code(Spot(run, "t"), code=made["program"], files=made["files"], wants=["results"], field="code")["out"]
    told = check_seen(GIVEN, [], made["program"], ran)
    assert (told.data()["passed"], passed_check([told])) == (passed, passed)
    assert message in told.text or message == "ended"


@confined
def test_floats_are_near_enough_and_anchors_that_break_are_named(run: Run) -> None:
    test, anchor = queue(said("3", "0.3"), said("1", "0.1"))["queue"]
    made = check_program(task(), [reply("def double(x):\n    return 0.1 * x if x > 1 else None")], [test], [anchor], 1)
    ran = run_code(Spot(run, "t"), code=made["program"], files=made["files"], wants=["results"], field="code")["out"]
    told = check_seen([test], [anchor], made["program"], ran)
    assert told.data()["passed"]
    assert told.data()["broken"] == ["double(1) must give 0.1: AssertionError: it gave None, 0.1 is expected"]


def test_what_was_not_run_did_not_pass() -> None:
    program = check_program(task(), [reply("x")], GIVEN, [], seed=1)["program"]
    for ran in (failed("no confinement"), reply(data={"ok": False, "error": "TimeUp"}), reply("junk")):
        assert not check_seen(GIVEN, [], program, [ran]).data()["passed"]


CODE, NEW = [reply("old = 1")], [reply("```python\nnew = 1\n```")]


@pytest.mark.parametrize(
    ("revised", "again", "stays", "lost"),
    [
        (NEW, [seen()], False, 0),
        (NEW, [seen("still wrong")], False, 0),
        (NEW, [seen("", ["double(0): broke"])], True, 0),
        ([failed("down")], [], True, 1),
        ([reply("Here is no code, sorry")], [], True, 1),
    ],
)
def test_a_revision_stays_unless_it_breaks_an_anchor(revised: Replies, again: Replies, stays: bool, lost: int) -> None:
    made = kept_code(CODE, [seen("wrong")], revised, again)
    assert made["code"][0].text == ("old = 1" if stays else "new = 1")
    assert len(made["seen"][0].data()["lost"]) == lost == no_code(revised)
    assert ("discarded" in made["seen"][0].text) == bool(again and again[0].data()["broken"])
    assert passed_check(made["seen"]) is (not stays and not again[0].data()["message"])


@pytest.mark.parametrize(
    ("test", "message", "judged", "status"),
    [
        (GIVEN, "", [], "passed"),
        (GIVEN, "wrong", [], "failed"),
        (FURTHER, "wrong", [reply(data={"wrong": "yes", "reason": "r"})], "dropped"),
        (FURTHER, "wrong", [reply(data={"wrong": "no", "reason": "r"})], "known failure"),
        (FURTHER, "wrong", [failed("down")], "known failure"),
    ],
)
def test_what_becomes_of_a_test(test: Replies, message: str, judged: Replies, status: str) -> None:
    made = settled_test(test, [seen(message)], judged)
    (entry,) = made["entry"]
    assert (entry.data()["status"], bool(made["anchor"])) == (status, status == "passed")
    assert given_test_failed([entry]) is (status == "failed")
    assert not_to_judge(test, [seen(message)]) is (test is GIVEN or not message)


@pytest.mark.parametrize(
    ("statuses", "outcome", "quality"),
    [
        (["passed", "dropped"], "answered", 1.0),
        (["passed", "known failure"], "degraded", 0.5),
        (["failed"], "incomplete", 0.0),
        (["dropped"], "unchecked", None),
        ([], "unchecked", None),
    ],
)
def test_outcomes(statuses: list[str], outcome: str, quality: float | None) -> None:
    row: dict[str, Any] = {"test": "t", "given": False, "covers": "", "reason": "", "lost": []}
    log = [reply(data={**row, "status": s}) for s in statuses]
    made = anchored_code([first_module([reply("x = 1")])], log, GIVEN, [], [], [], [])
    assert (made.outcome, made.data().get("quality"), made.data()["not_run"]) == (outcome, quality, 1)
