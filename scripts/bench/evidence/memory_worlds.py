"""Worlds of memory: what a user left in earlier runs, and simulated models that recall it, note it and tend it."""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from scripts.bench.evidence.answerer import REFUSAL, SAYS, Reading
from scripts.bench.evidence.past import fresh_start, remembered, signalled
from scripts.bench.evidence.play import MODELS, STARTED, play
from scripts.bench.evidence.records import Reader, quoted, stated
from scripts.bench.evidence.scenario import READ, RECORD, Baseline, archive, spoken_by
from scripts.bench.evidence.world import Question, Setting, random
from tasks.algorithms.heuristics import RULE
from tasks.algorithms.memory_layers import TURN
from tasks.reply import reply
from utils.llm import ChatRequest, Message
from workflows.patterns.memory import episodic_recall as episodic
from workflows.patterns.memory import gist_memory_lookup as gists
from workflows.patterns.memory import grimoire_heuristics as grimoire
from workflows.patterns.memory import layered_memory_promotion as layered
from workflows.patterns.memory import sleep_time_precompute as sleep


class Rememberer(Reader):
    """Reads prompts that give ids and times, on which nothing that it says depends."""

    def reply(self, request: ChatRequest, sample: str) -> str:
        chance = random("refusal", self.setting.name, self.question.number, sample).random()
        if chance < self.setting.refusal:
            return REFUSAL
        asked = next(n for n, message in enumerate(request.messages) if message.role == "user")
        # A repair quotes the refusal after the prompt, and asks for the same.
        first = request.model_copy(update={"messages": request.messages[: asked + 1]})
        return self.said(first, "" if request.temperature == 0 else sample)

    def read(self, text: str, model: str, sample: str) -> int:
        """The number that a model gives which sees a text beside the question."""
        prompt = READ.format(question=self.question.text, text=text)
        request = ChatRequest(model=model, messages=(Message(role="user", content=prompt),))
        return Reading(self, request, sample).answer()

    def found(self, text: str, model: str, sample: str) -> int:
        """The number that it takes from a text: from what is said of the box alone, where it sees which that is."""
        said, sees = statements(text), self.knows("found", model, sample)
        return self.read(" ".join(s for s in said if self.question.box in s or not sees), model, sample)

    def answered(self, text: str, request: ChatRequest, sample: str) -> str:
        return SAYS.format(number=self.found(text, request.model, sample))


def statements(text: str) -> list[str]:
    """What a text states of boxes."""
    return [RECORD.format(box=box, number=number) for box, number in stated(text).items()]


def finders_in(text: Callable[[Question], str]) -> Baseline:
    """How often the plurality of so many calls is right that each look for the number in a text."""

    def baseline(question: Question, setting: Setting, calls: int) -> float:
        models = Rememberer(question, setting)

        def once(number: int) -> bool:
            said = [models.found(text(question), MODELS[0], f"{number} {n}") for n in range(max(1, calls))]
            return Counter(said).most_common(1)[0][0] == question.right

        return sum(once(number) for number in range(TRIES)) / TRIES

    return baseline


def records(question: Question) -> list[str]:
    """What there is to remember of six boxes: the one that is asked about, and such with the wrong options."""
    return [one["text"] for one in archive(question)]


def papers(question: Question) -> str:
    """All records as one text."""
    return "\n\n".join(records(question))


