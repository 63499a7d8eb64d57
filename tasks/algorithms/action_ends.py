"""The ends of a tree of actions: their reward by tests or a judge, what failed ones teach, the best one done again."""

from typing import Any

from tasks.algorithms.action_tree import why_ended
from tasks.algorithms.mcts import path_to
from tasks.algorithms.textual_gradient import HARNESS
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

MET = {"met": 1.0, "partly": 0.5, "not": 0.0}
MOST_EVIDENCE = 1500
LINES = 3
"""Lines that a reflection may have."""


@pure
def no_end(end: Replies) -> bool:
    """Whether a way came to no end that could be rewarded."""
    return not end or not end[0].data()["terminal"]


@pure
def nothing_to_test(end: Replies, tests: Replies) -> bool:
    """Whether there is no end, or there are no tests."""
    return not tests or no_end(end)


@pure
def cell_of_tests(tests: Replies, end: Replies) -> Slots:
    """`cell` runs the tests on an end's answer, in a session of its own that has the `files` which the way wrote."""
    data = end[0].data()
    cell = f"_answer = {data['answer']!r}\n{tests[0].text}\n{HARNESS}"
    files = [reply(f["text"], key=f["path"]) for f in data["files"]]
    return {"cell": [reply(key="tests", data={"code": cell})], "files": files}


@pure
def reward_of_tests(ran: Replies) -> Reply:
    """The share of the tests that passed; 0 where they did not run to their end, none where they could not be run."""
    if not ok_of(ran):
        return _reward(None, f"the tests could not be run: {first_cause(ran)}")
    data = ran[-1].data()
    said = data["final"] if data["ok"] and isinstance(data["final"], dict) else {}
    if not said.get("of"):
        return _reward(0.0, f"the tests did not run to their end: {data['error'] or 'there are none'}")
    told = [f"{said['passed']} of {said['of']} tests passed.", *map(str, said["failures"])]
    return _reward(said["passed"] / said["of"], "\n".join(told))


@pure
def final_state(end: Replies, tree: Replies, made: Replies) -> Reply:
    """An end as who judges it sees it: the answer, and what the tools gave on the way to it, without any thoughts."""
    nodes = {n.key: n.data() for n in [*tree, *made, *end]}
    way = [nodes[k] for k in path_to(end[0].key)[1:] if not nodes[k]["terminal"]]
    seen = "\n".join(f"{d['action']}\n-> {d['observation']}" for d in way)
    return reply(seen or "(no tool was used)", key="state", data={"answer": end[0].data()["answer"]})


@pure
def reward_of_verdict(judged: Replies) -> Reply:
    """What a judge said of an end; no reward where the judge was lost."""
    if not ok_of(judged):
        return _reward(None, f"nobody could judge it: {first_cause(judged)}")
    said = judged[-1].data()
    return _reward(MET[said["goal"]], said["evidence"])


def _reward(reward: float | None, evidence: str) -> Reply:
    shown = evidence[:MOST_EVIDENCE]
    return reply(shown, key="reward", score=reward, data={"reward": reward, "evidence": shown})


@pure
def nothing_failed(rewarded: Replies) -> bool:
    """Whether there is nothing to learn from: no end, one that nobody could judge, or one with reward 1."""
    reward = rewarded[-1].data()["reward"] if rewarded else None
    return reward is None or reward >= 1


@pure
def short_reflection(made: Replies, turn: int) -> Replies:
    """What a failed way taught, at most three lines."""
    lines = [line.strip() for m in ok_of(made) for line in m.text.splitlines() if line.strip()]
    return [reply("\n".join(lines[:LINES]), key=f"way {turn}")] if lines else []


@pure
def lost_calls(lost: Replies, rewarded: Replies, reflected: Replies) -> Replies:
    """The causes of all that was lost in a round."""
    unrated = [r.text for r in rewarded if r.data()["reward"] is None]
    return [*lost, *(reply(why, key="lost") for why in [*unrated, *causes(reflected)])]


@pure
def best_end(tree: Replies) -> Replies:
    """The end with the highest reward, then the most visits, then the earlier one; nothing where no way ended."""
    ends = [n for n in tree if n.data()["terminal"] and n.data()["visits"]]
    return sorted(ends, key=lambda n: (-_known(n.data()["reward"]), -n.data()["visits"]))[:1]


