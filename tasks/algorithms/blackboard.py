"""A blackboard: specialists who bid for a turn, entries that they add, edit and withdraw, and when the board is done.

An entry is a reply under its id; its fields are id, section, author, revision and round (of its last change). Authors
and ids are given here, never by a model.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

SECTIONS = ("problem", "facts", "hypotheses", "conflicts", "solution")
PERSON, BOARD = "person", "board"
"""Authors that are no specialists: what the person asked cannot be changed; the board itself notes conflicts."""
QUIET_ROUNDS = 2


@pure
def opened_board(prompt: Replies) -> Replies:
    """The board with the problem on it."""
    return [_entry("e1", "problem", PERSON, 0, prompt[0].text)]


def _entry(name: str, where: str, author: str, turn: int, text: str, revision: int = 1) -> Reply:
    data = {"id": name, "section": where, "author": author, "revision": revision, "round": turn}
    return reply(text.strip(), key=name, data=data)


@pure
def bidders(specialists: dict[str, str], models: Replies, board: Replies, log: Replies, rounds: Replies) -> Replies:
    """Each specialist with its role, a model in turn, the section headings, and what changed since its last turn."""
    names = [m.text for m in models if m.text] or [""]
    counts = {s: sum(e.data()["section"] == s for e in board) for s in SECTIONS}
    headings = ", ".join(f"{s} ({n})" for s, n in counts.items())
    last = {n: r.data()["round"] for r in rounds for n in r.data()["picked"]}
    return [
        reply(
            role,
            key=name,
            data={
                "role": role,
                "model": names[i % len(names)],
                "headings": headings,
                "news": _news(name, last.get(name, -1), board, log),
                "last": last.get(name, -1),
            },
        )
        for i, (name, role) in enumerate(specialists.items())
    ]


def _news(name: str, last: int, board: Replies, log: Replies) -> str:
    """What others did from the round on in which a specialist had its last turn: it saw the board as it was before."""

    def new(data: dict[str, Any]) -> bool:
        return bool(data["round"] > last or (data["round"] == last and data["author"] != name))

    entries = [f"{e.key} ({e.data()['section']}, by {e.data()['author']}): {e.text}" for e in board if new(e.data())]
    gone = [f"{c.data()['id']} was withdrawn" for c in log if c.data()["action"] == "withdraw" and new(c.data())]
    return "\n".join([*entries, *gone]) or "(nothing)"


@pure
def picked(bidders: Replies, bids: Replies, prompt: Replies, finder: str, most: int, least: float) -> Slots:
    """`picks` are those with the highest bids from `least` on; among equals who waited longest, then the first.

    `query` is what the finder looks for in documents, if it is picked.
    """
    offers = {b.key: b.data() for b in ok_of(bids)}
    able = [b for b in bidders if offers.get(b.key, {}).get("can_contribute", 0) >= least]
    able.sort(key=lambda b: (-offers[b.key]["can_contribute"], b.data()["last"]))
    picks = able[:most]
    wanted = [f"{prompt[0].text}\n{offers[p.key]['why']}" for p in picks if p.key == finder]
    return {"picks": picks, "query": [reply(text, key=finder) for text in wanted]}


@pure
def handed_out(passages: Replies, finder: str) -> Replies:
    """The passages as one reply under the finder's name, so that it alone sees them; nothing where none were found."""
    found = ok_of(passages)
    text = "\n\n".join(f"[{p.data().get('document') or p.key}] {p.text}" for p in found)
    return [reply(text, key=finder)] if found else []


@pure
def applied(board: Replies, log: Replies, picks: Replies, made: Replies, turn: int) -> Slots:
    """The board after a round, and the `changes` of that round.

    Two edits of one entry by different authors are both kept, and what is between them becomes a conflict; so does an
    edit of what another withdraws. A change of an entry that is not there, or of the person's own, is ignored.
    """
    said = {m.key: m.data()["changes"] for m in ok_of(made)}
    changes = [(p.key, c) for p in picks for c in said.get(p.key, [])]
    round_ = _Round(board, _highest([*board, *log]), turn)
    edited: dict[str, list[str]] = {}
    for author, change in changes:
        if change["action"] == "add":
            round_.add(author, change)
        elif not round_.may_change(change["id"]) or not (change["action"] == "withdraw" or change["text"].strip()):
            round_.note(author, "ignored", change["id"], change["text"])
        elif change["action"] == "edit":
            round_.edit(author, change, edited.setdefault(change["id"], []))
    for author, change in changes:
        if change["action"] == "withdraw" and round_.may_change(change["id"]):
            round_.withdraw(author, change["id"], edited.get(change["id"], []))
    return {"board": list(round_.entries.values()), "changes": round_.changes}


