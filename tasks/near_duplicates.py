"""Near duplicates among texts, by the cosine similarity of their embeddings."""

import re
from itertools import combinations

from tasks.algorithms.points import connected
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
    made, trouble = _embedded(worded)
    kept: list[int] = []
    for place, one in enumerate(worded):
        twin = next((k for k in kept if _same(worded, made, (k, place), above)), None)
        if twin is None:
            kept.append(place)
        else:
            dropped.append(_dropped(one, f"nearly the same as {worded[twin].key}"))
    return {"kept": [worded[k] for k in kept], "dropped": dropped, "trouble": trouble}


@tool
def near_repeats(spot: Spot, *, texts: Replies, above: float) -> Slots:
    """`repeats` are texts that are nearly the same as an earlier one: fields `like` and `earlier`, its key and text.

    `above` and `trouble` are those of `drop_near_duplicates`. A text without a word repeats nothing.
    """
    worded = [t for t in ok_of(texts) if WORD.search(t.text)]
    made, trouble = _embedded(worded)
    repeats = []
    for place, one in enumerate(worded):
        twin = next((k for k in range(place) if _same(worded, made, (k, place), above)), None)
        if twin is not None:
            data = {**one.data(), "like": worded[twin].key, "earlier": worded[twin].text}
            repeats.append(one.but(data=data))
    return {"repeats": repeats, "trouble": trouble}


@tool
def mean_similarity(spot: Spot, *, texts: Replies, above: float) -> Slots:
    """How alike texts are: `similarity` (mean cosine of all pairs, null where it is unknown), `alike` and `trouble`.

    They are `alike` where the mean is over `above`, as in `drop_near_duplicates`; without embeddings, where all have
    the same words in the same order. Fewer than two texts are not alike.
    """
    worded = [t for t in ok_of(texts) if WORD.search(t.text)]
    pairs = list(combinations(range(len(worded)), 2))
    made, trouble = _embedded(worded) if pairs else (None, [])
    mean = sum(_cosine(made, pair) for pair in pairs) / len(pairs) if made else None
    if made and mean is not None:
        alike = _over(mean, made.model, above)
    else:
        alike = bool(pairs) and all(_same(worded, None, pair, above) for pair in pairs)
    data = {
        "similarity": None if mean is None else round(mean, 6),
        "alike": alike,
        "trouble": trouble[0].text if trouble else "",
    }
    return {"out": [reply(key="similarity", data=data)]}


@tool
def similar_pairs(spot: Spot, *, texts: Replies, above: float, border: float) -> Slots:
    """`sure` are the pairs that are nearly the same, `border` those within `border` of `above` on either side.

    Key of a pair is `i-j`; its fields are the keys `one` and `other` and the texts `first` and `second`. A pair that
    others connect surely is no border pair. `above` and `trouble` are those of `drop_near_duplicates`; without
    embeddings whatever has not the same words in the same order is on the border.
    """
    worded = [t for t in ok_of(texts) if WORD.search(t.text)]
    pairs = list(combinations(range(len(worded)), 2))
    made, trouble = _embedded(worded) if pairs else (None, [])
    sure = [p for p in pairs if _same(worded, made, p, above + border if made else above)]
    group = {n: place for place, g in enumerate(connected([*map(str, range(len(worded)))], _named(sure))) for n in g}
    near = [
        p
        for p in pairs
        if group[str(p[0])] != group[str(p[1])] and (made is None or _same(worded, made, p, above - border))
    ]
    return {"sure": [_pair(worded, p) for p in sure], "border": [_pair(worded, p) for p in near], "trouble": trouble}


@tool
def similarities(spot: Spot, *, texts: Replies) -> Slots:
    """How alike each pair of texts is: a reply a pair, score their cosine similarity, fields `one` and `other`, their
    keys. Nothing where there are no embeddings; a text without a word is in no pair."""
    worded = [t for t in ok_of(texts) if WORD.search(t.text)]
    made, _ = _embedded(worded)
    pairs = combinations(range(len(worded)), 2) if made else ()
    return {"out": [_pair(worded, p).but(score=round(_cosine(made, p), 6)) for p in pairs if made]}


def _named(pairs: list[tuple[int, int]]) -> list[tuple[str, str]]:
    return [(str(one), str(other)) for one, other in pairs]


def _pair(worded: Replies, places: tuple[int, int]) -> Reply:
    one, other = (worded[p] for p in places)
    data = {"one": one.key, "other": other.key, "first": one.text, "second": other.text}
    return reply(key=f"{places[0] + 1}-{places[1] + 1}", data=data)


def _embedded(worded: Replies) -> tuple[Embedded | None, Replies]:
    """The vectors of the texts; without any, why."""
    if not worded:
        return None, []
    try:
        return embed([outward(t.text) for t in worded]), []
    except (CallFailed, EmbeddingRefused) as error:
        return None, [reply(f"compared by words alone: {error.message}", key="(vectors)")]


def _dropped(one: Reply, why: str) -> Reply:
    return one.but(data={**one.data(), "reason": why})


def _same(texts: Replies, made: Embedded | None, places: tuple[int, int], above: float) -> bool:
    first, second = places
    if made is None:
        return WORD.findall(texts[first].text.casefold()) == WORD.findall(texts[second].text.casefold())
    return _over(_cosine(made, places), made.model, above)


def _cosine(made: Embedded, places: tuple[int, int]) -> float:
    first, second = places
    return sum(a * b for a, b in zip(made.vectors[first], made.vectors[second], strict=True))


def _over(cosine: float, model: str, above: float) -> bool:
    return match(cosine, model) > 0.5 + (above - SIMILAR) / (1 - SIMILAR) / 2


WORD = re.compile(r"\w+")
