"""Risks: who really named a cause, and which ones are the gravest."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.risks import merged_causes, top_risks
from tasks.reply import Replies, failed, reply

ROLES = ["owner", "finance", "engineer"]
RISKS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3)) | st.none(), max_size=10)


def risks_of(rows: list[tuple[int, int, int] | None]) -> tuple[Replies, Replies]:
    """Likelihood, damage and number of roles of each risk; None could not be rated."""
    risks = [
        reply(f"c{n}", key=f"c{n}", data={"cause": f"c{n}", "first_sign": "", "roles": ROLES[: r[2] if r else 0]})
        for n, r in enumerate(rows)
    ]
    ratings = [
        reply(key=f"c{n}", data={"likelihood": r[0], "damage": r[1]}) if r else failed("late", key=f"c{n}")
        for n, r in enumerate(rows)
    ]
    return risks, ratings


@given(RISKS, st.integers(0, 6))
def test_no_risk_left_out_is_graver_than_one_kept(rows: list[tuple[int, int, int] | None], keep: int) -> None:
    made = top_risks(*risks_of(rows), keep)
    top, table = [r.data() for r in made["top"]], [r.data() for r in made["table"]]
    rated = [r for r in table if r["risk"] is not None]
    assert len(table) == len(rows)
    assert len(top) == min(keep, len(rated))
    weights = [(r["risk"], len(r["roles"])) for r in rated]
    assert weights == sorted(weights, reverse=True)
    assert [r["cause"] for r in top] == [r["cause"] for r in table][: len(top)]


def test_a_cause_given_twice_is_one_named_by_all_who_told_a_story() -> None:
    extracted = reply(
        data={
            "causes": [
                {"cause": "Key person left", "first_sign": "a", "named_by": ["finance", "engineer"]},
                {"cause": "key person left ", "first_sign": "b", "named_by": ["owner", "owner", "ghost"]},
                {"cause": " ", "first_sign": "", "named_by": ["owner"]},
            ]
        }
    )
    stories = [reply(key="owner"), reply(key="finance"), failed("late", key="engineer")]
    (one,) = merged_causes([extracted], stories, 10)
    assert (one.text, one.data()["roles"]) == ("Key person left", ["owner", "finance"])


def test_no_more_causes_than_are_wanted() -> None:
    extracted = reply(data={"causes": [{"cause": str(n), "first_sign": "", "named_by": []} for n in range(9)]})
    assert [c.key for c in merged_causes([extracted], [], 2)] == ["cause 1", "cause 2"]
    assert merged_causes([failed("late")], [], 2) == []
