"""Slots: order, types and bounds, what an answer may change, and that no form of words confirms a suggestion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reply import reply
from tasks.slots import (
    FAILS,
    Claim,
    Condition,
    CrossRule,
    Entry,
    Form,
    Frame,
    Said,
    Slot,
    applies,
    as_replies,
    broken,
    dependents,
    form_in,
    frame_in,
    heard,
    plain_name,
    read,
    taken,
    tidied,
    wanted,
)

NAMES = ("a", "b", "c", "d")


def slot(name: str = "a", **rest: Any) -> Slot:
    return Slot(name=name, label=name.upper(), **rest)


def form_of(frame: Frame, **entries: Entry) -> Form:
    return {s.name: entries.get(s.name, Entry()) for s in frame.slots}


def confirmed(value: str) -> Entry:
    return Entry(status="confirmed", value=value)


def say(text: str, *asked: str, **claims: str | Claim) -> Said:
    made = {n: c if isinstance(c, Claim) else Claim(c, c, accepts=False) for n, c in claims.items()}
    return Said(text, made, frozenset(asked))


CHAIN = Frame(title="x", slots=(slot("c", depends_on=("b",)), slot("b", depends_on=("a",)), slot("a"), slot("d")))


@pytest.mark.parametrize(
    ("definition", "text", "value"),
    [
        ({}, "  Elm School ", "Elm School"),
        ({"type": "integer"}, "1,200", "1200"),
        ({"type": "integer"}, "1 200", "1200"),
        ({"type": "number"}, "2.50", "2.5"),
        ({"type": "number"}, "3.0", "3"),
        ({"type": "date"}, "2027-05-01", "2027-05-01"),
        ({"type": "boolean"}, "Yes", "true"),
        ({"type": "boolean"}, "false", "false"),
        ({"type": "choice", "choices": ("Single", "Joint")}, "joint", "Joint"),
        ({"type": "integer", "least": 1, "most": 5}, "5", "5"),
        ({"least": 2, "most": 3}, "abc", "abc"),
    ],
)
def test_a_right_value_is_kept_in_one_form(definition: dict[str, Any], text: str, value: str) -> None:
    assert read(slot(**definition), text) == (value, "")


@pytest.mark.parametrize(
    ("definition", "text", "problem"),
    [
        ({}, "  ", "A must be a text"),
        ({"type": "integer"}, "2.5", "A must be a whole number"),
        ({"type": "integer"}, "12,34", "A must be a whole number"),
        ({"type": "number"}, "nan", "A must be a number"),
        ({"type": "number"}, "1e999", "A must be a number"),
        ({"type": "number"}, "9" * 400, "A must be a number"),
        ({"type": "integer", "least": 1, "most": 5}, "6", "A must be a whole number, 1 to 5"),
        ({"type": "number", "least": 0}, "-1", "A must be a number, at least 0"),
        ({"type": "number", "most": 2_500_000}, "3000000", "A must be a number, at most 2500000"),
        ({"type": "number", "most": 0.25}, "1", "A must be a number, at most 0.25"),
        ({"type": "text", "most": 3}, "abcd", "A must be a text, at most 3 characters"),
        ({"type": "date"}, "2027-02-30", "A must be a date (year-month-day)"),
        ({"type": "boolean"}, "perhaps", "A must be yes or no"),
        ({"type": "choice", "choices": ("Single", "Joint")}, "both", "A must be one of Single, Joint"),
        ({"type": "integer", "rule": "a full year"}, "x", "A must be a whole number (a full year)"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule_in_plain_words(
    definition: dict[str, Any], text: str, problem: str
) -> None:
    assert read(slot(**definition), text) == ("", problem)


@given(st.sampled_from(["text", "integer", "number", "date", "boolean"]), st.text(max_size=20))
def test_reading_never_breaks_and_reads_its_own_values_back(kind: Any, text: str) -> None:
    one = slot(type=kind)
    value, problem = read(one, text)
    assert bool(value) != bool(problem)
    if value:
        assert read(one, value) == (value, "")


def test_missing_slots_come_by_how_many_depend_on_them_those_asked_again_first() -> None:
    assert [s.name for s in wanted(CHAIN, form_of(CHAIN))] == ["a", "b", "c", "d"]
    again = form_of(CHAIN, d=Entry(problem="wrong", fails=1), b=confirmed("x"))
    assert [s.name for s in wanted(CHAIN, again)] == ["d", "a", "c"]


def test_what_is_optional_or_settled_is_not_missing() -> None:
    frame = Frame(title="x", slots=(slot("a", required=False), slot("b"), slot("c"), slot("d")))
    form = form_of(frame, b=confirmed("x"), c=Entry(status="free_text", value="x"), d=Entry(suggestion="x"))
    assert [s.name for s in wanted(frame, form)] == ["d"]


def test_a_condition_holds_by_a_settled_value_and_only_if_that_slot_applies_itself() -> None:
    frame = Frame(
        title="x",
        slots=(
            slot("a"),
            slot("b", when=Condition(slot="a", values=("Yes",))),
            slot("c", when=Condition(slot="b", values=("1",))),
        ),
    )
    last = frame.slots[2]
    assert applies(frame, form_of(frame, a=confirmed("yes"), b=confirmed("1")), last)
    assert not applies(frame, form_of(frame, a=confirmed("no"), b=confirmed("1")), last)
    assert not applies(frame, form_of(frame, a=confirmed("yes"), b=Entry(suggestion="1")), last)


def test_a_condition_may_say_yes_or_a_number_in_another_form() -> None:
    frame = Frame(
        title="x",
        slots=(
            slot("a", type="boolean"),
            slot("b", when=Condition(slot="a", values=("Yes",))),
            slot("c", type="number"),
            slot("d", when=Condition(slot="c", values=("1,000",))),
        ),
    )
    form = form_of(frame, a=confirmed("true"), c=confirmed("1000"))
    assert all(applies(frame, form, frame.slots[i]) for i in (1, 3))


def test_conditions_in_a_circle_never_hold_and_never_hang() -> None:
    frame = Frame(
        title="x",
        slots=(slot("a", when=Condition(slot="b", values=("1",))), slot("b", when=Condition(slot="a", values=("1",)))),
    )
    assert not applies(frame, form_of(frame, a=confirmed("1"), b=confirmed("1")), frame.slots[0])


def test_dependents_are_found_through_others_and_in_circles() -> None:
    assert dependents(CHAIN, "a") == ("c", "b")
    circle = Frame(title="x", slots=(slot("a", depends_on=("b",)), slot("b", depends_on=("a",))))
    assert dependents(circle, "a") == ("b",)


def test_a_frame_is_made_consistent() -> None:
    frame = tidied(
        Frame(
            title="x",
            slots=(
                slot("First Name", depends_on=("first name", "ghost", "b")),
                slot("b", type="choice", when=Condition(slot="ghost", values=("1",))),
                slot("first-name", type="date"),
                slot("c", type="integer", least=5, most=1, when=Condition(slot="First Name", values=("1",))),
                slot("!"),
                slot("e", type="number", most=float("inf")),
            ),
            rules=(
                CrossRule(left="c", order="less", right="ghost", says="x"),
                CrossRule(left="b", order="less", right="first_name", says="texts have no order"),
                CrossRule(left="b", order="different", right="first_name", says="x"),
            ),
        )
    )
    assert [s.name for s in frame.slots] == ["first_name", "b", "c", "e"]
    assert frame.slots[3].most is None
    assert frame.slots[0].depends_on == ("b",)
    assert (frame.slots[1].type, frame.slots[1].when) == ("text", None)
    assert (frame.slots[2].least, frame.slots[2].most, frame.slots[2].depends_on) == (None, None, ("first_name",))
    assert [r.order for r in frame.rules] == ["different"]
    assert tidied(frame) == frame


@given(st.text(max_size=80))
def test_a_plain_name_is_plain_and_stays(name: str) -> None:
    plain = plain_name(name)
    assert plain == plain_name(plain)
    assert all(c.isascii() and (c.isalnum() or c == "_") for c in plain)


def test_a_form_comes_back_from_its_replies() -> None:
    form = form_of(CHAIN, a=confirmed("x"), b=Entry(suggestion="y", source="z", fails=1, problem="p"))
    assert form_in(as_replies(CHAIN, form)) == form
    assert frame_in([reply(data=CHAIN.model_dump(mode="json"))]) == CHAIN


def test_only_claims_on_slots_that_exist_with_words_of_the_answer_are_heard() -> None:
    claims = [
        {"slot": "a", "value": "1", "quote": "One  Thing.", "accepts_suggestion": False},
        {"slot": "a", "value": "2", "quote": "another", "accepts_suggestion": False},
        {"slot": "b", "value": "3", "quote": "never said", "accepts_suggestion": False},
        {"slot": "c", "value": "4", "quote": " ", "accepts_suggestion": False},
        {"slot": "ghost", "value": "5", "quote": "one", "accepts_suggestion": False},
    ]
    made = heard("one thing, no: ANOTHER", reply(data={"found": claims}), frozenset("a"), CHAIN)
    assert {n: c.value for n, c in made.claims.items()} == {"a": "2"}


def test_a_suggestion_is_confirmed_by_a_yes_to_the_question_that_offered_it_alone() -> None:
    yes = Claim("x", "yes", accepts=True)
    form = form_of(CHAIN, a=Entry(suggestion="x"), b=Entry(suggestion="x"))
    after = taken(CHAIN, form, say("yes", "a", "c", a=yes, b=yes, c=yes))
    assert [n for n, e in after.items() if e.settled] == ["a"]
    assert after["a"].value == "x"


def test_what_nobody_asked_for_and_nobody_wrote_is_at_most_a_suggestion() -> None:
    before = form_of(CHAIN, b=confirmed("y"))
    claims = {n: Claim("12", "a dozen", accepts=False) for n in ("a", "b", "d")}
    after = taken(CHAIN, before, Said("a dozen", claims, frozenset("d")))
    assert (after["a"].status, after["a"].suggestion) == ("open", "12")
    assert (after["b"].status, after["b"].suggestion) == ("open", "12"), "what was confirmed is in doubt"
    assert after["d"] == confirmed("12")


@pytest.mark.parametrize(
    ("answer", "value", "written"),
    [
        ("we get 4,500 pounds", "4500", True),
        ("we get 4500.", "4500", True),
        ("14500", "4500", False),
        ("-4500", "4500", False),
        ("4500.75", "4500", False),
        ("at ELM school", "Elm School", True),
        ("Elmwood", "elm", False),
    ],
)
def test_a_value_stands_in_an_answer_as_a_word_of_its_own(answer: str, value: str, written: bool) -> None:
    after = taken(CHAIN, form_of(CHAIN), Said(answer, {"a": Claim(value, answer, accepts=False)}, frozenset()))
    assert after["a"].settled == written


def test_the_second_value_that_breaks_the_rule_becomes_free_text_and_a_right_one_ends_that() -> None:
    frame = Frame(title="x", slots=(slot("a", type="integer"),))
    form = form_of(frame)
    for fails in range(1, FAILS):
        form = taken(frame, form, say("many", "a", a="many"))
        assert (form["a"].status, form["a"].fails, form["a"].value) == ("open", fails, "")
    form = taken(frame, form, say("lots", "a", a="lots"))
    assert (form["a"].status, form["a"].value) == ("free_text", "lots")
    assert taken(frame, form, say("7", a="7"))["a"] == confirmed("7")


def test_a_correction_opens_all_that_depends_on_it_but_what_the_same_answer_gives() -> None:
    form = form_of(CHAIN, a=confirmed("1"), b=confirmed("2"), c=confirmed("3"), d=confirmed("4"))
    after = taken(CHAIN, form, say("9", a="9"))
    assert after["a"] == confirmed("9")
    assert [(after[n].status, after[n].suggestion) for n in "bc"] == [("open", "2"), ("open", "3")]
    assert after["d"] == form["d"]
    both = taken(CHAIN, form, say("9 and 8", a="9", b="8"))
    assert (both["b"], both["c"].status) == (confirmed("8"), "open")


def test_saying_the_same_again_changes_nothing() -> None:
    form = form_of(CHAIN, a=confirmed("1"), b=confirmed("2"))
    assert taken(CHAIN, form, say("1", a="1")) == form
    in_other_words = Said("one, as I said", {"a": Claim("1", "one", accepts=False)}, frozenset())
    assert taken(CHAIN, form, in_other_words) == form


def test_a_correction_that_breaks_the_rule_opens_the_slot_and_its_dependents() -> None:
    frame = Frame(title="x", slots=(slot("a", type="integer"), slot("b", depends_on=("a",))))
    after = taken(frame, form_of(frame, a=confirmed("1"), b=confirmed("2")), say("many", a="many"))
    assert (after["a"].status, after["a"].value, after["b"].status) == ("open", "", "open")


@pytest.mark.parametrize(
    ("order", "left", "right", "breaks"),
    [
        ("less", "1", "2", False),
        ("less", "2", "2", True),
        ("at_most", "2", "2", False),
        ("at_least", "10", "9", False),
        ("more", "9", "10", True),
        ("equal", "1.0", "1", False),
        ("different", "1", "1", True),
    ],
)
def test_numbers_are_compared_as_numbers(order: Any, left: str, right: str, breaks: bool) -> None:
    rule = CrossRule(left="a", order=order, right="b", says="x")
    frame = Frame(title="x", slots=(slot("a", type="number"), slot("b", type="number")), rules=(rule,))
    assert broken(frame, form_of(frame, a=confirmed(left), b=confirmed(right)), rule) is breaks
    assert not broken(frame, form_of(frame, a=confirmed(left)), rule)


def test_a_broken_rule_blames_what_this_answer_gave() -> None:
    rule = CrossRule(left="a", order="less", right="b", says="a before b")
    frame = Frame(title="x", slots=(slot("a", type="integer"), slot("b", type="integer")), rules=(rule,))
    after = taken(frame, form_of(frame, a=confirmed("5")), say("3", "b", b="3"))
    assert after["a"] == confirmed("5")
    assert (after["b"].status, after["b"].problem, after["b"].fails) == ("open", "a before b", 1)


_CLAIMS = st.builds(Claim, st.sampled_from(["1", "x", "", "yes"]), st.just("yes"), st.booleans())
_ENTRIES = st.builds(Entry, suggestion=st.sampled_from(["", "secret"]))


@given(
    st.dictionaries(st.sampled_from(NAMES), _CLAIMS),
    st.sets(st.sampled_from(NAMES), max_size=3),
    st.fixed_dictionaries(dict.fromkeys(NAMES, _ENTRIES)),
)
def test_no_answer_confirms_a_suggestion_that_was_not_offered(
    claims: dict[str, Claim], asked: set[str], form: Form
) -> None:
    after = taken(CHAIN, form, Said("yes 1", claims, frozenset(asked)))
    kept = {n for n, e in after.items() if e.settled and e.value == "secret"}
    assert kept <= {n for n in asked if form[n].suggestion and n in claims and claims[n].accepts}
    assert after.keys() == form.keys()
