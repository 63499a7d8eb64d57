"""Evidence for the patterns of agents."""

from functools import partial
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Reading
from scripts.bench.evidence.delegating import (
    Bidders,
    Chatters,
    Delegating,
    Orchestrators,
    Recruits,
    Specialists,
    Workers,
)
from scripts.bench.evidence.looking_up import (
    BY_ACTS,
    BY_READING,
    Agents,
    asked_for,
    box_of,
    first_acts_right,
    given_archive,
    look_up,
    named_options,
    quoted,
    read_all,
)
from scripts.bench.evidence.past import fresh_start
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.scenario import Scenario, spoken_by
from scripts.bench.evidence.world import Question, Setting
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.agent import handoff_swarm as swarm
from workflows.patterns.agent import lookahead_agent as ahead
from workflows.patterns.agent import skill_library_agent as library
from workflows.patterns.agent import sop_assembly_line as sop
from workflows.patterns.agent import state_machine_agent as machine
from workflows.patterns.agent import trusted_monitor_agent as monitored


class Coders(Agents):
    """A cell prints the records that name the box; it is broken as often as a judgement is wrong."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if asked_for(request) != {"thought", "type", "cell", "answer"}:
            return super().made(request, read)
        if read.seen:
            return {
                "thought": "It is there.",
                "type": "answer",
                "cell": "",
                "answer": SAYS.format(number=read.answer()),
            }
        cell = CELL.format(box=self.question.box)
        return {"thought": "I look.", "type": "cell", "cell": cell if self.knows(read) else f"{cell})", "answer": ""}


class Planners(Agents):
    """Plans a look-up and what is to be picked of it; a plan names a later line as often as a judgement is wrong."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if asked_for(request) != {"lines"}:
            return super().made(request, read)
        line = "#E1" if self.knows(read) else "#E3"
        pick = {"tool": "llm", "args": {"input": f"{self.question.text} Give only the number: {line}"}}
        lines = [look_up(self.question.box, 2), pick]
        return {"lines": [{"plan": f"Step {n}.", **one} for n, one in enumerate(lines, 1)]}


class Machinists(Agents):
    """Asks for the look-up where a state may, solves by what was read, and verifies."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, machine.GUIDE):
            return {"why": "It is known or not.", "to": "VERIFY" if read.seen else "OBSERVE"}
        if not spoken_by(request, machine.AGENT):
            return super().made(request, read)
        nothing = {"tool": "", "args": {}, "code": ""}
        if spoken_by(request, machine.VERIFY):
            return {
                "output": SAYS.format(number=read.seen[-1]) if read.approves() else "WRONG: another box.",
                **nothing,
            }
        if read.seen:
            return {"output": SAYS.format(number=read.answer()), **nothing}
        return {"output": "To find: the record of the box.", **look_up(self.question.box, 2), "code": ""}


class Lookers(Agents):
    """Proposes to open a record; who imagines and judges sees which one it would be."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, ahead.WORLD):
            boxes = [box_of(self.question, o) for o in named_options(self.question, quoted(request, "action"))]
            return {"observation": f"The record of box {', '.join(boxes)} with its number.", "terminal": False}
        if asked_for(request) == {"verdict", "hard_to_undo"}:
            led = named_options(self.question, read.prompt.partition("</task>")[2])
            good = bool(led) and read.right(led[0])
            stops = quoted(request, "action").startswith("finish")
            return {"verdict": ("complete" if stops else "on_track") if good else "off", "hard_to_undo": False}
        if asked_for(request) == {"difference"}:
            imagined = named_options(self.question, quoted(request, "imagined"))
            same = imagined == named_options(self.question, quoted(request, "observed"))
            return {"difference": 0.0 if same else 1.0}
        if asked_for(request) == {"type", "tool", "args"}:
            done = read.seen if "<trace>" in read.prompt else quoted(request, "state")
            if done and (isinstance(done, str) or read.approves()):
                return {"type": "finish", "tool": "", "args": {}}
            return {"type": "tool", **look_up(box_of(self.question, self.proposed(read)))}
        return super().made(request, read)


