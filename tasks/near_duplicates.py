"""Near duplicates among texts, by the cosine similarity of their embeddings."""

import re

from tasks.calls import Spot
from tasks.memories import match
from tasks.reply import Replies, Reply, Slots, ok_of, reply
from tasks.tools import tool
from utils.embeddings import SIMILAR, Embedded, embed
from utils.errors import CallFailed, EmbeddingRefused
from utils.phi import outward


@tool
def drop_near_duplicates(spot: Spot, *, texts: Replies, above: float) -> Slots:
    """`kept` are the texts that are not nearly the same as an earlier kept one, `dropped` the others, with the reason.

    `above` is a cosine similarity as models give it that know meaning; for another one it stands where that model's
    own bound puts it. A text without a word is dropped. Where there are no embeddings, the same words in the same
    order count as a duplicate, and `trouble` says why.
    """
    worded = [t for t in ok_of(texts) if WORD.search(t.text)]
    dropped = [_dropped(t, "it has no word") for t in ok_of(texts) if not WORD.search(t.text)]
    try:
        made = embed([outward(t.text) for t in worded]) if worded else None
    except (CallFailed, EmbeddingRefused) as error:
        made, trouble = None, [reply(f"compared by words alone: {error.message}", key="(vectors)")]
    else:
        trouble = []
    kept: list[int] = []
    for place, one in enumerate(worded):
        twin = next((k for k in kept if _same(worded, made, (k, place), above)), None)
        if twin is None:
            kept.append(place)
        else:
            dropped.append(_dropped(one, f"nearly the same as {worded[twin].key}"))
    return {"kept": [worded[k] for k in kept], "dropped": dropped, "trouble": trouble}


def _dropped(one: Reply, why: str) -> Reply:
    return one.but(data={**one.data(), "reason": why})


def _same(texts: Replies, made: Embedded | None, places: tuple[int, int], above: float) -> bool:
    first, second = places
    if made is None:
        return WORD.findall(texts[first].text.casefold()) == WORD.findall(texts[second].text.casefold())
    cosine = sum(a * b for a, b in zip(made.vectors[first], made.vectors[second], strict=True))
    return match(cosine, made.model) > 0.5 + (above - SIMILAR) / (1 - SIMILAR) / 2


WORD = re.compile(r"\w+")
