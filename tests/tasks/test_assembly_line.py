"""A line of documents: gates, the order of files, and what a run of the tests says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.assembly_line import (
    all_passed,
    cases_of,
    faulty_files,
    file_of,
    gate_design,
    gate_file,
    gate_passed,
    gate_tasks,
    gate_tests,
    handed_over,
    needed_files,
    revised_files,
    run_report,
    tasks_in_order,
)
from tasks.functions import Refuse
from tasks.reply import Reply, failed, reply

NAMES = ["a", "b", "c", "d"]
PRD = [reply(data={"requirements": [{"id": "R1", "text": ""}, {"id": "R2", "text": ""}]})]


def design(*paths: str) -> Reply:
    files = [{"path": p, "purpose": "", "requirements": ["R1", "R2"]} for p in paths]
    return reply(data={"files": files, "interfaces": []})


def tasks(needs: dict[str, list[str]]) -> Reply:
    rows = [{"file": f, "depends_on": d, "requirements": ["R1", "R2"]} for f, d in needs.items()]
    return reply(data={"tasks": rows})


def suite(**codes: str) -> Reply:
    return reply(data={"tests": [{"requirement": r, "code": c} for r, c in codes.items()]})


def ran(case: Reply, passed: object, *, ok: bool = True, text: str = "") -> Reply:
    return reply(text, key=case.key, data={"ok": ok, "values": {"passed": passed}})


def file(name: str, *ids: str) -> Reply:
    return reply("x = 1", key=name, data={"requirements": list(ids), "problems": []})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, "zz"]), max_size=4), max_size=4))
def test_every_file_comes_once_and_after_what_it_is_shown(needs: dict[str, list[str]]) -> None:
    rows = tasks({f"{f}.py": [f"{d}.py" for d in deps] for f, deps in needs.items()})
    items = tasks_in_order([rows], [design(*(f"{n}.py" for n in NAMES))])
    keys = [i.key for i in items]
    assert sorted(keys) == [f"{n}.py" for n in NAMES]
    assert all(keys.index(d) < keys.index(i.key) for i in items for d in i.data()["depends_on"])


def test_without_a_cycle_all_dependencies_are_kept() -> None:
    needs = {"a.py": ["b.py", "c.py"], "b.py": ["c.py"], "c.py": []}
    items = {i.key: i for i in tasks_in_order([tasks(needs)], [design(*needs)])}
    assert {k: i.data()["depends_on"] for k, i in items.items()} == needs
    assert [f.key for f in needed_files([items["a.py"]], [file("c.py"), file("x.py")])] == ["c.py"]


@pytest.mark.parametrize("path", ["../a.py", "/a.py", "a.txt", "a b.py", "", "a//b.py"])
def test_a_path_that_is_no_module_does_not_pass(path: str) -> None:
    assert not gate_passed([gate_design(PRD, [design(path)])])
    assert gate_passed([gate_design(PRD, [design("app/a_1.py")])])
    with pytest.raises(Refuse, match="no Python module"):
        tasks_in_order([], [design(path)])


def test_an_unknown_dependency_does_not_pass() -> None:
    gate = gate_tasks(PRD, [design("a.py")], [tasks({"a.py": ["b.py"]})])
    assert gate.data()["problems"] == ["a.py depends on b.py, which has no task"]


def test_the_repaired_document_goes_on_if_there_is_one() -> None:
    first, second = reply("1"), reply("2")
    assert handed_over([first], [second], "x") == second
    assert handed_over([first], [failed("down")], "x") == first
    with pytest.raises(Refuse, match="the x gave no document: down"):
        handed_over([failed("down")], [], "x")


def test_a_file_that_could_not_be_had_is_empty_and_says_so() -> None:
    task = [reply(key="a.py", data={"requirements": ["R1"], "depends_on": []})]
    made = file_of(task, [failed("down")], [])
    assert (made.ok, made.text, made.data()["problems"]) == (True, "", ["it could not be had: down"])
    assert gate_passed([gate_file(task, [reply('"""R1."""')])])
    assert not gate_passed([gate_file(task, [reply('"""R11."""')])])


def test_a_requirement_without_a_usable_test_is_untested() -> None:
    tests = [suite(R1="assert f()", R3="assert 1")]
    assert gate_tests(PRD, tests).data()["problems"] == [
        "requirement R2 is not covered",
        "there is no requirement R3",
    ]
    cases = cases_of(PRD, tests, seed=7)
    assert [(c.key, c.ok) for c in cases] == [("R1", True), ("R2", False)]
    run = run_report(cases, [ran(cases[0], cases[0].data()["mark"])], [])
    assert (run.data()["passed"], run.data()["untested"]) == (["R1"], ["R2: it has no test"])
    assert all_passed([run])
    assert not all_passed([])


@pytest.mark.parametrize("passed", [None, "R1", True, "1 R1"])
def test_only_the_mark_says_that_a_test_passed(passed: object) -> None:
    case = cases_of(PRD, [suite(R1="assert f()")], seed=7)[0]
    assert run_report([case], [ran(case, passed)], []).data()["failed"] == ["R1"]
    assert run_report([case], [ran(case, case.data()["mark"], ok=False)], []).data()["failed"] == ["R1"]
    assert run_report([case], [failed("down", key="R1")], []).data()["failures"][0]["failure"] == "down"
    assert run_report([case], [], []).data()["failed"] == ["R1"]


@pytest.mark.parametrize(
    ("text", "named"),
    [('File "/tmp/x/./a.py", line 1', ["a.py"]), ("AssertionError", ["b.py"]), ('File "/tmp/aa.py"', ["b.py"])],
)
def test_failures_name_files_by_traceback_else_by_requirement(text: str, named: list[str]) -> None:
    case = cases_of(PRD, [suite(R1="assert f()")], seed=7)[0]
    files = [file("a.py", "R2"), file("b.py", "R1")]
    run = run_report([case], [ran(case, None, ok=False, text=text)], files)
    assert [f.key for f in faulty_files([run], files, turn=1, turns=3)] == named
    assert faulty_files([run], files, turn=3, turns=3) == []


def test_a_revision_takes_the_place_of_its_file_alone() -> None:
    files = [file("a.py"), file("b.py"), file("c.py")]
    revised = [reply("```python\ny = 2\n```", key="b.py"), reply("y = (", key="a.py"), failed("down", key="c.py")]
    assert [f.text for f in revised_files(files, revised)] == ["x = 1", "y = 2", "x = 1"]
