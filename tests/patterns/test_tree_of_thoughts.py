"""Tree of thoughts: at most 3, 9 and 9 thoughts, a beam of three, and an answer along the best path."""

import json
from collections.abc import Callable

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import BROKEN, Asked, Played, Stage, as_json, between
from utils.errors import RunFailed
from workflows.patterns.reasoning.tree_of_thoughts import AUTHOR, EXPLORER, JUDGE

Path = tuple[str, ...]
NAMES = "abc"


def path_of(asked: Asked) -> Path:
    return tuple(json.loads(between(asked.question, "path"))["path"])


def name(path: Path) -> str:
    """The last thought's name: `b` below `a` is `ab`."""
    return path[-1] if path else ""


def search(
    stage: Stage,
    verdicts: Callable[[str], str | Fault],
    complete: Callable[[str], bool] = lambda _: False,
    expand: Callable[[str], str | Fault | None] = lambda _: None,
) -> Played:
    """Thoughts are named by their path (a, ab, abc ...); each test says what is judged how."""

    def script(asked: Asked) -> str | Fault:
        if asked.by(AUTHOR):
            return "the solution"
        here = name(path_of(asked))
        if asked.by(EXPLORER):
            own = expand(here)
            children = [{"thought": here + n, "complete": complete(here + n)} for n in NAMES]
            return as_json(thoughts=children) if own is None else own
        verdict = verdicts(here)
        return verdict if isinstance(verdict, Fault) else as_json(reason="-", verdict=verdict)

    return stage.play("tree_of_thoughts", script, prompt="Make 24 of 4, 9, 10, 13.")


def kept(played: Played, depth: int) -> list[str]:
    return [t["thought"] for t in played.data["tree"] if t["kept"] and len(t["thought"]) == depth]


def widths(played: Played) -> list[int]:
    return [sum(len(t["thought"]) == d for t in played.data["tree"]) for d in (1, 2, 3)]


def test_levels_hold_3_9_and_9_thoughts_and_29_calls_at_most(stage: Stage) -> None:
    played = search(stage, lambda _: "likely")
    assert widths(played) == [3, 9, 9]
    assert [len(played.of(s)) for s in (EXPLORER, JUDGE, AUTHOR)] == [7, 21, 1]
    assert {a.temperature for a in played.of(EXPLORER)} == {0.8}
    assert kept(played, 2) == ["aa", "ab", "ac"], "ties go to the earlier thought"
    assert played.data["path"] == ["a", "aa", "aaa"]
    assert (played.answer.text, played.answer.score, played.answer.outcome) == ("the solution", 0.5, "answered")


def test_the_best_are_kept_and_the_impossible_dropped(stage: Stage) -> None:
    played = search(stage, lambda n: "sure" if n in ("b", "bc", "bca") else "impossible" if n[0] == "a" else "likely")
    assert kept(played, 1) == ["b", "c"]
    assert widths(played) == [3, 6, 9]
    assert "bc" in kept(played, 2)
    assert played.data["path"] == ["b", "bc", "bca"]
    assert not any(t["kept"] for t in played.data["tree"] if t["score"] == 0.0)


def test_a_judge_sees_one_path_and_the_author_the_best_one_only(stage: Stage) -> None:
    played = search(stage, lambda n: "likely" if n.startswith("c") else "impossible")
    for asked in played.of(JUDGE):
        assert len(set(path_of(asked))) == len(path_of(asked)) <= 3
        assert "likely" not in between(asked.question, "path")
    assert sorted(path_of(a) for a in played.of(JUDGE))[:3] == [("a",), ("b",), ("c",)]
    (author,) = played.of(AUTHOR)
    assert path_of(author) == ("c", "ca", "caa")


def test_a_complete_path_that_is_sure_ends_the_search(stage: Stage) -> None:
    played = search(stage, lambda n: "sure" if n == "bb" else "likely", complete=lambda n: n == "bb")
    assert widths(played) == [3, 9, 0]
    assert played.data["path"] == ["b", "bb"]
    assert played.answer.score == 1.0


def test_a_complete_path_that_is_only_likely_is_not_expanded_but_may_win(stage: Stage) -> None:
    played = search(
        stage, lambda n: "likely" if len(n) < 3 else "impossible", complete=lambda n: n == "a", expand=lambda _: None
    )
    assert "a" not in [name(path_of(e)) for e in played.of(EXPLORER)]
    assert played.data["path"] == ["a"]
    assert not played.data["low_confidence"]


def test_where_all_paths_are_dropped_the_longest_is_used_and_flagged(stage: Stage) -> None:
    played = search(stage, lambda n: "likely" if len(n) == 1 else "impossible")
    assert played.data["low_confidence"]
    assert played.answer.outcome == "undecided"
    assert played.data["path"] == ["a", "aa"]
    assert played.answer.text.startswith("Low confidence")


def test_a_dropped_complete_path_comes_before_a_longer_one(stage: Stage) -> None:
    played = search(
        stage, lambda n: "likely" if len(n) == 1 and n != "c" else "impossible", complete=lambda n: n == "c"
    )
    assert (played.data["path"], played.data["low_confidence"]) == (["c"], True)


def test_a_thought_that_cannot_be_judged_is_not_kept(stage: Stage) -> None:
    played = search(stage, lambda n: "perhaps" if n == "a" else "likely")
    assert kept(played, 1) == ["b", "c"]
    assert next(t["score"] for t in played.data["tree"] if t["thought"] == "a") is None


def test_a_failed_expansion_loses_its_branch_only(stage: Stage) -> None:
    played = search(stage, lambda _: "likely", expand=lambda n: BROKEN if n == "a" else None)
    assert widths(played) == [3, 6, 9]
    assert played.data["path"][0] == "b"


def test_more_or_equal_thoughts_are_cut_to_three_different_ones(stage: Stage) -> None:
    twice = as_json(thoughts=[{"thought": t, "complete": False} for t in ("a", "A ", "b")])
    played = search(stage, lambda _: "impossible", expand=lambda n: twice if not n else None)
    assert [t["thought"] for t in played.data["tree"]] == ["a", "b"]


def test_without_any_thought_the_run_fails(stage: Stage) -> None:
    with pytest.raises(RunFailed, match="no line of thought"):
        search(stage, lambda _: "likely", expand=lambda _: BROKEN)
