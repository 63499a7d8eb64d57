"""Short ways to write the JSON schema of an answer: bounded, and with nothing in it that was not asked for."""

from pydantic import JsonValue

Schema = dict[str, JsonValue]


def record(**properties: JsonValue) -> Schema:
    """An object with exactly these properties, in this order."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def listed(item: JsonValue, least: int, most: int) -> Schema:
    """A list of `least` to `most` items."""
    return {"type": "array", "minItems": least, "maxItems": most, "items": item}


def text(most: int = 2000, least: int = 1) -> Schema:
    """A text of `least` to `most` characters."""
    return {"type": "string", "minLength": least, "maxLength": most}


def choice(*values: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def whole(least: int, most: int) -> Schema:
    """A whole number from `least` to `most`."""
    return {"type": "integer", "minimum": least, "maximum": most}


def share() -> Schema:
    """A number from 0 to 1."""
    return {"type": "number", "minimum": 0, "maximum": 1}


FLAG: Schema = {"type": "boolean"}
