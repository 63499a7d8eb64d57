"""Textual gradient descent: a chain of nodes, feedback passed backwards, one variable or prompt changed a step.

Source: Yuksekgonul et al. 2024 (arXiv 2406.07496). A chain is a reply a node in order: key is its name, text its value,
fields prompt, base (the prompt that it came with) and trainable.
"""

from itertools import pairwise
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.supplied_code import code_call
from tasks.answers import normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

PROMPT_KIND = "node_prompt"
"""The kind of memory in which improved prompts are kept, with the fields node, base and wins."""
ENOUGH_WINS = 3
"""From so many tasks on that a prompt won, it stands in for the one that the chain came with."""
VARIABLE, PROMPT = "variable", "prompt"
WON, LOST, TIE, NO_ISSUE, FAILED = "won", "lost", "tie", "no issue", "failed"
MOMENTUM = 2
HARNESS = """
_failures, _names = [], [n for n in list(globals()) if n.startswith("test_")]
for _name in _names:
    try:
        globals()[_name](_answer)
    except Exception as _error:
        _failures.append(f"{_name}: {type(_error).__name__}: {_error}"[:300])
final_answer({"passed": len(_names) - len(_failures), "of": len(_names), "failures": _failures})
"""


@pure
def chain_nodes(nodes: Replies, recalled: Replies, default: list[dict[str, Any]]) -> Slots:
    """`nodes` in order, with the prompts that have won often enough; `trial` is one that has not yet, of a node here.

    Fails the run for two nodes of one name.
    """
    given = [n.data() for n in nodes] or default
    if len(distinct(g["name"] for g in given)) < len(given):
        raise Refuse("--nodes: each node needs a name of its own")
    known = [(r, r.data()["fields"]) for r in ok_of(recalled)]
    made, trials = [], []
    for g in given:
        mine = [(r, f) for r, f in known if f["node"] == g["name"] and f["base"] == g["prompt"]]
        proven = next((r.text for r, f in mine if f["wins"] >= ENOUGH_WINS), g["prompt"])
        trainable = g.get("trainable", [VARIABLE, PROMPT])
        data = {"name": g["name"], "prompt": proven, "base": g["prompt"], "trainable": trainable}
        made.append(reply(proven, key=g["name"], data=data))
        trials += [r for r, f in mine if f["wins"] < ENOUGH_WINS and PROMPT in trainable and r.text != proven]
    return {"nodes": made, "trial": trials[:1]}


@pure
def node_value(node: Replies, made: Replies) -> Reply:
    """What a node made, under its name and with its fields."""
    return made[-1].but(key=node[0].key, fields=node[0].fields)


@pure
def interrupted(values: Replies) -> bool:
    """Whether the last node failed, so that those after it have nothing to work on."""
    return bool(values) and not values[-1].ok


@pure
def whole_chain(values: Replies, nodes: Replies) -> Replies:
    """The chain once each node has a value. Fails the run where one failed."""
    if len(ok_of(values)) < len(nodes):
        raise Refuse(f"the chain broke at its first run: {'; '.join(causes(values))}")
    return values


@pure
def call_of_tests(chain: Replies, tests: Replies) -> Replies:
    """The call that runs the tests on the chain's last value; nothing without tests or without a value."""
    if not tests or not chain:
        return []
    return [code_call(f"_answer = {chain[-1].text!r}\n{tests[0].text}\n{HARNESS}")]


def _passed(measured: Replies) -> float | None:
    """The share of tests that passed; 0 where they could not be run to their end; None where there are none."""
    if not measured:
        return None
    final = measured[-1].data().get("final") if measured[-1].ok else None
    if not isinstance(final, dict) or not final.get("of"):
        return 0.0
    return float(final["passed"]) / float(final["of"])


@pure
def output_of_tests(measured: Replies) -> Replies:
    """What the tests said, for whoever states the loss."""
    if not measured:
        return []
    final = measured[-1].data().get("final") if measured[-1].ok else None
    if not isinstance(final, dict):
        return [reply(f"The tests did not run to their end: {measured[-1].cause or measured[-1].text}")]
    return [reply("\n".join([f"{final['passed']} of {final['of']} tests passed.", *final["failures"]]))]


@pure
def trial_of_turn(trial: Replies, turn: int) -> Replies:
    """The remembered prompt that is tried in the first step, in place of a gradient."""
    return trial if turn == 1 else []


