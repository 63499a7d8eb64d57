"""Textual gradients as pure functions: what is blamed, what runs again, what is kept, and when it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.supplied import neither_given
from tasks.algorithms.textual_gradient import (
    backward,
    blamed,
    call_of_tests,
    chain_nodes,
    completed,
    descended,
    interrupted,
    momentum,
    output_of_tests,
    prompts_to_keep,
    settled_step,
    stepped,
    trial_of_turn,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

NAMES = ("plan", "draft", "final")
BOTH = ["variable", "prompt"]


def chain(trainable: list[str] = BOTH, names: tuple[str, ...] = NAMES) -> Replies:
    return [
        reply(f"text of {n}", key=n, data={"prompt": f"Do {n}.", "base": f"Do {n}.", "trainable": trainable})
        for n in names
    ]


def gradients(*names: str) -> Replies:
    return [reply(f"change {n}", key=n) for n in names]


def blame(node: str, target: str) -> Replies:
    return [reply(data={"node": node, "target": target})]


def row(result: str, node: str = "plan", target: str = "prompt", text: str = "NEW", trial: bool = False) -> Reply:
    return reply(data={"result": result, "node": node, "target": target, "text": text, "trial": trial})


def memory(wins: int, node: str = "plan", text: str = "Better.") -> Reply:
    fields = {"node": node, "base": f"Do {node}.", "wins": wins}
    return reply(text, key=f"id {wins}", data={"fields": fields})


def test_prompts_that_won_three_times_stand_and_others_are_tried_once_and_only_where_they_fit() -> None:
    given: list[dict[str, Any]] = [{"name": n, "prompt": f"Do {n}."} for n in NAMES]
    slots = chain_nodes([], [memory(3), memory(2, "draft"), memory(2, "elsewhere")], given)
    assert [n.data()["prompt"] for n in slots["nodes"]] == ["Better.", "Do draft.", "Do final."]
    assert [t.key for t in slots["trial"]] == ["id 2"]
    assert trial_of_turn(slots["trial"], 1) == slots["trial"]
    assert trial_of_turn(slots["trial"], 2) == []
    with pytest.raises(Refuse):
        chain_nodes([reply(data=given[0]), reply(data=given[0])], [], given)


@given(st.integers(2, 6))
def test_backward_pairs_each_node_with_its_successor_from_the_last(count: int) -> None:
    nodes = chain(names=tuple(f"n{i}" for i in range(count)))
    made = backward(nodes)
    assert [m.key for m in made] == [f"n{i}" for i in range(count - 1)][::-1]
    assert all(m.data()["next_value"] == f"text of n{int(m.key[1:]) + 1}" for m in made)


@pytest.mark.parametrize(
    ("judged", "seen", "expected"),
    [
        (blame("plan", "prompt"), NAMES, ("plan", "prompt", True)),
        (blame("nobody", "prompt"), NAMES, ("final", "variable", False)),
        (blame("plan", "variable"), ("final",), ("final", "variable", False)),
        ([failed("down")], NAMES, ("final", "variable", False)),
        ([], (), None),
    ],
)
def test_a_part_is_blamed_that_may_be_changed_and_has_a_gradient(
    judged: Replies, seen: tuple[str, ...], expected: tuple[str, str, bool] | None
) -> None:
    found = [
        tuple(b.data()[f] for f in ("node", "target", "chosen")) for b in blamed(chain(), gradients(*seen), judged, [])
    ]
    assert found == ([expected] if expected else [])
    assert blamed(chain([]), gradients(*NAMES), judged, []) == []


@given(st.sampled_from(NAMES), st.sampled_from(BOTH))
def test_what_stands_and_what_runs_again_are_the_whole_chain(node: str, target: str) -> None:
    one = blamed(chain(), gradients(*NAMES), blame(node, target), [])
    slots = stepped(chain(), one, [reply("NEW")])
    assert [c.key for c in [*slots["kept"], *slots["queue"]]] == list(NAMES)
    place = NAMES.index(node) + (target == "variable")
    assert len(slots["kept"]) == place
    changed = slots["kept"][-1].text if target == "variable" else slots["queue"][0].data()["prompt"]
    assert changed == "NEW"
    assert stepped(chain(), one, [failed("down")]) == {"kept": [], "queue": []}
    assert stepped(chain(), [], []) == {"kept": [], "queue": []}


def test_a_changed_chain_counts_only_if_it_is_whole_and_its_result_another() -> None:
    new = [*chain()[:2], chain()[2].but(text="other")]
    assert completed(new, chain()) == new
    assert completed(chain(), chain()) == []
    assert completed([*chain()[:2], failed("down")], chain()) == []
    assert interrupted([*chain()[:1], failed("down")])
    assert not interrupted([])


@pytest.mark.parametrize(
    ("before", "after", "result"), [(1, 2, "won"), (2, 1, "lost"), (1, 1, "tie"), (1, None, "lost"), (None, 1, "won")]
)
def test_more_tests_passed_wins_and_tests_that_do_not_end_pass_none(
    before: int | None, after: int | None, result: str
) -> None:
    def ran(passed: int | None) -> Replies:
        return [reply(data={"final": None if passed is None else {"passed": passed, "of": 2, "failures": []}})]

    new = [*chain()[:2], chain()[2].but(text="other")]
    one = blamed(chain(), gradients(*NAMES), blame("final", "variable"), [])
    loss = [reply(data={"issues": ["x"]})]
    slots = settled_step(chain(), new, new, one, loss, [reply("N")], [], [], ran(after), ran(before), [], turn=1)
    assert slots["row"][0].data()["result"] == result
    assert slots["best"] == (new if result == "won" else chain())


def test_tests_see_the_result_as_a_literal_and_their_failures_are_said() -> None:
    (call,) = call_of_tests([reply('a\'\n"""')], [reply("def test_x(a): pass")])
    assert repr('a\'\n"""') in call.data()["args"]["code"]
    assert call_of_tests([reply("a")], []) == []
    assert output_of_tests([]) == []
    assert "down" in output_of_tests([failed("down")])[0].text