class Diarist(Rememberer):
    """Recalls episodes: says what is looked for, which of them bear on the request, and what happened now."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if spoken_by(request, episodic.ANALYST):
            topic = f"the number on the seal of box {self.question.box}"
            return json.dumps({"people": [], "places": [], "topic": topic, "time_from": "", "time_to": ""})
        if spoken_by(request, episodic.JUDGE):
            rows = [json.loads(line) for line in quoted(request, "episodes").splitlines() if line.startswith("{")]
            return json.dumps({"episodes": [{"episode": r["label"], "bears": self.bears(r["event"])} for r in rows]})
        if spoken_by(request, episodic.CHRONICLER):
            return json.dumps({"event": "The user asked for the number on a seal.", "importance": 3})
        return self.answered(asked.partition("<recalled>")[2], request, sample)

    def bears(self, event: str) -> bool:
        return (self.question.box in event) == self.knows(event)


def episodes(question: Question, setting: Setting) -> dict[str, Any]:
    """Twelve days on which something happened: on six the user saw a seal, on one of them that of the box."""
    chance = random("episodes", question.number)
    events = [*records(question), *(f"The user bought {n} sticks of wax for seals." for n in range(1, 7))]
    order = chance.sample(events, len(events))
    memories = [_episode(n, event, chance.randrange(1, 500), chance.randint(1, 10)) for n, event in enumerate(order)]
    remembered(fresh_start("episodic_recall", question), "episode", memories)
    return {}


def _episode(number: int, event: str, hours: int, importance: int) -> Any:
    day = (datetime.fromisoformat(STARTED) - timedelta(hours=hours)).isoformat()
    return reply(
        event, key=f"e{number}", data={"happened": day, "importance": importance, "session": f"s{number // 2}"}
    )


class PageReader(Rememberer):
    """Reads page by page: its gists say at best of which box a page speaks, never the number."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if "<window>" in asked:
            return json.dumps({"break": self.page_break(quoted(request, "window"))})
        if spoken_by(request, gists.READER):
            boxes = stated(quoted(request, "page"))
            named = " and ".join(boxes) if self.knows(*boxes) else "several houses"
            return f"How wax is poured, and the seal of {named}."
        if spoken_by(request, gists.LIBRARIAN):
            return json.dumps(self.next_page(quoted(request, "pages")))
        if spoken_by(request, gists.EXTRACTOR):
            number = re.findall(r"\d{4}", quoted(request, "sentences"))[0]
            return json.dumps(
                {"claims": [{"text": RECORD.format(box=self.question.box, number=number), "sentence_no": 1}]}
            )
        if spoken_by(request, gists.CHECKER):
            verdict = self.judged(quoted(request, "claim"), quoted(request, "pages"))
            return json.dumps({"reason": "It was compared.", "verdict": verdict})
        return self.answered(quoted(request, "pages"), request, sample)

    def page_break(self, window: str) -> int:
        """The mark before the next chapter, or the last one."""
        marks = [int(n) for n in re.findall(r"\[\[(\d+)\]\]", window)]
        natural = re.search(r"\[\[(\d+)\]\]\s+Chapter", window)
        return int(natural[1]) if natural and self.knows(window) else max(marks)

    def next_page(self, shown: str) -> dict[str, Any]:
        """The closed page whose gist names the box; any other where none does, or by mistake."""
        pages = PAGES.findall(shown)
        if any(self.question.box in text for _, kind, text in pages if kind == "in full") and self.knows(shown):
            return {"ready": True, "page": 0, "why": "The record is open."}
        closed = [(int(n), text) for n, kind, text in pages if kind == "gist"]
        if not closed:
            return {"ready": True, "page": 0, "why": "Every page is open."}
        fitting = [n for n, text in closed if self.question.box in text]
        chance = random("page", self.setting.name, self.question.number, shown)
        wanted = fitting[0] if fitting and self.knows("page", shown) else chance.choice(closed)[0]
        return {"ready": False, "page": wanted, "why": "The record may stand there."}


def book(question: Question) -> str:
    """A text of six chapters of about 400 words, each on one box, whose number stands in it once."""
    return "\n\n".join(_chapter(n, text) for n, text in enumerate(records(question), 1))


def _chapter(number: int, text: str) -> str:
    first = f"Chapter {number}. {FILLER * 4}"
    return "\n\n".join([first, f"{FILLER * 4}{text}", FILLER * 4, FILLER * 4])


class Apprentice(Rememberer):
    """Answers with rules of experience before it, and names those that say what it answers."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, grimoire.WRITER):
            return super().said(request, sample)
        rules = quoted(request, "rules")
        number = self.read(rules, request.model, sample)
        lines = rules.splitlines()
        return json.dumps({"answer": str(number), "applied": [n for n, r in enumerate(lines, 1) if str(number) in r]})


def rules(question: Question, setting: Setting) -> dict[str, Any]:
    """A right rule and three wrong ones; each won or lost in eight runs, as the judge of each run saw it."""
    chance = random("rules", setting.name, question.number)
    run = fresh_start("grimoire_heuristics", question)
    kept = [reply(RULE_TEXT.format(box=question.box, number=n), key=str(n)) for n in question.options[:4]]
    outcomes = [
        (rule.key, float((chance.random() < setting.verifier) == (str(question.right) in rule.text)))
        for rule in remembered(run, RULE, kept)
        for _ in range(RULE_USES)
    ]
    signalled(run, grimoire.OUTCOME, outcomes)
    return {}


class Companion(Rememberer):
    """Talks with a user over sessions; notes turns, and finds facts in them, some of which it gets wrong."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, layered.SECRETARY):
            return json.dumps(
                {"topic": "seals of boxes", "summary": "The user told of seals of boxes and their numbers."}
            )
        if spoken_by(request, layered.BIOGRAPHER):
            turns = TURNS.findall(quoted(request, "turns"))
            return json.dumps({"facts": [self.fact(int(n), text) for n, role, text in turns if stated(text)][:10]})
        if spoken_by(request, layered.AUDITOR):
            true = self.judged(quoted(request, "fact"), quoted(request, "said")) == "supported"
            return json.dumps({"reason": "It was compared.", "stated": true})
        return self.answered(quoted(request, "facts"), request, sample)

    def fact(self, turn: int, text: str) -> dict[str, Any]:
        """The fact of a turn, or another number in its place."""
        ((box, number),) = list(stated(text).items())[:1]
        if not self.knows("fact", text):
            number = random("slip", self.question.number, text).choice(self.question.options)
        return {"subject": f"box {box}", "fact": RECORD.format(box=box, number=number), "source_turns": [turn]}


