"""Attribution after the fact: context of sentences, and a report that covers the most questions with few passages."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.attribution import attributed, best_covering, in_context, merged_questions, with_best_passage
from tasks.algorithms.sentences import sentences
from tasks.reply import failed, reply

SETTLED = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9)), max_size=20)


def entries(pairs: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"place": place, "passage": place, "question": f"q{number}"} for place, number in pairs]


def test_the_passage_that_settles_the_most_comes_first_and_one_that_adds_nothing_is_left_out() -> None:
    found = best_covering(entries([("a", 1), ("b", 1), ("b", 2), ("c", 3)]), 5)
    assert [f["place"] for f in found] == ["b", "c"]
    assert [f["place"] for f in best_covering(entries([("a", 1), ("b", 2)]), 1)] == ["a"]


@given(SETTLED, st.integers(1, 5))
def test_the_report_is_bounded_and_covers_all_questions_where_it_may(pairs: list[tuple[str, int]], most: int) -> None:
    found = best_covering(entries(pairs), most)
    assert len(found) <= most
    covered = {q for f in found for q in f["questions"]}
    assert covered <= {f"q{n}" for _, n in pairs}
    if len(found) < most:
        assert covered == {f"q{n}" for _, n in pairs}


def test_sentences_know_the_one_before_and_their_paragraph() -> None:
    text = reply("\n\nOne. Two.\n \nThree.")
    made = in_context([text], sentences([text], most=9))
    assert [(m.text, m.data()["before"], m.data()["paragraph"]) for m in made] == [
        ("One.", "", 1),
        ("Two.", "One.", 1),
        ("Three.", "Two.", 2),
    ]


def test_failed_sets_and_no_passages_are_no_trouble() -> None:
    one = reply("S.", key="1", data={"start": 0, "end": 2, "before": "", "paragraph": 1})
    searcher = reply(data={"tool": "web"})
    assert merged_questions([one], [failed("down")], [searcher], k=5, most=60) == []
    question = reply("Q?", key="s1 q1", data={"sentence": "1"})
    pair = with_best_passage([question], [], [failed("down")], [])
    assert (pair.data()["passage"], pair.data()["lost"]) == ("", "down")
    final = attributed([reply("S.")], [one], [one], [one], [], [], [], [searcher], most=5)
    assert (final.outcome, final.data()["text"]) == ("unchecked", "S.")


def test_the_first_sixty_questions_in_text_order_count_and_the_rest_is_said() -> None:
    texts = [reply(f"S{n}.", key=str(n), data={"start": 0, "end": 3, "paragraph": 1}) for n in range(13)]
    sets = [reply(data={"questions": [f"{n} {q}?" for q in range(5)]}, at=[n, 0]) for n in reversed(range(13))]
    searcher = reply(data={"tool": "web"})
    made = merged_questions(texts, sets, [searcher], k=5, most=60)
    assert [m.data()["sentence"] for m in made if m.ok] == [str(n // 5) for n in range(60)]
    assert (made[-1].status, made[-1].cause) == ("skipped", "5 questions beyond 60")
    entry = reply(data={"sentence": "0", "question": "q", "passage": "p", "place": "x", "verdict": "supported"})
    row = entry.but(data={**entry.data(), "kept": False, "why": "", "lost": ""})
    final = attributed([reply("S0.")], texts, texts, texts, sets, made, [row], [searcher], most=5)
    assert (final.outcome, final.data()["not_checked"]) == ("incomplete", ["5 questions beyond 60"])
