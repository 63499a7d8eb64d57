"""Embeddings: one width, no zero vector, nothing cut, and bounds that tell what fits from what does not."""

from itertools import combinations
from math import sqrt
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_openai import FakeOpenAI, Fault, fake_openai, no_provider
from utils.embeddings import LEXICAL, WIDTH, Embedded, embed, same_lesson_bound, similarity_bound
from utils.errors import CallFailed, EmbeddingRefused
from utils.settings import settings

__all__ = ["fake_openai", "no_provider"]


def cosine(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


@pytest.fixture
def lexical(no_provider: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return no_provider


def similarities(pairs: tuple[tuple[str, str], ...]) -> list[float]:
    made = embed([text for pair in pairs for text in pair]).vectors
    return [cosine(made[index], made[index + 1]) for index in range(0, len(made), 2)]


def unrelated() -> list[float]:
    """Every text with every text of another topic."""
    pairs = SAME + RELATED
    made = embed([text for pair in pairs for text in pair]).vectors
    return [cosine(made[a], made[b]) for a, b in combinations(range(len(made)), 2) if a // 2 != b // 2]


def test_without_a_key_it_is_lexical_and_says_so(lexical: pytest.MonkeyPatch) -> None:
    made = embed(["one text", "another text"])
    assert (made.model, made.version) == (LEXICAL, "1")
    assert [len(vector) for vector in made.vectors] == [WIDTH, WIDTH]
    assert made == embed(["one text", "another text"])


def test_nothing_in_nothing_out(lexical: pytest.MonkeyPatch) -> None:
    assert embed([]).vectors == ()


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=80))
def test_every_word_gives_a_unit_vector(text: str) -> None:
    (vector,) = embed([text]).vectors
    assert sqrt(cosine(vector, vector)) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["", "  \n", "?!...", "---"])
