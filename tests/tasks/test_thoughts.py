"""Search over thoughts: keys are paths, the beam is kept by score then order, zero is dropped."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.reply import Replies, Reply, failed, reply
from tasks.thoughts import SCORES, best_path, branches, keep_best, root, search_over

VERDICTS = st.lists(st.sampled_from([*SCORES, "failed"]), min_size=1, max_size=9)


def thought(key: str, *, depth: int = 1, complete: bool = False, kept: bool = False, score: float = 0.0) -> Reply:
    data = {"path": key.split("."), "complete": complete, "kept": kept, "depth": depth}
    return reply(f"thought {key}", key=key, data=data, score=score)


def level(verdicts: list[str]) -> tuple[Replies, Replies]:
    thoughts = [thought(str(n)) for n in range(len(verdicts))]
    scores = [
        failed("no", key=t.key) if v == "failed" else reply(key=t.key, data={"verdict": v})
        for t, v in zip(thoughts, verdicts, strict=True)
    ]
    return thoughts, scores


@given(VERDICTS, st.integers(1, 4))
def test_the_beam_holds_the_best_and_never_what_scored_zero(verdicts: list[str], beam: int) -> None:
    made = keep_best(*level(verdicts), beam)
    kept = [t for t in made["level"] if t.data()["kept"]]
    lost = [t for t in made["level"] if not t.data()["kept"]]
    assert len(made["level"]) == len(verdicts)
    assert len(kept) == min(beam, sum(v in ("sure", "likely") for v in verdicts))
    assert all(t.score for t in kept)
    for worse in lost:
        for better in kept:
            assert (better.score or 0, -int(better.key)) > (worse.score or 0, -int(worse.key))


def test_children_are_numbered_under_their_parent_and_differ() -> None:
    parent = thought("2", kept=True)
    given_thoughts = [{"thought": t, "complete": t == "b"} for t in ("a", " A", "", "b", "c", "d")]
    grown = branches([parent], [reply(key="2", data={"thoughts": given_thoughts})], 3)
    assert [(g.key, g.text, g.data()["complete"]) for g in grown] == [
        ("2.1", "a", False),
        ("2.2", "b", True),
        ("2.3", "c", False),
    ]
    assert grown[0].data()["path"] == ["2", "a"]


def test_the_root_is_no_part_of_a_path() -> None:
    grown = branches([root()], [reply(key="0", data={"thoughts": [{"thought": "a", "complete": False}]})], 3)
    assert (grown[0].key, grown[0].data()["path"], grown[0].data()["depth"]) == ("1", ["a"], 1)


def test_complete_thoughts_are_kept_but_not_gone_on_from() -> None:
    thoughts = [thought("1", complete=True), thought("2")]
    made = keep_best(thoughts, [reply(key=k, data={"verdict": "likely"}) for k in "12"], 3)
    assert [t.key for t in made["frontier"]] == ["2"]


def test_the_search_is_over_where_nothing_is_left_or_a_complete_path_is_sure() -> None:
    open_path = thought("1", kept=True, score=0.5)
    assert search_over([open_path], [])
    assert not search_over([open_path], [open_path])
    assert search_over([open_path, thought("2", complete=True, kept=True, score=1.0)], [open_path])
    assert not search_over([thought("2", complete=True, kept=True, score=0.5)], [open_path])


def test_of_equal_scores_a_complete_path_wins_then_the_earlier() -> None:
    tree = [thought(k, depth=2, kept=True, score=0.5, complete=k == "c") for k in "abcd"]
    assert best_path(tree).key == "c"
    assert best_path(tree[:2]).key == "a"


def test_a_kept_path_that_died_below_is_not_live() -> None:
    tree = [thought("1", kept=True, score=1.0), thought("1.1", depth=2), thought("1.2", depth=2)]
    assert (best_path(tree).key, best_path(tree).data()["low_confidence"]) == ("1.1", True)