class _Round:
    """One round's changes, applied one after another to entries by id."""

    def __init__(self, board: Replies, highest: int, turn: int) -> None:
        self.entries = {e.key: e for e in board}
        self.before = frozenset(self.entries)
        self.highest, self.turn = highest, turn
        self.changes: Replies = []

    def may_change(self, name: str) -> bool:
        """Only what stood on the board that its author saw, and is not the person's."""
        return name in self.before and name in self.entries and self.entries[name].data()["author"] != PERSON

    def note(self, author: str, action: str, name: str, text: str) -> None:
        data = {"round": self.turn, "author": author, "action": action, "id": name}
        line = f"round {self.turn}: {author} {PAST.get(action, action)} {name}" + (f": {text.strip()}" if text else "")
        self.changes.append(reply(line, key=f"{self.turn}.{len(self.changes) + 1}", data=data))

    def put(self, author: str, where: str, text: str) -> str:
        self.highest += 1
        name = f"e{self.highest}"
        self.entries[name] = _entry(name, where, author, self.turn, text)
        self.note(author, "add", name, f"({where}) {text}")
        return name

    def add(self, author: str, change: dict[str, Any]) -> None:
        if change["text"].strip():
            self.put(author, change["section"], change["text"])

    def edit(self, author: str, change: dict[str, Any], editors: list[str]) -> None:
        name, old = change["id"], self.entries[change["id"]].data()
        if any(e != author for e in editors):
            other = self.put(author, old["section"], change["text"])
            text = f"{name} and {other} are both edits of {name}, by {editors[0]} and {author}: which one holds?"
            self.put(BOARD, "conflicts", text)
        else:
            revision = old["revision"] + (not editors)
            self.entries[name] = _entry(name, old["section"], author, self.turn, change["text"], revision)
            self.note(author, "edit", name, change["text"])
        editors.append(author)

    def withdraw(self, author: str, name: str, editors: Sequence[str]) -> None:
        if other := next((e for e in editors if e != author), ""):
            self.put(BOARD, "conflicts", f"{author} withdraws {name} while {other} edits it: does it stand?")
        else:
            del self.entries[name]
            self.note(author, "withdraw", name, "")


def _highest(noted: Iterable[Reply]) -> int:
    """The highest number that an entry has or had: ids are never given twice."""
    numbers = [str(n.data()["id"])[1:] for n in noted]
    return max((int(n) for n in numbers if n.isdigit()), default=0)


@pure
def in_section(board: Replies, name: str) -> Replies:
    """The entries of one section."""
    return [e for e in board if e.data()["section"] == name]


@pure
def round_report(
    bids: Replies, picks: Replies, made: Replies, changes: Replies, board: Replies, judged: Replies, turn: int
) -> Reply:
    """What a round came to. It is solved where the judge says so on all three counts and the board bears it out."""
    said = next((j.data() for j in ok_of(judged)), {})
    holds = bool(in_section(board, "solution")) and not in_section(board, "conflicts")
    flags = said.get("solution_present") and said.get("conflicts_settled") and not said.get("critic_objects")
    data = {
        "round": turn,
        "bids": {b.key: b.data()["can_contribute"] for b in ok_of(bids)},
        "picked": [p.key for p in picks],
        "changes": sum(c.data()["action"] != "ignored" for c in changes),
        "solved": bool(holds and flags),
        "lost": causes([*bids, *made, *judged]),
    }
    return reply(f"round {turn}: {', '.join(data['picked']) or 'nobody'}", key=f"round {turn}", data=data)


@pure
def board_settled(rounds: Replies) -> bool:
    """Whether the problem is solved, or nobody could contribute in two rounds running."""
    last = [r.data() for r in rounds[-QUIET_ROUNDS:]]
    return bool(last) and (last[-1]["solved"] or (len(last) == QUIET_ROUNDS and not any(r["picked"] for r in last)))


@pure
def board_answer(written: Replies, board: Replies, rounds: Replies, log: Replies) -> Slots:
    """The answer with how the board came to it; `dissent` are conflicts that are left. Unsolved, it is incomplete."""
    rows = [r.data() for r in rounds]
    solved = bool(rows) and rows[-1]["solved"]
    conflicts = in_section(board, "conflicts")
    data = {
        "solved": solved,
        "rounds": len(rows),
        "turns": {n: sum(n in r["picked"] for r in rows) for n in dict.fromkeys(p for r in rows for p in r["picked"])},
        "board": [{**e.data(), "text": e.text} for e in board],
        "history": [c.text for c in log],
        "open": [c.text for c in conflicts],
        "lost": [why for r in rows for why in r["lost"]],
    }
    outcome: Outcome = "incomplete" if not solved else "degraded" if data["lost"] else "answered"
    head = [] if solved else ["This was not settled; it is the best that can be said.", ""]
    text = "\n".join([*head, written[0].text.strip(), *section("Open", (c.text for c in conflicts))])
    answer = reply(text, key="answer", data=data, model=written[0].model, outcome=outcome)
    return {"answer": [answer], "dissent": conflicts}


PAST = {"add": "added", "edit": "edited", "withdraw": "withdrew", "ignored": "could not change"}
