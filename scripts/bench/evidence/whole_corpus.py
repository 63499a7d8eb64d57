"""A world of one collection: many boxes, and the question which number is stamped on the most of them."""

import re
from typing import Any

from scripts.bench.evidence.answerer import Reading
from scripts.bench.evidence.looking_up import BOX, Agents, quoted
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.past import fresh_start
from scripts.bench.evidence.play import play
from scripts.bench.evidence.scenario import RECORD, readers_of, spoken_by
from scripts.bench.evidence.world import Question, Setting, random
from tasks.graph_indexing import READER as INDEXER
from tasks.graph_indexing import REPORTER
from utils.llm import ChatRequest
from workflows.patterns.tool import graph_community_retrieval as communities


class Librarians(Agents):
    """Reads each record right as often as a judgement is right, and reports what was read, keeper by keeper."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, INDEXER):
            return self.entries(quoted(request, "chunk"), second="<known>" in read.prompt)
        if spoken_by(request, REPORTER):
            return "\n".join(
                ["The boxes of a keeper", *(f"{text} [{ids}]." for ids, text in CLAIM.findall(read.prompt))]
            )
        if spoken_by(request, communities.JUDGE):
            return {"reason": "It asks for the most frequent.", "about": "global" if self.knows(read) else "local"}
        if spoken_by(request, communities.READER):
            return {"points": [self.point(*found) for found in REPORT.findall(quoted(request, "reports"))]}
        if spoken_by(request, communities.WRITER) and read.seen:
            tag = "points" if "<points>" in read.prompt else "passages"
            numbers = ", ".join(re.findall(r'from="(\d+)"', quoted(request, tag))) or "1"
            return f"The most frequent number is {self.taken(read)} [{numbers}]."
        if spoken_by(request, communities.VERIFIER):
            said = set(candidates(quoted(request, "claim"), self.question.options))
            borne_out = said <= set(candidates(quoted(request, "texts"), self.question.options))
            return {
                "reason": "It was compared.",
                "verdict": "supported" if borne_out == self.knows(read) else "refuted",
            }
        return None

    def entries(self, chunk: str, *, second: bool) -> dict[str, Any]:
        boxes, keepers = BOX.findall(chunk)[:1], KEEPER.findall(chunk)[:1]
        if second or not (boxes and keepers):
            return {"entities": [], "relations": [], "claims": []}
        chance = random("read", self.setting.name, self.question.number, chunk)
        number = candidates(chunk, self.question.options)[0]
        number = number if chance.random() < self.setting.verifier else chance.choice(self.question.options)
        box, keeper = f"box {boxes[0]}", f"keeper {keepers[0]}"
        found = [{"name": n, "kind": "thing", "description": "of the collection"} for n in (box, keeper)]
        tie = {"source": box, "target": keeper, "description": "is kept by", "strength": 8}
        claim = {"subject": box, "text": RECORD.format(box=boxes[0], number=number).rstrip(".")}
        return {"entities": found, "relations": [tie], "claims": [claim]}

    def point(self, name: str, text: str) -> dict[str, Any]:
        numbers = ", ".join(map(str, candidates(text, self.question.options)))
        return {"point": f"One keeper has the numbers {numbers}.", "helpfulness": 80, "reports": [name]}


def collection(question: Question) -> list[dict[str, str]]:
    """Twelve records of boxes with four keepers; four of them have the right number."""
    numbers = [option for option, times in zip(question.options, FREQUENT, strict=True) for _ in range(times)]
    order = random("collection", question.number).sample(numbers, len(numbers))
    boxes = [Question(question.number + n).box for n in range(len(order))]
    texts = [
        f"{KEPT.format(keeper=KEEPERS[n % len(KEEPERS)], box=box)} {RECORD.format(box=box, number=number)}"
        for n, (box, number) in enumerate(zip(boxes, order, strict=True))
    ]
    return [{"title": f"Record {n}", "text": text} for n, text in enumerate(texts, 1)]


def indexed(question: Question, setting: Setting) -> dict[str, Any]:
    """A collection that was handed in with another question, and indexed since."""
    run, models = fresh_start("graph_community_retrieval", question), Librarians(question, setting)
    given = {"corpus": "seals", "documents": collection(question), "prompt": "Who keeps the boxes?"}
    play(communities.build(), models, given, run_id=f"{run.run_id}-first")
    play(communities.upkeep(), models, {}, run_id=f"{run.run_id}-upkeep")
    return {"corpus": "seals", "prompt": ASKED}


read_collection = readers_of(lambda question: "\n\n".join(one["text"] for one in collection(question)))
FREQUENT = (4, 2, 2, 2, 1, 1)
KEEPERS = ("Maren", "Oskar", "Pia", "Ruben")
KEPT = "Keeper {keeper} holds box {box}."
ASKED = "Which number is stamped on the most seals of the whole collection?"
KEEPER = re.compile(r"Keeper (\w+) holds")
CLAIM = re.compile(r"^Claim \[([^]]+)\]: (.+)$", re.MULTILINE)
REPORT = re.compile(r"Report ([\d.]+):\n(.*?)(?=\n\nReport |\Z)", re.DOTALL)
