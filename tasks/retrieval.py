"""Look-ups in documents that a run is given: by words (BM25) and by meaning (vectors), their ranks fused.

BM25: Robertson and Zaragoza 2009, as Lucene has it. Fusion: Cormack, Clarke and Buettcher 2009.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from tasks.calls import Spot
from tasks.chunking import chunks
from tasks.memories import match
from tasks.reply import Replies, Reply, Slots, failed, ok_of, reply
from tasks.spec import OUT, Input
from tasks.toolbox import Errand, NamedTool
from tasks.tools import tool
from utils.embeddings import STOP_WORDS, embed, embedding_model
from utils.errors import CallFailed, EmbeddingRefused
from utils.lessons import RANK_CONSTANT
from utils.phi import outward

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)
TOKENS, OVERLAP = 200, 40
"""Of a passage, and of what it repeats of the one before, where nobody says otherwise."""
MOST_EMBEDDED = 2_000
"""Of more passages than these only the best by words are compared by meaning."""
MOST_VECTORS = 10_000
"""Vectors that the process keeps, so that a second look-up in the same documents pays for its query alone."""
DOCUMENT: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "text": {"type": "string", "minLength": 1}},
    "required": ["text"],
}


def documents_input(*, required: bool = True) -> Input:
    """The input `documents`: what a pattern looks things up in."""
    return Input(
        name="documents",
        type="items",
        help='Documents as a JSON list, or @file: [{"id": ..., "title": ..., "text": ...}].',
        default=None if required else [],
        least=1 if required else None,
        most=10_000,
        item_schema=DOCUMENT,
    )


@tool
def retrieve(
    spot: Spot,
    *,
    query: Replies,
    documents: Replies,
    k: int = 8,
    tokens: int = TOKENS,
    overlap: int = OVERLAP,
    least: float = 0.0,
) -> Slots:
    """The k passages that fit a query best, best first, each a reply; none below the score `least`.

    Key is `document:number`, text the passage, score how well it fits in [0, 1] (.5 is where a text of this embedding
    model fits; None where there are no vectors). Fields: those of `chunks` (id, document, title, number, start, end,
    tokens, digest), fused, by_words and by_meaning (ranks from 1, null where it has none). An embedding model that
    fails leaves the words, and says so in a failed reply at the end.
    """
    return {OUT: found(_text(query), documents, k=k, sizes=(tokens, overlap), least=least)}


@tool
def look_up(spot: Spot, *, query: Replies, documents: Replies, k: int = 8, least: float = 0.0) -> Slots:
    """The same as one reply, for a Fan: the field `passages` lists them, text shows them by id."""
    return {OUT: [as_one(found(_text(query), documents, k=k, least=least))]}


def found(
    query: str, documents: Replies, *, k: int, sizes: tuple[int, int] = (TOKENS, OVERLAP), least: float = 0.0
) -> Replies:
    """What `retrieve` gives."""
    passages = [c for c in chunks(documents, tokens=sizes[0], overlap=sizes[1]) if WORD.search(c.text)]
    if not passages or not WORD.search(query):
        return []
    by_words = _by_words(query, passages)
    trouble: Replies = []
    similar: dict[int, float] = {}
    try:
        similar = _similarities(query, passages, by_words)
    except (CallFailed, EmbeddingRefused) as error:
        trouble = [failed(f"passages were searched by words alone: {error.message}", key="(vectors)")]
    by_meaning = sorted(similar, key=lambda n: (-similar[n], n))
    fused = fused_ranks([by_words, by_meaning])
    model = embedding_model()
    word_rank, meaning_rank = ({n: rank for rank, n in enumerate(r, 1)} for r in (by_words, by_meaning))
    best = []
    for place in sorted(fused, key=lambda n: (-fused[n], n)):
        score = match(similar[place], model) if place in similar else None
        if score is None or score >= least:
            ranks = {"by_words": word_rank.get(place), "by_meaning": meaning_rank.get(place)}
            one = passages[place]
            best.append(one.but(score=score, data={**one.data(), **ranks, "fused": round(fused[place], 6)}))
    return best[:k] + trouble


def as_one(passages: Replies) -> Reply:
    """Passages as one reply."""
    listed = [{**r.data(), "text": r.text, "score": r.score} for r in ok_of(passages)]
    trouble = next((r.cause for r in passages if not r.ok), "")
    text = "\n\n".join(f"[{r.key}] {r.text.strip()}" for r in ok_of(passages)) or "(no passage fits)"
    return reply(
        text, data={"passages": listed, "trouble": trouble}, score=max((r.score or 0 for r in passages), default=0)
    )


def fused_ranks(rankings: Sequence[Sequence[K]]) -> dict[K, float]:
    """Reciprocal rank fusion: the sum over rankings of 1 / (60 + rank)."""
    scores: dict[K, float] = {}
    for ranking in rankings:
        for rank, one in enumerate(ranking, 1):
            scores[one] = scores.get(one, 0.0) + 1 / (RANK_CONSTANT + rank)
    return scores


def _text(query: Replies) -> str:
    return "\n".join(r.text for r in ok_of(query))


def _by_words(query: str, passages: Sequence[Reply]) -> list[int]:
    """The passages that share a word with the query, best first."""
    import bm25s  # type: ignore[import-untyped]

    # It tells of every index that it builds, whatever the level of the root's.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    wanted = list(dict.fromkeys(_words(query)))
    if not wanted:
        return []
    ranker = bm25s.BM25(method="lucene")
    ranker.index([_words(f"{p.data()['title']} {p.text}") or [""] for p in passages], show_progress=False)
    scores: list[float] = ranker.get_scores(wanted).tolist()
    return sorted((n for n, score in enumerate(scores) if score > 0), key=lambda n: (-scores[n], n))


def _words(text: str) -> list[str]:
    """Its words without those that every text has, and without the plural's s."""
    words = [w for w in WORD.findall(text.lower()) if w not in STOP_WORDS]
    return [w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in words]


