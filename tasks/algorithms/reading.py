"""Reading a text too long for one call: numbered chunks, a note handed on, summaries merged level by level."""

import re
from typing import Any

from tasks.algorithms.sections import section
from tasks.chunking import Unit, about_tokens, chunks
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply


@pure
def numbered_chunks(
    documents: Replies, prompt: Replies, tokens: int, at_most: int, overlap: int = 0, cut_at: Unit = "sentence"
) -> Replies:
    """The chunks of the documents, or of the prompt where there are none, keyed 1, 2 ... in order; fields of `chunks`.

    Fails the run, before anything is paid, where there are more than `at_most`.
    """
    made = chunks(ok_of(documents) or prompt, tokens=tokens, overlap=overlap, cut_at=cut_at, at_most=at_most)
    return [c.but(key=str(n), data={**c.data(), "chunk": n}) for n, c in enumerate(made, 1)]


@pure
def purpose(prompt: Replies, documents: Replies, general: str = "") -> Reply:
    """What a text is read for: the prompt. Where the prompt is the text itself, `general`, else its first paragraph."""
    if ok_of(documents):
        return prompt[0]
    first = re.split(r"\n\s*\n", prompt[0].text.strip(), maxsplit=1)[0]
    return reply(general or first[:MOST_QUESTION], key="purpose")


@pure
def keyed_as(item: Replies, made: Replies) -> Reply:
    """What was made of an item, under the item's key."""
    return made[0].but(key=item[0].key)


@pure
def handed_over(note: Replies, units: Replies) -> Replies:
    """The last note. Fails the run where no chunk could be read: an answer would rest on nothing."""
    if not ok_of(units):
        raise Refuse(f"no chunk could be read: {'; '.join(causes(units)[:3]) or 'there was none'}")
    return note


@pure
def relayed(answer: Replies, note: Replies, units: Replies, chunks: Replies, absent: str) -> Reply:
    """The manager's answer, with the chunks that were skipped; the field `found` is whether the document answers."""
    skipped = [u.key for u in units if not u.ok]
    final = answer[0].text.strip()
    data = {
        "found": absent.casefold() not in final.casefold(),
        "chunks": [_row(c) for c in chunks],
        "skipped": skipped,
        "note": note[0].text if note else "",
        "lost": causes(units),
    }
    lines = [final, *section(SKIPPED, _places(chunks, skipped))]
    outcome: Outcome = "degraded" if skipped else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=answer[0].model, outcome=outcome)


def _row(chunk: Reply) -> dict[str, Any]:
    data = chunk.data()
    return {"chunk": chunk.key, **{n: data[n] for n in ("document", "title", "start", "end")}}


def _places(chunks: Replies, keys: list[str]) -> list[str]:
    """Chunks as a reader finds them."""
    rows = [_row(c) for c in chunks if c.key in keys]
    return [f"chunk {r['chunk']}: {r['title'] or r['document']}, characters {r['start']} to {r['end']}" for r in rows]


@pure
def neighbours(level: Replies, size: int, most_tokens: int) -> Replies:
    """The items of a level in groups of `size` neighbours, in document order, each a text; a last one alone is none.

    No groups where the level has no more than `most_tokens`, so that it can be read at once.
    """
    if sum(about_tokens(r.text) for r in ok_of(level)) <= most_tokens:
        return []
    return [_group(g) for g in _groups(level, size) if len(g) > 1]


def _groups(level: Replies, size: int) -> list[Replies]:
    usable = ok_of(level)
    return [usable[n : n + size] for n in range(0, len(usable), size)]


def _group(items: Replies) -> Reply:
    return reply("\n\n".join(i.text.strip() for i in items), key=f"{items[0].key} to {items[-1].key}")


@pure
def next_level(level: Replies, merged: Replies, size: int) -> Replies:
    """A level after its groups were merged. One whose merging failed keeps its items as they are, under one key."""
    if not merged:
        return level
    made = {m.key: m for m in ok_of(merged)}
    kept = []
    for group in _groups(level, size):
        whole = _group(group)
        kept.append(group[0] if len(group) == 1 else made.get(whole.key, whole))
    return kept


@pure
def condensed(
    final: Replies,
    chunks: Replies,
    first: Replies,
    merged_1: Replies,
    merged_2: Replies,
    merged_3: Replies,
    merged_4: Replies,
) -> Reply:
    """The summary, the chunks that it does not cover because nobody could summarise them, and the merges that failed.

    `unknown_chunks` are numbers that it cites and that no chunk has; `coverage` is the share of chunks summarised.
    """
    missing = [r.key for r in first if not r.ok]
    known = {c.key for c in chunks}
    cited = list(dict.fromkeys(n for part in CITED.findall(final[0].text) for n in NUMBER.findall(part)))
    data = {
        "chunks": [_row(c) for c in chunks],
        "not_covered": missing,
        "cited": [n for n in cited if n in known],
        "unknown_chunks": [n for n in cited if n not in known],
        "coverage": (len(first) - len(missing)) / len(first) if first else 0.0,
        "lost": causes([*first, *merged_1, *merged_2, *merged_3, *merged_4]),
    }
    lines = [final[0].text.strip(), *section(NOT_COVERED, _places(chunks, missing))]
    outcome: Outcome = "degraded" if data["lost"] or data["unknown_chunks"] else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=final[0].model, outcome=outcome)


MOST_QUESTION = 2000
CITED = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
NUMBER = re.compile(r"\d+")
SKIPPED = "Skipped, because nobody could read them"
NOT_COVERED = "Not covered"
