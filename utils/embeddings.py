"""Vectors of texts, all of one width. Without a provider's key they are lexical, and named so.

Vectors of different models must never be compared: store the model and its version beside each.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from utils.errors import EmbeddingRefused
from utils.models import why_not
from utils.settings import settings

WIDTH = 768
LEXICAL = "lexical-hash"
LEXICAL_VERSION = "1"


class Embedded(BaseModel):
    """Unit vectors, one a text, in their order, and what made them."""

    model_config = ConfigDict(frozen=True)

    vectors: tuple[tuple[float, ...], ...]
    model: str
    version: str


def embed(texts: Sequence[str]) -> Embedded:
    """A unit vector of each text, of the settings' model where it is usable, else of the lexical one.

    A long text is embedded in pieces and their mean taken, weighted by length. Raises EmbeddingRefused for
    a text that has no direction (nothing but blanks or signs) or a model of another width, and CallFailed.
    """
    pieces = [_pieces(text) for text in texts]
    flat = [piece for of_text in pieces for piece in of_text]
    model = embedding_model()
    made = iter(_lexical(flat) if model == LEXICAL else _of_model(model, flat))
    vectors = tuple(_pooled([(len(piece), next(made)) for piece in of_text]) for of_text in pieces)
    return Embedded(vectors=vectors, model=model, version=LEXICAL_VERSION if model == LEXICAL else str(WIDTH))


def embedding_model() -> str:
    """The model that `embed` uses now."""
    wanted = settings().embedding_model
    return LEXICAL if wanted == LEXICAL or why_not(wanted) else wanted


def similarity_bound(model: str) -> float:
    """The cosine similarity from which a text of this model fits another one."""
    return SIMILAR_LEXICAL if model == LEXICAL else SIMILAR


def same_lesson_bound(model: str) -> float:
    """The cosine similarity from which two texts of this model say the same."""
    return SAME_LEXICAL if model == LEXICAL else SAME


def _pieces(text: str) -> list[str]:
    if not text.strip():
        raise EmbeddingRefused("an empty text has no embedding")
    return [piece for piece in PIECE.findall(text) if piece.strip()]


def _pooled(weighted: list[tuple[int, Sequence[float]]]) -> tuple[float, ...]:
    total = [0.0] * WIDTH
    for weight, vector in weighted:
        if len(vector) != WIDTH:
            raise EmbeddingRefused(
                f"the embedding model gives {len(vector)} numbers, not {WIDTH}: choose another one with "
                "RADIANT_EMBEDDING_MODEL"
            )
        for index, part in enumerate(vector):
            total[index] += weight * part
    length = math.sqrt(sum(part * part for part in total))
    # The distance to a zero vector is NaN, which passes every threshold.
    if not math.isfinite(length) or length < 1e-9:
        raise EmbeddingRefused("a text without any word has no embedding")
    return tuple(part / length for part in total)


def _of_model(model: str, texts: list[str]) -> list[Sequence[float]]:
    from utils.llm import vectors_of

    made: list[Sequence[float]] = []
    for start in range(0, len(texts), BATCH):
        made += vectors_of(model, texts[start : start + BATCH], width=WIDTH)
    return made


def _lexical(texts: list[str]) -> list[Sequence[float]]:
    return [_lexical_vector(text) for text in texts]


def _lexical_vector(text: str) -> list[float]:
    """Signed feature hashing (Weinberger et al. 2009) of words, word pairs and characters in words."""
    words = [word for word in WORD.findall(text.lower()) if word not in STOP_WORDS]
    if not words:
        words = WORD.findall(text.lower())
    weights: defaultdict[tuple[int, int], float] = defaultdict(float)
    for word, count in Counter(words).items():
        for place, weight in _of_word(word):
            weights[place] += weight * math.sqrt(count)
    for pair in {f"{first} {second}" for first, second in pairwise(words)}:
        weights[_place(pair)] += PAIR_WEIGHT
    vector = [0.0] * WIDTH
    for (index, sign), weight in weights.items():
        vector[index] += sign * weight
    return vector


@lru_cache(maxsize=20_000)
def _of_word(word: str) -> tuple[tuple[tuple[int, int], float], ...]:
    """The word itself and its character n-grams, which share one word's weight: `migrating`, `migration`."""
    marked = f"<{word}>"
    grams = [marked[start : start + size] for size in GRAMS for start in range(len(marked) - size + 1)]
    share = CHARACTER_WEIGHT / math.sqrt(len(grams)) if grams else 0.0
    return ((_place(word), 1.0), *((_place(f"#{gram}"), share) for gram in grams))


def _place(feature: str) -> tuple[int, int]:
    number = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
    return (number >> 1) % WIDTH, 1 if number & 1 else -1


BATCH = 32
PIECE = re.compile(r".{1,6000}(?=\s|\Z)|.{1,6000}", re.DOTALL)
"""6,000 characters are below 8,191 tokens, what the usual models take, in any script."""

WORD = re.compile(r"\w+")
GRAMS = (3, 4)
CHARACTER_WEIGHT = 0.8
PAIR_WEIGHT = 0.5
FUNCTION_WORDS = """
a about after all also an and any are as at be because been before being but by can could did do does doing each for
from had has have having how i if in into is it its just more most must my of on once only or other our out
over own same should so some such than that the their them then there these they this those to too under until up very
was we were what when where which while who why will with would you your
"""
STOP_WORDS = frozenset(FUNCTION_WORDS.split())
"""They are in every text: without inverse document frequencies they would make all texts alike."""

SIMILAR = 0.75
"""The seed's bound, for models that know meaning."""
SAME = 0.92

SIMILAR_LEXICAL = 0.2
SAME_LEXICAL = 0.8
"""Calibrated on the pairs of tests/utils/test_embeddings.py: 12 lessons reworded (0.61 to 1.0), 16 lessons with a
request that they fit (0.26 to 0.69), and 1,512 pairs of different topics (99.5 % below 0.2, all below 0.25). The
same-lesson bound lies well above what merely fits, because two rows of one lesson cost less than one row of two.
"""
