"""The blackboard's rules: who changes what, in which order, and what nobody can do."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.blackboard import applied, bidders, board_settled, handed_out, opened_board, picked
from tasks.reply import Replies, Reply, failed, reply

CHANGE = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["add", "edit", "withdraw"]),
        "id": st.sampled_from(["", "e1", "e2", "e3", "e4", "zz"]),
        "section": st.sampled_from(["facts", "conflicts", "solution"]),
        "text": st.sampled_from(["", " ", "a", "b"]),
    }
)
ROUND = st.tuples(st.lists(CHANGE, max_size=4), st.lists(CHANGE, max_size=4))
PROMPT = [reply("P")]


def made(name: str, changes: list[dict[str, Any]]) -> Reply:
    return reply(key=name, data={"changes": changes})


def after(board: Replies, log: Replies, said: dict[str, list[dict[str, Any]]], turn: int) -> dict[str, Replies]:
    picks = [reply(key=name) for name in said]
    return applied(board, log, picks, [made(n, c) for n, c in said.items()], turn)


@settings(deadline=None)
@given(st.lists(ROUND, max_size=4))
def test_ids_are_unique_never_given_twice_and_the_problem_stands(rounds: list[Any]) -> None:
    board, log = opened_board(PROMPT), list[Reply]()
    given_ids: list[str] = ["e1"]
    for turn, (first, second) in enumerate(rounds, 1):
        known = {e.key for e in board}
        said = after(board, log, {"A": first, "B": second}, turn)
        board, log = said["board"], [*log, *said["changes"]]
        given_ids += [e.key for e in board if e.key not in known]
        assert board[0].text == "P"
        assert all(e.text for e in board)
        assert all(e.data()["author"] in ("A", "B", "board", "person") for e in board)
    assert len(given_ids) == len(set(given_ids))


@settings(deadline=None)
@given(st.permutations(["A", "B"]), st.booleans())
def test_an_edit_against_a_withdrawal_keeps_the_entry_and_notes_a_conflict(order: list[str], edits_first: bool) -> None:
    board = after(opened_board(PROMPT), [], {"C": [{"action": "add", "id": "", "section": "facts", "text": "x"}]}, 1)
    edit = {"action": "edit", "id": "e2", "section": "facts", "text": "y"}
    gone = {"action": "withdraw", "id": "e2", "section": "facts", "text": ""}
    said = after(board["board"], board["changes"], {order[0]: [edit], order[1]: [gone]}, 2)
    texts = {e.key: e.text for e in said["board"]}
    assert texts["e2"] == "y"
    assert "withdraws e2 while" in texts["e3"]


def test_one_author_may_edit_an_entry_twice_in_a_turn() -> None:
    add = {"action": "add", "id": "", "section": "facts", "text": "x"}
    board = after(opened_board(PROMPT), [], {"C": [add]}, 1)
    edits = [{"action": "edit", "id": "e2", "section": "facts", "text": t} for t in ("y", "z")]
    said = after(board["board"], [], {"A": edits}, 2)
    assert [(e.text, e.data()["revision"]) for e in said["board"][1:]] == [("z", 2)]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.permutations(range(5)))
def test_picks_are_the_highest_bids_in_whatever_order_they_came(bids: list[float], order: list[int]) -> None:
    who = bidders({str(i): "role" for i in range(5)}, [], opened_board(PROMPT), [], [])
    said = [reply(key=str(i), data={"can_contribute": bids[i], "why": "w"}) for i in order]
    chosen = [int(p.key) for p in picked(who, said, PROMPT, "0", most=2, least=0.3)["picks"]]
    best = sorted((i for i in range(5) if bids[i] >= 0.3), key=lambda i: (-bids[i], i))[:2]
    assert chosen == best


def test_among_equal_bids_who_waited_longest_comes_first() -> None:
    rounds = [reply(data={"round": 1, "picked": ["a"], "solved": False})]
    who = bidders({"a": "r", "b": "r"}, [reply("m")], opened_board(PROMPT), [], rounds)
    said = [reply(key=n, data={"can_contribute": 0.5, "why": "w"}) for n in "ab"]
    made_ = picked(who, said, PROMPT, "a", most=1, least=0.3)
    assert ([p.key for p in made_["picks"]], made_["query"]) == (["b"], [])


def test_when_a_board_is_settled() -> None:
    def round_(solved: bool = False, *names: str) -> Reply:
        return reply(data={"solved": solved, "picked": list(names)})

    assert board_settled([]) is False
    assert board_settled([round_()]) is False
    assert board_settled([round_(False, "a"), round_()]) is False
    assert board_settled([round_(), round_()])
    assert board_settled([round_(True, "a")])


def test_passages_are_handed_out_under_the_finders_name() -> None:
    assert handed_out([failed("down", key="(vectors)")], "finder") == []
    (given_,) = handed_out([reply("text", key="d:1", data={"document": "d"})], "finder")
    assert (given_.key, given_.text) == ("finder", "[d] text")
