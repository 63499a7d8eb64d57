"""A debate as replies: two positions, the rounds, the transcript, and the report that names no winner."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, reply

SIDES = ("A", "B")
PHASES = ("opening", "rebuttal", "closing")


@pure
def opposing_positions(decomposed: Replies) -> Replies:
    """The two positions, keyed by side. Fails the run where they are the same."""
    texts = [p["position"].strip() for p in decomposed[0].data()["positions"]]
    if len({t.casefold() for t in texts}) != len(SIDES):
        raise Refuse("the question gave no two opposing positions")
    return [reply(text, key=side) for side, text in zip(SIDES, texts, strict=True)]


@pure
def phase(turn: int, opening: str, rebuttal: str, closing: str) -> Reply:
    """What this round asks of both sides."""
    return reply((opening, rebuttal, closing)[turn - 1], key=PHASES[turn - 1])


@pure
def speeches(round_of: Replies, turn: int) -> Replies:
    """A round's two speeches as they stand in the transcript, where each key is unique."""
    return [
        s.but(key=f"round {turn} · side {s.key}", data={"side": s.key, "round": turn, "phase": PHASES[turn - 1]})
        for s in round_of
    ]


@pure
def debate_report(positions: Replies, report: Replies, transcript: Replies) -> Reply:
    """The rapporteur's report as text for people, with its fields, the positions and the transcript."""
    fields = report[0].data()
    sides = {p.key: p.text for p in positions}
    strongest = [f"{s['side']}: {s['argument']}" for s in fields["strongest"]]
    lines = [
        *(f"Side {side}: {text}" for side, text in sides.items()),
        *_section("Both sides agree", fields["agreed"]),
        *_section("They truly disagree", fields["disputed"]),
        *_section("Strongest argument of each side", strongest),
        *_section("Left unanswered", fields["unanswered"]),
    ]
    data = {
        **fields,
        "positions": sides,
        "transcript": [{**t.data(), "model": t.model, "text": t.text} for t in transcript],
    }
    return reply("\n".join(lines), key="answer", data=data, model=report[0].model)


def _section(title: str, points: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"- {p}" for p in points or ["nothing"])]


@pure
def given_or_debated(rivals: Replies) -> str:
    """Whether two rival texts were supplied or a debate has to make them."""
    if len(rivals) not in (0, len(SIDES)):
        raise Refuse(f"{len(rivals)} rival texts: give two to judge, or none to have the question debated")
    return "given" if rivals else "debated"


@pure
def given_sides(rivals: Replies) -> Slots:
    """Two supplied texts as the two sides of a transcript of one round."""
    said = [r.but(key=f"side {side}", data={"side": side}) for side, r in zip(SIDES, rivals, strict=True)]
    positions = [reply(f"Text {n}", key=side) for n, side in enumerate(SIDES, 1)]
    return {"positions": positions, "transcript": said}


def plain(text: str) -> str:
    """A passage as it is looked up in what was said: case, white space and quotation marks around it aside."""
    return " ".join(text.casefold().split()).strip("\"' .…")
