"""Round trips: a unit is kept, lost or unjudged by counts alone, and the score counts what was judged."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.round_trip import (
    added_statements,
    backs_to_compare,
    form_of,
    lost_units,
    nothing_changed,
    returned,
    source_units,
)
from tasks.reply import failed, reply

SAID = st.lists(st.sampled_from(["supported", "refuted", "unknown", "lost"]), min_size=3, max_size=3)
BACKS = [reply("b", key=f"s{n}") for n in range(3)]


@given(st.lists(SAID, max_size=5))
def test_units_are_told_apart_whatever_the_order_of_verdicts(table: list[list[str]]) -> None:
    units = [reply(f"u{n}", key=str(n)) for n in range(len(table))]
    verdicts = [
        (failed("late") if said == "lost" else reply(data={"verdict": said})).but(key=f"{n}.{m}", at=[m, n])
        for n, row in enumerate(table)
        for m, said in enumerate(row)
    ]
    added = [reply(data={"added": []})]
    check = returned(units, BACKS, verdicts, added, turn=1).data()
    assert {**check, "lost_calls": []} == {**returned(units, BACKS, verdicts[::-1], added, 1).data(), "lost_calls": []}
    for unit, row in zip(units, table, strict=True):
        sure, lost = row.count("supported"), row.count("lost")
        where = "kept" if sure >= 2 else "unjudged" if sure + lost >= 2 else "lost"
        assert unit.text in check[where]
    judged = len(check["kept"]) + len(check["lost"])
    assert check["score"] == (len(check["kept"]) / judged if judged else None)


def test_too_few_back_versions_check_nothing() -> None:
    backs = [BACKS[0], failed("late", key="s1")]
    check = returned([reply("u")], backs, [], [failed("not called")], turn=1)
    assert (check.data()["checked"], check.data()["lost"], check.data()["score"]) == (False, [], None)
    assert nothing_changed([check])
    assert not backs_to_compare(backs)[0].ok
    assert backs_to_compare(BACKS) == BACKS


def test_lost_and_added_are_of_the_last_check() -> None:
    first, last = ({"lost": ["a"], "added": []}, {"lost": [], "added": ["b"]})
    checks = [reply(data=first), reply(data=last)]
    assert (lost_units(checks), [a.text for a in added_statements(checks)]) == ([], ["b"])
    assert not nothing_changed(checks)
    assert nothing_changed([])


def test_units_once_and_form_as_said_or_read() -> None:
    extracted = [reply(data={"units": ["a", " a ", "", "b", "c"], "form": "prose"})]
    assert [u.text for u in source_units(extracted, most=2)] == ["a", "b"]
    assert form_of([reply(" ")], extracted).text == "prose"
    assert form_of([reply("code")], extracted).text == "code"
    assert form_of([], [failed("late")]).text == ""