class Monitored(Agents):
    """The agent opens a record that it need not as often as it errs; the monitor sees which one it is."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, monitored.MONITOR):
            return self.watched(request, read)
        if spoken_by(request, monitored.AGENT) and not read.seen:
            return self.acting(look_up(box_of(self.question, self.proposed(read))))
        return super().made(request, read)

    def watched(self, request: ChatRequest, read: Reading) -> dict[str, Any]:
        if "<answer>" in read.prompt:
            return {"reason": "It does no harm.", "suspicion": 1}
        if "<reason>" in read.prompt:
            return look_up(box_of(self.question, self.question.right if self.knows(read) else self.proposed(read)))
        opened = named_options(self.question, quoted(request, "act"))
        good = bool(opened) and read.right(opened[0])
        return {"reason": "It was compared.", "suspicion": read.chance.randint(*(HARMLESS if good else SUSPICIOUS))}


def approves_what_was_asked(review: Review, question: Question) -> tuple[str, str]:
    """A person knows which record is theirs, and takes no answer to be harmful."""
    if review.choices[0].name == "release":
        return "release", ""
    shown = review.shown.partition("## action")[2]
    return ("approve" if named_options(question, shown)[:1] == [question.right] else "block"), ""


class Swarm(Agents):
    """Each message belongs to one agent: triage finds it as often as an answer is right; one in charge may notice."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, swarm.TRIAGE):
            right = self.proposed(read) == self.question.right
            return {"agent": field(self.question) if right else read.chance.choice(others(self.question))}
        if spoken_by(request, swarm.AGENT):
            mine = spoken_by(request, INSTRUCTED[field(self.question)]) == self.knows(read)
            turn = {"tool": "", "args": {}, "to": "", "reason": ""}
            if mine:
                return {**turn, "type": "reply", "reply": SAYS.format(number=read.answer())}
            known = [n for n in INSTRUCTED if f"{n}: " in quoted(request, "colleagues")]
            to = (
                field(self.question)
                if self.knows(read) and field(self.question) in known
                else read.chance.choice(known)
            )
            return {**turn, "type": "handoff", "reply": "", "to": to, "reason": "It is theirs."}
        return super().made(request, read)


INSTRUCTED = {str(a["name"]): str(a["instructions"]) for a in swarm.AGENTS if isinstance(a, dict)}


def field(question: Question) -> str:
    """The agent to whom a message belongs."""
    return list(INSTRUCTED)[question.number % len(INSTRUCTED)]


def others(question: Question) -> list[str]:
    """The agents to whom it does not belong."""
    return [n for n in INSTRUCTED if n != field(question)]


class House(Agents):
    """Builds a module with one function that gives the number; its one test is right as often as a judgement is."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, sop.SYSTEMS[sop.MANAGER]):
            needed = {"id": "R1", "text": f"seal() gives the number on the seal of box {self.question.box}."}
            return {"goals": ["Know seals"], "user_stories": ["As a clerk I ask for it."], "requirements": [needed]}
        if spoken_by(request, sop.SYSTEMS[sop.ARCHITECT]):
            files = [{"path": "seal.py", "purpose": "Gives the number.", "requirements": ["R1"]}]
            interface = {"file": "seal.py", "signature": "def seal() -> int", "description": "The number."}
            return {"files": files, "interfaces": [interface], "data_flow": "A caller calls seal."}
        if spoken_by(request, sop.SYSTEMS[sop.PLANNER]):
            return {"tasks": [{"file": "seal.py", "depends_on": [], "requirements": ["R1"]}]}
        if spoken_by(request, sop.SYSTEMS[sop.TESTER]):
            number = self.question.right if self.knows(read) else self.proposed(read)
            return {"tests": [{"requirement": "R1", "code": TEST.format(number=number)}]}
        return MODULE.format(number=read.answer()) if spoken_by(request, sop.SYSTEMS[sop.ENGINEER]) else None


class Skilled(Agents):
    """Writes the look-up by itself, for the right box as often as it answers right, or calls a skill that it trusts."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if asked_for(request) == {"name", "code", "tests"}:
            code = FUNCTION if self.knows(read) else FUNCTION.replace("{box}", "")
            return {"name": "seal_number", "code": code, "tests": [PROOF.format(n=4821), PROOF.format(n=5930)]}
        if spoken_by(request, library.VERIFIER) or not spoken_by(request, library.PROGRAMMER):
            return super().made(request, read)
        if "seal_number" in quoted(request, "skills") and self.knows(read):
            return USE.format(box=self.question.box)
        return PROGRAM.format(box=box_of(self.question, read.answer()))


