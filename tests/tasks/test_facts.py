"""Stored facts: one value a subject and predicate, each known fact touched once, and faults of a write."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.facts import (
    about,
    double_facts,
    operation,
    permitted_facts,
    reconciliation,
    settled,
    to_restore,
    written_facts,
)
from tasks.reply import Reply, failed, reply

NOW = "2026-03-10T12:00:00+00:00"
FACT = {"subject": "user", "predicate": "town", "value": "Rome", "said_by": "user", "date": "2026-03-01"}
SAID = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(["user", "User ", "Ann"]),
        "predicate": st.sampled_from(["town", "Town", "pet"]),
        "value": st.sampled_from(["", "a", "b"]),
        "said_by": st.sampled_from(["user", "user_confirmed", "assistant"]),
        "date": st.sampled_from(["", "2026-01-01", "soon"]),
        "sensitivity": st.sampled_from(["none", "none", "secret"]),
    }
)


def known(name: str, value: str = "Paris", date: str = "2025-01-01") -> dict[str, str]:
    return {**FACT, "value": value, "date": date, "label": name, "id": f"id-{name}"}


def done(op: str, number: int, old: dict[str, str] | None = None, **changed: str) -> Reply:
    data = {"op": op, "reason": "r", "fact": {**FACT, **changed}, "old": old, "lost": ""}
    return reply(op, key=f"f{number}", data=data)


def does(*operations: Reply) -> list[str]:
    return [p.data()["does"] for p in reconciliation([*operations, failed("down")])["plan"]]


@settings(deadline=None)
@given(st.lists(SAID, max_size=10))
def test_what_is_kept_is_the_users_no_secret_and_one_a_subject_and_predicate(said: list[dict[str, str]]) -> None:
    made = permitted_facts([reply(data={"facts": said})], [], NOW, most=10)
    facts = [k.data() for k in made["kept"]]
    assert len({about(f) for f in facts}) == len(facts)
    good = [s for s in said if s["said_by"] != "assistant" and s["sensitivity"] == "none"]
    assert {about(f) for f in facts} == {about(s) for s in good}
    assert len(made["dropped"]) == len(said) - len(good)
    last = {about(s): s["value"] for s in good}
    assert all(f["value"] == last[about(f)] for f in facts)
    assert {f["date"] for f in facts} <= {"2026-01-01", "2026-03-10"}


def test_a_known_fact_is_touched_once_and_one_question_is_asked() -> None:
    one, two = known("n1"), known("n2", date="2026-03-05")
    assert does(done("UPDATE", 1, one), done("UPDATE", 2, one)) == ["write", "nothing"]
    assert does(done("INVALIDATE", 1, two), done("INVALIDATE", 2, known("n3", date="junk"))) == ["ask", "open"]
    assert does(done("INVALIDATE", 1, two), done("UPDATE", 2, two)) == ["ask", "nothing"]
    assert does(done("INVALIDATE", 1, one), done("NOOP", 2), done("ADD", 3)) == ["write", "nothing", "write"]


def test_an_operation_on_what_is_not_known_does_nothing() -> None:
    fact, near = [reply("f", key="f1", data=FACT)], [reply("n", key="n1", data=known("n1"))]
    said: dict[str, Any] = {"op": "UPDATE", "id": "n7", "reason": "r"}
    assert operation(fact, near, [reply(data=said)]).data()["op"] == "NOOP"
    assert operation(fact, near, [reply(data={**said, "id": " n1 "})]).data()["old"]["id"] == "id-n1"
    assert operation(fact, [], []).data()["op"] == "ADD"
    assert operation([reply("f", data={**FACT, "value": ""})], [], []).data()["op"] == "NOOP"


def test_two_valid_values_or_a_refused_one_are_faults() -> None:
    stored = [reply("s", key="new", data=FACT)]
    other = reply("o", key="old", data={"fields": {**FACT, "subject": "USER"}})
    apart = reply("o", key="apart", data={"fields": {**FACT, "predicate": "pet"}})
    assert double_facts(stored, [apart, reply("s", key="new", data={"fields": FACT})]) == []
    assert len(double_facts(stored, [other])) == 1
    assert "refused" in double_facts([failed("refused")], [])[0].text
    assert double_facts([], [other, other]) == []
    assert to_restore([reply(key="a"), reply(key="b")], [reply(key="b")]) == [reply(key="a")]


def test_an_answer_writes_what_it_says_and_no_answer_nothing() -> None:
    question = reconciliation([done("INVALIDATE", 1, known("n1", date="2026-03-01"))])["question"]
    assert [[n.text for n in settled(question, [reply(key=c)])["new"]] for c in ("new", "old", "neither")] == [
        ["user: town: Rome"],
        [],
        [],
    ]
    assert [len(settled(question, [reply(key=c)])["old"]) for c in ("new", "old", "neither")] == [1, 0, 1]
    assert settled([], []) == settled(question, []) == {"new": [], "old": []}


def test_nothing_at_all_is_unchecked() -> None:
    final = written_facts([failed("down")], *([] for _ in range(8)))
    assert (final.outcome, final.data()["changes"]) == ("unchecked", [])
