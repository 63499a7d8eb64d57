"""Deductions: total over any text, gated by numbers alone, votes by index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.deduction import (
    all_valid,
    deduction,
    first_bad,
    gated_steps,
    judged_steps,
    lines_before,
    no_redoing,
    rebuilt,
    to_verify,
)
from tasks.reply import Replies, failed, reply

LINES = st.lists(
    st.builds(
        lambda n, why, text: f"#{n} ({why}) {text}",
        st.integers(1, 9),
        st.sampled_from(["premise", "by #1", "by #1, #2", "by #7", "by none"]),
        st.sampled_from(["a", "b c"]),
    ),
    max_size=9,
).map("\n".join)


def votes(*said: str) -> Replies:
    return [
        failed("late", at=[0, n]) if s == "lost" else reply(at=[0, n], data={"verdict": s, "reason": s})
        for n, s in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("line", "number", "premise", "cites"),
    [
        ("#1 (premise) x", 1, True, []),
        ("**#3 (by #1, #2)** x", 3, False, [1, 2]),
        ("- #3. (By 1 and 2): x", 3, False, [1, 2]),
    ],
)
def test_lines_are_read_with_their_usual_markup(line: str, number: int, premise: bool, cites: list[int]) -> None:
    (read,) = deduction([reply(line)])
    assert (read.key, read.text) == (f"#{number}", "x")
    assert read.data() == {"number": number, "premise": premise, "cites": cites}


def test_what_follows_a_line_belongs_to_it_and_what_comes_before_does_not() -> None:
    assert [c.text for c in deduction([reply("Preface\n#1 (premise) a\nmore\n\n#1 (premise) again")])] == ["a more"]
    assert deduction([]) == deduction([failed("late")]) == deduction([reply("nothing numbered")]) == []


@given(LINES)
def test_only_steps_that_cite_earlier_lines_are_verified(text: str) -> None:
    chain = deduction([reply(text)])
    numbers = {c.data()["number"] for c in chain}
    steps = gated_steps(chain, most=20)
    assert steps, "a chain without steps lacks one"
    for step in to_verify(steps):
        cites = step.data()["cites"]
        assert cites
        assert all(n in numbers and n < step.data()["number"] for n in cites)
    assert not all_valid(judged_steps(steps, []))


@given(LINES)
def test_rebuilding_keeps_what_stands_before_the_bad_step(text: str) -> None:
    chain = deduction([reply(text)])
    bad = [first_bad(judged_steps(gated_steps(chain, most=20), []))]
    before = lines_before(chain, bad)
    assert rebuilt(chain, before, bad, []) == chain
    made = rebuilt(chain, before, bad, [reply("#50 (by #1) NEW")])
    assert made[:-1] == before
    assert (made[-1].text, made[-1].data()["premise"]) == ("NEW", False)
    assert len({m.key for m in made}) == len(made)


@given(st.lists(st.sampled_from(["supported", "refuted", "unknown", "lost"]), max_size=3))
def test_a_step_is_valid_by_two_votes(said: list[str]) -> None:
    steps = gated_steps(deduction([reply("#1 (premise) a\n#2 (by #1) b")]), most=20)
    (judged,) = judged_steps(steps, votes(*said))
    assert judged.data()["valid"] is (said.count("supported") >= 2)
    assert len(judged.data()["lost"]) == said.count("lost")
    assert bool(judged.data()["reason"]) is not judged.data()["valid"]


def test_steps_beyond_the_bound_are_not_accepted() -> None:
    chain = deduction([reply("#1 (premise) a\n" + "\n".join(f"#{n} (by #1) b" for n in range(2, 6)))])
    assert len(to_verify(gated_steps(chain, most=3))) == 3


def test_the_last_turn_redoes_nothing() -> None:
    bad = judged_steps(gated_steps([], most=20), [])
    assert [no_redoing(bad, turn, turns=3) for turn in (1, 2, 3)] == [False, False, True]
