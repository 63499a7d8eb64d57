"""Look-ups in given documents: by words and by meaning, what stands in a passage, and what happens without vectors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.calls import Spot
from tasks.reply import Replies, reply
from tasks.retrieval import documents_input, found, fused_ranks, look_up, retrieve
from tasks.run import Run
from tasks.spec import Fan, GraphSpec, Step, Tool, see
from tests.fake_openai import FakeOpenAI, Fault
from tests.tasks.conftest import Give

FERRY = "The new ferry has an electric engine. It crosses the fjord in twenty minutes."
CATS = "Cats sleep on warm window sills. They purr when they are content."
TAX = "A deduction lowers the taxable income. Receipts must be kept for seven years."
DOCUMENTS = [
    reply(FERRY, data={"id": "ferry", "title": "Ferries", "text": FERRY}),
    reply(CATS, data={"id": "cats", "title": "Pets", "text": CATS}),
    reply(TAX, data={"id": "tax", "title": "Taxes", "text": TAX}),
]


def keys(replies: Replies) -> list[str]:
    return [r.key for r in replies]


@pytest.mark.parametrize(
    ("query", "first"), [("electric engines of ferries", "ferry:1"), ("purring", "cats:1"), ("keep a receipt", "tax:1")]
)
def test_the_passage_that_fits_comes_first(database: str, query: str, first: str) -> None:
    passages = found(query, DOCUMENTS, k=3)
    assert passages[0].key == first
    scores = [p.score or 0.0 for p in passages]
    assert scores[0] == max(scores) > scores[-1]


def test_a_passage_is_a_span_of_its_document(database: str) -> None:
    (best,) = found("fjord", DOCUMENTS, k=1, sizes=(11, 0))
    data = best.data()
    assert best.text == FERRY[data["start"] : data["end"]]
    assert best.text == "It crosses the fjord in twenty minutes."
    assert (data["document"], data["number"], data["by_words"], data["by_meaning"]) == ("ferry", 2, 1, 1)


def test_k_and_the_least_score_bound_what_is_given(database: str) -> None:
    assert len(found("the", DOCUMENTS, k=2)) == 2
    assert keys(found("purring cats", DOCUMENTS, k=3, least=0.3)) == ["cats:1"]


@pytest.mark.parametrize(
    ("query", "documents"), [("", DOCUMENTS), ("?!", DOCUMENTS), ("cats", []), ("x", [reply("...")])]
)
def test_nothing_to_look_for_gives_nothing(database: str, query: str, documents: Replies) -> None:
    assert found(query, documents, k=3) == []


def test_a_title_is_searched_too(database: str) -> None:
    assert found("pets", DOCUMENTS, k=1)[0].key == "cats:1"


def test_without_vectors_words_find_it_and_it_is_said(
    database: str, fake_openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openai.embeddings_fault = Fault("server_error")
    *passages, trouble = found("electric ferry of a kind", DOCUMENTS, k=3)
    assert keys(passages) == ["ferry:1"]
    assert passages[0].score is None
    assert "by words alone" in trouble.cause


def test_it_is_recorded_by_path(run: Run, give: Give) -> None:
    tool = Tool(name="tasks.retrieval.retrieve", args={"k": 1})
    step = Step(id="find", does=tool, sees=see(query="prompt", documents="documents"))
    prompt = documents_input().model_copy(update={"name": "prompt", "type": "text", "item_schema": None})
    spec = GraphSpec(
        id="toy", title="T", description="D", inputs=(prompt, documents_input()), blocks=(step,), gives={"out": "find"}
    )
    first = give(spec, prompt="cats", documents=[{"id": "a", "text": CATS}])
    again = give(spec, prompt="cats", documents=[{"id": "b", "text": TAX}])
    assert keys(first["out"]) == keys(again["out"]) == ["a:1"]


def test_a_fan_looks_up_each_query_as_one_reply(give: Give) -> None:
    fan = Fan(
        id="find",
        does=Tool(name="tasks.retrieval.look_up", args={"k": 1}),
        over="prompt",
        at_most=3,
        sees=see(query="item", documents="documents"),
    )
    prompt = documents_input().model_copy(update={"name": "prompt", "type": "texts", "item_schema": None})
    spec = GraphSpec(
        id="toy", title="T", description="D", inputs=(prompt, documents_input()), blocks=(fan,), gives={"out": "find"}
    )
    out = give(spec, prompt=["purring", "fjord"], documents=[d.data() for d in DOCUMENTS])["out"]
    assert [[p["id"] for p in r.data()["passages"]] for r in out] == [["cats:1"], ["ferry:1"]]
    assert out[0].text == f"[cats:1] {CATS}"


def test_both_tools_give_the_same(run: Run) -> None:
    spot = Spot(run, "x")
    many = retrieve(spot, query=[reply("cats")], documents=DOCUMENTS, k=2)["out"]
    one = look_up(spot, query=[reply("cats")], documents=DOCUMENTS, k=2)["out"][0]
    assert [p["id"] for p in one.data()["passages"]] == keys(many)


@settings(deadline=None)
@given(st.permutations(range(6)), st.permutations(range(6)))
def test_fusion_knows_no_order_of_rankings(one: list[int], two: list[int]) -> None:
    assert fused_ranks([one, two]) == fused_ranks([two, one])
    assert fused_ranks([one])[one[0]] == max(fused_ranks([one]).values()) == 1 / 61
