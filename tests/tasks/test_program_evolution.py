"""Programs bred against an evaluator: edits, scores, cells, who writes, what islands exchange, when it ends."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.evolved_programs import checked_candidate, evolved_answer, surviving
from tasks.algorithms.program_evolution import brief, evolved, exchanged, search_over, top_programs
from tasks.algorithms.program_scores import PROGRAM, applied_edits, outputs_of, stage_result
from tasks.reply import Replies, Reply, failed, reply

LINES = "    a = 1\n    b = 1\n    c = 2\n"
SEED = f"def solve(case):\n    # EVOLVE-BLOCK-START\n{LINES}    # EVOLVE-BLOCK-END\n    return a"
FAST, STRONG = [reply("fast 1"), reply("fast 2")], [reply("strong")]


def block(search: str, put: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{put}\n>>>>>>> REPLACE\n"


def entry(score: float, name: str = "1.1", program: str = "") -> dict[str, Any]:
    return {"id": name, "program": program or f"{SEED}\n# {name}", "score": score, "vector": {"s": score}}


BASE = entry(1.0, "0", SEED)


def island(number: int = 1, *entries: dict[str, Any], error: str = "") -> Reply:
    data = {"base": BASE, "archive": list(entries) or [BASE], "error": error, "lost": []}
    return reply(key=f"island {number}", data=data)


def stage(score: float | None, error: str = "") -> Reply:
    data = {"passed": not error, "error": error, "vector": {} if error else {"s": score}, "score": score}
    return reply(error, key="stage", data=data, score=score)


def archive(one: Reply) -> list[tuple[str, float]]:
    return [(e["id"], e["score"]) for e in one.data()["archive"]]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("nothing", "there is no SEARCH/REPLACE block"),
        (block("    return a", "    return 2"), "stands nowhere in what may change"),
        (block(" = 1", " = 3"), "stands 2 times in what may change"),
        (block("", "x"), "stands nowhere"),
        (block("    a = 1", "    # EVOLVE-BLOCK-END"), "may not hold the marks"),
        (block("    a = 1", "    a = 1"), "the edits change nothing"),
        (block("    a = 1", "    a = ("), "is no Python"),
        (block("    a = 1", "    a = 5") + block("    a = 1", "    a = 6"), "stands nowhere"),
    ],
)
def test_edits_that_do_not_fit_are_an_error(said: str, error: str) -> None:
    made = applied_edits([reply(SEED)], [reply(said)])
    assert (made.text, made.key) == ("", PROGRAM)
    assert error in made.data()["error"]


def test_edits_apply_one_after_another_inside_the_block_alone() -> None:
    said = (
        "Ideas.\n"
        + block("    a = 1\n    b = 1", "    a = 5")
        + block("    a = 5", "    a = 6")
        + block("    c = 2", "")
    )
    made = applied_edits([reply(SEED)], [reply(said)])
    assert made.data()["error"] == ""
    assert made.text == SEED.replace(LINES, "    a = 6\n\n")


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=50)
def test_whatever_is_said_the_frozen_part_stays(said: str) -> None:
    for reply_text in (said, block(said, said), block("    a = 1", said)):
        made = applied_edits([reply(SEED)], [reply(reply_text)])
        if not made.data()["error"]:
            assert made.text.startswith("def solve(case):\n    # EVOLVE-BLOCK-START\n")
            assert made.text.endswith("    # EVOLVE-BLOCK-END\n    return a")


def test_a_failed_call_is_no_edit() -> None:
    assert "down" in applied_edits([reply(SEED)], [failed("down")]).data()["error"]


@pytest.mark.parametrize("said", [None, "", "[1]", '{"a": 1}', "[1,", [1, 2], "null"])
def test_outputs_are_one_for_each_case(said: Any) -> None:
    ran = reply(data={"error": "", "values": {"outputs": said}, "output": ""})
    assert outputs_of([ran], [reply("[1, 2]")]).data()["error"] == "it gave no outputs"
    good = reply(data={"error": "", "values": {"outputs": "[3, null]"}})
    assert outputs_of([good], [reply("[1, 2]")]).text == "[3, null]"
    assert outputs_of([], [reply("[1]")]).data()["error"] == "it was not run"


@pytest.mark.parametrize(
    "scores", [None, [], "9", [{}], [{"s": "9"}], [{"s": True}], [1, {"s": 1}], [{"s": 1e200}], [{"s": 1}, {"t": 1}]]
)
def test_what_is_no_score_does_not_pass(scores: Any) -> None:
    outputs = [reply("[1]", data={"error": ""})]
    made = stage_result(outputs, [reply(data={"error": "", "values": {"scores": scores}})])
    assert (made.data()["passed"], made.score) == (False, None)


def test_a_score_is_the_mean_over_cases_then_over_what_is_scored() -> None:
    outputs = [reply("[1]", data={"error": ""})]
    made = stage_result(
        outputs, [reply(data={"error": "", "values": {"scores": [{"s": 1, "t": 4}, {"t": 6, "s": 3}]}})]
    )
    assert (made.data()["vector"], made.score) == ({"s": 2.0, "t": 5.0}, 3.5)
    listed = stage_result(outputs, [reply(data={"error": "", "values": {"scores": [[1, 3], [2, 4]]}})])
    assert listed.data()["vector"] == {"1": 1.5, "2": 3.5}


def test_the_strong_model_writes_three_of_twenty_turns_of_each_island_and_never_two_at_once() -> None:
    turns = [
        [brief([island(n)], FAST, STRONG, turn, seed=1)["parent"][0].data()["strong"] for n in (1, 2, 3, 4)]
        for turn in range(1, 21)
    ]
    assert [sum(column) for column in zip(*turns, strict=True)] == [3, 3, 3, 3]
    assert max(sum(row) for row in turns) == 1
    models = {brief([island(1)], FAST, STRONG, turn, seed=1)["parent"][0].data()["model"] for turn in range(1, 21)}
    assert models == {"fast 1", "fast 2", "strong"}


def test_a_parent_is_drawn_by_rank_and_inspirations_are_two_others() -> None:
    one = island(1, *(entry(float(n), f"{n}.1") for n in range(1, 5)))
    drawn = [brief([one], FAST, STRONG, 1, seed=s) for s in range(400)]
    counts = [sum(d["parent"][0].data()["id"] == f"{n}.1" for d in drawn) for n in (4, 3, 2, 1)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0
    for made in drawn[:50]:
        shown = [i.text for i in made["inspirations"]]
        assert len(set(shown)) == 2
        assert not any(made["parent"][0].text in s for s in shown)
    assert drawn[0] == brief([one], FAST, STRONG, 1, seed=0), "a replay draws alike"
    assert brief([island(1, error="WHY")], FAST, STRONG, 1, seed=0)["error"][0].text == "WHY"


def child(one: Reply, score: float, program: str, turn: int = 2) -> Reply:
    return evolved([one], [reply("x")], [reply(program, data={"error": ""})], [stage(score)], [stage(score)], turn)


def test_a_cell_keeps_its_best_and_another_length_is_another_cell() -> None:
    one = child(island(), 1.05, SEED + "\n# same cell")
    assert archive(one) == [("2.1", 1.05)]
    assert archive(child(one, 1.01, SEED + "\n# worse", 3)) == [("2.1", 1.05)]
    longer = SEED.replace(LINES, LINES * 4)
    assert sorted(archive(child(one, 1.01, longer, 3))) == [("2.1", 1.05), ("3.1", 1.01)]
    assert sorted(archive(child(one, 2.0, SEED + "\n#", 3))) == [("2.1", 1.05), ("3.1", 2.0)]


def test_an_error_stays_for_the_next_call_and_goes_with_a_success() -> None:
    bad = evolved([island()], [reply("x")], [reply("p", data={"error": ""})], [stage(None, "WHY")], [], 1)
    assert (bad.data()["error"], archive(bad)) == ("WHY", [("0", 1.0)])
    late = evolved([island()], [reply("x")], [reply("p", data={"error": ""})], [stage(1)], [stage(None, "LATE")], 1)
    assert late.data()["error"] == "LATE"
    assert child(bad, 2.0, SEED + "\n#").data()["error"] == ""
    lost = evolved([bad], [failed("down")], [reply("", data={"error": "none"})], [], [], 2)
    assert (lost.data()["error"], lost.data()["lost"]) == ("WHY", ["down"])


def exchange(turn: int, *islands: Reply) -> Replies:
    return exchanged(list(islands), list(islands), turn, migrate=50, restart=150)["islands"]


def four(*scores: float) -> Replies:
    return [island(n, BASE, entry(s, f"1.{n}")) for n, s in enumerate(scores, 1)]


@pytest.mark.parametrize(("turn", "moves"), [(1, False), (12, False), (13, True), (14, False), (25, True), (26, False)])
def test_each_fifty_evaluations_the_best_goes_to_the_neighbour(turn: int, moves: bool) -> None:
    found = [{name for name, _ in archive(i)} for i in exchange(turn, *four(2, 3, 4, 5))]
    assert found == [{"0", f"1.{n}"} | ({f"1.{(n - 2) % 4 + 1}"} if moves else set()) for n in (1, 2, 3, 4)]


def test_each_150_evaluations_the_two_worst_begin_anew_with_the_best_of_the_others() -> None:
    found = exchange(38, *four(9, 3, 4, 7))
    names = [{name for name, _ in archive(i)} for i in found]
    assert names[1] == {"1.1"}, "the worst, with the best; its neighbour's best is the same"
    assert names[2] == {"1.4", "1.1"}, "the second worst, with the second best; and its neighbour's best"
    assert (names[0], names[3]) == ({"0", "1.1", "1.4"}, {"0", "1.4"})
    assert len(archive(exchange(37, *four(9, 3, 4, 7))[1])) == 2


def test_an_island_that_was_lost_stays_as_it_was() -> None:
    before = four(2, 3, 4, 5)
    made = exchanged(before, [failed("gone", key="island 1"), *before[1:3]], 1, migrate=50, restart=150)["islands"]
    assert [archive(i) for i in made] == [archive(i) for i in before]
    assert [i.data()["lost"] for i in made] == [["gone"], [], [], ["the island was lost"]]


def history(*bests: float) -> Replies:
    return [reply(data={"evaluations": 4 * n, "best": b, "id": "x"}) for n, b in enumerate(bests)]


@pytest.mark.parametrize(
    ("bests", "target", "over"),
    [
        ([1.0], None, False),
        ([1.0], 1.0, True),
        ([1.0, 2.0], 2.5, False),
        ([1.0, 3.0], 2.5, True),
        ([1.0] * 38, None, False),
        ([1.0] * 39, None, True),
        ([1.0] * 37 + [1.1] * 38, None, False),
        ([1.0] * 37 + [1.1] * 39, None, True),
    ],
)
def test_it_ends_at_the_target_or_after_150_evaluations_without_a_better_one(
    bests: list[float], target: float | None, over: bool
) -> None:
    wanted = [] if target is None else [reply(score=target)]
    assert search_over(history(*bests), wanted, patience=150) is over


def test_the_top_are_the_best_different_programs_whatever_the_order_of_islands() -> None:
    islands = [island(1, BASE, entry(3, "1.1")), island(2, BASE, entry(2, "1.2"), entry(3, "1.1")), island(3, BASE)]
    for order in (islands, islands[::-1]):
        assert [(t.key, t.data()["id"]) for t in top_programs(order, 3)] == [
            ("candidate 1", "1.1"),
            ("candidate 2", "1.2"),
            ("candidate 3", "0"),
        ]


def verdict(exploit: str = "none") -> Reply:
    return reply(data={"exploit": exploit, "reason": "WHY"})


def checked(score: float, held: float, said: Reply | None, name: str = "1.1") -> Reply:
    candidate = reply(key=name, data=entry(score, name))
    return checked_candidate([candidate], [stage(held)], [said] if said else [])


def test_the_best_that_survives_is_verified_then_best_on_what_was_never_seen() -> None:
    rows = [
        checked(9, 9, verdict("other"), "1.1"),
        checked(8, 9, failed("down"), "1.2"),
        checked(7, 3, verdict(), "1.3"),
        checked(6, 5, verdict(), "1.4"),
    ]
    assert [b.key for b in surviving(rows)] == ["1.4"]
    assert [b.key for b in surviving(rows[:2])] == ["1.2"]
    assert surviving(rows[:1]) == surviving([]) == surviving([failed("x")]) == []


def test_without_a_survivor_the_seed_stands() -> None:
    made = evolved_answer([], [failed("gone")], [], history(1.0, 2.0), four(1, 1, 1, 1), [], patience=150)
    assert (made.data()["program"], made.outcome, made.data()["lost"]) == (SEED, "incomplete", ["gone"])
