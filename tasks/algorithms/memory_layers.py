"""Layers of memory: the live window, topic segments of a session, lasting facts; what moves up, and what is let go."""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from math import exp
from typing import Any

from tasks.chunking import within_tokens
from tasks.functions import pure
from tasks.recalled import fields_of
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

TURN, SEGMENT, FACT, ARCHIVED = "layer_turn", "layer_segment", "layer_fact", "layer_archived_fact"
"""The kinds of memory: the first layer, the second, the third, and what the third has not used for long."""
WINDOW, GROUP = 10, 5
"""Turns of the live window, and how many of the oldest leave it together."""
SHARES = (0.6, 0.25, 0.15)
"""Of the memory's tokens: window, segments, facts."""
JOINS = 0.6
"""A cosine of 0.8 in the source, as a match, where .5 is what fits for the embedding model that is used."""
HOT, COOLS_HOURS = 5.0, 48.0
MOST_SEGMENTS = 200
UNUSED_DAYS = 180
MOST_TURNS = 60
MOST_NOTE = 2_000
"""Turns and characters that a segment keeps, the latest."""
SHORTEST_SUBJECT = 3


@pure
def memory_context(
    turns: Replies,
    history: Replies,
    segments: Replies,
    facts: Replies,
    archive: Replies,
    prompt: Replies,
    tokens: Replies,
) -> Slots:
    """What is shown of each layer, within its share of the tokens: `window`, `notes`, `lasting`; `used` names the rest.

    The window is the last turns of the session, or of the history that was handed in where none are remembered. Of
    the archive only facts whose subject stands in the prompt are found.
    """
    most = int(float(tokens[0].text))
    spoken = [_said(f"{fields_of(t)['role']}", t.text) for t in reversed(ok_of(turns))]
    spoken = spoken or [_said(str(h.data().get("role", "user")), h.text) for h in history]
    shown_turns = _latestwithin_tokens(spoken[-WINDOW:], most * SHARES[0])
    notes = within_tokens([s.but(key=_name(s)) for s in ok_of(segments)], most * SHARES[1])
    lasting = within_tokens([*ok_of(facts), *_exact(archive, prompt[0].text)], most * SHARES[2])
    return {
        "window": [t.but(key=f"{t.key} {n}") for n, t in enumerate(shown_turns, 1)],
        "notes": [reply(s.text, key=f"note {n}") for n, s in enumerate(notes, 1)],
        "lasting": [reply(f.text, key=f"fact {n}") for n, f in enumerate(lasting, 1)],
        "used": [reply(key=u.key, data={"used": 1.0}) for u in (*notes, *lasting)],
    }


def _said(role: str, text: str) -> Reply:
    return reply(text, key=role)


def _latestwithin_tokens(replies: Replies, tokens: float) -> Replies:
    return within_tokens(replies[::-1], tokens)[::-1]


def _exact(archive: Replies, prompt: str) -> Replies:
    return [a for a in ok_of(archive) if _names(str(fields_of(a).get("subject", "")), prompt)]


def _names(subject: str, text: str) -> bool:
    wanted = subject.strip()
    return len(wanted) >= SHORTEST_SUBJECT and bool(
        re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE)
    )


@pure
def no_session(session: Replies) -> bool:
    """Whether the conversation has no name, so that nothing of it can be found again."""
    return not session or not session[0].text.strip()


@pure
def spoken_turns(prompt: Replies, answer: Replies, session: Replies, turns: Replies, history: Replies) -> Replies:
    """This exchange as turns to be remembered; before the session's first, those of the history."""
    name = session[0].text.strip()
    earlier = [] if ok_of(turns) else [(str(h.data().get("role", "user")), h.text) for h in history]
    said = [*earlier, ("user", prompt[0].text), ("assistant", answer[0].text)]
    rows = enumerate(((role, text) for role, text in said if text.strip()), 1)
    return [reply(text, key=f"turn {n}", data={"role": role, "session": name}) for n, (role, text) in rows]


@pure
def remembered_answer(answer: Replies, window: Replies, notes: Replies, lasting: Replies, stored: Replies) -> Reply:
    """The answer with how much of each layer it saw; a turn that could not be remembered makes it degraded."""
    lost = causes(stored)
    data = {
        "window": len(window),
        "notes": [n.text for n in notes],
        "facts": [f.text for f in lasting],
        "turns_kept": len(ok_of(stored)),
        "lost": lost,
    }
    outcome: Outcome = "degraded" if lost else "answered"
    return reply(answer[0].text, key="answer", data=data, model=answer[0].model, outcome=outcome)


