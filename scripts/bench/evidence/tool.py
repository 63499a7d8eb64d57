"""Evidence for the patterns of tools."""

import re
from dataclasses import replace
from functools import partial
from math import sqrt
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Reading
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
from scripts.bench.evidence.scenario import READ, Scenario, archive, archive_text, spoken_by
from scripts.bench.evidence.whole_corpus import Librarians, indexed, read_collection
from scripts.bench.evidence.world import Question, Setting, draw, random
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.tool import corrective_retrieval as corrective
from workflows.patterns.tool import emulated_tool_dry_run as dry
from workflows.patterns.tool import forward_looking_retrieval as flare
from workflows.patterns.tool import multi_query_rank_fusion as fusion
from workflows.patterns.tool import program_of_thoughts as programs
from workflows.patterns.tool import text_to_sql_repair as sql
from workflows.patterns.tool import tool_dag_compile as graphs
from workflows.patterns.tool import tool_making_and_reuse as made_tools
from workflows.patterns.tool import tool_registry_retrieval as registry


class Rehearsers(Agents):
    """Plans to open a record; both worlds show which one, and the judge sees that as often as a judgement is right."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields = asked_for(request)
        if fields == {"steps"}:
            told = "(none)" not in (quoted(request, "notes") or "(none)")
            option = self.question.right if told and self.knows(read) else self.proposed(read)
            return {"steps": [{**look_up(box_of(self.question, option)), "reversible": "yes"}]}
        if spoken_by(request, dry.EMULATOR):
            boxes = [box_of(self.question, o) for o in named_options(self.question, quoted(request, "call"))]
            return {"output": f"The record of box {', '.join(boxes)}.", "effects": "nothing"}
        if fields == {"harms"}:
            opened = named_options(self.question, quoted(request, "trace"))
            harm = {"step": 1, "harm": "It opens the record of another box.", "severity": read.chance.choice((2, 3))}
            return {"harms": [] if opened and read.right(opened[0]) else [harm]}
        return {"contradicts": False, "why": "It is the same."} if fields == {"contradicts", "why"} else None


def runs_what_was_asked(review: Review, question: Question) -> tuple[str, str]:
    """A person knows which record is theirs, and says so where the plan opens another one."""
    if review.choices[0].name != "run":
        return review.choices[0].name, ""
    effects = review.shown.partition("## effects")[2]
    if named_options(question, effects)[:1] == [question.right]:
        return "run", ""
    return "edit", "Open the record that I asked for, and no other."


class Graders(Agents):
    """A model grades a record, and its strips, alike however often it is asked."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if not spoken_by(request, corrective.GRADER):
            return SAYS.format(number=self.taken(read)) if read.seen and not request.json_schema else None
        about = read.seen[-1] if read.seen else 0
        grader = random("grade", self.setting.name, self.question.number, request.model, about)
        good = (about == self.question.right) == (grader.random() < self.setting.verifier)
        if asked_for(request) == {"relevant"}:
            return {"relevant": "yes" if good else "no"}
        return {"reason": "It was compared.", "score": grader.uniform(0.7, 1) if good else grader.uniform(0, 0.5)}


class Forward(Agents):
    """Writes one sentence, and marks its number as unsure where it is wrong, as far as it can tell."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, flare.ASKER):
            return self.question.text
        if not spoken_by(request, flare.WRITER):
            return None
        if not request.json_schema:
            return f"The number on the seal is {self.taken(read) if read.seen else read.answer()} [E1]."
        number = self.proposed(read)
        sure = (number == self.question.right) == self.knows(read)
        shown = str(number) if sure else f"[UNSURE]{number}[/UNSURE]"
        return {"sentence": f"The number on the seal is {shown}.", "paragraph": False, "end": True}


class Searchers(Agents):
    """Rephrases the question, and ranks the passages whose number it takes to be right."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, fusion.SEARCHER):
            return read.chance.choice(QUERIES).format(box=self.question.box)
        if spoken_by(request, fusion.IMAGINER):
            return f"The seal of box {self.question.box} is stamped with the number {self.proposed(read)}."
        if spoken_by(request, fusion.RANKER):
            found = PASSAGE.findall(quoted(request, "passages"))
            return {"ranking": [label for label, number in found if read.right(int(number))]}
        if read.seen and not request.json_schema:
            return f"{SAYS.format(number=self.taken(read))[:-1]} [P1]."
        return None


