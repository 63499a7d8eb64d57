"""What was said before a run: the turns of the conversation that it belongs to, as an input of a pattern."""

from pydantic import JsonValue

from tasks.spec import Input, View

RECENT = 6
"""So many turns are shown."""
TURN: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"role": {"type": "string", "enum": ["user", "assistant"]}, "text": {"type": "string"}},
    "required": ["role", "text"],
}


def history_input() -> Input:
    """The input `history`: earlier turns, oldest first."""
    return Input(
        name="history",
        type="items",
        help='Earlier turns, oldest first, as a JSON list or @file: [{"role": "user", "text": ...}].',
        default=[],
        most=1_000,
        item_schema=TURN,
    )


def recent_turns() -> View:
    """The last turns, with who said what."""
    return View(ref="history", last=RECENT, fields=("role", "text"))
