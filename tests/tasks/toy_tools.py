"""Tools in Python that RADIANT_TOOLS names in tests."""

from collections.abc import Callable
from typing import Any

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False}


class Crash(BaseException):
    """The process dies."""


DONE: list[str] = []
"""What the tools below did."""


def make_crashing() -> Callable[[dict[str, Any]], str]:
    """A tool that does its work and dies before anyone hears of it, the first time."""

    def does(arguments: dict[str, Any]) -> str:
        DONE.append(arguments["to"])
        if len(DONE) == 1:
            raise Crash
        return "sent"

    return does


def make_object() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A tool in Python that gives an object, or fails."""
    return lambda arguments: {"twice": 2 * arguments["n"]}