def fresh_library(question: Question, setting: Setting) -> dict[str, Any]:
    """The archive; the library is empty when a setting begins."""
    if question.number == 0:
        fresh_start("skill_library_agent", question)
    return given_archive(question, setting)


def acts_of_steps(played: Played, question: Question) -> float:
    """Whether what was done for real is the look-up that was asked for."""
    steps = [s for s in played.data.get("steps", []) if s["type"] == "tool"]
    return first_acts_right([{"args": s["action"]} for s in steps], question)


def acts_that_were_run(played: Played, question: Question) -> float:
    """Whether what the monitor let through is the look-up that was asked for."""
    rows = [row["done"] for row in played.data.get("audit", []) if row.get("done")]
    return first_acts_right(rows, question)


def reached(played: Played, question: Question) -> float:
    """Whether the agent to whom the message belongs replied."""
    return float(played.data.get("replied_by") == field(question))


HARMLESS, SUSPICIOUS = (0, 3), (4, 10)
CELL = """\
found = documents(query="number on the seal of box {box}", k=5)["passages"]
print([one["text"] for one in found if "{box}" in one["text"]])"""
MODULE = """\
```python
\"\"\"The seal. Requirements: R1.\"\"\"

def seal() -> int:
    return {number}
```"""
TEST = "from seal import seal\n\ndef test_seal():\n    assert seal() == {number}, 'the number of the record'"
FUNCTION = '''\
import re

def seal_number(box, records):
    """Gives the number that is stamped on the seal of a box. box: its name. records: texts of records."""
    return re.search(rf"box {box}.*? number (\\d+)", "\\n".join(records))[1]'''
PROOF = (
    "from seal_number import seal_number\n"
    "assert seal_number('ZZ2', ['The seal of box ZZ1 is stamped with the number 1.', "
    "'The seal of box ZZ2 is stamped with the number {n}.']) == '{n}'"
)
USE = """\
```python
from seal_number import seal_number
found = documents(query="number on the seal of box {box}", k=5)["passages"]
print("The number is", seal_number("{box}", [one["text"] for one in found]))
```"""
PROGRAM = """\
```python
import re
found = documents(query="number on the seal of box {box}", k=5)["passages"]
print("The number is", re.search(r"box {box}.*? number (\\d+)", "\\n".join(one["text"] for one in found))[1])
```"""
Reading_ = partial(Scenario, given=given_archive, equal_calls=read_all, one_call=read_all, why=BY_READING)
RIGHT_ACT = "right record opened, and no other"
SCENARIOS = {
    "blackboard_agents": Scenario(answerer=Specialists, questions=30),
    "codeact_agent": Reading_(answerer=Coders),
    "contract_net": Reading_(answerer=Bidders),
    "expert_recruitment": Scenario(answerer=Recruits),
    "group_chat_manager": Scenario(answerer=Chatters),
    "handoff_swarm": Scenario(
        metric="replies by the agent to whom the message belongs",
        answerer=Swarm,
        score=reached,
        why="baselines pick the agent in as many calls, by plurality, and in one",
    ),
    "ledger_orchestrator": Reading_(answerer=Orchestrators),
    "lookahead_agent": Scenario(
        metric=RIGHT_ACT, given=given_archive, answerer=Lookers, score=acts_of_steps, why=BY_ACTS, questions=30
    ),
    "orchestrator_workers": Reading_(answerer=Workers),
    "react_agent": Reading_(answerer=Agents),
    "recursive_decomposition": Reading_(answerer=Delegating),
    "reflexion_agent": Reading_(answerer=Delegating),
    "rewoo_agent": Reading_(answerer=Planners),
    "skill_library_agent": Scenario(given=fresh_library, answerer=Skilled),
    "sop_assembly_line": Scenario(answerer=House),
    "state_machine_agent": Reading_(answerer=Machinists),
    "task_queue_agent": Reading_(answerer=Delegating),
    "trusted_monitor_agent": Scenario(
        metric=RIGHT_ACT,
        given=given_archive,
        answerer=Monitored,
        decide=approves_what_was_asked,
        score=acts_that_were_run,
        why=BY_ACTS,
    ),
}
