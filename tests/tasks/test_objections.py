"""Objections: what holds decides, an unknown one never counts, rows do not depend on the order of replies."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.objections import course, objection_table, objections_that_hold
from tasks.reply import Replies, failed, reply

VERDICTS = st.lists(st.sampled_from(["supported", "refuted", "unknown", "failed", "missing"]), max_size=8)


def table_of(verdicts: list[str], order: int = 1) -> Replies:
    claims = [reply(f"c{n}", key=str(n)) for n, _ in enumerate(verdicts)]
    made = [reply(key=c.key, data={"counter_case": "x", "would_have_to_be_true": "y"}) for c in claims]
    checks = [
        failed("late", key=str(n)) if v == "failed" else reply(key=str(n), data={"verdict": v, "reason": "r"})
        for n, v in enumerate(verdicts)
        if v != "missing"
    ]
    return objection_table(claims, made[::order], checks[::order])


@given(VERDICTS)
def test_only_supported_objections_count(verdicts: list[str]) -> None:
    table = table_of(verdicts)
    holding = objections_that_hold(table)
    count = verdicts.count("supported")
    assert len(holding) == count
    assert course(holding) == ("keep" if count == 0 else "revise" if count <= 2 else "replace")
    for verdict, row in zip(verdicts, table, strict=True):
        assert row.data()["verdict"] == (verdict if verdict in ("supported", "refuted") else "unknown")
        assert row.data()["lost"] is (verdict in ("failed", "missing"))


@given(VERDICTS)
def test_rows_go_by_key_and_not_by_place(verdicts: list[str]) -> None:
    assert table_of(verdicts) == table_of(verdicts, -1)
