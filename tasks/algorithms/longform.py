"""A long text in sections: its outline, the running memory, which sections an editor names, and the text as a whole."""

from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply


@pure
def outlined(outline: Replies) -> Replies:
    """The sections to write, in order: text is title and goal, key the number."""
    return [_outlined(n, s) for n, s in enumerate(outline[0].data()["sections"], 1)]


def _outlined(number: int, given: dict[str, Any]) -> Reply:
    data = {"number": number, "title": given["title"].strip(), "goal": given["goal"], "words": given["words"]}
    text = f"{number}. {data['title']}: {data['goal']} (about {data['words']} words)"
    return reply(text, key=f"section {number}", data=data)


@pure
def last_words(texts: Replies, most: int) -> Replies:
    """The last words of the last text that there is; nothing before the first."""
    usable = ok_of(texts)
    return [reply(" ".join(usable[-1].text.split()[-most:]), key="before")] if usable else []


@pure
def written_section(section: Replies, written: Replies) -> Reply:
    """A section as it was written, by its number and with its outline; failed where it was not."""
    return written[0].but(key=section[0].key, fields=section[0].fields)


@pure
def kept_memory(before: Replies, made: Replies, most: int) -> Replies:
    """The memory after a section, of so many words at most; as it stood where it could not be renewed."""
    return [r.but(key="memory", text=first_words(r.text, most)) for r in ok_of(made)] or before


def first_words(text: str, most: int) -> str:
    """The beginning of a text, whole lines where they fit, cut after so many words."""
    lines: list[str] = []
    left = most
    for line in text.strip().splitlines():
        words = line.split()
        if len(words) > left:
            return "\n".join([*lines, " ".join(words[:left])]).strip()
        lines.append(line)
        left -= len(words)
    return "\n".join(lines)


@pure
def named_sections(sections: Replies, critique: Replies) -> Replies:
    """The sections that an editor names, each with its issues; those that were never written are not among them."""
    issues = [i for c in ok_of(critique) for i in c.data()["issues"]]
    found = []
    for one in ok_of(sections):
        own = [i for i in issues if one.data()["number"] in i["sections"]]
        if own:
            found.append(one.but(data={**one.data(), "issues": own}))
    return found


@pure
def joined(sections: Replies, critique: Replies, revised: Replies, notes: Replies) -> Reply:
    """The text with its headings, in outline order, the revised sections in place of the first ones.

    Sections that could not be written leave it incomplete, and it says which; a text that nobody read as a whole is
    unchecked. Fails the run where there is no section at all.
    """
    if not ok_of(sections):
        raise Refuse(f"no section could be written: {'; '.join(causes(sections)) or 'the outline has none'}")
    better = {r.key: r for r in ok_of(revised)}
    missing = [s.data()["title"] for s in sections if not s.ok]
    lost = causes([*sections, *critique, *revised, *notes])
    parts = [f"## {s.data()['title']}\n\n{better.get(s.key, s).text.strip() if s.ok else MISSING}" for s in sections]
    data = {
        "sections": [_row(s, better) for s in sections],
        "issues": [i for c in ok_of(critique) for i in c.data()["issues"]],
        "missing": missing,
        "lost": lost,
    }
    outcome: Outcome = "answered"
    if missing:
        outcome = "incomplete"
    elif not ok_of(critique):
        outcome = "unchecked"
    elif lost:
        outcome = "degraded"
    return reply("\n\n".join(parts), key="answer", data=data, model=ok_of(sections)[0].model, outcome=outcome)


def _row(section: Reply, better: dict[str, Reply]) -> dict[str, Any]:
    return {**section.data(), "written": section.ok, "revised": section.key in better}


MISSING = "(This section could not be written.)"
