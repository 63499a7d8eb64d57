"""Two ledgers of an orchestrator: what is known and planned, and how the work goes; when the team is stuck, a new plan.

An entry of the progress ledger is a reply with the fields satisfied, in_loop, progress, agent, instruction and lost.
"""

import re
from typing import Any

from tasks.code import FENCED
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply
from tasks.tool_calls import checked, name_of

WEB, FILES, CODER, TERMINAL = "web surfer", "file surfer", "coder", "terminal"
PAGE, SEARCH, DOCUMENTS = "browser", "web", "documents"
"""Tools that the surfers use."""


@pure
def surfing_team(tools: Replies, documents: Replies) -> Replies:
    """Who can be sent: coder and terminal always, the web surfer where there is a browser or a search, the file surfer
    where there are documents to read. Text says what each does and how it is instructed.
    """
    have = {name_of(t) for t in ok_of(tools)}
    ways = [
        w
        for tool, w in ((PAGE, "a URL, whose page it opens"), (SEARCH, "words, for which it searches"))
        if tool in have
    ]
    team = {WEB: f"Looks on the web. Its instruction is {', or '.join(ways)}."} if ways else {}
    if DOCUMENTS in have and ok_of(documents):
        team[FILES] = "Finds passages in the given documents. Its instruction is what they are about, in words."
    team[CODER] = "Thinks, writes and writes Python programs; it sees its instruction and the chat. It runs nothing."
    team[TERMINAL] = "Runs Python: the code block in its instruction, or without one the last code block of the chat."
    return [reply(f"{name}: {does}", key=name) for name, does in team.items()]


@pure
def progress_entry(judged: Replies, turn: int) -> Reply:
    """How the work goes, as the orchestrator judged it; without a judgement nobody knows of any progress."""
    said = next((j.data() for j in ok_of(judged)), None)
    data: dict[str, Any] = {"satisfied": False, "in_loop": False, "progress": False, "agent": "", "instruction": ""}
    data |= said or {}
    data["lost"] = "" if said else first_cause(judged) or "it was not judged"
    return reply(data["instruction"], key=f"turn {turn}", data=data, model=judged[-1].model if judged else "")


@pure
def satisfied(progress: Replies) -> bool:
    """Whether the request is satisfied, by the last entry."""
    return bool(progress) and bool(progress[-1].data()["satisfied"])


@pure
def stalls(stall: Replies, progress: Replies) -> Reply:
    """The count of stalls: one more in a loop or without progress, else one less, never below nothing."""
    before = stall[-1].data()["count"] if stall else 0
    last = progress[-1].data()
    count = before + 1 if last["in_loop"] or not last["progress"] else max(0, before - 1)
    return reply(str(count), key="stall", data={"count": count})


@pure
def plan_over(progress: Replies, stall: Replies, most: int) -> bool:
    """Whether a plan ends: the request is satisfied, or the team is stuck."""
    return satisfied(progress) or (bool(stall) and stall[-1].data()["count"] >= most)


@pure
def nobody_sent(progress: Replies) -> bool:
    """Whether there is nothing to do in this turn: the request is satisfied, or nobody could be picked."""
    return satisfied(progress) or bool(progress[-1].data()["lost"])


@pure
def how_sent(progress: Replies) -> str:
    """Who acts: the `coder`, the `terminal`, or one who uses a `tool`."""
    return {CODER: "coder", TERMINAL: "terminal"}.get(progress[-1].data()["agent"], "tool")


@pure
def errand(progress: Replies, team: Replies, tools: Replies, k: int) -> Reply:
    """The tool call of a surfer, as `read_call` gives it; one who is not in the team has none."""
    agent, words = progress[-1].data()["agent"], progress[-1].data()["instruction"].strip()
    if agent not in {m.key for m in team}:
        return reply(key="call", data=_not_there(agent))
    if agent == FILES:
        return checked(DOCUMENTS, {"query": words[:MOST_QUERY], "k": k}, tools)
    url, have = URL.search(words), {name_of(t) for t in ok_of(tools)}
    if url and PAGE in have:
        return checked(PAGE, {"url": url[0].rstrip(".,;:!?)")}, tools)
    if SEARCH in have:
        return checked(SEARCH, {"query": words[:MOST_QUERY], "k": k}, tools)
    return reply(key="call", data=_refused("call", "the instruction holds no URL that could be opened"))


def _not_there(agent: str) -> dict[str, Any]:
    return _refused("not_allowed", f"there is no {agent or 'such agent'} in the team")


def _refused(error: str, message: str) -> dict[str, Any]:
    made = {"valid": False, "tool": "", "arguments": {}, "writes": False, "undo": "", "digest": ""}
    return {**made, "error": error, "message": message}


@pure
def terminal_code(progress: Replies, chat: Replies) -> Reply:
    """The code that the terminal runs: that of its instruction, else the last of the chat, as `code`."""
    for text in (progress[-1].data()["instruction"], *(c.text for c in reversed(chat))):
        if blocks := FENCED.findall(text):
            return reply(key="code", data={"code": "\n".join(b.strip("\n") for b in blocks)})
    return reply(key="code", data={"code": ""})


@pure
def chat_turn(progress: Replies, out: Replies, turn: int) -> Replies:
    """What one agent was told and what it gave, as everybody sees it; nothing where nobody was sent."""
    if nobody_sent(progress):
        return []
    said = progress[-1].data()
    given = out[-1].text if out else "(nothing)"
    data = {"agent": said["agent"], "ok": bool(out) and bool(out[-1].data().get("ok", True))}
    text = f"To the {said['agent']}: {said['instruction']}\nThe {said['agent']} gave:\n{given}"
    return [reply(text, key=f"{turn} {said['agent']}", data=data)]


@pure
def orchestrated(written: Replies, chat: Replies, progress: Replies, revised: Replies) -> Reply:
    """The answer, flagged where the request was not satisfied, with the progress ledger.

    Fails the run where there is neither an answer nor anything that an agent gave.
    """
    done = satisfied(progress)
    made = ok_of(written)
    if not made and not chat:
        raise Refuse(f"nothing was found: {first_cause([*written, *revised]) or 'no agent gave anything'}")
    lost = [*(p.data()["lost"] for p in progress if p.data()["lost"]), *causes([*revised, *written])]
    entries = [{k: v for k, v in p.data().items() if k != "lost"} for p in progress]
    data = {
        "satisfied": done,
        "unresolved": not done,
        "plans": 1 + len(revised),
        "turns": len(progress),
        "progress": entries,
        "lost": lost,
    }
    text = made[-1].text.strip() if made else chat[-1].text
    outcome: Outcome = "incomplete" if not done else "degraded" if lost else "answered"
    head = "" if done else f"{UNRESOLVED}\n\n"
    return reply(head + text, key="answer", data=data, model=(made or chat)[-1].model, outcome=outcome)


MOST_QUERY = 2000
UNRESOLVED = "Not resolved: the team did not get to the end of this. The best answer from what was found:"
URL = re.compile(r"https?://[^\s<>\"'`]+")
