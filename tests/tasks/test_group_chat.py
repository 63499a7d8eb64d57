"""A group chat: who may speak next, what is shown of a message, and when the chat is cut or over."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.group_chat import (
    chat_after,
    chat_members,
    chat_message,
    chat_over,
    code_of_last,
    default_members,
    next_speaker,
    older_half,
    rule_decides,
)
from tasks.reply import Reply, failed, reply

NAMES = ["ann", "bob", "cy"]
MEMBERS = chat_members([], default_members([{"name": n, "profile": n, "runs_code": n == "cy"} for n in NAMES]), [])


def message(name: str, text: str = "hi") -> Reply:
    return reply(f"{name}: {text}", key=name, data={"name": name, "message": text, "lost": ""})


@settings(deadline=None)
@given(st.lists(st.sampled_from(NAMES), max_size=12), st.text())
def test_somebody_else_speaks_next_whatever_is_picked(before: list[str], said: str) -> None:
    log = [message(n) for n in before]
    pick = next_speaker(MEMBERS, [code_of_last(log, MEMBERS)], [reply(data={"name": said})], log)
    assert pick.key in NAMES or (pick.data()["terminate"] and log)
    assert not log or pick.key != before[-1]


def test_code_of_a_run_is_not_run_again() -> None:
    fenced = "```python\nprint(1)\n```"
    assert rule_decides([code_of_last([message("ann", fenced)], MEMBERS)], MEMBERS)
    assert not rule_decides([code_of_last([message("cy", fenced)], MEMBERS)], MEMBERS)
    assert not rule_decides([code_of_last([message("ann", fenced)], MEMBERS)], MEMBERS[:2])
    assert not rule_decides([code_of_last([], MEMBERS)], MEMBERS)


def test_a_message_is_bounded_and_a_failure_is_one() -> None:
    pick = next_speaker(MEMBERS, [code_of_last([], MEMBERS)], [], [])
    (made,) = chat_message([pick], [reply("x" * 50)], turn=3, most=10)
    assert (made.key, made.text) == ("3 ann", "ann: xxxxxxxxxx")
    (lost,) = chat_message([pick], [failed("down")], turn=3, most=10)
    assert (lost.ok, lost.data()["lost"]) == (True, "down")


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=60), max_size=8), st.integers(0, 60))
def test_cutting_keeps_the_newer_half_and_happens_once(texts: list[str], most: int) -> None:
    chat = [message("ann", t) for t in texts]
    older = older_half(chat[:-1], chat[-1:], most)
    after = chat_after(chat[:-1], chat[-1:], older, [reply("short")])
    assert len(older) in (0, len(chat) // 2)
    assert after[len(after) - (len(chat) - len(older)) :] == chat[len(older) :]
    assert not older or older_half(after, [], 0) == []
    assert chat_after(chat[:-1], chat[-1:], older, [failed("down")]) == chat


def test_the_word_ends_it_wherever_it_stands_in_the_last_message() -> None:
    assert chat_over([], [message("ann", "done TERMINATE")])
    assert not chat_over([], [message("ann", "TERMINATE"), message("bob")])
    assert not chat_over([], [])
