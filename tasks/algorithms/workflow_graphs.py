"""Graphs of steps that a model writes: read as a specification, and admitted only within a vocabulary and bounds."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tasks.estimate import estimate
from tasks.reply import canonical
from tasks.spec import GraphSpec, Input
from utils.errors import SpecError

VOCABULARY = (
    "tasks.answers.final_answer",
    "tasks.voting.plurality",
    "tasks.algorithms.graph_primitives.field_is",
    "tasks.algorithms.graph_primitives.field_of",
    "tasks.algorithms.graph_primitives.highest",
)
"""The pure functions that a written graph may name."""
KINDS = frozenset({"step", "fan", "each", "loop", "choose", "call", "function"})
FIXED = frozenset({"model", "role", "fallbacks", "retries", "timeout", "lessons", "show", "writes", "inputs"})
"""What the graph's author may not set: who is asked and how often, and what the graph is given."""
NAMED = frozenset({"sees", "carries", "bodies", "gives"})
"""Objects whose keys are names that the author chooses."""
FREE = frozenset({"answer_schema", "args"})
PROMPTS = frozenset({"prompt", "system"})
SHOWN = re.compile(r"\[\[([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)?)\]\]")
MOST_TOKENS, MOST_PROMPT, MOST_SIZE = 4096, 6000, 60_000
SIMPLEST: list[dict[str, Any]] = [
    {
        "kind": "step",
        "id": "answer",
        "does": {
            "kind": "call",
            "prompt": "<task>\n[[prompt]]\n</task>\n\nDo this task. If you are unsure, give what is most likely right. "
            "End with a line of this form:\nAnswer: the result alone",
        },
        "sees": {"prompt": {"ref": "prompt"}},
    }
]


def written(blocks: list[Any], answer: str, most_calls: int) -> GraphSpec:
    """The graph of these blocks, whose answer a ref names. SpecError, in one line, for one that is not admitted.

    In its prompts [[name]] stands for {{name}}: a prompt that shows a graph cannot hold that itself.
    """
    if len(canonical(blocks)) > MOST_SIZE:
        raise SpecError(f"the graph has more than {MOST_SIZE:,} characters")
    for fault in _faults(blocks):
        raise SpecError(fault)
    spec = GraphSpec(
        id="written_workflow",
        title="Written Workflow",
        description="A workflow that a search has found.",
        inputs=(Input(name="prompt", help="The task.", least=1),),
        blocks=_with_placeholders(blocks),
        gives={"answer": answer},
    )
    if not 1 <= (calls := estimate(spec).most_calls) <= most_calls:
        raise SpecError(f"the graph may make {calls} calls: 1 to {most_calls} are allowed")
    return spec


def _with_placeholders(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_placeholders(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_placeholders(inner, name) for inner in value]
    return SHOWN.sub(r"{{\1}}", value) if name in PROMPTS and isinstance(value, str) else value


def digest(spec: GraphSpec) -> str:
    """Equal for equal graphs."""
    return sha256(spec.to_json().encode()).hexdigest()


def _faults(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        if name not in NAMED:
            yield from _own_faults(value)
        for key, inner in value.items():
            if key not in FREE:
                yield from _faults(inner, "" if name in NAMED else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _faults(inner, name)
    elif name in PROMPTS and isinstance(value, str) and len(value) > MOST_PROMPT:
        yield f"a {name} has more than {MOST_PROMPT:,} characters"


def _own_faults(part: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one object of a graph itself."""
    if (kind := str(part.get("kind", "step"))) not in KINDS:
        yield f"'{kind[:60]}' is no kind that may be used here: {', '.join(sorted(KINDS))}"
    if (fn := str(part.get("fn", VOCABULARY[0]))) not in VOCABULARY:
        yield f"'{fn[:100]}' is no function that may be used here: {', '.join(VOCABULARY)}"
    for name in sorted(FIXED & part.keys()):
        yield f"'{name}' may not be set"
    tokens = part.get("max_tokens", 1)
    if not isinstance(tokens, int) or tokens > MOST_TOKENS:
        yield f"max_tokens is a number up to {MOST_TOKENS:,}"
    if not isinstance(part.get("temperature", 0.0), int | float):
        yield "temperature is a number"
    if (schema := part.get("answer_schema")) is not None and (why := _wrong_schema(schema)):
        yield f"answer_schema: {why}"


def _wrong_schema(schema: Any) -> str:
    import jsonschema

    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "it must be of type object"
    if "$ref" in canonical(schema):
        return "it may not refer to other schemas"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return error.message[:300]
    return ""
