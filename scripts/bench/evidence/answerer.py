"""A simulated model: works out answers, reads those of others, judges and compares them, as its setting says.

It reads a request as a model would: the question is known, everything else stands in the prompt. What is asked for
follows from the schema (`meaning`) or from the line that the prompt wants at the end.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.bench.evidence.meaning import LABELS, SAMENESS, Section, candidates, leaning, sections, split, words
from scripts.bench.evidence.world import OPTIONS, Question, Setting, draw, random
from utils.llm import ChatRequest
from utils.rehearsal import ANSWER_LINE


@dataclass(frozen=True)
class Answerer:
    """All models of one world, for one question."""

    question: Question
    setting: Setting

    def reply(self, request: ChatRequest, sample: str) -> str:
        """What a model says; the same request with another sample is a draw of its own."""
        if random("refusal", self.setting.name, self.question.number, request.digest(), sample).random() < (
            self.setting.refusal
        ):
            return REFUSAL
        return self.said(without_repair(request), "" if request.temperature == 0 else sample)

    def said(self, request: ChatRequest, sample: str) -> str:
        """What a model says that does not refuse; at temperature 0 the sample is empty."""
        return Reading(self, request, sample).reply()


@dataclass
class Reading:
    """One request, as one model reads it. Judgements of the same thing in one reply agree."""

    answerer: Answerer
    request: ChatRequest
    sample: str
    judged: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        setting, number = self.answerer.setting.name, self.answerer.question.number
        self.chance = random("reading", setting, number, self.request.digest(), self.sample)
        self.prompt = next(m.content for m in reversed(self.request.messages) if m.role == "user")
        quoted = "\n".join(m.content for m in self.request.messages if m.role != "system")
        self.seen = candidates(quoted, self.answerer.question.options)
        self.parts = sections(self.prompt, self.answerer.question.options)

    def reply(self) -> str:
        if self.request.json_schema:
            return json.dumps(self.value(json.loads(self.request.json_schema), "reply"))
        number = self.answer()
        text = SAYS.format(number=number)
        marks = ANSWER_LINE.findall("\n".join(m.content for m in self.request.messages))
        if not marks:
            return text
        label, choices = marks[-1]
        options = [o.strip() for o in choices.strip("<>[]() .").replace("/", "|").split("|") if o.strip()]
        said = self.pick(options) if split(options) else str(number)
        return f"{text}\n{label} {said}"

    def other(self, place: int) -> int:
        """What stands in a place of a list of answers: its answer, then other draws, none twice."""
        listed = [self.answer()]
        for number in range(MOST_DRAWS):
            if len(listed) >= min(place, OPTIONS):
                break
            setting, sample = self.answerer.setting, f"{self.sample} other {number}"
            found = draw(self.answerer.question, setting, self.request.model, sample)
            listed += [found] if found not in listed else []
        return listed[max(0, place - 1) % len(listed)]

    def copied(self, place: int) -> int:
        """What it takes from what it reads, by its place there; its answer where nothing is quoted."""
        quoted = list(dict.fromkeys(self.seen))
        return quoted[max(0, place - 1) % len(quoted)] if quoted else self.answer()

    def answer(self) -> int:
        """Its own draw, or the candidate that the most votes and its own judgement speak for."""
        own = draw(self.answerer.question, self.answerer.setting, self.request.model, self.sample)
        if not self.seen:
            return own
        votes = Counter(self.seen)
        votes[own] += 1
        weight = 2 * self.answerer.setting.verifier - 1
        total = sum(votes.values())
        return max(votes, key=lambda n: (votes[n] / total + weight * self.right(n), n == own, n))

    def right(self, number: int) -> bool:
        """Whether it takes an answer to be right."""
        if number not in self.judged:
            knows = self.chance.random() < self.answerer.setting.verifier
            self.judged[number] = (number == self.answerer.question.right) == knows
        return self.judged[number]

    def approves(self) -> bool:
        """What it thinks of what the prompt puts before it last."""
        return self.right(self.seen[-1]) if self.seen else self.chance.random() < self.answerer.setting.verifier

    def value(self, schema: dict[str, Any], name: str, about: Section | None = None) -> Any:
        """A value of the schema that says what the model thinks, of a section or of all that it reads."""
        if "const" in schema:
            return schema["const"]
        if name in SAMENESS and len(self.seen) > 1:
            return self.likeness(schema, name)
        if "enum" in schema:
            return self.pick(schema["enum"], about)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
        if kind == "object":
            item = f" {_number(name)}" if _number(name) else ""
            by_label = {s.label: s for s in self.parts}
            properties = schema.get("properties", {})
            return {n: self.value(part, n + item, by_label.get(n, about)) for n, part in properties.items()}
        if kind == "array":
            return self.listed(schema, name, about)
        if kind == "boolean":
            return self.thinks_well(about) != (leaning(name) == "against")
        if kind in ("integer", "number"):
            return self.number(schema, name, about, whole=kind == "integer")
        return self.text(schema, name, about) if kind == "string" else None

    def likeness(self, schema: dict[str, Any], name: str) -> Any:
        """Whether the last two answers that it reads are alike: that takes no judgement."""
        alike = (self.seen[-1] == self.seen[-2]) != (name == "contradicts")
        return split(schema["enum"])["for" if alike else "against"][0] if "enum" in schema else alike

    def thinks_well(self, about: Section | None) -> bool:
        return self.right(about.candidate) if about else self.approves()

    def pick(self, values: Sequence[Any], about: Section | None = None) -> Any:
        """Of opposed values the one that says what it thinks, of labels that of the best section, else any."""
        if sides := split(values):
            return self.chance.choice(sides["for" if self.thinks_well(about) else "against"])
        labels = {str(v).lower(): v for v in values}
        if about and about.label.lower() in labels:
            return labels[about.label.lower()]
        if winner := self.best(set(labels)):
            return labels[winner]
        return self.chance.choice(list(values))

    def best(self, labels: set[str]) -> str:
        """The label of the section that it likes best; empty where none of these labels one."""
        named = [(s, key) for s in self.parts if (key := _label(s.label, labels))]
        if not named:
            return ""
        setting = self.answerer.setting
        if self.chance.random() < setting.position:
            return named[0][1]
        if self.chance.random() < setting.verbosity:
            return max(named, key=lambda n: len(n[0].text))[1]
        return max(named, key=lambda n: (self.right(n[0].candidate), self.chance.random()))[1]

    def listed(self, schema: dict[str, Any], name: str, about: Section | None) -> list[Any]:
        """Faults only where it sees one; of sections one entry each; else as few as are allowed."""
        least, most = schema.get("minItems", 0), schema.get("maxItems", 12)
        items = schema.get("items", {})
        if leaning(name) == "against" and not least:
            return [] if self.thinks_well(about) else [self.value(items, name, about)]
        values = items.get("enum") or next(
            (p["enum"] for n, p in items.get("properties", {}).items() if n in LABELS and "enum" in p), None
        )
        if values and len(self.parts) > 1:
            known = {str(v).lower() for v in values}
            return [self.value(items, name, s) for s in self.parts if s.label.lower() in known][:most]
        if self.parts and set(items.get("properties", {})) & LABELS:
            return [self.value(items, name, s) for s in self.parts][:most]
        if name == "ranking" and self.parts:
            order = sorted(self.parts, key=lambda s: not self.right(s.candidate))
            return [s.label if items.get("type") == "string" else n for n, s in enumerate(order, 1)][:most]
        word = name.partition(" ")[0]
        wanted = len(set(self.seen)) if word in COPIED else ALTERNATIVES if word in PLURAL else 1
        return [self.value(items, f"{word} {n + 1}", about) for n in range(max(min(wanted, most), 1, least))]

    def number(self, schema: dict[str, Any], name: str, about: Section | None, *, whole: bool) -> float:
        """High in its range for what it thinks well of, low for what not; without a range its answer."""
        if "minimum" not in schema and "maximum" not in schema:
            return self.answer()
        low = float(schema.get("minimum", 0))
        high = float(schema.get("maximum", low + 10))
        good = self.thinks_well(about) != (leaning(name) == "against")
        share = self.chance.uniform(0.75, 1.0) if good else self.chance.uniform(0.0, 0.35)
        value = low + (high - low) * share
        return round(value) if whole else round(value, 3)

    def text(self, schema: dict[str, Any], name: str, about: Section | None) -> str:
        word, place = name.partition(" ")[0], _number(name)
        if "pattern" in schema:
            return str(schema.get("examples", [f"{word}_{place}"])[0])
        if about and word in LABELS:
            return about.label
        number = about.candidate if about else self.copied(place) if word in COPIED else self.other(place)
        if word in ANSWERS:
            return str(number)
        if word == "quote":
            return next((line for line in self.prompt.splitlines() if str(number) in line), "")[:200]
        said = f"{name}: {SAYS.format(number=number)}"
        return said.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", len(said) + 99)]


def without_repair(request: ChatRequest) -> ChatRequest:
    """What was asked first, where a reply that did not fit is asked for anew."""
    if any(m.role == "assistant" for m in request.messages):
        return request.model_copy(update={"messages": request.messages[:-2]})
    return request


def _number(name: str) -> int:
    """The place in a list that a name carries; 0 where it carries none."""
    place = name.rpartition(" ")[2]
    return int(place) if place.isdigit() else 0


def _label(label: str, labels: set[str]) -> str:
    """The one of these labels that a section carries: as it is, or as the end of its tag."""
    name = label.lower()
    return name if name in labels else next((k for k in labels if name.endswith((f"_{k}", f" {k}"))), "")


SAYS = "The number on the seal is {number}."
REFUSAL = "I am sorry, I cannot help with that."
MOST_DRAWS, ALTERNATIVES = 30, 3
COPIED = words("claims claim facts fact statements statement sentences sentence premises passages passage text core")
"""Names of what is taken from a text as it stands there."""
PLURAL = words("thoughts options hypotheses candidates proposals approaches alternatives answers outlines ideas moves")
"""Names of lists whose entries are answers beside one another, not parts of one."""
ANSWERS = words("answer final_answer value result final solution estimate number")
