"""Cross-checks: shares in [0, 1] that do not depend on order, and rewordings kept by their own verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.metamorphic import comparisons, kept_rewordings, share_of_no, wordings
from tasks.functions import Refuse
from tasks.reply import failed, reply

SAID = st.lists(st.sampled_from(["yes", "no", "lost"]), max_size=6)


@given(SAID, SAID)
def test_shares_count_what_was_judged_and_keep_the_sides_apart(own: list[str], other: list[str]) -> None:
    pairs = [
        reply(key=f"{of}: {n}", data={"of": of})
        for of, said in (("own", own), ("other", other))
        for n in range(len(said))
    ]
    judged = [
        failed("late", key=p.key) if said == "lost" else reply(key=p.key, data={"same": said})
        for p, said in zip(pairs, [*own, *other], strict=True)
    ]
    for of, said in (("own", own), ("other", other)):
        share = share_of_no(pairs, judged, of)
        known = [s for s in said if s != "lost"]
        assert share == share_of_no(pairs, judged[::-1], of)
        assert share == (known.count("no") / len(known) if known else None)


@given(st.permutations(range(8)), st.sets(st.integers(0, 7), min_size=3))
def test_the_first_that_mean_the_same_are_kept_whatever_the_order_of_verdicts(order: list[int], same: set[int]) -> None:
    drawn = [reply(f"r{n}", key=str(n)) for n in range(8)]
    judged = [reply(key=str(n), data={"same": "yes" if n in same else "no"}) for n in order]
    assert [int(k.key) for k in kept_rewordings(drawn, judged, keep=5, least=3)] == sorted(same)[:5]


def test_too_few_rewordings_are_refused_with_the_reason() -> None:
    with pytest.raises(Refuse, match=r"0 rewordings mean the same, at least 3 are needed: a: late"):
        kept_rewordings([failed("late", key="a")], [], keep=5, least=3)


def test_failed_answers_are_not_compared() -> None:
    asked = wordings([reply("p")], [reply("r", key="s1")])
    pairs = comparisons([reply("a")], asked, [failed("x", key="s1")], [reply("b", key="prompt"), reply("c", key="s1")])
    assert [(p.key, p.data()["wording"]) for p in pairs] == [("other: prompt", "p"), ("other: s1", "r")]
    assert comparisons([failed("x")], asked, [reply("b", key="s1")], []) == []
