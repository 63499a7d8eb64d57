"""A model's call of a tool: read out of its reply, checked against the tool's schema, and shown as an observation."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Literal

from tasks.functions import pure
from tasks.reply import Replies, Reply, canonical, failed, ok_of, reply
from utils.errors import Unparsable
from utils.json_replies import parse_json
from utils.schemas import validator

ToolError = Literal["call", "unknown", "not_allowed", "arguments", "unavailable", "failed", "timeout", "lost"]
"""What went wrong: `lost` is a writing tool that was begun before a crash, for a person to look into."""


def tool_error(kind: ToolError, message: str, *, key: str = "") -> Reply:
    """A tool's error as a failed reply, with its kind in the field `error`."""
    status: Literal["failed", "timeout", "rejected"] = "failed"
    if kind == "timeout":
        status = "timeout"
    elif kind in ("call", "unknown", "not_allowed", "arguments"):
        status = "rejected"
    return failed(message, key=key, status=status).but(data={"error": kind})


def name_of(one: Reply) -> str:
    """The tool that a reply names: an entry of the catalogue, or a bare name of an input."""
    return str(one.data().get("name") or one.text or one.key)


@pure
def read_call(act: Replies, tools: Replies, tool_field: str = "tool", args_field: str = "args") -> Reply:
    """The call that a model's last reply asks for, checked against the catalogue `tools`; always an ok reply.

    Fields: valid, tool, arguments, writes, undo, message (what is wrong), error (its kind), digest (of tool and
    arguments: equal calls have equal digests). It is read from the fields, or from JSON in the text.
    """
    said = ok_of(act)[-1:]
    if not said:
        return _invalid("call", "there is no call to read")
    fields = said[0].data() or _from_text(said[0].text)
    name, arguments = fields.get(tool_field), fields.get(args_field, fields.get("arguments", {}))
    if not isinstance(name, str) or not name.strip():
        return _invalid("call", f"no tool is named: give one of {_listed(tools)} as '{tool_field}'")
    return checked(name.strip(), arguments, tools)


def checked(name: str, arguments: object, tools: Replies) -> Reply:
    """A call by name and arguments (an object, or its JSON text), checked against the catalogue."""
    entry = next((r for r in ok_of(tools) if name_of(r) == name), None)
    if entry is None:
        near = get_close_matches(name, [name_of(r) for r in ok_of(tools)], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"the tools are {_listed(tools)}"
        return _invalid("unknown", f"there is no tool '{name}': {hint}", name)
    if isinstance(arguments, str):
        arguments = _from_text(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        return _invalid("arguments", f"the arguments of {name} are no JSON object", name)
    if not _storable(arguments):
        return _invalid("arguments", f"the arguments of {name} hold NaN, infinity or half a character", name)
    if wrong := misfit(arguments, entry.data().get("arguments") or {}):
        return _invalid("arguments", f"the arguments of {name} do not fit: {wrong}", name, arguments)
    data = entry.data()
    return _read(name, arguments, True, {"writes": bool(data.get("writes")), "undo": str(data.get("undo") or "")})


def misfit(arguments: dict[str, Any], schema: dict[str, Any]) -> str:
    """Where arguments do not fit a tool's schema, in one line; empty where they do."""
    try:
        problem = next(iter(validator(schema).iter_errors(arguments)), None)
    except Exception as error:  # a schema that a tool server made up may be anything
        return f"the tool's own schema is wrong: {type(error).__name__}"
    return "" if problem is None else f"{problem.json_path}: {' '.join(problem.message.split())[:200]}"


@pure
def valid_call(call: Replies) -> bool:
    """Whether what `read_call` gave may be run."""
    return bool(call) and bool(call[-1].data().get("valid"))


@pure
def same_calls(calls: Replies, times: int = 3) -> bool:
    """Whether the last so many calls, as `read_call` gave them, are one and the same."""
    last = [r.data().get("digest") for r in calls[-times:]]
    return len(last) == times and len(set(last)) == 1


@pure
def observation(result: Replies, most: int = 4000) -> Reply:
    """What a tool gave as an ok reply that a model may read: its text, or its error, cut at `most` characters."""
    parts = [r.text or r.fields if r.ok else f"ERROR: {r.cause or r.status}" for r in result]
    text = "\n".join(parts) or "(nothing)"
    errors = [r.data().get("error") for r in result if not r.ok]
    data = {"ok": not errors, "error": str(errors[0] or "failed") if errors else ""}
    return reply(cut(text, most), key=result[0].key if result else "", data=data)


@pure
def found(result: Replies, field: str = "results", each: int = 0) -> Replies:
    """What tools listed under a field (web: results, documents: passages), a reply an item, each item once.

    Key is its id, else its url, else its number; text its text, else its title; fields the item itself. Of each reply
    the first `each` are taken (0: all). What is no object with a text is left out.
    """
    items: dict[str, Reply] = {}
    for one in ok_of(result):
        listed = one.data().get(field)
        for item in (listed if isinstance(listed, list) else [])[: each or None]:
            if not isinstance(item, dict) or not (text := str(item.get("text") or item.get("title") or "")).strip():
                continue
            key = str(item.get("id") or item.get("url") or len(items) + 1)
            score = item.get("score")
            items.setdefault(key, reply(text, key=key, data=item, score=score if isinstance(score, float) else None))
    return list(items.values())


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, which says where it was cut."""
    return text if len(text) <= most else f"{text[:most]}\n[cut: {len(text) - most:,} more characters]"


def call_digest(name: str, arguments: object) -> str:
    """The digest of a call: the same for the same tool and arguments, in whatever order they stand."""
    return sha256(canonical([name, arguments]).encode()).hexdigest()


def _read(name: str, arguments: object, valid: bool, more: dict[str, Any]) -> Reply:
    data: dict[str, Any] = {
        "valid": valid,
        "tool": name,
        "arguments": arguments,
        "digest": call_digest(name, arguments),
    }
    data |= {"writes": False, "undo": "", "message": "", "error": ""} | more
    return reply(data["message"] or f"{name}({canonical(arguments)})", key=name, data=data)


def _invalid(kind: ToolError, message: str, name: str = "", arguments: object = None) -> Reply:
    return _read(name, arguments or {}, False, {"message": message, "error": kind})


def _storable(arguments: object) -> bool:
    """Whether they have a canonical text in UTF-8: a reply and its record are no other."""
    try:
        return bool(canonical(arguments).encode())
    except (ValueError, RecursionError):
        return False


def _listed(tools: Sequence[Reply]) -> str:
    return ", ".join(name_of(r) for r in ok_of(tools)) or "none"


def _from_text(text: str) -> dict[str, Any]:
    """The first JSON object in a text, empty where there is none."""
    try:
        found = json.loads(parse_json(text, OBJECT))
    except (Unparsable, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


OBJECT = '{"type": "object"}'
