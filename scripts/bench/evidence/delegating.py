"""Teams of agents: who splits work hands the question on, who is unsure has it looked up, and who joins cites."""

import re
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Reading
from scripts.bench.evidence.looking_up import Agents, asked_for, quoted
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.scenario import spoken_by
from utils.llm import ChatRequest
from workflows.patterns.agent import blackboard_agents as board
from workflows.patterns.agent import contract_net as market
from workflows.patterns.agent import expert_recruitment as recruitment
from workflows.patterns.agent import group_chat_manager as chat
from workflows.patterns.agent import ledger_orchestrator as ledgers
from workflows.patterns.agent import orchestrator_workers as workers
from workflows.patterns.agent import reflexion_agent as reflexion


class Delegating(Agents):
    """Splits a job into the one question that it is; its agents look it up, and who joins rests on what they gave."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields, text = asked_for(request), self.question.text
        if "subtasks" in fields:
            return {"logic": "OR", "subtasks": [f"In the archive: {text}", f"By the number of the box: {text}"]}
        if fields == {"jobs"}:
            job = {"spec": text, "test": "It is the number in the record of the box.", "budget": 9000}
            return {"jobs": [{**job, "class": "research"}]}
        if fields == {"tasks"}:
            again = "<result>" in read.prompt
            tasks = [{"id": "n1", "task": f"Compare the records: {text}" if again else text, "priority": 90}]
            return {"tasks": [] if again and read.approves() else tasks}
        if fields == {"briefs"}:
            brief = {"objective": text, "exclude": "", "format": "The number.", "tools": ["documents"], "effort": 3}
            return {"briefs": [brief]}
        if spoken_by(request, reflexion.REFLECTOR):
            return "The record was misread. Next time compare the name of the box in the record with the question."
        if read.seen and not request.json_schema:
            return SAYS.format(number=self.taken(read))
        return super().made(request, read)


class Bidders(Delegating):
    """Who bids is the more confident the better its own answer is, as far as it can tell."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, market.BIDDER):
            sure = (self.proposed(read) == self.question.right) == self.knows(read)
            plan = f"Look it up, and read record {read.chance.randint(1, 9)} first."
            return {"decision": "bid", "plan": plan, "cost": 1000, "confidence": 0.9 if sure else 0.4}
        return super().made(request, read)


class Workers(Delegating):
    """The lead cites report 1; who verifies a claim compares it with that report."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, workers.VERIFIER):
            options = self.question.options
            said = candidates(quoted(request, "claim"), options)[:1]
            borne_out = set(said) <= set(candidates(quoted(request, "reports"), options))
            stands = borne_out == self.knows(read)
            return {"reason": "It was compared.", "verdict": "supported" if stands else "refuted"}
        if spoken_by(request, workers.LEAD) and not request.json_schema:
            return f"The number on the seal is {self.taken(read) if read.seen else read.answer()} [1]."
        return super().made(request, read)


class Orchestrators(Agents):
    """Sends for the record first; while the chat does not convince, the coder is to say which record it is."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields, text = asked_for(request), self.question.text
        if "to_look_up" in fields:
            facts = {"given_facts": [], "to_derive": [], "guesses": [SAYS.format(number=self.proposed(read))]}
            return {**facts, "to_look_up": [text], "plan": ["file surfer: look it up", "coder: pick the number"]}
        if spoken_by(request, ledgers.ORCHESTRATOR) and "satisfied" in fields:
            done = candidates(quoted(request, "chat"), self.question.options)
            satisfied = len(set(done[-1:])) == 1 and "coder gave" in read.prompt and read.right(done[-1])
            who = "coder" if done else "file surfer"
            return {"satisfied": satisfied, "in_loop": False, "progress": True, "agent": who, "instruction": text}
        if read.seen and not request.json_schema:
            return SAYS.format(number=self.taken(read))
        return super().made(request, read)


class Recruits(Agents):
    """Teams of experts by letter; an evaluator who is not content criticises the whole team."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, recruitment.RECRUITER):
            letters = read.chance.sample("ABCDEFGHJK", 3)
            known = {"expertise": "Knows seals.", "why": "The seal must be known.", "tools": []}
            return {"members": [{"role": f"expert {letter}", **known} for letter in letters]}
        if spoken_by(request, recruitment.EVALUATOR):
            good = read.approves()
            roles = re.findall(r"expert [A-K]", quoted(request, "roles"))
            advice = "" if good else "The number should be looked at again."
            return {"score": 9 if good else 4, "advice": advice, "criticised": [] if good else roles}
        return super().made(request, read)


class Chatters(Agents):
    """The manager ends the chat once it takes what was said last to be right, and picks anybody until then."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, chat.MANAGER) and request.json_schema:
            members = ["coder", "critic", "domain expert"]
            return {"name": "TERMINATE" if read.seen and read.approves() else read.chance.choice(members)}
        if spoken_by(request, chat.MANAGER) and read.seen:
            return SAYS.format(number=self.taken(read))
        return super().made(request, read)


class Specialists(Agents):
    """The expert puts a solution up, the critic objects to what it takes to be wrong, the resolver mends that."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, board.BIDDER):
            return {"can_contribute": self.bid(request, read.prompt), "why": "As far as I see."}
        if spoken_by(request, board.SPECIALIST):
            return {"changes": self.changes(request, read)}
        if spoken_by(request, board.JUDGE):
            good = read.approves()
            conflict = '"conflicts"' in quoted(request, "board")
            return {"solution_present": good, "conflicts_settled": not conflict, "critic_objects": conflict}
        if spoken_by(request, board.WRITER) and read.seen:
            return SAYS.format(number=self.taken(read))
        return super().made(request, read)

    def bid(self, request: ChatRequest, headings: str) -> float:
        if "solution (0)" in headings:
            return 0.9 if spoken_by(request, EXPERT) else 0.1
        wanted = CRITIC if "conflicts (0)" in headings else RESOLVER
        return 0.8 if spoken_by(request, wanted) else 0.1

    def changes(self, request: ChatRequest, read: Reading) -> list[dict[str, str]]:
        entries = ENTRY.findall(quoted(request, "board"))
        standing = next((name for name, where in reversed(entries) if where == "solution"), "")
        if spoken_by(request, CRITIC):
            if read.approves():
                return [change("add", "facts", f"{standing} was checked.")]
            return [change("add", "conflicts", f"{standing} does not hold.")]
        gone = [change("withdraw", where, "", name) for name, where in entries if where == "conflicts"]
        text = SAYS.format(number=read.answer())
        return [change("edit" if standing else "add", "solution", text, standing), *gone[:3]]


def change(action: str, section: str, text: str, name: str = "") -> dict[str, str]:
    """One change of the board."""
    return {"action": action, "id": name, "section": section, "text": text}


EXPERT, CRITIC, RESOLVER = "You are the expert", "You are the critic", "You are the conflict resolver"
ENTRY = re.compile(r'"id":\s*"(e\d+)".*?"section":\s*"(\w+)"')
