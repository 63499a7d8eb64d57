"""Who answers the emerging patterns that search over acts, programs and workflows, and what they are given."""

from typing import Any

from scripts.bench.evidence.answerer import SAYS, Reading
from scripts.bench.evidence.looking_up import OBSERVED, Agents, asked_for, box_of, look_up, named_options, quoted
from scripts.bench.evidence.meaning import candidates
from utils.llm import ChatRequest


class Explorer(Agents):
    """Opens the record that it takes for the right one, and none that was said to be the wrong one."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields, path = asked_for(request), quoted(request, "path")
        if "goal" in fields:
            return {"evidence": "It was compared.", "goal": "met" if read.approves() else "not"}
        if "type" in fields and OBSERVED.search(path):
            number = candidates(path, self.question.options)[-1]
            said = {"thought": "It was looked up.", "type": "finish", "tool": "", "args": {}}
            return {**said, "answer": SAYS.format(number=number)}
        if "type" in fields:
            failed = named_options(self.question, quoted(request, "reflections"))
            call = look_up(box_of(self.question, self.untried(failed, read)))
            return {"thought": "It must be looked up.", "type": "tool", **call, "answer": ""}
        if not fields and "<evidence>" in read.prompt:
            wrong = [box_of(self.question, option) for option in named_options(self.question, path)]
            return f"It opened the record of box {', '.join(wrong)}.\nAnother record was meant.\nCheck the box."
        return None

    def untried(self, failed: list[int], read: Reading) -> int:
        """The first of its draws that has not failed."""
        drawn = (read.other(place) for place in range(1, len(self.question.options) + 1))
        return next((option for option in drawn if option not in failed), self.proposed(read))
