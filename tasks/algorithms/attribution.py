"""Attribution after the fact: questions on each sentence, evidence for each, minimal edits, and sources by paragraph.

The method is RARR's (Gao et al. 2022): preservation is measured in letters, the report chosen by coverage.
"""

from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.edit_distance import edit_distance
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import WORD, replaced
from tasks.chunking import PARAGRAPH
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

SUPPORTED, REFUTED, UNKNOWN = "supported", "refuted", "unknown"
CUT = "(cut)"


@pure
def in_context(text: Replies, sentences: Replies) -> Replies:
    """The sentences with the one `before` each and the number of their `paragraph`."""
    whole, usable = text[0].text, ok_of(sentences)
    made = []
    for one, before in zip(usable, ["", *(s.text for s in usable)], strict=False):
        paragraph = 1 + len(PARAGRAPH.findall(whole[: one.data()["start"]].lstrip()))
        made.append(one.but(data={**one.data(), "before": before, "paragraph": paragraph}))
    return made


@pure
def merged_questions(sentences: Replies, sets: Replies, searcher: Replies, k: int, most: int) -> Replies:
    """The questions of all sets, in text order, each once a sentence, as calls of the search (fields tool and args).

    Field `sentence` is the sentence's key. Those beyond `most` are not given; a skipped reply says how many.
    """
    found = []
    for index, one in enumerate(sentences):
        mine = [q for s in ok_of(sets) if s.at[:1] == [index] for q in s.data()["questions"]]
        found += [(one.key, n, question) for n, question in enumerate(distinct(mine), 1)]
    tool = searcher[0].data()["tool"]
    made = [
        reply(text, key=f"s{of} q{n}", data={"sentence": of, "tool": tool, "args": {"query": text, "k": k}})
        for of, n, text in found[:most]
    ]
    left = len(found) - len(made)
    note = [reply(key=CUT, status="skipped", cause=f"{left} questions beyond {most}")] if left else []
    return [*made, *note]


@pure
def with_best_passage(question: Replies, passages: Replies, ranked: Replies, found: Replies) -> Reply:
    """A question with the passage that was ranked first; the first that was found where no rank can be read.

    Fields: sentence, question, passage and place (empty where nothing was found), lost (why something failed).
    """
    named = str(ranked[0].data().get("best", "")).strip(" []") if ok_of(ranked) else ""
    best = next((p for p in passages if p.key == named), next(iter(passages), None))
    data = {
        "sentence": question[0].data()["sentence"],
        "question": question[0].text,
        "passage": best.text if best else "",
        "place": best.data()["place"] if best else "",
        "lost": first_cause([*found, *ranked]),
    }
    return reply(question[0].text, key=question[0].key, data=data)


@pure
def without_passage(pair: Replies) -> bool:
    """Whether nothing was found for a question."""
    return not pair[0].data()["passage"]


@pure
def as_it_stands(pair: Replies, sentences: Replies) -> Reply:
    """The sentence that a question is about, with the edits so far."""
    return next(s for s in sentences if s.key == pair[0].data()["sentence"])


@pure
def not_refuted(agreement: Replies) -> bool:
    """Whether there is nothing to edit."""
    return _verdict(agreement) != REFUTED


def _verdict(agreement: Replies) -> str:
    return str(agreement[0].data()["verdict"]) if ok_of(agreement) else UNKNOWN


@pure
def gated_edit(pair: Replies, sentence: Replies, agreement: Replies, revised: Replies, most: float) -> Reply:
    """An entry of the log: what the passage says of the sentence, and the edit, which is `kept` or dropped and why.

    An edit of more than `most` of the sentence's letters, or one that leaves no word, is dropped.
    """
    given, before = pair[0].data(), sentence[0].text
    after = revised[0].data()["sentence"].strip() if ok_of(revised) else before
    why = "" if _verdict(agreement) != REFUTED else _dropped(before, after, revised, most)
    data = {
        **{k: given[k] for k in ("sentence", "question", "passage", "place")},
        "verdict": _verdict(agreement),
        "reason": agreement[0].data()["reason"] if ok_of(agreement) else "",
        "before": before,
        "after": before if why else after,
        "kept": not why and after != before,
        "why": why,
        "lost": given["lost"] or first_cause([*agreement, *revised]),
    }
    return reply(f"{data['verdict']}: {given['question']}", key=pair[0].key, data=data)


def _dropped(before: str, after: str, revised: Replies, most: float) -> str:
    if not ok_of(revised):
        return f"no edit was made: {first_cause(revised) or 'none was given'}"
    if not WORD.search(after):
        return "the edit empties the sentence"
    if after == before:
        return "the edit changes nothing"
    share = edit_distance(before, after) / len(before)
    return f"the edit changes {share:.0%} of the sentence" if share > most else ""


