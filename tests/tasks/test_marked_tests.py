"""Tests with a mark: what counts as a test, and what counts as passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.marked_tests import has_passed, marked_cell, untested, wrong_python
from tasks.reply import failed, reply


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("assert f() == 1", ""),
        ("def test_a():\n    if f():\n        raise ValueError", ""),
        ("print('fine')", "it asserts nothing"),
        ("assert (", "it is no Python: SyntaxError"),
        ("# nothing", "it is no Python: it is empty"),
        ("x = '\x00'", "it is no Python: "),
    ],
)
def test_a_test_asserts_something(test: str, why: str) -> None:
    assert untested(test).startswith(why)
    assert bool(untested(test)) == bool(why)


@given(st.text(min_size=1, max_size=40))
def test_the_cell_holds_test_and_mark_as_they_are(mark: str) -> None:
    cell = marked_cell("assert 'MARK TEST'", mark)
    assert cell.endswith(f"passed = {mark!r}")
    assert "assert 'MARK TEST'" in cell
    assert wrong_python(cell) == ""


def test_only_the_mark_of_a_cell_that_came_to_its_end_counts() -> None:
    done = {"ok": True, "values": {"passed": "m"}}
    assert has_passed(reply(data=done), "m")
    assert not has_passed(reply(data=done), "other")
    assert not has_passed(reply(data={**done, "ok": False}), "m")
    assert not has_passed(reply(data={**done, "values": {}}), "m")
    assert not has_passed(failed("down"), "m")
    assert not has_passed(None, "m")
