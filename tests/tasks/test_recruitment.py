"""A recruited team: its size, who stays, what a draft asks to be done, and which draft is the best."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.recruitment import (
    action_of,
    apart,
    attempt,
    best_draft,
    blocking_issues,
    draft_call,
    draft_code,
    evaluation,
    good_enough,
    recruited,
    team_tools,
)
from tasks.functions import Refuse
from tasks.reply import Reply, failed, reply

ROLES = list("abcdefgh")
TOOLS = [reply("calculator", key="calculator", data={"name": "calculator", "arguments": {}})]


def offer(*roles: str, tools: tuple[str, ...] = ()) -> Reply:
    return reply(data={"members": [{"role": r, "expertise": "", "why": "", "tools": list(tools)} for r in roles]})


def verdict(score: int | None, *criticised: str) -> Reply:
    judged = failed("down") if score is None else reply(data={"score": score, "advice": "", "criticised": criticised})
    return evaluation([judged], turn=1)


def draft(score: float | None, text: str = "d") -> Reply:
    return attempt([reply(text)], [], [reply(score=score)], [], turn=1)[0]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(ROLES), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(ROLES), max_size=5),
    st.lists(st.sampled_from(ROLES), max_size=5),
)
def test_whoever_was_not_criticised_stays(first: list[str], offered: list[str], blamed: list[str]) -> None:
    team = recruited([], [offer(*first)], [], [], TOOLS)
    after = recruited(team, [offer(*offered)], [verdict(3, *blamed)], [], TOOLS)
    keys = [m.key for m in after]
    new = set(offered) - set(first)
    assert [k for k in first if k not in blamed] == [k for k in keys if k in first and k not in blamed]
    assert 2 <= len(keys) == len(set(keys)) <= 5
    assert set(keys) - set(first) <= new
    assert bool(new & set(keys)) == bool(new and set(first) & set(blamed))


def test_without_anyone_there_is_no_team() -> None:
    with pytest.raises(Refuse, match="not 1"):
        recruited([], [offer("a")], [], [], TOOLS)
    with pytest.raises(Refuse, match="down"):
        recruited([], [failed("down")], [], [], TOOLS)


def test_members_get_models_in_turn_and_known_tools_only() -> None:
    models = apart([reply("m1"), reply("m2"), reply("m3")])
    team = recruited([], [offer("a", "b", "c", tools=("calculator", "bomb"))], [], models["team"], TOOLS)
    assert [m.data()["model"] for m in team] == ["m1", "m2", "m1"]
    assert team[0].data()["tools"] == ["calculator"]
    assert [t.key for t in team_tools(team, TOOLS)] == ["calculator"]
    assert [r.text for r in models["evaluator"]] == ["m3"]
    assert apart([reply("m1")])["team"][0].text == apart([reply("m1")])["evaluator"][0].text == "m1"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("words", "nothing"),
        ("```json\n{}\n```", "nothing"),
        ("```python\nx\n```", "code"),
        ("```tool\n{}\n```", "tool"),
        ("```tool\n{}\n```\n```py\nx\n```", "code"),
    ],
)
def test_what_a_draft_asks_to_be_done(text: str, action: str) -> None:
    assert action_of([reply(text)]) == action
    assert action_of([failed("down")]) == action_of([]) == "nothing"


def test_code_and_call_are_taken_out_of_a_draft() -> None:
    assert draft_code([reply("a\n```python\nx = 1\n```\nb")]).data()["code"] == "x = 1\n"
    call = draft_call([reply('```tool\n{"tool": "calculator", "args": {}}\n```')], TOOLS)
    assert (call.data()["valid"], call.data()["tool"]) == (True, "calculator")
    assert not draft_call([reply("```tool\nnonsense\n```")], TOOLS).data()["valid"]


def test_only_blocks_with_an_issue_count() -> None:
    given = [("AGREE", "x"), ("BLOCK", " "), ("BLOCK", "why")]
    reviews = [reply(data={"verdict": v, "issue": i}) for v, i in given]
    assert [r.text for r in blocking_issues([*reviews, failed("down")])] == ["why"]


@pytest.mark.parametrize(("score", "enough"), [(8, True), (10, True), (7, False), (None, False)])
def test_when_a_draft_is_good_enough(score: int | None, enough: bool) -> None:
    assert good_enough([verdict(score)], 8) == enough
    assert not good_enough([], 8)


@given(st.lists(st.one_of(st.none(), st.integers(0, 10)), min_size=1, max_size=3))
def test_the_best_score_wins_and_the_earlier_of_equal_ones(scores: list[int | None]) -> None:
    drafts = [draft(s, f"d{n}") for n, s in enumerate(scores)]
    best = best_draft(drafts, [], [], 8)
    known = [s for s in scores if s is not None]
    assert best.text == (f"d{scores.index(max(known))}" if known else f"d{len(scores) - 1}")
    assert best.outcome == ("unchecked" if not known else "answered" if max(known) >= 8 else "incomplete")