@pure
def layers_due(turns: Replies, segments: Replies, facts: Replies, used: Replies, now: str) -> bool:
    """Whether a window is over its ten turns, a segment hot, a session too full or a fact long unused."""
    return bool(
        crowded_sessions(turns)
        or hot_segments(segments, used, now)
        or full_sessions(segments, used, now)
        or stale_facts(facts, used, now)["old"]
    )


@pure
def crowded_sessions(turns: Replies) -> Replies:
    """The sessions with more turns than the window holds, by name."""
    return [reply(name, key=name) for name, said in sorted(_by_session(turns).items()) if len(said) > WINDOW]


def _by_session(memories: Replies) -> dict[str, Replies]:
    groups: defaultdict[str, Replies] = defaultdict(list)
    for one in ok_of(memories):
        if name := str(fields_of(one).get("session", "")).strip():
            groups[name].append(one)
    return groups


@pure
def oldest_turns(turns: Replies, session: Replies) -> Replies:
    """The oldest turns of a session, in their order; `turns` are the newest first."""
    oldest = _by_session(turns).get(session[0].text, [])[-GROUP:][::-1]
    return [t.but(data={**t.data(), "role": fields_of(t)["role"]}) for t in oldest]


@pure
def noted(summary: Replies) -> Reply:
    """A summary under its topic: what segments are compared by."""
    data = summary[0].data()
    return reply(f"{data['topic'].strip()}: {data['summary'].strip()}", key="note", data={"topic": data["topic"]})


@pure
def joined_segment(oldest: Replies, note: Replies, near: Replies, session: Replies) -> Slots:
    """The segment that the turns join, or a new one of heat 1; `gone` is what it takes the place of."""
    turns = [{"role": t.data()["role"], "text": t.text} for t in oldest]
    old = next((s for s in ok_of(near) if (s.score or 0.0) > JOINS), None)
    if old is None:
        base = {"turns": len(turns), "recalls": 0}
        fields = {"segment": oldest[0].key, "topic": note[0].data()["topic"], "turns": turns, "base": base}
        return {"out": [_segment(note[0].text, session[0].text, fields)], "gone": list(oldest)}
    fields = {**fields_of(old), "turns": [*fields_of(old)["turns"], *turns]}
    text = f"{old.text}\n{note[0].text}"[-MOST_NOTE:]
    return {"out": [_segment(text, session[0].text, fields)], "gone": [old, *oldest]}


def _segment(text: str, session: str, fields: dict[str, Any]) -> Reply:
    beyond = max(0, len(fields["turns"]) - MOST_TURNS)
    base = {**fields["base"], "turns": max(0, fields["base"]["turns"] - beyond)}
    kept = {**fields, "session": session, "turns": fields["turns"][beyond:], "base": base}
    return reply(text, key=str(fields["segment"]), data=kept)


def heat(segment: Reply, used: Replies, now: str) -> float:
    """Retrievals and turns that joined since it was opened or promoted, and e^(-hours since its last use / 48)."""
    fields, past = fields_of(segment), _use_of(used, _name(segment))
    recalls = int(past.data()["uses"]) if past else 0
    hours = max(0.0, (_time(now) - _last_use(segment, past)).total_seconds() / 3600)
    base = fields["base"]
    return recalls - int(base["recalls"]) + len(fields["turns"]) - int(base["turns"]) + exp(-hours / COOLS_HOURS)


def _last_use(memory: Reply, past: Reply | None) -> datetime:
    stored = _time(str(memory.data()["since"]))
    return max(stored, _time(str(past.data()["at"]))) if past else stored


def _use_of(used: Replies, name: str) -> Reply | None:
    return next((u for u in ok_of(used) if u.data()["source"] == name), None)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pure
def hot_segments(segments: Replies, used: Replies, now: str) -> Replies:
    """The segments over HOT, the hottest first: text is the session, fields those of the segment, with its `id`."""
    hot = [(heat(s, used, now), s) for s in ok_of(segments) if fields_of(s).get("session")]
    ranked = sorted((pair for pair in hot if pair[0] > HOT), key=lambda pair: (-pair[0], _name(pair[1])))
    return [
        reply(fields_of(s)["session"], key=_name(s), data={**fields_of(s), "id": s.key, "note": s.text})
        for _, s in ranked
    ]


