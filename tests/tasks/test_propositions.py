"""A store of propositions: what may join it, and that its order stays topological whatever is proposed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.propositions import candidate, goal_report, premises, proof, settled_or_stuck, stored
from tasks.reply import Replies, Reply, failed, reply

NAMES = st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p9"])
PROPOSALS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"), st.lists(NAMES, max_size=4), st.sampled_from(["supported", "refuted", "unknown", ""])
    ),
    max_size=12,
)


def given_known(*texts: str) -> Replies:
    return premises([reply(data={"premises": list(texts), "goal": "settled?"})])["known"]


def proposal(text: str, *parents: str) -> Reply:
    return reply(data={"proposition": text, "parents": list(parents)})


def verdict(said: str) -> Reply:
    return reply(data={"reason": "-", "verdict": said}) if said else failed("down")


@settings(deadline=None)
@given(PROPOSALS)
def test_what_joins_follows_from_what_stood_there_and_nothing_is_twice(
    proposals: list[tuple[str, list[str], str]],
) -> None:
    known = given_known("x", "y")
    rejected: Replies = []
    for turn, (text, parents, said) in enumerate(proposals, 1):
        one = candidate([proposal(text, *parents)], known, rejected)
        after = stored(known, rejected, [one], [verdict(said)], turn)
        assert len(after["known"]) + len(after["rejected"]) == len(known) + len(rejected) + 1
        known, rejected = after["known"], after["rejected"]
    assert [p.key for p in known] == [f"p{n}" for n in range(1, len(known) + 1)]
    assert len({p.text for p in known}) == len(known)
    for n, one in enumerate(known):
        assert set(one.data()["parents"]) <= {p.key for p in known[:n]}
        assert n < 2 or 1 <= len(one.data()["parents"]) <= 3
    used = [reply(data={"ready": True, "ids": [known[-1].key]})]
    shown = proof(known, used)
    assert all(set(p.data()["parents"]) <= {q.key for q in shown} for p in shown)
    assert shown[-1].key == known[-1].key


@pytest.mark.parametrize(
    ("text", "parents", "why"),
    [
        ("X.", ("p1",), "it is known as p1"),
        ("old", ("p1",), "it was rejected before"),
        ("new", ("p1", "p7"), "does not rest"),
        ("new", ("p3",), "does not rest"),
        ("new", (), "does not rest"),
        ("  ", ("p1",), "it says nothing"),
    ],
)
def test_no_candidate(text: str, parents: tuple[str, ...], why: str) -> None:
    one = candidate([proposal(text, *parents)], given_known("x", "y"), [reply("Old", data={"checked": True})])
    assert one.status == "rejected"
    assert why in one.cause


def test_what_could_not_be_checked_may_be_proposed_again() -> None:
    known = given_known("x", "y")
    one = candidate([proposal("new", "p1")], known, [])
    for said, again in (("", True), ("unknown", False)):
        rejected = stored(known, [], [one], [verdict(said)], 1)["rejected"]
        assert candidate([proposal("new", "p2")], known, rejected).ok is again


def test_a_failed_proposal_or_check_is_a_rejection() -> None:
    known = given_known("x", "X", "y")
    assert [p.text for p in known] == ["x", "y"]
    lost = candidate([failed("down")], known, [])
    after = stored(known, [], [lost], [failed("not called")], 1)
    assert "no proposal: down" in after["rejected"][0].data()["cause"]
    unchecked = candidate([proposal("new", "p1")], known, [])
    assert "unknown: down" in stored(known, [], [unchecked], [failed("down")], 2)["rejected"][0].data()["cause"]


@pytest.mark.parametrize(
    ("said", "ready"),
    [
        ({"ready": True, "answer": "yes", "ids": ["p1"]}, True),
        ({"ready": True, "answer": "yes", "ids": ["p1", "p9"]}, False),
        ({"ready": True, "answer": "yes", "ids": []}, False),
        ({"ready": False, "answer": "yes", "ids": ["p1"]}, False),
        (None, False),
    ],
)
def test_a_report_must_rest_on_what_is_known(said: dict[str, object] | None, ready: bool) -> None:
    report = failed("down") if said is None else reply(data=said)
    made = goal_report([report], given_known("x"))
    assert (made.ok, made.data()["ready"], made.text) == (True, ready, "yes" if ready else "")


@pytest.mark.parametrize(
    ("turns", "stuck"), [((1, 2, 3, 4), True), ((2, 3, 4), False), ((1, 2, 4), False), ((), False)]
)
def test_four_rejections_in_a_row_end_it(turns: tuple[int, ...], stuck: bool) -> None:
    rejected = [reply(f"r{t}", data={"turn": t, "cause": "-"}) for t in turns]
    assert settled_or_stuck([], rejected, 4, 4) is stuck
