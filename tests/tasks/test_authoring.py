"""Long texts agreed on first: choices of an outline, budgets, lengths, seams and the document; total on junk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.authoring import (
    agreed_outline,
    authored,
    bible,
    length_note,
    numbered_outlines,
    outline_agreed,
    pilot_section,
    planned_sections,
    seam,
    seams,
    with_rules,
    with_seam,
)
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

NODES = [{"title": f"t{n}", "goal": "g", "words": 100 * n} for n in (1, 2, 3)]
OUTLINES = numbered_outlines([failed("down"), reply(data={"title": "T", "sections": NODES})])


def test_outlines_that_failed_have_no_number() -> None:
    assert [o.key for o in OUTLINES] == ["1"]


@pytest.mark.parametrize(
    ("choice", "text", "agreed"),
    [("use", "1", True), ("use", "this", True), ("use", "outline 7", False), ("change", "1", False)],
)
def test_only_an_outline_that_there_is_is_agreed(choice: str, text: str, agreed: bool) -> None:
    said = [reply(text, key=choice)]
    assert outline_agreed(said, OUTLINES) == agreed
    assert agreed_outline(said, OUTLINES).data()["agreed"] == agreed


EXTRACTED = [
    reply(
        data={
            "audience": "a",
            "tone": "t",
            "terms": [],
            "facts": [],
            "budgets": [{"section": 2, "words": 70}, {"section": 9, "words": 1}],
        }
    )
]
OUTLINE = [agreed_outline([reply("1", key="use")], OUTLINES)]


def test_budgets_of_the_bible_go_before_those_of_the_outline() -> None:
    made = [bible(OUTLINE, EXTRACTED, [failed("down")])]
    assert [s.data()["words"] for s in planned_sections(OUTLINE, made)] == [100, 70, 300]
    assert pilot_section(planned_sections(OUTLINE, made), [reply("longest", key="longest")]).data()["number"] == 3


def test_a_rule_is_added_once() -> None:
    one = bible(OUTLINE, EXTRACTED)
    new = [reply(data={"rules": ["short", " short ", ""]})]
    twice = with_rules([with_rules([one], new)], new)
    assert twice.data()["rules"] == ["short"]
    assert with_rules([one], [failed("down")]) == one


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 300), st.integers(50, 200))
def test_a_length_is_noted_beyond_fifteen_percent(have: int, want: int) -> None:
    section = [reply(key="section 1", data={"words": want})]
    assert bool(length_note(section, [reply("w " * have)], 0.15)) == (abs(have - want) > 0.15 * want)


TEXTS = st.lists(
    st.one_of(st.none(), st.lists(st.sampled_from(["a b", "c", "d e"]), min_size=1, max_size=3)), min_size=2, max_size=5
)


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_a_seam_changes_at_most_two_paragraphs(texts: list[list[str] | None]) -> None:
    written: Replies = [
        failed("down", key=f"section {n}") if t is None else reply("\n\n".join(t), key=f"section {n}")
        for n, t in enumerate(texts)
    ]
    for pair in seams(written):
        place = seam([pair], written)
        if not place.ok:
            continue
        same = [reply(data={"last": place.data()["last"], "first": place.data()["first"]})]
        assert with_seam(written, [pair], same) == written
        other = with_seam(written, [pair], [reply(data={"last": "X", "first": "Y"})])
        changed = [w.key for w, o in zip(written, other, strict=True) if w != o]
        assert set(changed) <= set(pair.data()["pair"])
    assert with_seam(written, seams(written)[:1], [failed("down")]) == written


def test_without_any_section_there_is_no_document() -> None:
    with pytest.raises(Refuse, match="no section could be written: section 1: down"):
        authored(OUTLINE, [failed("down", key="section 1")], [], [], [], [], [], [], [], [bible(OUTLINE, EXTRACTED)])
