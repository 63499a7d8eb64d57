"""Skills: which are shown, what a program imports, what is a skill at all, and what is stored."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.skills import (
    bare_call,
    checked,
    new_skill,
    not_to_store,
    program_of,
    proof_cases,
    ranked_skills,
    skilled_answer,
    succeeded,
    used_skills,
    without_source,
)
from tasks.functions import Refuse
from tasks.reply import Reply, failed, reply


def memory(key: str, similarity: float | None, name: str = "") -> Reply:
    fields = {"name": name or key, "signature": f"def {key}(x)", "code": "x"}
    return reply("Does it.", key=key, score=similarity, data={"fields": fields})


def outcome(key: str, uses: int, mean: float) -> Reply:
    return reply(key=key, data={"uses": uses, "mean": mean})


def check(*, success: bool, judged: bool = True) -> Reply:
    return reply(data={"success": success, "judged": judged, "critique": "", "lost": ""})


def made(code: str, name: str = "double_it", **more: Any) -> Reply:
    return reply(data={"name": name, "code": code, "tests": ["assert 1", "assert 2"], **more})


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(st.floats(0, 1), st.integers(0, 9), st.floats(0, 1)),
    )
)
def test_skills_are_ranked_by_similarity_times_success_rate(known: dict[str, tuple[float, int, float]]) -> None:
    skills = ranked_skills(
        [memory(k, s) for k, (s, _, _) in known.items()],
        [outcome(k, uses, mean) for k, (_, uses, mean) in known.items() if uses],
        k=5,
        least=0.4,
    )
    products = [known[s.key][0] * s.data()["rate"] for s in skills]
    assert products == sorted(products, reverse=True)
    assert len(skills) == min(5, sum(s >= 0.4 for s, _, _ in known.values()))
    assert all(0 < s.data()["rate"] < 1 for s in skills)


def test_of_two_with_one_name_the_better_is_shown_and_junk_is_not() -> None:
    junk = reply("?", key="junk", score=1.0, data={"fields": {"name": "x"}})
    recalled = [memory("a", 0.5, "same"), memory("b", 0.9, "same"), memory("c", None), junk, failed("down")]
    assert [s.key for s in ranked_skills(recalled, [], k=5, least=0.4)] == ["b"]


@pytest.mark.parametrize(
    ("code", "bare"),
    [
        ("from add import add\nprint(add(1, 2))", True),
        ("from add import add as plus\nx = plus(1)\nfinal_answer(x)", True),
        ("import add\nprint(add.add(1))", True),
        ("from add import add\nadd(1, 2)", True),
        ("from add import add\nprint(add(1), add(2))", False),
        ("from add import add\nfor n in range(3):\n    print(add(n))", False),
        ("from add import add\nprint([add(n) for n in x])", False),
        ("from add import add\nprint(sorted(add(1)))", False),
        ("from add import add\nprint(1)", False),
        ("print(add(1))", False),
        ("not python (", False),
    ],
)
def test_a_bare_call_of_one_skill(code: str, bare: bool) -> None:
    assert bare_call(code, ["add", "mul"]) == bare


def test_what_a_program_imports_is_used_once_each() -> None:
    skills = ranked_skills([memory("a", 1.0), memory("b", 1.0)], [], k=5, least=0)
    program = [reply("import a\nfrom a import a as x\nimport json")]
    assert [(u.key, u.data()["value"]) for u in used_skills(program, skills, [check(success=False)])] == [("a", 0.0)]
    assert used_skills(program, skills, [check(success=False, judged=False)]) == []
    assert used_skills([reply("a (")], skills, [check(success=True)]) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def double_it(x):\n    return 2 * x", "double_it"),
        ("def other(x):\n    '''Doc.'''\n    return x", "double_it"),
        ("def double_it(x:\n", "double_it"),
        ("def random(x):\n    '''Doc.'''", "random"),
        ("def Double(x):\n    '''Doc.'''", "Double"),
        ("", "../x"),
    ],
)
def test_what_is_no_skill(code: str, name: str) -> None:
    assert new_skill([made(code, name)]) == []


def test_a_skill_has_its_signature_and_is_found_by_its_docstring() -> None:
    (skill,) = new_skill([made('def double_it(x: int, *, by=2):\n    """Doubles\n    x."""\n    return by * x')])
    assert (skill.text, skill.data()["signature"]) == ("Doubles x.", "def double_it(x: int, *, by=2)")
    assert new_skill([failed("down")]) == new_skill([]) == []


@pytest.mark.parametrize(
    ("passed", "similar", "stays_out"),
    [
        ([True, True], 0.5, False),
        ([True, True], None, False),
        ([True, True], 0.8, True),
        ([True, False], 0.0, True),
        ([True], 0.0, True),
    ],
)
def test_a_skill_is_stored_if_proven_and_new(passed: list[bool], similar: float | None, stays_out: bool) -> None:
    skill = new_skill([made('def double_it(x):\n    """Doc."""')])
    cases = proof_cases(skill, seed=1)
    ran = [
        reply(key=c.key, data={"ok": p, "values": {"passed": c.data()["mark"]}})
        for c, p in zip(cases, passed, strict=False)
    ]
    assert not_to_store(skill, cases, ran, [memory("m", similar)], least=0.8) == stays_out
    assert not_to_store([], [], [], [], least=0.8)


def test_success_needs_a_verdict_and_an_end_without_error() -> None:
    program, verdict = [program_of([reply("x = 1")])], [reply(data={"success": True, "critique": ""})]
    done, raised = [reply(data={"ok": True})], [reply(data={"ok": False})]
    assert succeeded([checked(program, done, verdict)])
    assert not succeeded([checked(program, raised, verdict)])
    assert not succeeded([checked(program, done, [failed("down")])])
    assert not succeeded([checked([program_of([failed("down")])], [], [])])
    assert not succeeded([])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nTraceback (most recent call last):\n  File x\n    secret\nValueError: no\n", "a\nValueError: no\n"),
        ('  File "<cell 1>", line 2\n    secret (\n          ^\nSyntaxError: no\n', "SyntaxError: no\n"),
        ("  indented\n    more\n", "  indented\n    more\n"),
    ],
)
def test_a_traceback_is_shown_without_the_program(text: str, shown: str) -> None:
    assert without_source([reply(text)], most=100).text == shown


def test_without_a_run_there_is_no_answer() -> None:
    with pytest.raises(Refuse, match="no program was run: down"):
        skilled_answer([], [checked([program_of([failed("down")])], [], [])], [], [], [])
