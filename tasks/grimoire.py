"""The Grimoire: what earlier runs of a tenant learned, recalled for a question and offered to the Librarian."""

import re
from uuid import UUID

from tasks.calls import Spot
from tasks.librarian import librarian_review
from tasks.memories import match
from tasks.reply import Replies, Reply, failed, reply
from utils.embeddings import Embedded, embed
from utils.errors import CallFailed
from utils.lessons import Found, Lesson, Wanted, mark_used, search
from utils.phi import outward

USED = 5
"""Of the lessons that are recalled (seed 002: 10), the best five reach a prompt."""
GENERAL = "general"


def recall(query: str, k: int, spot: Spot) -> Replies:
    """The `k` lessons that fit a query best; those beyond the fifth have the status `skipped`. Seed 002's
    consult_grimoire.

    Score is how well a lesson matches (tasks.memories.match), None where its vector is of another model. Notes which
    lessons the run used. An embedding model that fails leaves the search by words, and says so in a failed
    reply; an error of the database is raised.
    """
    run, text = spot.run, query.replace("\x00", " ")
    if not WORD.search(text):
        return []
    embedded, trouble = _embedded(text)
    wanted = Wanted(text, domains(run.domain), run.rehearsal, k, embedded)
    found = search(UUID(run.tenant_id), wanted)
    mark_used(UUID(run.tenant_id), run.run_id, [f.lesson.id for f in found[:USED]])
    model = embedded.model if embedded else ""
    return [_reply(one, model, used=place < USED) for place, one in enumerate(found)] + trouble


def remember(
    spot: Spot, *, prompt: Replies, answer: Replies, outcome: Replies, drafts: Replies | None = None
) -> Replies:
    """What the Librarian learned from a run that ended."""
    return librarian_review(spot, prompt=prompt, answer=answer, outcome=outcome, drafts=drafts)


def domains(domain: str) -> tuple[str, ...]:
    """Where lessons for a domain stand: in it and in its parents. Every domain's parent is `general`."""
    return tuple(dict.fromkeys((domain, GENERAL)))


def origin(lesson: Lesson) -> str:
    """Where a lesson comes from and how it has fared, in a line."""
    run = f"{'rehearsal ' if lesson.rehearsal else ''}run {lesson.source_run_id or '(deleted)'}"
    standing = "provisional" if lesson.provisional else "approved"
    return f"{run} ({standing}), helpful {lesson.helpful}, harmful {lesson.harmful}"


def _embedded(text: str) -> tuple[Embedded | None, Replies]:
    try:
        return embed([outward(text)]), []
    except CallFailed as error:
        return None, [failed(f"lessons were searched by words alone: {error.message}", key="(vectors)")]


def _reply(found: Found, model: str, *, used: bool) -> Reply:
    lesson = found.lesson
    data = {
        "id": str(lesson.id),
        "domain": lesson.domain,
        "confidence": lesson.confidence,
        "similarity": None if found.similarity is None else round(found.similarity, 4),
        "origin": origin(lesson),
        "used": used,
    }
    score = None if found.similarity is None else match(found.similarity, model)
    made = reply(TAG.sub("< ", lesson.text), key=str(lesson.id), data=data, score=score)
    return made if used else made.but(status="skipped", cause=f"beyond the {USED} that are used")


WORD = re.compile(r"\w")
TAG = re.compile(r"<(?=\s*/?\s*[a-z])", re.IGNORECASE)
"""A lesson is quoted between tags: it may open or close none."""