@pytest.mark.parametrize(
    ("results", "over"),
    [
        (["no issue", "no issue"], True),
        (["no issue", "won", "no issue"], False),
        (["lost", "won", "lost"], True),
        (["lost", "tie", "tie", "failed"], False),
        ([], False),
    ],
)
def test_two_clean_losses_running_or_two_falls_end_it(results: list[str], over: bool) -> None:
    assert descended([row(r) for r in results], 2, 2) is over


def test_momentum_is_the_last_two_versions_of_the_same_part() -> None:
    one = blamed(chain(), gradients(*NAMES), blame("plan", "prompt"), [])
    log = [row("won", text="A"), row("won", "draft", text="B"), row("lost", text="C"), row("tie", text="D")]
    assert [m.text for m in momentum(log, one)] == ["(lost) C", "(tie) D"]
    assert momentum(log, []) == []


@pytest.mark.parametrize(("result", "memories", "replaced"), [("won", 1, 1), ("lost", 0, 1), ("tie", 0, 0)])
def test_a_trial_that_wins_counts_on_and_one_that_loses_is_forgotten(result: str, memories: int, replaced: int) -> None:
    slots = prompts_to_keep(chain(), [row(result, text="Better.", trial=True)], [memory(1)])
    assert (len(slots["memories"]), len(slots["replaces"])) == (memories, replaced)
    assert [m.data()["wins"] for m in slots["memories"]] == [2] * memories
    assert neither_given(slots["memories"], slots["replaces"]) is (result == "tie")


def test_a_new_prompt_is_kept_only_if_it_is_the_one_that_stands() -> None:
    nodes = [chain()[0].but(data={**chain()[0].data(), "prompt": "NEW"}), *chain()[1:]]
    assert [m.text for m in prompts_to_keep(nodes, [row("won", text="OLD"), row("won")], [])["memories"]] == ["NEW"]
    assert prompts_to_keep(nodes, [row("lost")], [])["memories"] == []
