"""A long text agreed on first: outlines to choose from, the bible that all keep to, sections, seams, the whole."""

import re
from itertools import pairwise
from typing import Any

from tasks.algorithms.longform import MISSING, outlined
from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, ok_of, reply

NUMBER = re.compile(r"\d+")


@pure
def numbered_outlines(made: Replies) -> Replies:
    """The outlines that came, keyed 1, 2 ..."""
    return [_outline(str(n), o) for n, o in enumerate(ok_of(made), 1)]


def _outline(number: str, made: Reply) -> Reply:
    data = made.data()
    lines = [s.text for s in outlined([made])]
    return reply("\n".join([data["title"], *lines]), key=number, data=data)


@pure
def outline_screen(outlines: Replies, said: Replies, changed: Replies) -> Reply:
    """The outlines as a person chooses among them; after a choice that cannot be followed, why."""
    wrong = ""
    if said and said[-1].key == "use":
        wrong = "Which one? Give its number."
    elif changed and not ok_of(changed[-1:]):
        wrong = f"The change could not be made: {changed[-1].cause}"
    shown = [f"## Outline {o.key}\n{o.text}" for o in outlines]
    return reply("\n\n".join([wrong, *shown]).strip(), key="outlines")


@pure
def with_change(outlines: Replies, changed: Replies) -> Replies:
    """The outlines, and the changed one under the next number if it came."""
    return [*outlines, *(_outline(str(len(outlines) + 1), c) for c in ok_of(changed)[:1])]


def _named(said: Replies, outlines: Replies) -> Reply | None:
    if not said or said[-1].key != "use":
        return None
    number = NUMBER.search(said[-1].text)
    if number is None:
        return outlines[0] if len(outlines) == 1 else None
    return next((o for o in outlines if o.key == number.group()), None)


@pure
def outline_agreed(said: Replies, outlines: Replies) -> bool:
    """Whether the last word chooses an outline that there is."""
    return _named(said, outlines) is not None


@pure
def is_use(said: Replies) -> bool:
    """Whether nothing is to be changed."""
    return bool(said) and said[-1].key == "use"


@pure
def agreed_outline(said: Replies, outlines: Replies) -> Reply:
    """The outline that was chosen, else the latest; the field `agreed` says which."""
    named = _named(said, outlines)
    one = named or outlines[-1]
    return one.but(data={**one.data(), "agreed": named is not None})


@pure
def bible(outline: Replies, extracted: Replies, corrected: Replies = []) -> Reply:  # noqa: B006 (never written to)
    """What all sections keep to, the corrected one where it came: audience, tone, terms, facts and words a section."""
    data = (ok_of(corrected) or ok_of(extracted))[-1].data()
    words = {b["section"]: b["words"] for b in data["budgets"]}
    titles = [(n, s["title"], words.get(n, s["words"])) for n, s in enumerate(outline[0].data()["sections"], 1)]
    lines = [f"Audience: {data['audience']}", f"Tone: {data['tone']}"]
    lines += section("Terms", data["terms"]) + section("Facts", data["facts"])
    lines += section("Words", [f"{n}. {title}: {w}" for n, title, w in titles])
    return reply("\n".join(lines), key="bible", data={"words": {str(n): w for n, _, w in titles}, "rules": []})


@pure
def no_sample(pilot: Replies) -> Replies:
    """Nothing: the pilot is the first section, and has no sample to follow."""
    return []


@pure
def with_rules(bible: Replies, extracted: Replies) -> Reply:
    """The bible and the rules that comments add, each once."""
    one, data = bible[0], bible[0].data()
    new = [r.strip() for e in ok_of(extracted) for r in e.data()["rules"]]
    added = [r for r in dict.fromkeys(new) if r and r not in data["rules"]]
    text = "\n".join([one.text, *(f"- Rule: {r}" for r in added)])
    return one.but(text=text, data={**data, "rules": [*data["rules"], *added]})


@pure
def planned_sections(outline: Replies, bible: Replies) -> Replies:
    """The sections to write: text is title, goal and words; field `neighbours` what stands around it."""
    words = bible[0].data()["words"]
    nodes = [s.but(data={**s.data(), "words": words[str(s.data()["number"])]}) for s in outlined(outline)]
    nodes = [n.but(text=_line(n.data())) for n in nodes]
    return [_with_neighbours(nodes, place) for place in range(len(nodes))]


def _line(node: dict[str, Any]) -> str:
    return f"{node['number']}. {node['title']}: {node['goal']} (about {node['words']} words)"


def _with_neighbours(nodes: Replies, place: int) -> Reply:
    before = [f"Before it: {n.text}" for n in nodes[max(0, place - 1) : place]]
    after = [f"After it: {n.text}" for n in nodes[place + 1 : place + 2]]
    return nodes[place].but(data={**nodes[place].data(), "neighbours": "\n".join([*before, *after])})


@pure
def pilot_section(sections: Replies, said: Replies) -> Reply:
    """The section that the person picks by its number, else the longest."""
    number = NUMBER.search(said[-1].text) if said else None
    named = [s for s in sections if number and str(s.data()["number"]) == number.group()]
    return (named or sorted(sections, key=lambda s: -s.data()["words"]))[0]


@pure
def other_sections(sections: Replies, pilot: Replies) -> Replies:
    """All sections but the pilot."""
    return [s for s in sections if s.key != pilot[0].key]


@pure
def approved(said: Replies) -> bool:
    """Whether the last word approves."""
    return bool(said) and said[-1].key in ("approve", "confirm")


