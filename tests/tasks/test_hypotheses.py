"""Competing hypotheses: inconsistency, ties, the leave-one-out test, and that support never counts."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.hypotheses import decisive_rows, evidence_rows, least_contradicted, matrix
from tasks.reply import Replies, failed, reply

KEYS = ("H1", "H2", "H3", "H4")
HYPOTHESES = [reply(f"cause {k}", key=k) for k in KEYS]
MARKS = st.lists(st.sampled_from(["CC", "C", "N", "I", "II"]), min_size=4, max_size=4)
ROWS = st.lists(st.tuples(MARKS, st.integers(1, 3)), max_size=6)
Rows = list[tuple[list[str], int]]


def made(rows: Rows) -> Replies:
    evidence = [
        reply(f"fact {n}", key=f"E{n}", data={"statement": "", "source": "", "credibility": c})
        for n, (_, c) in enumerate(rows)
    ]
    marks = [reply(key=f"E{n}", data={"marks": dict(zip(KEYS, m, strict=True))}) for n, (m, _) in enumerate(rows)]
    return matrix(evidence, HYPOTHESES, marks)


def scores(rows: Rows) -> dict[str, int]:
    ranking = least_contradicted(HYPOTHESES, made(rows)).data()["ranking"]
    return {r["id"]: r["inconsistency"] for r in ranking}


def winner(rows: Rows) -> str:
    return str(least_contradicted(HYPOTHESES, made(rows)).data()["winner"])


@given(ROWS)
def test_the_winner_is_two_below_all_others_and_there_is_one_if_any_is(rows: Rows) -> None:
    found = scores(rows)
    ahead = [k for k in KEYS if all(found[k] + 2 <= found[o] for o in KEYS if o != k)]
    assert winner(rows) == (ahead[0] if ahead else "")


@given(ROWS.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))))
def test_the_order_of_evidence_does_not_matter(rows: tuple[Rows, Rows]) -> None:
    assert scores(rows[0]) == scores(rows[1])


@given(ROWS)
def test_support_never_adds_points(rows: Rows) -> None:
    weaker = [(["N" if m in ("C", "CC") else m for m in marks], c) for marks, c in rows]
    one, other = scores(rows), scores(weaker)
    gaps = {k: one[k] - one["H1"] for k in KEYS}
    assert gaps == {k: other[k] - other["H1"] for k in KEYS}, "rows that drop out counted alike for all"


@given(ROWS)
def test_a_row_counts_where_its_marks_differ(rows: Rows) -> None:
    for (marks, _), row in zip(rows, made(rows), strict=True):
        assert row.data()["counts"] is (len(set(marks)) > 1)


@given(ROWS)
def test_decisive_rows_are_those_whose_removal_changes_the_winner(rows: Rows) -> None:
    decisive = {d.key: d.data()["without"] for d in decisive_rows(HYPOTHESES, made(rows))}
    for n in range(len(rows)):
        without = winner(rows[:n] + rows[n + 1 :])
        assert decisive.get(f"E{n}", winner(rows) or "undecided") == (without or "undecided")


def test_a_row_without_marks_does_not_count() -> None:
    evidence = [reply("fact", key="E1", data={"statement": "", "source": "", "credibility": 3})]
    (row,) = matrix(evidence, HYPOTHESES, [failed("late", key="E1")])
    assert (row.data()["counts"], row.data()["marks"]) == (False, {})


def test_the_same_evidence_twice_is_one_row() -> None:
    given_rows = [{"statement": s, "source": "s", "credibility": 1} for s in ("It rained.", "it rained. ", " ", "b")]
    rows = evidence_rows([reply(data={"evidence": given_rows})], 12)
    assert [(r.key, r.text) for r in rows] == [("E1", "It rained."), ("E2", "b")]
    assert evidence_rows([failed("late")], 12) == []
