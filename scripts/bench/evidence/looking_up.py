"""A world of acts: agents look the number up in an archive, where records of other boxes hold the wrong options."""

import json
import re
from collections.abc import Mapping
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Answerer, Reading
from scripts.bench.evidence.scenario import archive, archive_text, readers_of
from scripts.bench.evidence.world import Question, Setting, draw
from utils.llm import ChatRequest

BY_READING = "baselines read the whole archive"
BY_ACTS = "baselines are the act that as many samples of one model propose most often, and one such act"


def given_archive(question: Question, setting: Setting) -> dict[str, Any]:
    """The documents that the agent's only tool looks things up in."""
    return {"documents": archive(question), "tools": ["documents"]}


read_all = readers_of(archive_text)


def box_of(question: Question, option: int) -> str:
    """The box whose record holds an option."""
    return Question(question.number + question.options.index(option)).box


def named_options(question: Question, text: str) -> list[int]:
    """The options whose boxes a text names, in its order."""
    boxes = {box_of(question, o): o for o in question.options}
    return [boxes[found] for found in BOX.findall(text) if found in boxes]


def look_up(box: str, passages: int = 1) -> dict[str, Any]:
    """The call that looks up the record of a box."""
    return {"tool": "documents", "args": {"query": f"number on the seal of box {box}", "k": passages}}


def quoted(request: ChatRequest, tag: str) -> str:
    """What is quoted under a tag; empty where nothing is."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", request.messages[-1].content, re.DOTALL)
    return found[1] if found else ""


def asked_for(request: ChatRequest) -> frozenset[str]:
    """The names of the fields that a reply must have; none where it is a text."""
    return frozenset(json.loads(request.json_schema)["properties"]) if request.json_schema else frozenset()


def first_acts_right(calls: list[Mapping[str, Any]], question: Question) -> float:
    """1 where something was looked up, and only in the record of the box that was asked about."""
    boxes = [o for call in calls for o in named_options(question, json.dumps(call["args"]))]
    return float(bool(boxes) and set(boxes) == {question.right})


class Agents(Answerer):
    """Looks up what it is asked for before it says what it read; its other steps are those of any answerer."""

    def said(self, request: ChatRequest, sample: str) -> str:
        made = self.made(request, Reading(self, request, sample))
        return super().said(request, sample) if made is None else made if isinstance(made, str) else json.dumps(made)

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        """What it says at a step that is not any answerer's; None at the others."""
        fields = asked_for(request)
        if fields >= {"type", "tool", "args", "answer"}:
            return self.finished(read) if OBSERVED.search(read.prompt) else self.acting(look_up(self.question.box, 2))
        if len(fields) == 2 and fields & VERDICTS and fields & REASONS:
            return {name: REASON if name in REASONS else read.approves() for name in sorted(fields)}
        return None

    def acting(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"thought": "It must be looked up.", "type": "tool", **call, "answer": "", "success": False}

    def finished(self, read: Reading) -> dict[str, Any]:
        number = read.answer()
        said = {"thought": "It was looked up.", "type": "finish", "tool": "", "args": {}}
        return {**said, "answer": SAYS.format(number=number), "success": read.right(number)}

    def knows(self, read: Reading) -> bool:
        """Whether this step goes well, as often as a judgement is right."""
        return read.chance.random() < self.setting.verifier

    def taken(self, read: Reading) -> int:
        """The number that it takes from what it reads, by votes and its own judgement, without what it knows itself."""
        weight = 2 * self.setting.verifier - 1
        return max(dict.fromkeys(read.seen), key=lambda n: read.seen.count(n) / len(read.seen) + weight * read.right(n))

    def proposed(self, read: Reading) -> int:
        """The option whose record it would look up, right as often as its answers."""
        return draw(self.question, self.setting, read.request.model, read.sample)


VERDICTS, REASONS = frozenset({"success", "passed", "accepted", "done"}), frozenset({"reason", "evidence", "critique"})
REASON = "It was compared with the record."
"""Why a judge thinks so: it does not say the number that it thinks of."""
OBSERVED = re.compile(r"^Observation: (?!ERROR|The action was not)", re.MULTILINE)
BOX = re.compile(r"\b[A-Z]{2}\d{3}\b")