def _known(reward: float | None) -> float:
    return -1.0 if reward is None else reward


@pure
def acts_to(tree: Replies, best: Replies) -> Replies:
    """The actions that lead to an end, in order, with what each gave; its own last one, which stops, is none."""
    nodes = {n.key: n.data() for n in tree}
    way = [nodes[k] for k in path_to(best[0].key)[1:]] if best else []
    doable = [n for n in way if not n["terminal"]]
    return [
        reply(n["action"], key=f"act {i}", data={**n["act"], "observed": n["observation"]})
        for i, n in enumerate(doable, 1)
    ]


@pure
def replayed_act(act: Replies, done: Replies) -> Reply:
    """An action done again: its cell, its files, and whether it gave what it gave before."""
    data, before = done[0].data(), act[0].data()["observed"]
    kept = {k: data[k] for k in ("cell", "files", "observation")}
    return reply(act[0].text, key=act[0].key, data={**kept, "same": data["observation"] == before})


@pure
def replayed_end(best: Replies, log: Replies) -> Replies:
    """The end with the files as the replay left them."""
    files = [r.data()["files"] for r in log if r.data().get("cell") and "files" in r.data()]
    return [b.but(data={**b.data(), "files": files[-1] if files else []}) for b in best]


@pure
def most_visited(tree: Replies) -> Replies:
    """The node at the end of the way that was gone most often."""
    return [max(tree, key=lambda n: (n.data()["visits"], n.data()["depth"]))] if tree else []


@pure
def has_end(best: Replies) -> bool:
    """Whether any way came to an end."""
    return bool(best)


@pure
def tree_answer(
    best: Replies,
    written: Replies,
    log: Replies,
    again: Replies,
    tree: Replies,
    lost: Replies,
    reflections: Replies,
    spent: Replies,
    max_calls: Replies,
    depth: int,
) -> Reply:
    """The answer of the best end, with the tree, the reflections and how its replay went.

    Below reward 1 it is incomplete and says so; unrated, or done again with another result, it is unchecked.
    """
    nodes = {n.key: n.data() for n in tree}
    reward = best[0].data()["reward"] if best else None
    steps = [r for r in log if "same" in r.data()]
    different = [r.key for r in steps if not r.data()["same"]]
    holds = not different and (not again or again[-1].data()["reward"] == reward)
    data: dict[str, Any] = {
        "ended_by": why_ended(nodes, spent, max_calls, depth),
        "iterations": nodes["0"]["visits"],
        "reward": reward,
        "evidence": best[0].data()["evidence"] if best else "",
        "way": [s.text for s in steps],
        "replayed_the_same": holds,
        "different": different,
        "reflections": [r.text for r in reflections],
        "tree": [{"id": k, **{f: d[f] for f in SHOWN}} for k, d in nodes.items()],
        "lost": [r.text for r in lost] + causes(written),
        "searched": "tree",
    }
    data |= {"quality": reward} if reward is not None else {}
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    if best and (reward is None or not holds):
        outcome = "unchecked"
    if not best or (reward is not None and reward < 1):
        outcome = "incomplete"
    answer = best[0].data()["answer"] if best else next((w.text.strip() for w in ok_of(written)), "")
    text = "\n\n".join(t for t in (_head(best, reward, holds=holds), answer) if t)
    model = best[0].model if best else next((w.model for w in ok_of(written)), "")
    return reply(text, key="answer", data=data, score=reward, model=model, outcome=outcome)


def _head(best: Replies, reward: float | None, *, holds: bool) -> str:
    if not best:
        return "Not finished: no way came to an end. The best answer from what was found until then:"
    if reward is not None and reward < 1:
        return f"Not fully achieved: the best way that was found meets the goal to {reward:.0%}."
    if reward is None:
        return "Nobody could check whether this meets the goal."
    return "" if holds else "Done again from a clean start, this way gave something else: check it before you use it."


@pure
def loop_answer(answer: Replies, tools: Replies) -> Reply:
    """The answer of the plain loop, which says why no tree was searched."""
    writing = [t.key for t in ok_of(tools) if t.data()["writes"]]
    data = {**answer[0].data(), "searched": "loop", "not_restorable": writing}
    return answer[0].but(data=data)


SHOWN = ("action", "depth", "value", "reward", "visits", "terminal")