@pure
def no_gradient(trial: Replies, loss: Replies) -> bool:
    """Whether nothing is passed backwards: a remembered prompt is tried, or the loss has no issue or failed."""
    return bool(trial) or not any(s.data()["issues"] for s in ok_of(loss))


@pure
def backward(chain: Replies) -> Replies:
    """The nodes before the last one, the last of them first: value, and next_value and next_prompt of its successor."""
    made = [
        one.but(data={"value": one.text, "next_value": after.text, "next_prompt": after.data()["prompt"]})
        for one, after in pairwise(chain)
    ]
    return made[::-1]


@pure
def trainable_parts(chain: Replies) -> Reply:
    """What may be changed, a line a node."""
    lines = [f"{c.key}: {', '.join(c.data()['trainable'])}" for c in chain if c.data()["trainable"]]
    return reply("\n".join(lines) or "nothing", key="trainable")


@pure
def blamed(chain: Replies, gradients: Replies, judged: Replies, trial: Replies) -> Replies:
    """What is changed in this step: fields node, target (variable or prompt), gradient, chosen; text as it stands.

    A judge who failed, or names what may not be changed, leaves the last node that may be and has a gradient. The
    remembered prompt of a trial is what it is changed to, in the field `text`.
    """
    if trial:
        fields = trial[0].data()["fields"]
        row = {"node": fields["node"], "target": PROMPT, "gradient": "", "chosen": True, "text": trial[0].text}
        return [reply(_node(chain, fields["node"]).data()["prompt"], key=fields["node"], data=row)]
    found = {g.key: g.text for g in ok_of(gradients)}
    allowed = [(c.key, t) for c in chain for t in c.data()["trainable"] if c.key in found]
    said = [(d["node"].strip(), d["target"]) for d in (j.data() for j in ok_of(judged))]
    picked = next((s for s in said if s in allowed), None)
    last = next((a for a in reversed(allowed) if a[1] == VARIABLE), allowed[-1] if allowed else None)
    if (choice := picked or last) is None:
        return []
    node, target = choice
    one = _node(chain, node)
    text = one.text if target == VARIABLE else one.data()["prompt"]
    row = {"node": node, "target": target, "gradient": found[node], "chosen": picked is not None, "text": ""}
    return [reply(text, key=node, data=row)]


def _node(chain: Replies, name: str) -> Reply:
    return next(c for c in chain if c.key == name)


@pure
def not_to_write(blamed: Replies) -> bool:
    """Whether there is nothing to revise, or a remembered text stands for it."""
    return not blamed or bool(blamed[0].data()["text"])


@pure
def momentum(log: Replies, blamed: Replies) -> Replies:
    """The last two versions of what is to be changed, as earlier steps tried them, each with what became of it."""
    if not blamed:
        return []
    wanted = (blamed[0].data()["node"], blamed[0].data()["target"])
    tried = [r for r in log if (r.data()["node"], r.data()["target"]) == wanted and r.data()["text"]]
    return [reply(f"({r.data()['result']}) {r.data()['text']}", key=r.key) for r in tried[-MOMENTUM:]]


@pure
def stepped(chain: Replies, blamed: Replies, revised: Replies) -> Slots:
    """`kept` are the values that stand after the change, `queue` the nodes downstream of it, which run again.

    Both are empty where nothing was changed.
    """
    text = next((b.data()["text"] for b in blamed), "") or next((r.text for r in ok_of(revised)), "")
    if not text.strip():
        return {"kept": [], "queue": []}
    place = next(n for n, c in enumerate(chain) if c.key == blamed[0].data()["node"])
    one = chain[place]
    if blamed[0].data()["target"] == VARIABLE:
        return {"kept": [*chain[:place], one.but(text=text)], "queue": chain[place + 1 :]}
    return {"kept": chain[:place], "queue": [one.but(data={**one.data(), "prompt": text}), *chain[place + 1 :]]}


@pure
def completed(values: Replies, chain: Replies) -> Replies:
    """The changed chain, if every node has a value and the last one differs from what it was; else nothing."""
    if len(ok_of(values)) < len(chain) or normalised(values[-1].text) == normalised(chain[-1].text):
        return []
    return values


@pure
def last_values(chain: Replies, new: Replies, tests: Replies) -> Replies:
    """The last values of the best chain and of the new one, for a judge; nothing without a new one, or with tests."""
    return [] if tests or not new else [chain[-1].but(key="best"), new[-1].but(key="new")]