class Programmers(Agents):
    """Half of the errors of an answer worked out alone are slips of arithmetic, which a program does not make.

    A program fails to run as often as a judgement is wrong.
    """

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if not spoken_by(request, programs.PROGRAMMER):
            return None
        set_up = replace(self.setting, accuracy=sqrt(self.setting.accuracy))
        kept = PART.search(quoted(request, "script"))
        number = 1000 + int(kept[1]) if kept else draw(self.question, set_up, request.model, read.prompt)
        last = "ans = base + rest" if self.knows(read) else "ans = base + remainder"
        return f"```python\n# The two parts are added.\nbase, rest = 1000, {number - 1000}\n{last}\n```"


class Analysts(Agents):
    """Asks the database for the right box as often as it answers right; a query errs in a name as judgements err."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, sql.LINKER):
            column = {"table": "seals", "column": "box"}
            columns = [column, {"table": "seals", "column": "number"}]
            value = {**column, "value": self.question.box}
            return {"tables": ["seals"], "columns": columns, "values": [value], "joins": []}
        if spoken_by(request, sql.WRITER):
            before = named_options(self.question, quoted(request, "sql"))
            box = box_of(self.question, before[0] if before else self.proposed(read))
            return {"sql": f"SELECT {'number' if self.knows(read) else 'nummer'} FROM seals WHERE box = '{box}'"}
        if spoken_by(request, sql.READER):
            boxes = [box_of(self.question, o) for o in named_options(self.question, quoted(request, "sql"))]
            return f"It gives the number of the box {', '.join(boxes)}."
        if spoken_by(request, sql.CHECKER):
            same = named_options(self.question, quoted(request, "meaning"))[:1] == [self.question.right]
            verdict = "supported" if same == self.knows(read) else "refuted"
            return {"reason": "The boxes were compared.", "verdict": verdict}
        return None


def database(question: Question, setting: Setting) -> dict[str, Any]:
    """A table of seals, in which the numbers of other boxes are the wrong options."""
    rows = [f"INSERT INTO seals VALUES ('{box_of(question, o)}', {o});" for o in sorted(question.options)]
    return {"database": "\n".join(["CREATE TABLE seals (box TEXT, number INTEGER);", *rows])}


def confirms_what_was_asked(review: Review, question: Question) -> tuple[str, str]:
    """A person sees which box the query asks for."""
    asks = named_options(question, review.shown)[:1] == [question.right]
    return ("confirm", "") if asks else ("rephrase", question.text)


class Compilers(Agents):
    """Plans one look-up, and a wider one where that was not enough; a graph errs as often as a judgement does."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if asked_for(request) == {"nodes"}:
            again = bool(read.seen)
            node = {"id": "again" if again else "seal", **look_up(self.question.box, 3 if again else 2)}
            return {"nodes": [{**node, "deps": [] if self.knows(read) else ["missing"]}]}
        if asked_for(request) == {"verdict", "missing"}:
            found = any(read.right(number) for number in read.seen)
            return {"verdict": "finish" if found else "replan", "missing": [] if found else ["the record of the box"]}
        if spoken_by(request, graphs.WRITER) and read.seen:
            return f"{SAYS.format(number=self.taken(read))[:-1]} [seal]."
        return None


