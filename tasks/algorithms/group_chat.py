"""A group chat under a manager: members, who speaks next, what they said, and when it is over."""

import re
from typing import Any

from tasks.chunking import about_tokens
from tasks.code import FENCED
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

TERMINATE = "TERMINATE"
MANAGER = "manager"
SUMMARY = "summary"


@pure
def chat_members(given: Replies, default: Replies, models: Replies) -> Replies:
    """The members by name, text the profile; fields name, runs_code and model: one of the models, in turn.

    Fails the run where two have one name, or nobody can speak.
    """
    profiles = [g.data() for g in given] or [d.data() for d in default]
    names = [str(p["name"]).strip() for p in profiles]
    folded = [n.casefold() for n in names]
    if bad := [n for n in names if not n or folded.count(n.casefold()) > 1 or n.casefold() in TAKEN]:
        raise Refuse(f"the member's name '{bad[0]}' is empty, taken, or there twice: give each one of its own")
    if all(p.get("runs_code") for p in profiles):
        raise Refuse("every member only runs code: at least one must speak")
    known = [m.text for m in models if m.text] or [""]
    return [
        reply(
            p["profile"], key=n, data={"name": n, "runs_code": bool(p.get("runs_code")), "model": known[i % len(known)]}
        )
        for i, (n, p) in enumerate(zip(names, profiles, strict=True))
    ]


@pure
def default_members(profiles: list[dict[str, Any]]) -> Replies:
    """The members where nobody names any."""
    return [reply(p["profile"], key=p["name"], data=p) for p in profiles]


@pure
def code_of_last(chat: Replies, members: Replies) -> Reply:
    """The code block of the last message as `code`; empty where it has none, or it is itself what a run gave."""
    said = chat[-1].data() if chat else {}
    runners = {m.key for m in members if m.data()["runs_code"]}
    blocks = [] if said.get("name") in runners else FENCED.findall(said.get("message", ""))
    return reply(key="code", data={"code": "\n".join(b.strip("\n") for b in blocks)})


@pure
def rule_decides(code: Replies, members: Replies) -> bool:
    """Whether the manager need not be asked: there is code to run and somebody to run it."""
    return bool(code[0].data()["code"].strip()) and any(m.data()["runs_code"] for m in members)


@pure
def next_speaker(members: Replies, code: Replies, picked: Replies, log: Replies) -> Reply:
    """Who speaks next: who runs the code that waits, else whom the manager picked, else who has said least so far.

    The last speaker never speaks again at once, and nothing ends before it began: such a pick is not followed. Text is
    the profile; fields name, model, runs_code, terminate, by (rule, manager or turn) and `lost`, why no pick was had.
    """
    if rule_decides(code, members):
        return _pick(next(m for m in members if m.data()["runs_code"]), "rule")
    said = next((p.data()["name"].strip() for p in ok_of(picked)), "")
    lost = "" if ok_of(picked) else first_cause(picked) or "the manager was not asked"
    last = log[-1].data()["name"] if log else ""
    if said == TERMINATE and any(not m.data()["lost"] for m in log):
        data = {"name": TERMINATE, "terminate": True, "by": MANAGER, "lost": "", "runs_code": False, "model": ""}
        return reply(key=TERMINATE, data=data)
    free = [m for m in members if m.key != last]
    if chosen := [m for m in free if m.key.casefold() == said.casefold()]:
        return _pick(chosen[0], MANAGER)
    times = [entry.data()["name"] for entry in log]
    speakers = [m for m in free if not m.data()["runs_code"]] or free
    return _pick(min(speakers, key=lambda m: times.count(m.key)), "turn", lost)


def _pick(member: Reply, by: str, lost: str = "") -> Reply:
    return member.but(data={**member.data(), "terminate": False, "by": by, "lost": lost})


@pure
def terminated(pick: Replies) -> bool:
    """Whether the manager ended the chat."""
    return bool(pick) and bool(pick[-1].data()["terminate"])


@pure
def speaks_by(pick: Replies) -> str:
    """How the next message is made: by `code` or by a `member`."""
    return "code" if pick[-1].data()["runs_code"] else "member"


@pure
def chat_message(pick: Replies, said: Replies, turn: int, most: int) -> Replies:
    """What was said, with the name in front, as everybody will see it; nothing where the chat was ended.

    One whose call failed is in the chat as somebody who said nothing, with the cause in `lost`.
    """
    if terminated(pick):
        return []
    name, one = pick[-1].key, said[-1] if said else reply()
    message, lost = (one.text.strip()[:most], "") if one.ok else ("", one.cause or one.status)
    runs = bool(pick[-1].data()["runs_code"])
    if runs and one.data().get("error") == "call":
        message, lost = "There is no code in the last message to run.", ""
    shown = f"Output of the code:\n{message}" if runs and not lost and one.ok else message or "(said nothing)"
    data = {"name": name, "message": shown, "lost": lost}
    return [reply(f"{name}: {shown}", key=f"{turn} {name}", data=data, model=one.model)]


@pure
def older_half(chat: Replies, said: Replies, most_tokens: int) -> Replies:
    """The older half of a chat that has become too long, for the one summary that it gets; else nothing."""
    whole = [*chat, *said]
    if any(c.key == SUMMARY for c in chat) or sum(about_tokens(c.text) for c in whole) <= most_tokens:
        return []
    return whole[: len(whole) // 2]


@pure
def chat_after(chat: Replies, said: Replies, older: Replies, summary: Replies) -> Replies:
    """The chat with what was said, its older half replaced by its summary where there is one."""
    whole = [*chat, *said]
    if not older or not ok_of(summary):
        return whole
    text = f"Summary of the {len(older)} messages before: {summary[-1].text.strip()}"
    return [reply(text, key=SUMMARY, data={"name": "", "message": text, "lost": ""}), *whole[len(older) :]]


@pure
def chat_over(pick: Replies, log: Replies) -> bool:
    """Whether the manager ended the chat, or its last message does."""
    return terminated(pick) or (bool(log) and TERMINATE in log[-1].data()["message"])


@pure
def chat_answer(written: Replies, log: Replies, picks: Replies) -> Reply:
    """What the manager made of the chat, else its last message. Fails the run where nobody said anything."""
    heard = [m for m in log if not m.data()["lost"]]
    if not heard:
        raise Refuse(f"nobody said anything: {next((m.data()['lost'] for m in log), 'there was no message')}")
    last = heard[-1].data()["message"]
    ended = MANAGER if terminated(picks) else "message" if chat_over([], log) else "bound"
    data = {
        "ended_by": ended,
        "messages": [{k: m.data()[k] for k in ("name", "message")} for m in log],
        "picked_by": [p.data()["by"] for p in picks],
        "lost": [*(m.data()["lost"] for m in log if m.data()["lost"]), *_lost(picks), *causes(written)],
    }
    made = ok_of(written)
    text = made[-1].text if made else re.sub(rf"\s*{TERMINATE}\s*", "", last)
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    model = made[-1].model if made else heard[-1].model
    return reply(text.strip(), key="answer", data=data, model=model, outcome=outcome)


def _lost(picks: Replies) -> list[str]:
    return [p.data()["lost"] for p in picks if p.data()["lost"]]


TAKEN = (TERMINATE.casefold(), MANAGER, SUMMARY)