@pure
def with_edit(sentences: Replies, entry: Replies) -> Replies:
    """The sentences after an edit that was kept."""
    edit = entry[0].data()
    return [s.but(text=edit["after"]) if s.key == edit["sentence"] else s for s in sentences]


def best_covering(entries: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most so many passages that settle the most questions together: each time the one that settles most of the
    questions that are left, the earlier of equals.
    """
    questions: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        questions.setdefault((entry["place"], entry["passage"]), []).append(entry["question"])
    chosen: list[dict[str, Any]] = []
    left = {q for settled in questions.values() for q in settled}
    while left and len(chosen) < most:
        place, passage = max(questions, key=lambda p: len(left & set(questions[p])))
        settled = questions.pop((place, passage))
        left -= set(settled)
        chosen.append({"place": place, "passage": passage, "questions": settled})
    return chosen


@pure
def attributed(
    text: Replies,
    split: Replies,
    sentences: Replies,
    edited: Replies,
    sets: Replies,
    questions: Replies,
    log: Replies,
    searcher: Replies,
    most: int,
) -> Reply:
    """The edited text with its sources by paragraph, the changes, what is flagged, and the share that is preserved.

    `quality` is the share of questioned sentences that evidence now bears out. `split` are the sentences with the note
    on those that were cut, `edited` the sentences after all edits.
    """
    rows = [e.data() for e in log]
    borne = [r for r in rows if r["verdict"] == SUPPORTED or (r["verdict"] == REFUTED and r["kept"])]
    flagged = [r for r in rows if r["verdict"] == REFUTED and not r["kept"]]
    cut = [r.cause for r in (*split, *questions) if not r.ok]
    lost = [*causes(sets), *(f"{r['question']}: {r['lost']}" for r in rows if r["lost"])]
    whole = replaced(text[0].text, sentences, {s.key: s.text for s in edited})
    pairs = [(old.text, new.text) for old, new in zip(sentences, edited, strict=True)]
    distance = sum(edit_distance(old, new) for old, new in pairs if old != new)
    asked = {q.data()["sentence"] for q in ok_of(questions)}
    stands = {r["sentence"] for r in borne} - {r["sentence"] for r in flagged}
    data: dict[str, Any] = {
        "text": whole,
        "paragraphs": _report(sentences, borne, most),
        "diff": [{"before": old, "after": new} for old, new in pairs if old != new],
        "flagged": flagged,
        "preservation": max(0.0, 1 - distance / len(text[0].text)),
        "attributed": len(stands),
        "questioned": len(asked),
        "log": rows,
        "not_checked": cut,
        "lost": lost,
    }
    if asked:
        data["quality"] = len(stands) / len(asked)
    checked = any(r["verdict"] != UNKNOWN for r in rows)
    outcome: Outcome = "unchecked" if not checked else "incomplete" if cut or flagged else "answered"
    outcome = "degraded" if lost and outcome == "answered" else outcome
    shown = "\n".join([whole, *_shown(data, searcher)])
    return reply(shown, key="answer", data=data, score=data.get("quality"), outcome=outcome)


def _report(sentences: Replies, borne: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    paragraph = {s.key: s.data()["paragraph"] for s in sentences}
    return [
        {"paragraph": n, "sources": best_covering([r for r in borne if paragraph[r["sentence"]] == n], most)}
        for n in sorted({paragraph[r["sentence"]] for r in borne})
    ]


def _shown(data: dict[str, Any], searcher: Replies) -> list[str]:
    if not searcher[0].data()["tool"]:
        return ["", "Not checked: there is nothing to search: give --documents, or name a web search in RADIANT_TOOLS."]
    if not data["questioned"]:
        return ["", "Not checked: no question on a fact of it could be put."]
    sources = [
        f"paragraph {p['paragraph']}: {s['place']} ({'; '.join(s['questions'])})"
        for p in data["paragraphs"]
        for s in p["sources"]
    ]
    changes = [f'"{c["before"]}" -> "{c["after"]}"' for c in data["diff"]]
    flagged = [f'"{r["before"]}" is contradicted by {r["place"]}, but {r["why"]}' for r in data["flagged"]]
    return [
        *section("Sources", sources or ["none bears out the text"]),
        *section("Changes", changes),
        *section("Contradicted and not changed", flagged),
        *section("Not checked", data["not_checked"]),
        "",
        f"Preserved: {data['preservation']:.0%} of the text.",
    ]