@pure
def settled_step(
    chain: Replies,
    new: Replies,
    values: Replies,
    blamed: Replies,
    loss: Replies,
    revised: Replies,
    winner: Replies,
    verdicts: Replies,
    measured: Replies,
    before: Replies,
    calls: Replies,
    turn: int,
) -> Slots:
    """The `best` chain after a step, and its `row`: a new one that is not better is reverted.

    It is better with more tests passed, or where a judge prefers it in both orders; `lost` is what is worse.
    """
    shares = _passed(before), _passed(measured)
    result = _result(new, blamed, loss, winner, shares)
    what: dict[str, Any] = blamed[0].data() if blamed else {"node": "", "target": "", "text": "", "chosen": True}
    text = what["text"] or next((r.text for r in ok_of(revised)), "")
    lost = [*causes(loss), *causes(calls), *causes(revised), *causes(values), *causes(verdicts)]
    row = {
        "step": turn,
        "node": what["node"],
        "target": what["target"],
        "text": text,
        "trial": bool(what["text"]),
        "result": result,
        "issues": [i for s in ok_of(loss) for i in s.data()["issues"]],
        "read": bool(ok_of(loss)),
        "lost": lost if what["chosen"] else [*lost, "the blamed node was none that may be changed"],
        "passed": shares[1] if result == WON and shares[1] is not None else shares[0],
    }
    shown = f"step {turn}: {what['target'] or 'nothing'} {what['node']}: {result}"
    return {"best": new if result == WON else chain, "row": [reply(shown, key=f"step {turn}", data=row)]}


def _result(
    new: Replies, blamed: Replies, loss: Replies, winner: Replies, shares: tuple[float | None, float | None]
) -> str:
    if not blamed:
        return NO_ISSUE if ok_of(loss) and not any(s.data()["issues"] for s in ok_of(loss)) else FAILED
    if not new:
        return TIE
    old_share, new_share = shares
    if old_share is not None and new_share is not None:
        return WON if new_share > old_share else LOST if new_share < old_share else TIE
    said = winner[0].data() if winner and winner[0].ok else {"preferred": "tie", "agreed": False}
    # `preferred` is the first (the best so far) both where it won and where only it could be judged.
    return {"second": WON, "first": LOST}.get(str(said["preferred"]), TIE)


@pure
def descended(log: Replies, clean: int, falls: int) -> bool:
    """Whether the loss named no issue `clean` times running, or validation fell `falls` times."""
    results = [r.data()["result"] for r in log]
    return results[-clean:] == [NO_ISSUE] * clean or results.count(LOST) >= falls


@pure
def prompts_to_keep(chain: Replies, log: Replies, trial: Replies) -> Slots:
    """`memories` are the prompts that won on this task, with their `wins`; `replaces` a trial that won or lost."""
    rows = [r.data() for r in log]
    memories, replaces = [], []
    for tried in trial:
        result = next((r["result"] for r in rows if r["trial"]), TIE)
        fields = tried.data()["fields"]
        replaces += [tried] if result in (WON, LOST) else []
        memories += [reply(tried.text, data={**fields, "wins": fields["wins"] + 1})] if result == WON else []
    for one in chain:
        data = one.data()
        won = any(r["result"] == WON and r["target"] == PROMPT and r["text"] == data["prompt"] for r in rows)
        if won and all(t.text != data["prompt"] for t in trial):
            memories.append(reply(data["prompt"], data={"node": one.key, "base": data["base"], "wins": 1}))
    return {"memories": memories, "replaces": replaces}


@pure
def descent_answer(chain: Replies, log: Replies, stored: Replies) -> Reply:
    """The best last value, with the steps and the prompts that changed. Unchecked where nobody could state a loss."""
    rows = [r.data() for r in log]
    lost = [c for r in rows for c in r["lost"]]
    passed = next((r["passed"] for r in reversed(rows)), None)
    data: dict[str, Any] = {
        "steps": [{k: r[k] for k in ("step", "node", "target", "result", "trial", "issues")} for r in rows],
        "improved": sum(r["result"] == WON for r in rows),
        "values": {c.key: c.text for c in chain},
        "prompts": {c.key: c.data()["prompt"] for c in chain if c.data()["prompt"] != c.data()["base"]},
        "remembered": len(ok_of(stored)),
        "lost": lost,
    }
    if passed is not None:
        data["quality"] = passed
    read = any(r["read"] for r in rows)
    outcome: Outcome = "unchecked" if not read else "degraded" if lost else "answered"
    return reply(chain[-1].text, key="answer", data=data, model=chain[-1].model, outcome=outcome)
