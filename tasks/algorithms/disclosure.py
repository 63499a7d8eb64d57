"""Layers of one answer, from a line to its evidence: what supports them, what a person opened, and how deep."""

import re
from typing import Any

from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, first_cause, ok_of, reply

OPEN, EVIDENCE = "open", "evidence"
FOLDED = "summary"


@pure
def numbered_points(full: Replies) -> Replies:
    """The points of the full answer, each under its number."""
    return [reply(f"{n}. {p}", key=str(n)) for n, p in enumerate(full[0].data()["points"], 1)]


@pure
def layers(points: Replies, headline: Replies, bullets: Replies) -> Replies:
    """Headline and bullets, each under a key of its own; bullets with the points that there are of those they name.

    Where there are no bullets the first points stand in for them.
    """
    known = {int(p.key) for p in points}
    made = [h.but(text=h.data()["headline"], key="headline") for h in ok_of(headline)]
    said = [b for r in ok_of(bullets) for b in r.data()["bullets"]]
    for n, bullet in enumerate(said or [{"text": p.text, "points": [int(p.key)]} for p in points[:5]], 1):
        made.append(reply(bullet["text"], key=f"b{n}", data={"points": sorted(known & set(bullet["points"]))}))
    return made


@pure
def with_quick(layers: Replies, quick: Replies) -> Replies:
    """All that must agree with the full answer: the layers and the quick line, where it came."""
    return [*(q.but(key="quick") for q in ok_of(quick)), *layers]


@pure
def refuted(claims: Replies, verdicts: Replies) -> Replies:
    """The claims that the full answer does not support, each with what it says instead."""
    said = {v["claim"]: v for r in ok_of(verdicts) for v in r.data()["verdicts"]}
    return [
        reply(f"{c.text}\n(the full answer says: {said[c.key]['instead'] or 'nothing of it'})", key=c.key)
        for c in claims
        if c.key in said and not said[c.key]["supported"]
    ]


@pure
def layers_hold(refuted: Replies) -> bool:
    """Whether nothing but the quick line is refuted."""
    return all(r.key == "quick" for r in refuted)


@pure
def to_revise(refuted: Replies) -> Replies:
    """The refuted layers; the quick line is corrected in view instead."""
    return [r for r in refuted if r.key != "quick"]


@pure
def revised_layers(layers: Replies, revised: Replies) -> Replies:
    """The layers, those that were written anew in their places."""
    new = {r.key: r.text for r in ok_of(revised)}
    return [one.but(text=new.get(one.key, one.text)) for one in layers]


@pure
def view(quick: Replies, first: Replies, layers: Replies, opened: Replies, depths: Replies) -> Reply:
    """What a person sees: a corrected quick line, the headline, folded bullets, and what was opened last.

    Who went below the summary on a like topic before is told where detail and evidence are.
    """
    lines = [f"Corrected: the first line said '{q.text}'." for q in ok_of(quick) if "quick" in {r.key for r in first}]
    lines += [one.text if one.key == "headline" else f"+ {one.key}: {one.text}" for one in layers]
    if any(d.data().get("depth", FOLDED) != FOLDED for d in ok_of(depths)) and not opened:
        lines.append("Last time you went deeper: open or evidence with b1, b2 ... does so.")
    if opened:
        lines += ["", f"{opened[-1].data()['what']} of {opened[-1].data()['bullet']}:", opened[-1].text]
    return reply("\n".join(lines), key="view")


@pure
def wanted(said: Replies, layers: Replies, points: Replies, opened: Replies) -> Slots:
    """What the person asks for: `detail` or `evidence` of a bullet, with its points, to be made; or `found`, at hand.

    A bullet that there is not is said so.
    """
    slots: Slots = {"detail": [], "evidence": [], "found": []}
    if said[-1].key == "stop":
        return slots
    what = said[-1].key
    key = next(iter(re.findall(r"\d+", said[-1].text)), "")
    bullet = next((one for one in layers if one.key == f"b{key}"), None)
    data = {"what": what, "bullet": f"b{key}"}
    if bullet is None:
        text = "There is no such bullet: name one that is shown, as in b1."
        return {**slots, "found": [reply(text, key="none", data={**data, "bullet": "nothing"})]}
    if known := [o for o in opened if o.ok and (o.data()["what"], o.data()["bullet"]) == (what, f"b{key}")]:
        return {**slots, "found": [known[-1].but(data={**data, "cached": True})]}
    of = [p.text for p in points if int(p.key) in bullet.data()["points"]]
    asked = reply("\n".join([bullet.text, *of]), key=bullet.key, data=data)
    return {**slots, "detail" if what == OPEN else "evidence": [asked]}


@pure
def opened_layer(said: Replies, found: Replies, detail: Replies, evidence: Replies, turn: int) -> Replies:
    """What a turn opened: from before, or made now; evidence that was not found says none."""
    if said[-1].key == "stop":
        return []
    if found:
        return [found[0].but(key=f"{turn}")]
    what = said[-1].key
    data = {"what": what, "bullet": "b" + re.findall(r"\d+", said[-1].text)[0], "cached": False}
    if what == EVIDENCE:
        texts = [f"[{p.key}] {p.text.strip()}" for p in ok_of(evidence)]
        return [reply("\n\n".join(texts) or "No evidence was found.", key=f"{turn}", data=data)]
    made = ok_of(detail)
    text = made[0].text if made else f"It could not be opened: {first_cause(detail)}"
    return [reply(text, key=f"{turn}", data=data if made else {**data, "bullet": "nothing"})]


@pure
def stopped(said: Replies) -> bool:
    """Whether the person has seen enough."""
    return bool(said) and said[-1].key == "stop"


@pure
def depth_memory(prompt: Replies, opened: Replies) -> Replies:
    """How deep the person went on this topic, to be remembered."""
    whats = {o.data()["what"] for o in opened}
    depth = EVIDENCE if EVIDENCE in whats else "detail" if OPEN in whats else FOLDED
    topic = " ".join(prompt[0].text.split())[:200]
    return [reply(f"On '{topic}' the person went down to: {depth}", key="depth", data={"depth": depth})]


@pure
def disclosed(
    points: Replies, layers: Replies, quick: Replies, first: Replies, verdicts: Replies, left: Replies, opened: Replies
) -> Reply:
    """Headline and bullets, then what was opened, each once; layers that the full answer still refutes are said."""
    shown: dict[tuple[str, str], str] = {}
    for one in opened:
        if one.data()["bullet"] != "nothing":
            shown[(one.data()["what"], one.data()["bullet"])] = one.text
    lines = [one.text if one.key == "headline" else f"- {one.text}" for one in layers]
    lines += [f"\n{bullet}, {'detail' if what == OPEN else what}: {t}" for (what, bullet), t in shown.items()]
    bad = [r.key for r in to_revise(left)]
    checked = {one.key for one in layers} <= {v["claim"] for r in ok_of(verdicts) for v in r.data()["verdicts"]}
    if bad:
        lines += ["", f"Not borne out by the full answer: {', '.join(bad)}."]
    if not checked:
        lines += ["", "Whether the summary says what the full answer says could not be checked."]
    data: dict[str, Any] = {
        "points": [p.text for p in points],
        "layers": {one.key: {"text": one.text, "points": one.data().get("points", [])} for one in layers},
        "corrected": [q.text for q in ok_of(quick) if "quick" in {r.key for r in first}],
        "refuted": bad,
        "opened": [f"{what} {bullet}" for what, bullet in shown],
    }
    outcome: Outcome = "unchecked" if not checked else "degraded" if bad or layers[0].key != "headline" else "answered"
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)
