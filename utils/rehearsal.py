"""The rehearsal: a deterministic LiteLLM provider that runs every pattern without a key and without a cost.

The same request always gets the same reply, and every text in it says that it is a rehearsal.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from utils.settings import settings

Json = dict[str, Any] | list[Any] | str | int | float | bool | None


def rehearse(model: str, messages: Sequence[Mapping[str, str]], json_schema: str | None = None) -> str:
    """The reply of a rehearsal model: an instance of the schema (JSON text), or a short paragraph."""
    question = next((turn["content"] for turn in reversed(messages) if turn["role"] == "user"), "")
    role = next((turn["content"] for turn in messages if turn["role"] == "system"), "")
    seed = _digest(model, json.dumps([dict(turn) for turn in messages]), json_schema or "")
    if json_schema is not None:
        return json.dumps(instance(json.loads(json_schema), seed=seed, topic=_words(_asked(question), 8)))
    text = PARAGRAPH.format(
        model=model,
        question=_words(_asked(question), 12),
        role=_words(role, 10) or "a general adviser",
        stance=_random(seed).choice(STANCES),
    )
    marks = ANSWER_LINE.findall(f"{role}\n{question}")
    if not marks:
        return text
    label, choices = marks[-1]
    return f"{text}\n{label} {_answer(model, question, choices)}"


def instance(schema: Json, *, seed: str, topic: str = "") -> Json:
    """A valid instance of a JSON schema. A part that carries `examples` is one of them: that steers it."""
    return _Generator(schema if isinstance(schema, dict) else {}, _random(seed), topic).value(schema, "reply", 0)


@cache
def provider() -> Any:
    """The LiteLLM handler for `rehearsal/...`; the caller registers it."""
    import litellm

    class Rehearsal(litellm.CustomLLM):  # type: ignore[misc]
        """Answers in this process, after the wait that the settings ask for."""

        def completion(self, *args: Any, **kwargs: Any) -> Any:
            text = _performed(kwargs)
            reply = kwargs["model_response"]
            reply.model = kwargs["model"]
            reply.choices[0].message.content = text
            reply.choices[0].finish_reason = "stop"
            # Told, the cost need not be worked out, which takes a fifth of the call.
            reply._hidden_params["response_cost"] = 0.0
            reply.usage = litellm.Usage(**_usage(kwargs["messages"], text))
            return reply

        def streaming(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            text = _performed(kwargs)
            pieces = re.findall(r"(?:\S+\s*){1,8}", text)
            for index, piece in enumerate(pieces):
                last = index == len(pieces) - 1
                yield {
                    "text": piece,
                    "index": 0,
                    "is_finished": last,
                    "finish_reason": "stop" if last else "",
                    "tool_use": None,
                    "usage": _usage(kwargs["messages"], text) if last else None,
                }

    return Rehearsal()


def _performed(call: Mapping[str, Any]) -> str:
    if settings().rehearsal_latency:
        time.sleep(settings().rehearsal_latency)
    asked = (call["optional_params"].get("response_format") or {}).get("json_schema")
    schema = json.dumps(asked["schema"]) if asked else None
    return rehearse(f"rehearsal/{call['model']}", call["messages"], schema)


def _usage(messages: Sequence[Mapping[str, str]], text: str) -> dict[str, int]:
    """Plausible counts: four characters a token, as English has them."""
    prompt = sum(len(turn["content"]) for turn in messages) // 4 + 1
    reply = len(text) // 4 + 1
    return {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply}


def _answer(model: str, question: str, choices: str) -> str:
    """What most models say to the same question, so that votes have a majority; one in seven dissents."""
    options = [option.strip() for option in re.split(r"\||/|\bor\b", choices.strip("<>[]() .")) if option.strip()]
    if len(options) < 2:
        options = ["rehearsed answer", "another rehearsed answer"]
    first = int(_digest(question)[:8], 16) % len(options)
    dissents = int(_digest(model, question)[:8], 16) % 7 == 0
    return options[(first + dissents) % len(options)]


def _asked(prompt: str) -> str:
    """The question within a prompt that quotes it between tags; else the prompt."""
    quoted = re.search(r"<question>(.*?)</question>", prompt, re.DOTALL)
    return quoted[1] if quoted else prompt


def _words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def _random(seed: str) -> Random:
    return Random(seed)  # noqa: S311 (repeatable is what it must be)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Generator:
    """Walks one schema. `deep` parts take only what is required, so that a recursive schema ends."""

    root: dict[str, Any]
    random: Random
    topic: str
    deepest: int = field(default=8)

    def value(self, schema: Json, name: str, depth: int) -> Json:
        if not isinstance(schema, dict):
            return self._text({}, name)
        if "$ref" in schema:
            return self.value({**self._resolve(schema["$ref"]), **_without(schema, "$ref")}, name, depth + 1)
        if "allOf" in schema:
            return self.value(self._merged(schema), name, depth)
        if chosen := [schema["const"]] if "const" in schema else schema.get("examples") or schema.get("enum"):
            return self.random.choice(chosen)  # type: ignore[no-any-return]
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(self._branch(options, depth), name, depth + 1)
        return self._typed(schema, name, depth)

    def _typed(self, schema: dict[str, Any], name: str, depth: int) -> Json:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object":
            return self._object(schema, name, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("number", "integer"):
            return self._number(schema, whole=kind == "integer")
        if kind == "boolean":
            return self.random.random() < 0.5
        return None if kind == "null" else self._text(schema, name)

    def _object(self, schema: dict[str, Any], name: str, depth: int) -> Json:
        """Its parts carry the number of the item that it is, so that no two items say the same."""
        number = re.search(r" \d+$", name)
        item = number.group() if number else ""
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        names = required if depth >= self.deepest else [*properties, *(n for n in required if n not in properties)]
        return {part: self.value(properties.get(part, {}), part + item, depth + 1) for part in names}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> Json:
        least = schema.get("minItems", 0)
        count = least if depth >= self.deepest else max(least, min(2, schema.get("maxItems", 2)))
        prefix = schema.get("prefixItems", [])
        made: list[Json] = []
        for index in range(count * 20):
            if len(made) == count:
                break
            part = prefix[len(made)] if len(made) < len(prefix) else schema.get("items", {})
            item = self.value(part, f"{name} {index + 1}", depth + 1)
            if not (schema.get("uniqueItems") and item in made):
                made.append(item)
        return made

    def _number(self, schema: dict[str, Any], *, whole: bool) -> int | float:
        """In the upper part of its range: a rehearsed score is good, so that a rehearsal comes through."""
        step = schema.get("multipleOf", 1 if whole else 0.01)
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + (10 if whole else 1)))
        steps = round(low / step + (high - low) / step * self.random.uniform(0.75, 0.9))
        lowest = -(-low // step) + ("exclusiveMinimum" in schema and low % step == 0)
        highest = high // step - ("exclusiveMaximum" in schema and high % step == 0)
        number = min(max(steps, lowest), highest) * step
        return int(number) if whole else min(max(round(number, 6), low), high)

    def _text(self, schema: dict[str, Any], name: str) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        text = f"Rehearsal: {schema.get('title', name).replace('_', ' ')} on {self.topic or 'nothing'}"
        text = text.ljust(schema.get("minLength", 0), ".")
        return text[: schema.get("maxLength", len(text))]

    def _branch(self, options: Sequence[Json], depth: int) -> Json:
        real = [option for option in options if option != {"type": "null"}]
        ends_here = depth >= self.deepest and len(real) < len(options)
        return real[0] if real and not ends_here else {"type": "null"}

    def _resolve(self, ref: str) -> dict[str, Any]:
        part: Any = self.root
        for step in ref.removeprefix("#").strip("/").split("/"):
            part = part[step.replace("~1", "/").replace("~0", "~")] if step else part
        return dict(part)

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = _without(schema, "allOf")
        for part in schema["allOf"]:
            whole = self._resolve(part["$ref"]) if "$ref" in part else part
            merged = {
                **merged,
                **whole,
                "properties": {**merged.get("properties", {}), **whole.get("properties", {})},
                "required": [*merged.get("required", []), *whole.get("required", [])],
            }
        return merged if merged["properties"] else _without(_without(merged, "properties"), "required")


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


ANSWER_LINE = re.compile(r"\b((?:FINAL|Final answer|ANSWER|Answer|VERDICT|Verdict|VOTE|Vote):)[ \t]*([^\n\"'`.]*)")
"""A line that the prompt asks for, and the choices that it gives there (`FINAL: <yes|no>`)."""

FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "rehearsal@example.org",
    "uri": "https://example.org/rehearsal",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

STANCES = (
    "The case for it is clear if the costs stay bounded.",
    "The risks weigh more than the gains until a small trial says otherwise.",
    "It depends on how many people have to keep it running.",
    "Start small, measure, and decide again with the numbers at hand.",
    "What matters most is what can be undone later.",
)

PARAGRAPH = (
    "[Rehearsal: no real model was asked.] {model}, speaking as: {role}. On the question: {question} ... "
    "{stance} A real model would argue this with evidence; the rehearsal only shows how the run goes."
)
