"""Citations: labels become places, invented ones are marked, and the text is otherwise as it was written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.cited_passages import cited, labelled, nothing_given, rows, source_lines
from tasks.reply import failed, reply

PASSAGES = labelled([reply(" one ", key="doc:1", data={"title": "Doc"}), reply("two", key="doc:2")], "P")


def test_a_label_and_the_title_stand_above_the_text() -> None:
    assert [(p.key, p.text) for p in PASSAGES] == [("P1", "[P1] Doc\none"), ("P2", "[P2]\ntwo")]
    assert labelled(PASSAGES, "S")[0].data()["place"] == "doc:1", "a place is kept"


@pytest.mark.parametrize(
    ("text", "shown", "places", "invented"),
    [
        ("a [P1].", "a [doc:1].", ["P1"], []),
        ("a [P2, p1] b [P1]", "a [doc:2] [doc:1] b [doc:1]", ["P2", "P1"], []),
        ("a [P3]", "a (uncited)", [], ["P3"]),
        ("a [P1;P9]", "a [doc:1] (uncited)", ["P1"], ["P9"]),
        ("see [S1] or P1 or [P1x]", "see [S1] or P1 or [P1x]", [], []),
        ("", "", [], []),
    ],
)
def test_labels_are_replaced_by_places(text: str, shown: str, places: list[str], invented: list[str]) -> None:
    made = cited(text, PASSAGES, "P")
    assert (made.text, [p.key for p in made.passages], list(made.invented)) == (shown, places, invented)


@settings(deadline=None)
@given(st.text(alphabet="aP12[], ", max_size=30))
def test_every_label_is_either_known_or_invented(text: str) -> None:
    made = cited(text, PASSAGES, "P")
    assert {p.key for p in made.passages} <= {"P1", "P2"}
    assert not {"P1", "P2"} & set(made.invented)
    assert made.text == text or made.passages or made.invented


def test_each_source_is_listed_once() -> None:
    assert source_lines([*PASSAGES, PASSAGES[0]]) == ["[doc:1] Doc", "[doc:2]"]
    assert rows(PASSAGES)[1] == {"label": "P2", "place": "doc:2", "title": "", "text": "[P2]\ntwo"}


def test_nothing_is_given_where_no_document_has_a_text() -> None:
    assert nothing_given([])
    assert nothing_given([reply(" ", key="x"), failed("lost")])
    assert not nothing_given([reply("x")])