@pure
def prose(section: Replies, written: Replies, rewritten: Replies = []) -> Reply:  # noqa: B006 (never written to)
    """A section as it was written, or rewritten where that came; failed where it was not."""
    made = (ok_of(rewritten) or written)[-1:] or [failed("it was not written")]
    node = section[0].data()
    kept = {n: node[n] for n in ("number", "title", "goal", "words")}
    return made[0].but(key=section[0].key, text=made[0].text.strip(), data=kept)


@pure
def length_note(section: Replies, written: Replies, within: float) -> Replies:
    """What is wrong with a section's length; nothing where it is within that share of its budget, or there is none."""
    if not ok_of(written):
        return []
    have, want = len(written[0].text.split()), section[0].data()["words"]
    if abs(have - want) <= within * want:
        return []
    return [reply(f"It has {have} words; it must have {want}, give or take {within:.0%}.", key="length")]


@pure
def in_order(sections: Replies, pilot: Replies, others: Replies) -> Replies:
    """The written sections in the order of the outline."""
    made = {r.key: r for r in [*others, *pilot]}
    return [made.get(s.key, failed("it was not written", key=s.key)) for s in sections]


@pure
def seams(sections: Replies) -> Replies:
    """The places where two sections meet, in order."""
    keys = [s.key for s in sections]
    return [reply(key=f"{a} / {b}", data={"pair": [a, b]}) for a, b in pairwise(keys)]


@pure
def seams_around(sections: Replies, item: Replies, redone: Replies) -> Replies:
    """The seams of one section, if it was redone."""
    return [s for s in seams(sections) if ok_of(redone) and item[0].key in s.data()["pair"]]


@pure
def seam(pair: Replies, sections: Replies) -> Reply:
    """The last paragraph of one section and the first of the next; skipped where one of them is missing."""
    one, other = (next(s for s in sections if s.key == k) for k in pair[0].data()["pair"])
    if not (one.ok and other.ok):
        return reply(key=pair[0].key, status="skipped", cause="one of the two was not written")
    data = {
        "title": other.data().get("title", ""),
        "last": _paragraphs(one.text)[-1],
        "first": _paragraphs(other.text)[0],
    }
    return reply(key=pair[0].key, data=data)


def _paragraphs(text: str) -> list[str]:
    return re.split(r"\n\s*\n", text.strip())


@pure
def with_seam(sections: Replies, pair: Replies, made: Replies) -> Replies:
    """The sections with these two paragraphs rewritten, and nothing else; as they were where that failed."""
    if not ok_of(made):
        return sections
    said, (one, other) = made[-1].data(), pair[0].data()["pair"]
    new = []
    for each in sections:
        parts = _paragraphs(each.text)
        if each.key == one:
            parts[-1] = said["last"].strip()
        if each.key == other:
            parts[0] = said["first"].strip()
        new.append(each.but(text="\n\n".join(parts)) if each.key in (one, other) else each)
    return new


@pure
def nothing_wrong(checks: Replies) -> bool:
    """Whether the last check found nothing, or there is none to go by."""
    return not ok_of(checks[-1:]) or not checks[-1].data()["issues"]


@pure
def issue_notes(named: Replies) -> Replies:
    """Each named section with its issues as lines in the field `notes`."""
    return [
        n.but(data={**n.data(), "notes": "\n".join(f"- {i['kind']}: {i['issue']}" for i in n.data()["issues"])})
        for n in named
    ]


@pure
def with_rewritten(sections: Replies, rewritten: Replies) -> Replies:
    """The sections, those that were rewritten in their places."""
    new = {r.key: r.text.strip() for r in ok_of(rewritten)}
    return [s.but(text=new[s.key]) if s.key in new else s for s in sections]


@pure
def current(sections: Replies, item: Replies) -> Replies:
    """A section as it stands now; nothing where it was never written."""
    return [s for s in ok_of(sections) if s.key == item[0].key]


@pure
def kept_or_missing(current: Replies, said: Replies) -> bool:
    """Whether a section is not to be redone: it was kept, or is missing."""
    return not current or not said or said[-1].key != "redo"


@pure
def authored(
    outline: Replies,
    sections: Replies,
    pilots: Replies,
    checks: Replies,
    fixes: Replies,
    first_joints: Replies,
    joints: Replies,
    redone: Replies,
    rules: Replies,
    bible: Replies,
) -> Reply:
    """The document. Sections that could not be written leave it incomplete, and it says which; a text that nobody
    read as a whole is unchecked. Fails the run where there is no section at all.
    """
    if not ok_of(sections):
        raise Refuse(f"no section could be written: {'; '.join(causes(sections)) or 'the outline has none'}")
    missing = [s.key for s in sections if not s.ok]
    lost = causes([*sections, *rules, *first_joints, *checks, *fixes, *redone, *joints])
    nodes = outline[0].data()["sections"]
    data = {
        "title": outline[0].data()["title"],
        "outline_agreed": outline[0].data()["agreed"],
        "pilot_approved": approved(pilots),
        "sections": [
            {**n, "written": s.ok, "length": len(s.text.split())} for n, s in zip(nodes, sections, strict=True)
        ],
        "rules": bible[0].data()["rules"],
        "issues": [i for c in ok_of(checks) for i in c.data()["issues"]],
        "missing": missing,
        "lost": lost,
    }
    outcome: Outcome = "answered"
    if missing:
        outcome = "incomplete"
    elif not ok_of(checks):
        outcome = "unchecked"
    elif lost:
        outcome = "degraded"
    parts = [
        f"## {n['title'].strip()}\n\n{s.text.strip() if s.ok else MISSING}"
        for n, s in zip(nodes, sections, strict=True)
    ]
    text = "\n\n".join([f"# {data['title']}", *parts])
    return reply(text, key="answer", data=data, model=ok_of(sections)[0].model, outcome=outcome)
