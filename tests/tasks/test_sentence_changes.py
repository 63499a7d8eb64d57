"""What a revision changed: runs of sentences, nothing for white space."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.sentence_changes import sentence_changes

TEXTS = st.text(alphabet="ab.! \n", max_size=30)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("One. Two. Three.", "One. 2. Three.", [("Two.", "2.")]),
        ("One. Two.", "One.\n\n Two.", []),
        ("One.", "One. Two.", [("", "Two.")]),
        ("One. Two.", "Two.", [("One.", "")]),
        ("", "", []),
    ],
)
def test_sentences_that_differ(before: str, after: str, changes: list[tuple[str, str]]) -> None:
    assert [(c["before"], c["after"]) for c in sentence_changes(before, after)] == changes


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_nothing_differs_from_itself_and_no_change_is_empty(one: str, two: str) -> None:
    assert sentence_changes(one, one) == []
    assert all(c["before"] != c["after"] for c in sentence_changes(one, two))
