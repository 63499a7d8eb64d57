"""Past episodes: which come to mind by recency, importance and relevance, and what is kept of the present one.

The score is that of generative agents (Park et al. 2023): three parts of equal weight, each scaled to [0, 1].
"""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from tasks.algorithms.dates import day
from tasks.algorithms.scaling import scaled
from tasks.functions import pure
from tasks.recalled import fields_of
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

DECAY = 0.995
"""What is left of an episode's recency an hour after it was last thought of."""
EPISODE = "e"


@pure
def today(prompt: Replies, now: str) -> Reply:
    """The present day, by which "last week" is understood."""
    moment = datetime.fromisoformat(now)
    return reply(f"{moment:%A}, {moment.date().isoformat()}", key="today")


@pure
def cue_text(cue: Replies, prompt: Replies) -> Reply:
    """What is looked for: people, places and topic; the prompt itself where there is no cue."""
    data = cue[0].data() if ok_of(cue) else {}
    parts = [*data.get("people", []), *data.get("places", []), data.get("topic", "")]
    return reply(" ".join(p.strip() for p in parts if p.strip()) or prompt[0].text[:2000], key="cue")


@pure
def salient(recalled: Replies, accessed: Replies, cue: Replies, now: str, most: int, of_session: int) -> Replies:
    """The episodes of the highest score, at most so many and so many of one session, in the order of their dates.

    Key is the memory's id; fields label (e1 ...), date, event, session, score and in_time (whether a time hint chose
    them). A hint that leaves none is dropped.
    """
    episodes = ok_of(recalled)
    hinted = [e for e in episodes if _within(_happened(e).date(), cue)]
    used = hinted if hinted and _hint(cue) else []
    last = {a.key: datetime.fromisoformat(a.data()["at"]) for a in ok_of(accessed)}
    scored = _scored(used or episodes, last, datetime.fromisoformat(now))
    chosen: list[tuple[float, Reply]] = []
    sessions: Counter[str] = Counter()
    for score, one in sorted(scored, key=lambda s: (-s[0], s[1].key)):
        session = str(fields_of(one).get("session", ""))
        if len(chosen) < most and sessions[session] < of_session:
            sessions[session] += 1
            chosen.append((score, one))
    ordered = sorted(chosen, key=lambda s: (_happened(s[1]), s[1].key))
    return [_labelled(n, score, one, bool(used)) for n, (score, one) in enumerate(ordered, 1)]


def _happened(episode: Reply) -> datetime:
    moment = datetime.fromisoformat(str(fields_of(episode).get("happened") or episode.data()["since"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _hint(cue: Replies) -> tuple[date | None, date | None] | None:
    """The days from and to which a cue points; None where it points to none."""
    data = cue[0].data() if ok_of(cue) else {}
    days = (day(data.get("time_from", "")), day(data.get("time_to", "")))
    return days if any(days) else None


def _within(day: date, cue: Replies) -> bool:
    first, last = _hint(cue) or (None, None)
    return (first is None or first <= day) and (last is None or day <= last)


def _scored(episodes: Replies, last: dict[str, datetime], now: datetime) -> list[tuple[float, Reply]]:
    relevance = scaled([e.score or 0.0 for e in episodes])
    importance = scaled([float(fields_of(e).get("importance") or 1) for e in episodes])
    hours = [
        max(0.0, (now - max(_happened(e), last.get(e.key, _happened(e)))).total_seconds() / 3600) for e in episodes
    ]
    recency = scaled([DECAY**h for h in hours])
    return [(sum(parts) / 3, e) for e, *parts in zip(episodes, relevance, importance, recency, strict=True)]


def _labelled(number: int, score: float, one: Reply, in_time: bool) -> Reply:
    data = {
        "label": f"{EPISODE}{number}",
        "date": _happened(one).date().isoformat(),
        "event": one.text,
        "session": str(fields_of(one).get("session", "")),
        "in_time": in_time,
        "recalled": 1,
    }
    return reply(one.text, key=one.key, data=data, score=score)


@pure
def bearing(episodes: Replies, judged: Replies) -> Replies:
    """The episodes that were found to bear on the request; none where that could not be judged."""
    yes = {str(b["episode"]).strip() for j in ok_of(judged) for b in j.data()["episodes"] if b["bears"]}
    return [e for e in episodes if e.data()["label"] in yes]


@pure
def something(episodes: Replies) -> bool:
    """Whether there is one."""
    return bool(episodes)


@pure
def new_episode(noted: Replies, session: Replies, now: str, seed: int) -> Replies:
    """What is remembered of this turn, in one sentence: fields happened, importance and session; nothing if it failed.

    A turn without a session is a session of its own.
    """
    named = next((s.text.strip() for s in ok_of(session) if s.text.strip()), f"run {seed}")
    return [
        reply(
            " ".join(n.data()["event"].split()),
            key="episode",
            data={"happened": now, "importance": n.data()["importance"], "session": named},
        )
        for n in ok_of(noted)
    ]


@pure
def recalling_answer(
    written: Replies,
    cue: Replies,
    episodes: Replies,
    judged: Replies,
    kept: Replies,
    noted: Replies,
    stored: Replies,
) -> Reply:
    """The answer, with the episodes that it recalls and those that were looked at."""
    lost = causes([*cue, *judged, *noted, *stored])
    data: dict[str, Any] = {
        "recalled": [{k: e.data()[k] for k in ("date", "event", "session")} | {"id": e.key} for e in kept],
        "considered": [{"id": e.key, "date": e.data()["date"], "event": e.text, "score": e.score} for e in episodes],
        "by_time": any(e.data()["in_time"] for e in episodes),
        "remembered": [s.text for s in ok_of(stored)],
        "lost": lost,
    }
    outcome: Outcome = "degraded" if lost else "answered"
    return reply(written[0].text, key="answer", data=data, model=written[0].model, outcome=outcome)