@pure
def segment_turns(segment: Replies) -> Replies:
    """The turns of a segment, numbered, with who said them."""
    turns = segment[0].data()["turns"]
    return [reply(t["text"], key=f"turn {n}, {t['role']}", data=t) for n, t in enumerate(turns, 1)]


@pure
def extracted_facts(made: Replies, segment: Replies, most: int) -> Replies:
    """The facts whose source turns the user spoke at least one of, with these as `said`."""
    turns = segment[0].data()["turns"]
    facts: Replies = []
    for row in [f for m in ok_of(made) for f in m.data()["facts"]][:most]:
        numbers = [n for n in dict.fromkeys(row["source_turns"]) if 1 <= n <= len(turns)]
        said = [turns[n - 1]["text"] for n in numbers if turns[n - 1]["role"] == "user"]
        if said:
            data = {"subject": row["subject"].strip(), "fact": row["fact"].strip(), "said": "\n".join(said)}
            facts.append(reply(f"{data['subject']}: {data['fact']}", key=f"fact {len(facts) + 1}", data=data))
    return facts


@pure
def supported_facts(proposed: Replies, verdicts: Replies, known: Replies) -> Replies:
    """The facts that the user stated, each once, but for those that are known: to be remembered."""
    stated = {v.key for v in ok_of(verdicts) if v.data()["stated"]}
    seen = {_plain(k.text) for k in ok_of(known)}
    kept: dict[str, Reply] = {}
    for fact in proposed:
        if fact.key in stated and _plain(fact.text) not in seen:
            data = {name: fact.data()[name] for name in ("subject", "fact")}
            kept.setdefault(_plain(fact.text), reply(fact.text, key=fact.key, data=data))
    return [*kept.values()]


@pure
def cooled_segment(segment: Replies, used: Replies) -> Slots:
    """The segment once its facts have moved up: from here its heat counts anew; `old` is what it takes the place of."""
    data = segment[0].data()
    past = _use_of(used, segment[0].key)
    base = {"turns": len(data["turns"]), "recalls": int(past.data()["uses"]) if past else 0}
    fields = {n: v for n, v in data.items() if n not in ("id", "note")}
    return {
        "out": [_segment(data["note"], segment[0].text, {**fields, "base": base})],
        "old": [reply(key=data["id"])],
    }


@pure
def full_sessions(segments: Replies, used: Replies, now: str) -> Replies:
    """The sessions of over MOST_SEGMENTS segments: text is the session, `evicted` the ids of the coldest beyond."""
    rows = []
    for name, held in sorted(_by_session(segments).items()):
        if len(held) > MOST_SEGMENTS:
            coldest = sorted(held, key=lambda s: (heat(s, used, now), _name(s)))[: len(held) - MOST_SEGMENTS]
            rows.append(reply(name, key=name, data={"evicted": [c.key for c in coldest]}))
    return rows


@pure
def evicted_segments(session: Replies) -> Replies:
    """What is to be let go of a session."""
    return [reply(key=name) for name in session[0].data()["evicted"]]


@pure
def stale_facts(facts: Replies, used: Replies, now: str) -> Slots:
    """The facts that nothing used for UNUSED_DAYS, as they go to the archive; `old` is what these take the place of."""
    limit = _time(now) - timedelta(days=UNUSED_DAYS)
    old = [f for f in ok_of(facts) if _last_use(f, _use_of(used, f.key)) < limit]
    return {"out": [reply(f.text, key=f.key, data=fields_of(f)) for f in old], "old": old}


@pure
def nothing_stale(old: Replies) -> bool:
    """Whether every fact is in use."""
    return not old


@pure
def promotion_report(noted: Replies, facts: Replies, evicted: Replies, archived: Replies) -> Reply:
    """What moved between the layers."""
    counts = {
        "segments": len(ok_of(noted)),
        "facts": len(ok_of(facts)),
        "evicted": len(ok_of(evicted)),
        "archived": len(ok_of(archived)),
    }
    lost = first_cause([*noted, *facts])
    text = (
        f"{counts['segments']} groups of turns noted, {counts['facts']} facts kept, {counts['evicted']} segments let "
        f"go, {counts['archived']} facts archived."
    )
    return reply(text, key="answer", data={**counts, "lost": lost})


def _name(segment: Reply) -> str:
    """What a segment or a fact is counted by: a segment's own name, whatever its version; a fact's id."""
    return str(fields_of(segment).get("segment") or segment.key)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")
