"""Programs that work out an answer: their value, their comments, and what is said where there is none."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.programs import comments, computed, has_value, not_refuted, trouble, value_of
from tasks.reply import Reply, failed, reply

SOURCE = reply("```python\n# Add.\nans = 1 + 1\n```", model="one")
REFUTED = reply(data={"verdict": "refuted", "reason": "why"})


def ran(value: Any = None, *, ok: bool = True, text: str = "(no output)") -> Reply:
    return reply(text, data={"ok": ok, "values": {} if value is None else {"ans": value}})


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (ran(42), "42"),
        (ran(0), "0"),
        (ran(0.1 + 0.2), "0.30000000000000004"),
        (ran(10**30), "1" + "0" * 30),
        (ran("x**2"), "x**2"),
        (ran([1, 2]), "[1,2]"),
        (ran(False), "False"),
        (ran(), ""),
        (ran(" "), ""),
        (ran("x" * 20_001), ""),
        (ran(7, ok=False), ""),
        (failed("no confinement"), ""),
        (reply("junk"), ""),
    ],
)
def test_a_value_is_written_as_the_program_gave_it(run: Reply, text: str) -> None:
    assert [v.text for v in value_of([ran(1), run])] == ([text] if text else [])
    assert has_value([run]) is bool(text)


def test_nothing_run_has_no_value() -> None:
    assert (value_of([]), has_value([]), trouble([]).text) == ([], False, "it was not run")


def test_trouble_is_the_traceback_or_that_nothing_was_assigned() -> None:
    assert trouble([ran(ok=False, text="NameError: x")]).text == "NameError: x"
    assert "`ans`" in trouble([ran()]).text
    assert trouble([failed("no confinement")]).text == "no confinement"


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab1 #", max_size=8), max_size=6))
def test_every_comment_is_read_in_order(texts: list[str]) -> None:
    source = "\n".join(f"x = '# no'  # {t}" for t in texts)
    stripped = [t.strip("# ") for t in texts]
    assert comments(source) == [t for t in stripped if t]


@given(st.text(max_size=60))
def test_comments_of_anything_are_a_list_of_texts(source: str) -> None:
    assert all(c == c.strip() and c for c in comments(source))


@pytest.mark.parametrize(
    ("check", "again", "outcome", "ans"),
    [
        ([reply(data={"verdict": "supported", "reason": ""})], [], "answered", "2"),
        ([reply(data={"verdict": "unknown", "reason": ""})], [], "unchecked", "2"),
        ([failed("down")], [], "unchecked", "2"),
        ([REFUTED], [ran(3)], "unchecked", "3"),
        ([REFUTED], [ran(ok=False)], "undecided", "2"),
    ],
)
def test_a_refuted_value_gives_way_to_one_that_was_computed_anew(
    check: list[Reply], again: list[Reply], outcome: str, ans: str
) -> None:
    made = computed([SOURCE], [ran(2)], check, [SOURCE] if again else [], again)
    assert (made.outcome, made.data()["ans"], made.text.splitlines()[0]) == (outcome, ans, ans)
    assert not_refuted(check) is (check != [REFUTED])


def test_without_a_value_the_last_error_is_said() -> None:
    made = computed([SOURCE], [ran(ok=False, text="Traceback\nKeyError: 1")], [], [], [])
    assert (made.outcome, made.data()["ans"]) == ("incomplete", "")
    assert "- KeyError: 1" in made.text
