"""Evolution of prompts as pure functions: the split, the front, the draw, the merge, who joins, and when it ends."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.prompt_evolution import (
    MERGE_EVERY,
    as_they_are,
    child,
    drawn_parents,
    evolved,
    finalists,
    first_pool,
    items_won,
    merged,
    minibatch,
    next_generation,
    node_in_turn,
    split_runs,
    that_beats,
)
from tasks.algorithms.prompt_versions import answers_to_compare, proven, shadow, shadow_outcome
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, Slots, failed, reply

BASE = as_they_are([reply("self_refine")], 25)
PROMPTS = BASE.data()["prompts"]
CAP = [reply(data={"usd": 1.0})]


def candidate(key: str, *scores: float, **prompts: str) -> Reply:
    """`draft="NEW"` changes the prompt of that node."""
    found = {f"r{n}": s for n, s in enumerate(scores)}
    mean = sum(scores) / len(scores) if scores else 0.0
    own = {n: f"{p} {prompts[n]}" if n in prompts else p for n, p in PROMPTS.items()}
    return BASE.but(key=key, score=mean, data={**BASE.data(), "scores": found, "mean": mean, "prompts": own})


def results(*scores: float | None) -> Replies:
    rows = [{"example": f"r{n}", "run": 1, "score": s, "reason": "-"} for n, s in enumerate(scores)]
    return [reply(data=r) for r in rows]


def row(new: bool, runs: int = 6) -> Reply:
    return reply(data={"new_in_front": new, "runs": runs})


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=20, max_size=200), st.integers(0, 9))
def test_half_three_tenths_and_a_fifth_and_no_run_in_two_sets(scores: list[float], seed: int) -> None:
    runs = [reply(f"run {n}", data={"score": s}) for n, s in enumerate(scores)]
    split = split_runs(runs, seed)
    texts = [r.text for name in ("feedback", "pareto", "held") for r in split[name]]
    assert sorted(texts) == sorted(r.text for r in runs)
    for name, share in (("feedback", 0.5), ("pareto", 0.3), ("held", 0.2)):
        assert abs(len(split[name]) - share * len(runs)) <= 1.5
    assert len(split["held"]) >= 5, "of four held out none could show a gain"
    assert split == split_runs(runs, seed)


def test_each_set_has_runs_of_every_score() -> None:
    runs = [reply(f"run {n}", data={"score": n / 100}) for n in range(100)]
    for held in split_runs(runs, 3).values():
        numbers = [int(h.text.split()[1]) for h in held]
        assert abs(sum(numbers) / len(numbers) - 49.5) < 2


def test_the_front_is_who_is_best_somewhere_and_ties_count_for_both() -> None:
    pool = [candidate("p0", 1, 0, 0.5), candidate("p1", 0, 1, 0.5), candidate("p2", 0.9, 0.9, 0.4)]
    assert items_won(pool) == {"p0": 2, "p1": 2}
    assert items_won([candidate("p0", 0, 0)]) == {"p0": 2}


def test_parents_are_drawn_by_what_they_won() -> None:
    pool = [candidate("p0", 1, 1, 1, 0), candidate("p1", 0, 0, 0, 1), candidate("p2", 0, 0, 0, 0.5)]
    drawn = [drawn_parents(pool, seed) for seed in range(1000)]
    count = Counter(d["parent"][0].key for d in drawn)
    assert set(count) == {"p0", "p1"}
    assert count["p0"] / 1000 == pytest.approx(0.75, abs=0.05)
    assert all(d["parent"][0].key != d["second"][0].key for d in drawn)
    assert drawn_parents(pool[:1], 1)["second"] == []


def test_nodes_take_turns_over_the_generations_that_do_not_merge() -> None:
    names = [node_in_turn([BASE], t).key for t in range(1, 12) if t % MERGE_EVERY]
    assert names == [list(PROMPTS)[n % 3] for n in range(9)]
    assert node_in_turn([BASE], 1).text == PROMPTS["draft"]


def test_a_minibatch_is_three_different_runs() -> None:
    feedback = [reply(key=f"r{n}") for n in range(10)]
    drawn = {tuple(sorted(r.key for r in minibatch(feedback, 3, seed))) for seed in range(50)}
    assert len(drawn) > 20
    assert all(len(set(d)) == 3 for d in drawn)
    assert len(minibatch(feedback[:2], 3, 1)) == 2


def test_a_merge_takes_each_prompt_from_whichever_parent_changed_it() -> None:
    first, second = candidate("p1", 1, 0, draft="A"), candidate("p2", 0, 1, **{"refine/revise": "B"})
    pool = [candidate("p0", 0, 0), first, second]
    (made,) = merged([first], [second], pool, 5)
    assert (made.key, made.data()["parents"]) == ("p5", ["p1", "p2"])
    assert made.data()["prompts"] == {**first.data()["prompts"], "refine/revise": f"{PROMPTS['refine/revise']} B"}
    assert merged([first], [second], pool, 4) == []
    assert merged([first], [], pool, 5) == []
    assert merged([first], [second], [*pool, made], 10) == []


def test_where_both_changed_a_prompt_the_better_parents_stands() -> None:
    low, high = candidate("p1", 0.1, draft="LOW", **{"refine/revise": "X"}), candidate("p2", 0.9, draft="HIGH")
    (made,) = merged([low], [high], [candidate("p0", 0), low, high], 5)
    assert made.data()["prompts"]["draft"].endswith("HIGH")
    assert made.data()["prompts"]["refine/revise"].endswith("X")


def test_a_child_is_a_merge_or_a_revision_that_fits() -> None:
    node, pool = [node_in_turn([BASE], 1)], [candidate("p0", 0.5)]
    new = [reply(data={"prompt": f"{PROMPTS['draft']} NEW"})]
    (made,) = child(pool, node, new, [], pool, 1)["child"]
    assert (made.key, made.data()["node"], made.data()["parents"]) == ("p1", "draft", ["p0"])
    assert child(pool, node, [], [made], pool, 5) == {"child": [made], "problem": []}
    for revised, says in (
        ([reply(data={"prompt": "none"})], "lacks"),
        ([failed("LOST")], "LOST"),
        ([], "nothing to go by"),
        ([reply(data={"prompt": PROMPTS["draft"]})], "very same"),
    ):
        refused = child(pool, node, revised, [], pool, 1)
        assert (refused["child"], says in refused["problem"][0].text) == ([], True)


@pytest.mark.parametrize(
    ("before", "after", "joins"),
    [
        ((0.5, 0.5), (0.5, 0.6), True),
        ((0.5, 0.5), (0.5, 0.5), False),
        ((0.5, 0.5), (0.9, 0.0), False),
        ((0.5, None), (0.6, 0.0), True),
        ((0.5, 0.0), (None, None), False),
    ],
)
def test_only_more_on_the_same_runs_joins(
    before: tuple[float | None, ...], after: tuple[float | None, ...], joins: bool
) -> None:
    assert bool(that_beats([BASE], results(*before), results(*after))) is joins


def test_the_row_says_whether_the_front_has_a_new_member() -> None:
    pool, new = [candidate("p0", 0.5, 0.5)], candidate("p1")

    def after(accepted: Replies, scored: Replies) -> Slots:
        return next_generation(pool, [new], [], accepted, results(0, 0, 0), results(1, 1, 1), scored, [], 1)

    made = after([new], results(1, 0))
    assert made["row"][0].data()["new_in_front"] is True
    assert made["row"][0].data()["runs"] == 8
    behind = after([new], results(0.4, 0.4))
    assert (behind["row"][0].data()["new_in_front"], len(behind["pool"])) == (False, 2)
    dropped = after([], [])
    assert (dropped["row"][0].data()["joined"], dropped["pool"]) == ([], pool)


@pytest.mark.parametrize(
    ("log", "cost", "over"),
    [
        ([row(False)] * 10, 0.0, True),
        ([row(False)] * 9, 0.0, False),
        ([*[row(False)] * 5, row(True), *[row(False)] * 9], 0.0, False),
        ([row(True, 540)], 0.0, True),
        ([row(True, 539)], 0.0, False),
        ([row(True)], 0.8, True),
    ],
)
def test_it_ends_by_standing_still_by_six_hundred_runs_or_by_money(log: Replies, cost: float, over: bool) -> None:
    pareto = [reply()] * 60
    assert evolved(log, pareto, [reply(data={"cost": cost})], CAP, 600, 10, 0.8) is over


def test_finalists_are_of_the_front_and_nobody_where_nothing_is_new() -> None:
    pool = [
        candidate("p0", 0, 0, 0),
        candidate("p1", 1, 0, 0),
        candidate("p2", 0, 0.9, 0.9),
        candidate("p3", 0.5, 0, 0),
    ]
    assert [f.key for f in finalists(pool, 5)] == ["p0", "p2", "p1"]
    assert [f.key for f in finalists(pool, 1)] == ["p0", "p2"]
    assert finalists(pool[:1], 5) == []


def test_a_pool_needs_a_score() -> None:
    assert first_pool([BASE], results(0.5, None))[0].data()["mean"] == 0.5
    with pytest.raises(Refuse, match="could be scored"):
        first_pool([BASE], results(None))


def held(key: str, *scores: float | None) -> Reply:
    found = {f"h{n}": s for n, s in enumerate(scores) if s is not None}
    return reply(key=key, data={"scores": found, "mean": sum(found.values()) / len(found), "lost": []})


@pytest.mark.parametrize(
    ("base", "other", "wins"),
    [
        ((0.5,) * 5, (0.6,) * 5, True),
        ((0.5,) * 4, (0.6,) * 4, False),
        ((0.5,) * 5, (0.51,) * 5, False),
        ((0.5,) * 5, (0.52,) * 5, True),
        ((0.5,) * 5, (1.0, 0.2, 1.0, 0.2, 1.0), False),
        ((0.5,) * 5, (0.4,) * 5, False),
        ((0.5,) * 6, (0.6, 0.6, 0.6, 0.6, None, None), False),
    ],
)
def test_two_points_and_more_than_chance_are_needed(
    base: tuple[float, ...], other: tuple[float | None, ...], wins: bool
) -> None:
    made = proven([candidate("p0"), candidate("p1")], [held("p0", *base), held("p1", *other)], 0.02, 0.05)
    assert [w.key for w in made["winner"]] == (["p1"] if wins else [])


def test_without_the_present_prompts_nobody_is_proven() -> None:
    made = proven([candidate("p1")], [failed("LOST", key="p0"), held("p1", 1.0)], 0.02, 0.05)
    assert (made["winner"], [t.ok for t in made["table"]]) == ([], [False])


def test_a_shadow_is_for_a_share_of_the_runs_of_a_version() -> None:
    version = BASE.but(data={**BASE.data(), "version": "v"})
    drawn = sum(bool(shadow([BASE], [version], 0.05, seed)) for seed in range(4000))
    assert drawn / 4000 == pytest.approx(0.05, abs=0.015)
    own = BASE.but(data={**BASE.data(), "version": ""})
    assert not any(shadow([BASE], [own], 1.0, seed) for seed in range(9))


def test_a_comparison_that_is_not_sure_teaches_nothing() -> None:
    version = [BASE.but(data={**BASE.data(), "version": "v"})]
    pair = answers_to_compare([reply("a")], [reply("b")])
    unsure = [reply(data={"preferred": "tie", "agreed": False})]
    sure = [reply(data={"preferred": "second", "agreed": True})]
    assert shadow_outcome(pair, unsure, version) == []
    assert [o.data()["value"] for o in shadow_outcome(pair, sure, version)] == [0.0]
    assert answers_to_compare([reply("a")], [failed("LOST")]) == []
    assert shadow_outcome([], sure, version) == []