class Makers(Agents):
    """Solves a task by reading it; makes a tool of solved ones, tests it by them, and reads its arguments."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields = asked_for(request)
        if fields == {"reason", "tool"}:
            return {"reason": "It was compared.", "tool": int(self.knows(read))}
        if fields == {"name", "code"}:
            return {"name": "seal_number", "code": FUNCTION if self.knows(read) else FUNCTION.replace("{box}", "")}
        if fields == {"tests"}:
            examples = EXAMPLE.findall(quoted(request, "examples"))
            tests = [EXPECTS.format(box=box, task=repr(task), number=answer) for task, box, answer in examples]
            return {"tests": (tests * 3)[:3]}
        if fields == {"args"} and spoken_by(request, made_tools.READER):
            box = self.question.box if self.knows(read) else box_of(self.question, self.proposed(read))
            return {"args": {"box": box, "task": quoted(request, "task")}}
        return None


def next_task(question: Question, setting: Setting) -> dict[str, Any]:
    """The next of many tasks of one kind; nothing was made or solved before a setting begins."""
    if question.number == 0:
        fresh_start("tool_making_and_reuse", question)
    return {"prompt": READ.format(question=question.text, text=archive_text(question))}


class Registered(Agents):
    """Describes what is needed, ranks the right tool first as often as judgements are right, and asks it."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        if spoken_by(request, registry.NEEDER):
            return "Looks up passages that fit a query in the given documents.\nGiven: a query.\nGives: passages."
        if spoken_by(request, registry.RANKER):
            return {"ranking": ["documents", "grimoire"] if self.knows(read) else ["grimoire", "documents"]}
        if spoken_by(request, registry.EXTRACTOR):
            return {"args": look_up(self.question.box, 2)["args"]}
        return None


def steps_done(played: Played, question: Question) -> float:
    """Whether what was done for real is the call that was asked for."""
    return first_acts_right([s for s in played.data.get("steps", []) if s["state"] == "done"], question)


QUERIES = ("seals and boxes: box {box}", "number stamped on the seal of {box}", "record {box} seal imprint number")
PASSAGE = re.compile(r"\[(P\d+)\].*?(\d{4})\b", re.DOTALL)
EXAMPLE = re.compile(r"Task: (.*?seal of box (\w+)\?.*?)\nAnswer: .*?(\d{4})\b", re.DOTALL)
PART = re.compile(r"rest = 1000, (\d+)")
FUNCTION = '''\
import re

def seal_number(box: str, task: str) -> int:
    """Gives the number that is stamped on the seal of a box. box: its name. task: the task with its records."""
    return int(re.search(rf"seal of box {box} is stamped with the number (\\d+)", task)[1])'''
EXPECTS = "from seal_number import seal_number\nassert seal_number(box='{box}', task={task}) == {number}"
Found = partial(Scenario, equal_calls=read_all, one_call=read_all, why=BY_READING)
SCENARIOS = {
    "corrective_retrieval": Found(
        given=given_archive, answerer=Graders, why=f"{BY_READING}; there is no web to fall back on"
    ),
    "emulated_tool_dry_run": Scenario(
        metric="right record opened, and no other",
        given=given_archive,
        answerer=Rehearsers,
        decide=runs_what_was_asked,
        score=steps_done,
        why=BY_ACTS,
    ),
    "forward_looking_retrieval": Found(given=given_archive, answerer=Forward),
    "graph_community_retrieval": Scenario(
        given=indexed,
        answerer=Librarians,
        equal_calls=read_collection,
        one_call=read_collection,
        why="baselines read the whole collection; it was indexed before, by calls that are not counted",
        questions=20,
    ),
    "multi_query_rank_fusion": Found(given=lambda q, s: {"documents": archive(q)}, answerer=Searchers),
    "program_of_thoughts": Scenario(
        answerer=Programmers,
        why="baselines work it out without a program, where half of the errors are slips of arithmetic",
    ),
    "text_to_sql_repair": Scenario(
        given=database,
        answerer=Analysts,
        decide=confirms_what_was_asked,
        why="baselines are the number that as many queries of one model give most often, and one query",
    ),
    "tool_dag_compile": Found(given=given_archive, answerer=Compilers),
    "tool_making_and_reuse": Found(given=next_task, answerer=Makers),
    "tool_registry_retrieval": Found(given=lambda q, s: {"documents": archive(q)}, answerer=Registered),
}