def conversation(question: Question, setting: Setting) -> dict[str, Any]:
    """Ten exchanges of an earlier session, the first five on seals, after two rounds of upkeep; then a new session."""
    run = fresh_start("layered_memory_promotion", question)
    told = [*records(question), *(f"I bought {n} sticks of wax." for n in range(1, 5))]
    first = [t for t in told if question.box in t]
    spoken = [*first, *(t for t in told if t not in first)]
    turns = [turn for text in spoken for turn in (("user", text), ("assistant", "I see."))]
    memories = [
        reply(text, key=f"t{n}", data={"role": role, "session": "spring"}) for n, (role, text) in enumerate(turns)
    ]
    remembered(run, TURN, memories, "session", "spring")
    for number in range(2):
        play(layered.upkeep(), Companion(question, setting), {}, run_id=f"{run.run_id}-upkeep-{number}")
    return {"session_id": "autumn"}


class Foreseer(Rememberer):
    """Prepares answers while nobody asks, and later tells whether a question is one of these."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, sleep.ANALYST):
            return json.dumps({"inferences": self.inferred(quoted(request, "documents"), quoted(request, "known"))})
        if spoken_by(request, sleep.FORESEER):
            return json.dumps({"question": self.foreseen(sample, list(stated(quoted(request, "documents"))))})
        if spoken_by(request, sleep.MATCHER):
            same = quoted(request, "prepared").strip() == self.question.text
            return json.dumps(
                {"reason": "They were compared.", "same": same == self.knows(quoted(request, "prepared"))}
            )
        if spoken_by(request, sleep.CHECKER):
            verdict = self.judged(quoted(request, "answer"), quoted(request, "documents"))
            return json.dumps({"reason": "It was compared.", "verdict": verdict})
        if request.json_schema:
            box = next(iter(BOX.findall(quoted(request, "question"))), "")
            return json.dumps({"answer": self.prepared(box, request, sample), "passages": []})
        prepared = f"{quoted(request, 'prepared_answers')}\n{quoted(request, 'inferences')}"
        return self.answered(quoted(request, "documents") or prepared, request, sample)

    def inferred(self, documents: str, known: str) -> list[str]:
        """Three more of what stands in the documents, but for what it overlooks."""
        return [s for s in statements(documents) if s not in known and self.knows("infers", s)][:3]

    def foreseen(self, sample: str, boxes: list[str]) -> str:
        """A question after one of the boxes that this user may care for, the one in question or not."""
        cared = random("cared", self.question.number).sample(boxes, len(boxes) * 2 // 3)
        box = random("asks", self.setting.name, self.question.number, sample).choice(cared)
        return self.question.text if box == self.question.box else WORDINGS[boxes.index(box)].format(box=box)

    def prepared(self, box: str, request: ChatRequest, sample: str) -> str:
        documents = quoted(request, "documents")
        if box == self.question.box:
            return RECORD.format(box=box, number=self.read(" ".join(statements(documents)), request.model, sample))
        return RECORD.format(box=box, number=stated(documents)[box])


def idle_project(question: Question, setting: Setting) -> dict[str, Any]:
    """A project whose documents were handed in with another question, and were thought about since."""
    run = fresh_start("sleep_time_precompute", question)
    models = Foreseer(question, setting)
    given = {"project": "seals", "documents": archive(question), "prompt": "How many boxes are there?"}
    play(sleep.build(), models, given, run_id=f"{run.run_id}-first")
    play(sleep.upkeep(), models, {}, run_id=f"{run.run_id}-upkeep")
    return {"project": "seals"}


TRIES = 10
RULE_TEXT = "When the number on the seal of box {box} is asked for: answer {number}."
RULE_USES = 8
FILLER = "The wax is warmed slowly over a low flame until it runs, and then the seal is pressed in with a steady hand. "
WORDINGS = (
    "What was pressed into the wax of {box}?",
    "{box}: which digits?",
    "How does the stamp of {box} read?",
    "Name what identifies {box}.",
    "Under which figure was {box} sealed?",
    "Is there a mark on {box}, and which?",
)
"""The same question in other words, as the others are asked."""
PAGES = re.compile(r'<reply from="page (\d+), (gist|in full)">\n(.*?)\n</reply>', re.DOTALL)
TURNS = re.compile(r'<reply from="turn (\d+), (user)">\n(.*?)\n</reply>', re.DOTALL)
BOX = re.compile(r"\b[A-Z]{2}\d{3}\b")
