"""Near duplicates: the first of a kind stays, in order, whatever else there is."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.calls import Spot
from tasks.near_duplicates import drop_near_duplicates, mean_similarity, near_repeats, similar_pairs, similarities
from tasks.reply import Replies, failed, reply
from tasks.run import Run
from tests.fake_openai import FakeOpenAI, Fault
from utils.embeddings import LEXICAL
from utils.settings import settings

SPOT = Spot(Run(tenant_id="t", user_id="u", run_id="r", workflow="w"), "unlike")
LIBRARY = "A tool library in the old post office where members borrow drills by the day"
ORCHARD = "An orchard on the railway bank whose fruit belongs to whoever picks it"


@pytest.fixture
def by_words(_home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_EMBEDDING_MODEL", LEXICAL)
    settings.cache_clear()


def texts(*given: str) -> Replies:
    return [reply(text, key=f"option {n}") for n, text in enumerate(given, 1)]


def split(*given: str) -> tuple[list[str], dict[str, str]]:
    made = drop_near_duplicates(SPOT, texts=texts(*given), above=0.85)
    return [k.key for k in made["kept"]], {d.key: d.data()["reason"] for d in made["dropped"]}


@pytest.mark.usefixtures("by_words")
def test_a_text_nearly_like_an_earlier_one_is_dropped_and_names_it() -> None:
    kept, dropped = split(LIBRARY, ORCHARD, LIBRARY.replace("old", "former") + ".", "!!!")
    assert kept == ["option 1", "option 2"]
    assert dropped == {"option 3": "nearly the same as option 1", "option 4": "it has no word"}


@pytest.mark.usefixtures("by_words")
@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([LIBRARY, ORCHARD, "Free buses on Sundays", "?"]), max_size=8))
def test_the_first_of_each_kind_stays_in_order(given_texts: list[str]) -> None:
    kept, dropped = split(*given_texts)
    firsts = [f"option {given_texts.index(t) + 1}" for t in dict.fromkeys(given_texts) if t != "?"]
    assert kept == firsts
    assert len(kept) + len(dropped) == len(given_texts)


def test_without_embeddings_the_same_words_are_a_duplicate_and_it_says_so(
    fake_openai: FakeOpenAI, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    fake_openai.embeddings_fault = Fault("server_error")
    made = drop_near_duplicates(SPOT, texts=texts("One, two", "one two!", "one three"), above=0.85)
    assert [k.key for k in made["kept"]] == ["option 1", "option 3"]
    assert "words alone" in made["trouble"][0].text


def test_what_failed_is_no_text() -> None:
    assert drop_near_duplicates(SPOT, texts=[failed("down")], above=0.85) == {"kept": [], "dropped": [], "trouble": []}


def repeats(*given: str) -> dict[str, str]:
    made = near_repeats(SPOT, texts=texts(*given), above=0.85)
    return {r.key: r.data()["like"] for r in made["repeats"]}


@pytest.mark.usefixtures("by_words")
def test_a_repeat_names_the_first_that_it_is_like_and_carries_its_text() -> None:
    assert repeats(LIBRARY, ORCHARD, LIBRARY + ".", "!!!", LIBRARY) == {"option 3": "option 1", "option 5": "option 1"}
    made = near_repeats(SPOT, texts=texts(LIBRARY, LIBRARY), above=0.85)["repeats"][0]
    assert (made.text, made.data()["earlier"]) == (LIBRARY, LIBRARY)
    assert near_repeats(SPOT, texts=[], above=0.85) == {"repeats": [], "trouble": []}


@pytest.mark.usefixtures("by_words")
@pytest.mark.parametrize(
    ("given", "alike"),
    [([LIBRARY, LIBRARY, LIBRARY], True), ([LIBRARY, LIBRARY, ORCHARD], False), ([LIBRARY], False), ([], False)],
)
def test_texts_are_alike_when_the_mean_of_all_pairs_is(given: list[str], alike: bool) -> None:
    (made,) = mean_similarity(SPOT, texts=texts(*given), above=0.95)["out"]
    assert made.data()["alike"] is alike
    assert (made.data()["similarity"] is None) == (len(given) < 2)


@pytest.mark.usefixtures("by_words")
@given(st.permutations([LIBRARY, ORCHARD, LIBRARY + " or week"]))
@hypothesis_settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_mean_similarity_does_not_depend_on_the_order(order: list[str]) -> None:
    first, other = (
        mean_similarity(SPOT, texts=texts(*t), above=0.95)["out"][0].data()["similarity"]
        for t in (order, [LIBRARY, ORCHARD, LIBRARY + " or week"])
    )
    assert first == pytest.approx(other, abs=1e-6)


def test_without_embeddings_only_the_same_words_are_alike(
    fake_openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    fake_openai.embeddings_fault = Fault("server_error")
    same, other = (
        mean_similarity(SPOT, texts=texts("One, two", t), above=0.95)["out"][0].data() for t in ("one two!", "two one")
    )
    assert (same["alike"], other["alike"], same["similarity"]) == (True, False, None)
    assert "words alone" in same["trouble"]


def pairs_of(*given: str) -> dict[str, list[str]]:
    slots = similar_pairs(SPOT, texts=texts(*given), above=0.85, border=0.05)
    return {slot: [p.key for p in slots[slot]] for slot in ("sure", "border")}


def test_pairs_are_sure_on_the_border_or_apart(by_words: None) -> None:
    near = "train timetable Salzburg Linz"
    made = pairs_of("train timetable Graz Vienna", near, ORCHARD, "timetable of the train Graz Vienna")
    assert made["sure"] == ["1-4"]
    assert {"1-2", "2-4"} == set(made["border"])


def test_what_sure_pairs_connect_is_no_border_pair(by_words: None) -> None:
    assert pairs_of(LIBRARY, LIBRARY, LIBRARY) == {"sure": ["1-2", "1-3", "2-3"], "border": []}


def test_pairs_of_few_texts_and_of_none(by_words: None) -> None:
    assert pairs_of() == pairs_of(LIBRARY) == pairs_of("...", "?") == {"sure": [], "border": []}


def test_without_embeddings_all_but_the_same_words_is_on_the_border(
    fake_openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    fake_openai.embeddings_fault = Fault("server_error")
    assert pairs_of("One, two", "one two!", "three") == {"sure": ["1-2"], "border": ["1-3", "2-3"]}


@pytest.mark.usefixtures("by_words")
def test_every_pair_has_its_similarity_and_the_alike_are_nearest() -> None:
    made = similarities(SPOT, texts=[*texts(LIBRARY, ORCHARD, LIBRARY + "!"), reply("!!!", key="no word")])["out"]
    scores = {(m.data()["one"], m.data()["other"]): m.score or 0.0 for m in made}
    assert max(scores, key=scores.__getitem__) == ("option 1", "option 3")
    assert len(scores) == 3
    assert similarities(SPOT, texts=[])["out"] == []
