"""Factuality: scores within bounds, facts once, evidence once, verdicts only by evidence that there is."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.factuality import (
    atomic_facts,
    fact_row,
    next_search,
    no_search,
    relevant_facts,
    scores,
    with_evidence,
)
from tasks.reply import failed, reply

WEB = [reply(data={"tool": "web"})]


@given(st.integers(0, 200), st.integers(0, 200))
def test_scores_lie_in_bounds_and_f1_between_its_parts(supported: int, others: int) -> None:
    found = scores(supported, supported + others, k=64)
    precision, recall, f1 = found["precision"], found["recall"], found["f1"]
    assert recall == min(supported / 64, 1)
    assert (precision is None) is (supported + others == 0)
    assert f1 is not None
    assert (f1 == 0) is (supported == 0)
    if supported and precision is not None and recall is not None:
        assert min(precision, recall) - 1e-9 <= f1 <= max(precision, recall) + 1e-9


def test_facts_stand_once_and_name_a_sentence_that_there_is() -> None:
    said = [{"text": "a", "sentence_no": 1}, {"text": " a ", "sentence_no": 2}, {"text": "b", "sentence_no": 7}]
    facts = atomic_facts([reply(data={"facts": said})], [reply("s", data={"number": 1})], most=9)
    assert [(f.key, f.text, f.data()["sentence_no"]) for f in facts] == [("fact 1", "a", 1), ("fact 2", "b", 0)]
    assert atomic_facts([failed("late")], [], most=9) == []
    judged = [reply(key="fact 1", data={"relevant": "no"}), failed("late", key="fact 2")]
    assert [f.key for f in relevant_facts(facts, judged)] == ["fact 2"]


@given(st.lists(st.sampled_from("abc"), max_size=6), st.integers(1, 3))
def test_evidence_is_gathered_once_and_numbered_in_order(texts: list[str], k: int) -> None:
    hit = reply(data={"results": [{"url": t, "text": t} for t in texts] + [{"url": "x"}, "junk"]})
    once = with_evidence([], [hit, failed("late")], k)
    assert [e.text for e in once] == list(dict.fromkeys(texts[:k]))
    assert with_evidence(once, [hit], k) == once
    assert [e.key for e in once] == [f"E{n + 1}" for n in range(len(once))]


def test_a_search_ends_by_enough_by_repetition_and_by_failure() -> None:
    asked = [reply("Curie born")]
    for step in ([reply(data={"enough": True, "query": "x"})], [reply(data={"enough": False, "query": " "})], []):
        assert no_search([next_search(step, asked, WEB, k=3)])
    assert no_search([next_search([reply(data={"enough": False, "query": "curie BORN"})], asked, WEB, k=3)])
    assert next_search([failed("late")], asked, WEB, k=3).cause == "late"
    new = next_search([reply(data={"enough": False, "query": "Curie died"})], asked, WEB, k=3)
    assert new.data() == {"tool": "web", "args": {"query": "Curie died", "k": 3}}


def test_a_verdict_rests_on_evidence_that_there_is() -> None:
    fact, evidence = [reply("f", key="fact 1", data={"sentence_no": 1})], [reply("e", key="E1", data={"place": "doc"})]
    for source, verdict in (("E1", "refuted"), ("[E1]", "refuted"), ("E2", "unknown"), ("", "unknown")):
        said = [reply(data={"verdict": "refuted", "source": source, "reason": "r"})]
        assert fact_row(fact, evidence, said, [], []).data()["verdict"] == verdict
    for hits, asked in (([failed("down")], []), ([], [failed("down")])):
        assert fact_row(fact, [], [], hits, asked).data()["lost"] == "down"
    assert not fact_row(fact, [], [], [], [reply(status="skipped", cause="enough")]).data()["lost"]
