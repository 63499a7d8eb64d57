"""Active retrieval: marks are read and taken out, gaps are asked for, and a text grows by pieces."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.active_retrieval import (
    active_answer,
    drafted,
    look_up_context,
    masked,
    no_look_up,
    search_query,
    sentence_piece,
    text_so_far,
    web_not_needed,
    writing_over,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

DOCUMENTS = [reply("a document")]
WEB = [reply("web", key="web", data={"name": "web"})]
QUERY = [reply("when?")]


def draft(sentence: str, *, end: bool = False) -> Reply:
    return drafted([reply(data={"sentence": sentence, "paragraph": False, "end": end})])


def piece(sentence: str, rewritten: str = "", **rest: Any) -> Reply:
    again = [reply(rewritten)] if rewritten else []
    return sentence_piece([draft(sentence, **rest)], QUERY if rewritten else [], [], [], again)


@pytest.mark.parametrize(
    ("said", "sentence", "spans"),
    [
        ("It is red.", "It is red.", []),
        ("It was [UNSURE]in 1911.[/UNSURE] Then more.", "It was [UNSURE]in 1911[/UNSURE].", ["in 1911"]),
        ("[unsure] A [/unsure] met [UNSURE]B[/UNSURE].", "[unsure] A [/unsure] met [UNSURE]B[/UNSURE].", ["A", "B"]),
        ("It is [UNSURE]red", "It is [UNSURE]red", ["red"]),
        ("It is [UNSURE][/UNSURE]red.", "It is [UNSURE][/UNSURE]red.", []),
    ],
)
def test_one_sentence_is_drafted_with_its_spans(said: str, sentence: str, spans: list[str]) -> None:
    made = draft(said)
    assert (made.text, made.data()["spans"]) == (sentence, spans)


@pytest.mark.parametrize(
    ("said", "end", "ends"),
    [("One.", True, True), ("One. Two.", True, False), ("", False, True), ("One.", False, False)],
)
def test_the_end_is_said_by_the_last_sentence_or_an_empty_one(said: str, end: bool, ends: bool) -> None:
    assert draft(said, end=end).data()["end"] is ends


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["red", "in 1911", "two towers,"])), max_size=6))
def test_no_mark_and_no_span_survives_in_a_piece(parts: list[tuple[bool, str]]) -> None:
    sentence = "The bridge of steel " + " ".join(
        f"[UNSURE]{n}{t}[/UNSURE]" if m else t for n, (m, t) in enumerate(parts)
    )
    made = piece(f"{sentence}.")
    assert "UNSURE" not in made.text
    assert len(made.data()["dropped"]) == sum(m for m, _ in parts)
    assert not any(f"{n}{t}" in made.text for n, (m, t) in enumerate(parts) if m)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("It was opened [UNSURE]in 1932[/UNSURE] and has towers.", "It was opened and has towers."),
        ("It is long ([UNSURE]503 m[/UNSURE]), and steep.", "It is long, and steep."),
        ("It is made of steel, [UNSURE]of Ghent[/UNSURE].", "It is made of steel."),
        ("It is [UNSURE]red[/UNSURE].", ""),
        ("Sure enough it is.", "Sure enough it is."),
    ],
)
def test_what_nothing_bears_out_is_taken_out(sentence: str, text: str) -> None:
    assert piece(sentence).text == text


def test_a_rewritten_sentence_stands_and_its_own_doubts_go() -> None:
    made = piece("It is [UNSURE]red[/UNSURE].", "It was opened in 1932 [E1] [UNSURE]by kings[/UNSURE].")
    assert (made.text, made.data()["dropped"], made.data()["rewritten"]) == (
        "It was opened in 1932 [E1].",
        ["by kings"],
        True,
    )
    lost = sentence_piece([draft("It was made [UNSURE]in 1932[/UNSURE].")], QUERY, [], [], [failed("down")])
    assert (lost.text, lost.data()["lost"], lost.data()["retrieved"]) == ("It was made.", ["down"], True)


def test_the_first_span_is_the_gap() -> None:
    gap = masked([draft("[UNSURE]A[/UNSURE] met [UNSURE]B[/UNSURE].")])
    assert gap.text == "[?] met [...]."
    assert search_query([reply("Who  met?\n")], [gap]).text == "Who met?"
    assert search_query([failed("down")], [gap]).text == "met ."


def test_look_ups_end_after_so_many_and_need_something_to_search() -> None:
    unsure, used = [draft("It is [UNSURE]red[/UNSURE].")], [piece("x [UNSURE]y[/UNSURE].", "z [E1].")] * 3
    assert not no_look_up(unsure, used, DOCUMENTS, [], most=4)
    assert no_look_up(unsure, used, DOCUMENTS, [], most=3)
    assert no_look_up(unsure, [], [], [], most=3)
    assert not no_look_up(unsure, [], [], WEB, most=3)
    assert no_look_up([draft("It is red.")], [], DOCUMENTS, [], most=3)
    assert no_look_up([failed("down")], [], DOCUMENTS, [], most=3)


@pytest.mark.parametrize(
    ("scores", "tools", "left_alone"),
    [((0.2, 0.3), WEB, True), ((0.29,), WEB, False), ((), WEB, False), ((None,), WEB, True), ((), [], True)],
)
def test_the_web_is_asked_where_the_best_score_is_low(
    scores: tuple[float | None, ...], tools: Replies, left_alone: bool
) -> None:
    hits = [reply("x", key="d:1", score=s) for s in scores]
    assert web_not_needed(QUERY, hits, tools, least=0.3) is left_alone
    assert web_not_needed([], hits, tools, least=0.3)


def test_a_passage_keeps_its_label_and_the_context_is_what_was_found_last() -> None:
    hits = [reply(f"text {n}", key=f"d:{n}", score=0.6) for n in range(3)]
    first = look_up_context(QUERY, hits[:2], [], [], [], k=3, least=0.3)
    again = look_up_context(QUERY, hits[1:], [], first["context"], first["sources"], k=3, least=0.3)
    assert [c.key for c in first["context"]] == ["E1", "E2"]
    assert [c.key for c in again["context"]] == ["E2", "E3"]
    assert [s.key for s in again["sources"]] == ["E1", "E2", "E3"]
    assert look_up_context([], hits, [], again["context"], again["sources"], k=3, least=0.3) == again
    bad = [hits[0].but(score=0.1)]
    assert look_up_context(QUERY, bad, [failed("down")], [], [], k=3, least=0.3)["context"] == []


def test_a_text_grows_and_ends() -> None:
    pieces = [piece("One is here."), piece("It is [UNSURE]red[/UNSURE]."), piece("Two are here.", end=True)]
    assert text_so_far(pieces[:-1], pieces[-1:])[0].text == "One is here. Two are here."
    assert text_so_far([], []) == []
    assert [writing_over(p) for p in ([], pieces[:1], pieces, [failed("down")])] == [False, False, True, True]
    made = active_answer(pieces, [])
    assert (made.outcome, made.data()["unsure"], made.data()["quality"]) == ("answered", ["red"], pytest.approx(2 / 3))
    assert active_answer(pieces[:2], []).outcome == "incomplete"


@pytest.mark.parametrize("pieces", [[], [failed("down")], [piece("")]])
def test_without_a_sentence_the_run_fails(pieces: Replies) -> None:
    with pytest.raises(Refuse):
        active_answer(pieces, [])
