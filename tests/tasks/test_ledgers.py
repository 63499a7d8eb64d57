"""Two ledgers: who can be sent, how stalls are counted, and what each is sent to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.ledgers import (
    chat_turn,
    errand,
    how_sent,
    nobody_sent,
    orchestrated,
    plan_over,
    progress_entry,
    satisfied,
    stalls,
    surfing_team,
    terminal_code,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

TEXT = {"type": "object", "properties": {"query": {"type": "string"}, "k": {"type": "integer"}, "url": {}}}
TOOLS = {n: reply(n, key=n, data={"name": n, "arguments": TEXT}) for n in ("browser", "web", "documents")}


def entry(agent: str = "coder", instruction: str = "do", *, done: bool = False, good: bool = True) -> Reply:
    said = {"satisfied": done, "in_loop": False, "progress": good, "agent": agent, "instruction": instruction}
    return progress_entry([reply(data=said)], turn=1)


@given(st.lists(st.booleans(), max_size=30))
def test_stalls_rise_by_one_and_fall_by_one_but_not_below_nothing(turns: list[bool]) -> None:
    count, stall = 0, list[Reply]()
    for good in turns:
        stall = [stalls(stall, [entry(good=good)])]
        count = max(0, count - 1) if good else count + 1
        assert stall[0].data()["count"] == count
    assert plan_over([], stall, 3) == (count >= 3)


def test_what_could_not_be_judged_is_no_progress_and_sends_nobody() -> None:
    lost = progress_entry([failed("down")], turn=1)
    assert (lost.ok, lost.data()["lost"]) == (True, "down")
    assert stalls([], [lost]).data()["count"] == 1
    assert nobody_sent([lost])
    assert chat_turn([lost], [], turn=1) == []
    assert nobody_sent([entry(done=True)])
    assert satisfied([entry(done=True)])
    assert not satisfied([])


@pytest.mark.parametrize(
    ("tools", "documents", "team"),
    [
        ([], [], ["coder", "terminal"]),
        (["browser"], [], ["web surfer", "coder", "terminal"]),
        (["web", "documents"], [reply("d")], ["web surfer", "file surfer", "coder", "terminal"]),
        (["documents"], [], ["coder", "terminal"]),
    ],
)
def test_the_team_is_who_can_do_something(tools: list[str], documents: Replies, team: list[str]) -> None:
    assert [m.key for m in surfing_team([TOOLS[t] for t in tools], documents)] == team


@pytest.mark.parametrize(
    ("agent", "instruction", "tools", "tool"),
    [
        ("web surfer", "see (https://a.example/b).", ["browser", "web"], "browser"),
        ("web surfer", "see https://a.example", ["web"], "web"),
        ("web surfer", "tides", ["browser", "web"], "web"),
        ("web surfer", "tides", ["browser"], ""),
        ("file surfer", "tides", ["documents"], "documents"),
        ("file surfer", "tides", [], ""),
    ],
)
def test_what_a_surfer_calls(agent: str, instruction: str, tools: list[str], tool: str) -> None:
    known = [TOOLS[t] for t in tools]
    call = errand([entry(agent, instruction)], surfing_team(known, [reply("d")]), known, k=5).data()
    assert (call["valid"], call["tool"]) == (bool(tool), tool)
    if tool == "browser":
        assert call["arguments"] == {"url": "https://a.example/b"}


@pytest.mark.parametrize(("agent", "body"), [("coder", "coder"), ("terminal", "terminal"), ("web surfer", "tool")])
def test_who_acts(agent: str, body: str) -> None:
    assert how_sent([entry(agent)]) == body


def test_the_terminal_runs_the_last_code_there_is() -> None:
    chat = [reply("```python\na\n```"), reply("```python\nb\n```"), reply("words")]
    assert terminal_code([entry()], chat).data()["code"] == "b"
    assert terminal_code([entry(instruction="```\nc\n```")], chat).data()["code"] == "c"
    assert terminal_code([entry()], []).data()["code"] == ""


def test_there_is_an_answer_or_what_was_found_or_the_run_fails() -> None:
    with pytest.raises(Refuse, match="nothing was found: down"):
        orchestrated([failed("down")], [], [entry()], [])
    found = orchestrated([failed("down")], [reply("found")], [entry()], [])
    assert (found.outcome, found.text.endswith("found")) == ("incomplete", True)
