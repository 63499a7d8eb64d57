"""JSON schemas of what models say in an intake (tasks/slots.py)."""

from pydantic import JsonValue

_NAME: dict[str, JsonValue] = {"type": "string", "minLength": 1, "maxLength": 120}
_TEXT: dict[str, JsonValue] = {"type": "string", "minLength": 1, "maxLength": 300}


def _object(properties: dict[str, JsonValue], *optional: str) -> dict[str, JsonValue]:
    """An object with these properties and no others; what is not optional is required."""
    required: list[JsonValue] = [n for n in properties if n not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(of: dict[str, JsonValue], **bounds: JsonValue) -> dict[str, JsonValue]:
    return {"type": "array", "items": of, **bounds}


_SLOT = _object(
    {
        "name": _NAME,
        "label": _TEXT,
        "type": {"enum": ["text", "integer", "number", "date", "boolean", "choice"]},
        "required": {"type": "boolean", "examples": [True]},
        "depends_on": _list(_NAME),
        "when": _object({"slot": _NAME, "values": _list(_TEXT, minItems=1)}),
        "choices": _list(_TEXT),
        "least": {"type": "number"},
        "most": {"type": "number"},
        "rule": {"type": "string"},
    },
    *("depends_on", "when", "choices", "least", "most", "rule"),
)
_RULE = _object(
    {
        "left": _NAME,
        "order": {"enum": ["less", "at_most", "equal", "different", "at_least", "more"]},
        "right": _NAME,
        "says": _TEXT,
    }
)

FRAME_SCHEMA = _object(
    {
        "title": _TEXT,
        "pattern": {"type": "string"},
        "slots": _list(_SLOT, minItems=1, maxItems=30),
        "rules": _list(_RULE),
    },
    "rules",
)
"""What is to be known for a piece of work, and the pattern that does it."""

PREFILL_SCHEMA = _object(
    {"suggestions": _list(_object({"slot": _NAME, "value": {"type": "string"}, "source": {"type": "string"}}))}
)
"""Suggested values, each with where it comes from."""

QUESTION_SCHEMA = _object(
    {
        "slots": _list(_NAME, minItems=1, maxItems=3),
        "question": {"type": "string", "minLength": 1, "maxLength": 1200},
    }
)
"""One question and the slots that it asks for."""

EXTRACT_SCHEMA = _object(
    {
        "found": _list(
            _object(
                {
                    "slot": _NAME,
                    "value": {"type": "string"},
                    "quote": {"type": "string"},
                    "accepts_suggestion": {"type": "boolean"},
                }
            )
        )
    }
)
"""What an answer says, slot by slot, in its own words."""
