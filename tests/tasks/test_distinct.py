"""Texts that differ: each once, as it was first put, in order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised

TEXTS = st.lists(st.sampled_from(["Sort.", "sort", " Sort ", "Reverse", "reverse.", "1,000 m", "1 km", " ", ".", ""]))


@settings(deadline=None)
@given(TEXTS)
def test_each_once_as_it_was_first_put_in_order(texts: list[str]) -> None:
    made = distinct(texts)
    forms = [normalised(t) for t in texts]
    assert [normalised(m) for m in made] == list(dict.fromkeys(f for f in forms if f))
    assert made == [texts[forms.index(normalised(m))].strip() for m in made]
    assert distinct(made) == made