def _similarities(query: str, passages: Sequence[Reply], by_words: Sequence[int]) -> dict[int, float]:
    """Cosine similarities by place."""
    places = by_words[:MOST_EMBEDDED] if len(passages) > MOST_EMBEDDED else range(len(passages))
    texts = {n: f"{passages[n].data()['title']} {passages[n].text}".strip() for n in places}
    wanted, *vectors = _vectors([query, *texts.values()])
    return {n: float(wanted @ vector) for n, vector in zip(texts, vectors, strict=True)}


_kept: "OrderedDict[tuple[str, str], NDArray[float32]]" = OrderedDict()
_lock = Lock()


def _vectors(texts: Sequence[str]) -> "list[NDArray[float32]]":
    import numpy

    model = embedding_model()
    with _lock:
        have = {t: _kept[model, t] for t in texts if (model, t) in _kept}
    if missing := [t for t in dict.fromkeys(texts) if t not in have]:
        made = embed([outward(t) for t in missing])
        have |= dict(zip(missing, numpy.asarray(made.vectors, dtype=numpy.float32), strict=True))
        with _lock:
            _kept.update({(made.model, t): have[t] for t in missing})
            while len(_kept) > MOST_VECTORS:
                _kept.popitem(last=False)
    return [have[t] for t in texts]


def look_up_documents(errand: Errand) -> Reply:
    """The tool: passages of the run's documents."""
    arguments: Any = errand.arguments
    return as_one(found(str(arguments["query"]), errand.sources["documents"], k=int(arguments.get("k", 5))))


NO_DOCUMENTS = "the tool 'documents' has nothing to look into: give the run --documents, a JSON list or @file"
DOCUMENTS = NamedTool(
    name="documents",
    description="Looks up passages in the documents of this run. Gives the best ones with their ids.",
    arguments={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 10_000},
            "k": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    run=look_up_documents,
    lacks=lambda given: "" if "documents" in given else NO_DOCUMENTS,
)
WORD = re.compile(r"\w+")
