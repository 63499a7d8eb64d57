"""Agents that act and observe: what they are to do, the trace that they leave, when they stop and what they answer.

An act is a reply with the fields thought, type (tool or finish), tool, args, answer and success; a trace is a reply a
step, act and observation together.
"""

from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, first_cause, ok_of, reply
from tasks.tool_calls import call_digest

FINISH, TOOL, NOTHING = "finish", "tool", "nothing"
"""What an act is: the answer, a call of a tool, or none at all, since the model's call failed."""
LOST = "lost"
"""The error of a writing tool whose outcome nobody knows: a person must look, and the agent does not go on."""
REPEATS = 3
"""So many equal acts in a row end the work."""


@pure
def assignment(prompt: Replies, task: Replies) -> Slots:
    """`task` is what is to be done: the task, or without one the prompt; `whole` is what a task is a part of."""
    given = [t for t in ok_of(task) if t.text.strip()]
    if not given or [t.text for t in given] == [p.text for p in prompt]:
        return {"task": prompt, "whole": []}
    return {"task": given, "whole": prompt}


@pure
def steps(most: int) -> Reply:
    """So many steps, as an agent takes its limit."""
    return reply(str(most), key="steps")


@pure
def no_action(act: Replies) -> bool:
    """Whether there is no tool to call: the act finishes the work, or there is none."""
    return not ok_of(act) or act[-1].data().get("type") == FINISH


@pure
def trace_entry(act: Replies, call: Replies, seen: Replies, turn: int) -> Reply:
    """One step of a trace: the act, its call (as `read_call` gave it) and what was observed (as `observation` gave it).

    Fields: step, thought, type, tool, arguments, observation, ok, error, answer, success, lost, and digest, which is
    equal for equal acts. Text is what the agent is shown of it.
    """
    data: dict[str, Any] = {"step": turn, "thought": "", "tool": "", "arguments": {}, "observation": "", "answer": ""}
    data |= {"ok": True, "error": "", "success": False, "lost": ""}
    if not ok_of(act):
        cause = first_cause(act) or "there is no act"
        data |= {
            "type": NOTHING,
            "ok": False,
            "lost": cause,
            "observation": f"ERROR: your act could not be had: {cause}",
        }
        data["digest"] = NOTHING
        text = f"Observation: {data['observation']}"
    elif act[-1].data().get("type") == FINISH:
        data |= _finishing(act[-1].data())
        text = f"Thought: {data['thought']}\nFinish: {data['answer']}"
        text += "" if data["ok"] else f"\nObservation: {data['observation']}"
    else:
        data |= _calling(act[-1].data(), call, seen)
        text = f"Thought: {data['thought']}\nAction: {data['tool']}({canonical(data['arguments'])})"
        text += f"\nObservation: {data['observation']}"
    return reply(text, key=f"step {turn}", data=data, model=next((a.model for a in act[-1:]), ""))


def _finishing(said: dict[str, Any]) -> dict[str, Any]:
    answer = str(said.get("answer") or "").strip()
    data = {
        "type": FINISH,
        "thought": str(said.get("thought") or ""),
        "answer": answer,
        "success": bool(said.get("success")) and bool(answer),
        "digest": call_digest(FINISH, answer),
    }
    return data if answer else data | {"ok": False, "error": "call", "observation": "ERROR: the answer is empty"}


def _calling(said: dict[str, Any], call: Replies, seen: Replies) -> dict[str, Any]:
    read = call[-1].data() if call else {}
    observed = seen[-1].data() if seen else {}
    name, arguments = read.get("tool") or str(said.get("tool") or ""), read.get("arguments") or said.get("args") or {}
    return {
        "type": TOOL,
        "thought": str(said.get("thought") or ""),
        "tool": name,
        "arguments": arguments,
        "observation": seen[-1].text if seen else "ERROR: nothing was observed",
        "ok": bool(observed.get("ok")),
        "error": str(observed.get("error") or ("" if observed.get("ok") else "failed")),
        "digest": call_digest(name, arguments),
    }


@pure
def finished(trace: Replies) -> bool:
    """Whether the last step finished the work with an answer."""
    last = trace[-1].data() if trace else {}
    return last.get("type") == FINISH and bool(last.get("ok"))


@pure
def ended_by(trace: Replies, max_steps: Replies = [], same: int = REPEATS) -> str:  # noqa: B006 (never written to)
    """Why the work is over: finish, lost (a person must look), repeated (the same act), failed or step_limit."""
    if finished(trace):
        return FINISH
    if trace and trace[-1].data().get("error") == LOST:
        return LOST
    last = [t.data().get("digest") for t in trace[-same:]]
    if len(last) == same and len(set(last)) == 1:
        return "failed" if last[0] == NOTHING else "repeated"
    return "step_limit" if max_steps and len(trace) >= _count(max_steps[0].text) else ""


@pure
def acting_over(trace: Replies, max_steps: Replies = []) -> bool:  # noqa: B006 (never written to)
    """Whether an agent stops here."""
    return bool(ended_by(trace, max_steps))


def _count(text: str) -> int:
    """A number of steps; one where it is none, so that a caller's mistake costs little."""
    try:
        return max(1, int(float(text)))
    except (ValueError, OverflowError):
        return 1


@pure
def agent_answer(trace: Replies, best: Replies, max_steps: Replies = []) -> Reply:  # noqa: B006 (never written to)
    """The answer that the agent finished with, or the best one from its trace, which says that it is unfinished.

    `success` is what the agent itself says. Fails the run where there is neither.
    """
    done, acts = finished(trace), [t.data() for t in trace]
    if not done and not ok_of(best):
        raise Refuse(f"no answer after {len(trace)} steps: {first_cause([*best, *trace]) or 'none was given'}")
    why = ended_by(trace, max_steps) or "step_limit"
    lost = [s["lost"] for s in acts if s["lost"]]
    data = {
        "ended_by": why,
        "step_limit": why == "step_limit",
        "success": done and acts[-1]["success"],
        "steps": len(trace),
        "tools": [s["tool"] for s in acts if s["type"] == TOOL and s["ok"]],
        "errors": [s["observation"] for s in acts if not s["ok"]],
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if not data["success"] else "degraded" if lost else "answered"
    if done:
        return reply(acts[-1]["answer"], key="answer", data=data, model=trace[-1].model, outcome=outcome)
    head = f"Not finished: {_WHY[why].format(steps=len(trace), error=acts[-1]['observation'] if acts else '')}"
    return reply(f"{head}\n\n{best[-1].text.strip()}", key="answer", data=data, model=best[-1].model, outcome=outcome)


@pure
def listed(agents: Replies) -> Replies:
    """The agents as one who picks among them sees them: name and profile, whatever their models are."""
    return [reply(f"{a.key}: {a.text}", key=a.key) for a in agents]


_WHY = {
    "step_limit": "stopped after {steps} steps. The best answer from what was found until then:",
    "failed": "the model could not be reached. The best answer from what was found until then:",
    "repeated": "the same act came three times in a row. The best answer from what was found until then:",
    LOST: "a person must look before this goes on: {error}\nThe best answer from what was found until then:",
}