def test_a_text_without_a_word_is_refused(lexical: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(EmbeddingRefused):
        embed(["fine", text])


def test_function_words_alone_still_have_a_vector(lexical: pytest.MonkeyPatch) -> None:
    assert len(embed(["to be or not to be"]).vectors) == 1


def test_a_long_text_is_not_cut(lexical: pytest.MonkeyPatch) -> None:
    filler = "the budget of the department grows every year " * 400
    ending = "penguins swim under antarctic ice " * 200
    plain, ended, penguins = embed([filler, filler + ending, ending]).vectors
    assert len(filler) > 12_000
    assert cosine(ended, penguins) > cosine(plain, penguins) + 0.05


def test_related_lessons_pass_the_bound_and_unrelated_do_not(lexical: pytest.MonkeyPatch) -> None:
    bound = similarity_bound(LEXICAL)
    kept = mean(value >= bound for value in similarities(RELATED))
    passed = mean(value >= bound for value in unrelated())
    assert kept == 1.0, similarities(RELATED)
    assert passed <= 0.005


def test_the_same_lesson_in_other_words_passes_its_bound_and_a_related_one_does_not(
    lexical: pytest.MonkeyPatch,
) -> None:
    bound = same_lesson_bound(LEXICAL)
    merged = mean(value >= bound for value in similarities(SAME))
    wrongly = [value for value in similarities(RELATED) + unrelated() if value >= bound]
    assert merged >= 0.6, similarities(SAME)
    assert wrongly == []


def test_bounds_are_of_a_model() -> None:
    assert similarity_bound("openai/text-embedding-3-small") == 0.75
    assert similarity_bound(LEXICAL) < same_lesson_bound(LEXICAL)
    assert similarity_bound("openai/any") < same_lesson_bound("openai/any")


def test_a_provider_is_asked_for_the_width_in_batches(fake_openai: FakeOpenAI) -> None:
    made = embed([f"text {number}" for number in range(40)])
    assert made.model == "openai/text-embedding-3-small"
    assert {len(vector) for vector in made.vectors} == {WIDTH}
    assert [len(request.body["input"]) for request in fake_openai.requests] == [32, 8]
    assert {request.body["dimensions"] for request in fake_openai.requests} == {WIDTH}
    alone = embed(["text 35"]).vectors[0]
    assert made.vectors[35] == pytest.approx(alone)


def test_a_provider_gets_a_long_text_in_pieces(fake_openai: FakeOpenAI) -> None:
    text = "word " * 3000
    (vector,) = embed([text]).vectors
    (request,) = fake_openai.requests
    pieces = request.body["input"]
    assert len(pieces) == 3
    assert "".join(pieces).split() == text.split()
    parts = embed(pieces).vectors
    pooled = [sum(part[index] for part in parts) for index in range(WIDTH)]
    assert cosine(vector, tuple(pooled)) > 0.9


def test_a_zero_vector_of_a_provider_is_refused(fake_openai: FakeOpenAI) -> None:
    with pytest.raises(EmbeddingRefused):
        embed(["fine", "zero"])


def test_another_width_is_refused(fake_openai: FakeOpenAI, no_provider: pytest.MonkeyPatch) -> None:
    no_provider.setenv("RADIANT_EMBEDDING_MODEL", "openai/fixed-width")
    settings.cache_clear()
    with pytest.raises(EmbeddingRefused, match="1536"):
        embed(["fine"])


def test_the_lexical_one_may_be_chosen(fake_openai: FakeOpenAI, no_provider: pytest.MonkeyPatch) -> None:
    no_provider.setenv("RADIANT_EMBEDDING_MODEL", LEXICAL)
    settings.cache_clear()
    made: Embedded = embed(["fine"])
    assert made.model == LEXICAL
    assert fake_openai.requests == []


def test_a_failing_provider_is_one_clear_line(fake_openai: FakeOpenAI) -> None:
    fake_openai.embeddings_fault = Fault("bad_request", "no such model")
    with pytest.raises(CallFailed, match="no such model"):
        embed(["fine"])


# The calibration: the same lesson reworded, and a lesson with a request that it fits. Unrelated is every text with
# every text of another pair.
SAME = (
    ("When a team is small, start with a monolith.", "When the team is small, begin with a monolith."),
    ("When costs are uncertain, give a range.", "If costs are uncertain, give a range, not a point."),
    ("When sources disagree, name each source and date.", "When the sources disagree, name every source with date."),
    ("When a drug dose is asked, check kidneys first.", "If a drug dose is asked, first check the kidneys."),
    ("When a contract has no end, ask for termination.", "When a contract has no end, request a termination."),
    ("When migrating a database, rehearse the rollback.", "When you migrate a database, rehearse a rollback first."),
    ("When revenue is recurring, value it by retention.", "If revenue is recurring, value it by its retention."),
    ("When a log shows timeouts, look at the pool.", "When logs show timeouts, look at the pool first."),
    ("When the patient is a child, dose by weight.", "If the patient is a child, dose by body weight."),
    ("When survey answers are few, avoid percentages.", "When there are few survey answers, avoid percentages."),
    ("When encrypting backups, keep the keys elsewhere.", "If you encrypt backups, keep the keys elsewhere."),
    ("When hiring abroad, check local employment law.", "When you hire abroad, check the local employment law."),
)

RELATED = (
    (
        "When choosing a message queue, weigh throughput against order.",
        "Which message queue keeps the order of events?",
    ),
    (
        "When a diabetic patient takes metformin, look at the eGFR.",
        "Is metformin safe for my patient with an eGFR of 40?",
    ),
    (
        "When a lease has a break clause, note the notice period.",
        "What notice does the break clause in our lease need?",
    ),
    ("When interest rates rise, long bonds lose more value.", "How do rising interest rates affect long bonds?"),
    ("When a password leaks, rotate every token behind it.", "A password leaked: which tokens must we rotate?"),
    ("When a web page loads slowly, measure image sizes first.", "Why is our web page so slow with large images?"),
    ("When a trademark is descriptive, registration often fails.", "Can we register a descriptive trademark?"),
    ("When a startup raises money, model the founders' dilution.", "How diluted are founders after a series A?"),
    ("When an API is public, version it from the first day.", "Do we need to version our public API before launch?"),
    ("When a supplier is the only one, hold more inventory.", "How much inventory for parts of a single supplier?"),
    ("When solar panels face north, expect half of the yield.", "Are solar panels worth it on a north roof?"),
    ("When a merger needs approval, plan for the regulator's delay.", "Will the regulator approve this merger by May?"),
    ("When an author is anonymous, weigh the publisher.", "Is this anonymous article from a publisher we trust?"),
    ("When coffee tastes sour, grind finer.", "My espresso coffee is sour, what should I change?"),
    ("When flights are cancelled, ask for rebooking before a refund.", "My flight was cancelled; can I get a refund?"),
    ("When tomatoes have brown spots, water them less.", "Why do my tomato plants get brown leaves and spots?"),
)
