"""Extracted fields with their quotes: checked by schema, rules and document, repaired, and settled in the end."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from tasks.algorithms.quotes import occurs
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, ok_of, reply

Found = dict[str, dict[str, Any]]
"""By field: value and quote; the value of one that is not there is None."""
ABSENT: dict[str, Any] = {"value": None, "quote": ""}
LOST: dict[str, Any] = {**ABSENT, "lost": True}
"""What a call that failed did not even say to be absent."""


@pure
def wanted_fields(fields: Replies, rules: Replies) -> Replies:
    """The fields to extract, each with its definition. Fails the run, before anything is paid, for two of one name, a
    schema that is none, or a rule on a field that is not among them.
    """
    import jsonschema

    names = [f.key for f in fields]
    if len(set(names)) < len(names) or not names:
        raise Refuse("no field is to be extracted" if not names else "two fields have the same name")
    for one in fields:
        try:
            jsonschema.Draft202012Validator.check_schema(_schema(one))
        except jsonschema.SchemaError as error:
            raise Refuse(f"field '{one.key}': its JSON schema is wrong: {error.message}") from error
    for rule in (r.data() for r in rules):
        if unknown := [n for n in (rule["left"], rule["right"]) if n not in names]:
            raise Refuse(f"the rule '{rule['says']}' is on {', '.join(unknown)}, which is no field")
    return [reply(_definition(f), key=f.key, data={"field": f.key, **_defined(f)}) for f in fields]


def _defined(field: Reply) -> dict[str, Any]:
    return {
        "about": field.data().get("about", ""),
        "required": bool(field.data().get("required")),
        "schema": _schema(field),
    }


def _schema(field: Reply) -> Any:
    return field.data().get("schema", {"type": "string", "minLength": 1})


def _definition(field: Reply) -> str:
    about = field.data().get("about") or field.key
    return f"{field.key}: {about}; value by the JSON schema {canonical(_schema(field))}"


@pure
def extracted_record(wanted: Replies, extracted: Replies) -> Reply:
    """What was extracted, one entry a wanted field; the first of several for one field counts."""
    unsaid = ABSENT if ok_of(extracted) else LOST
    return _record({w.key: unsaid for w in wanted} | _given(extracted, {w.key for w in wanted}))


@pure
def repaired_record(record: Replies, errors: Replies, repaired: Replies) -> Reply:
    """The record with the repaired fields: those that failed alone, whatever else the reply holds."""
    before = _found(record)
    if ok_of(repaired):
        before = {name: ABSENT if entry.get("lost") else entry for name, entry in before.items()}
    return _record({**before, **_given(repaired, {e.key for e in errors})})


def _given(said: Replies, names: set[str]) -> Found:
    found: Found = {}
    for entry in (f for s in ok_of(said) for f in s.data()["fields"]):
        if entry["name"] in names:
            found.setdefault(entry["name"], {"value": entry["value"], "quote": entry["quote"]})
    return found


def _record(found: Found) -> Reply:
    return reply(canonical(found), key="record", data={"fields": found})


def _found(record: Replies) -> Found:
    return cast(Found, record[0].data()["fields"])


@pure
def record_errors(wanted: Replies, rules: Replies, record: Replies, document: Replies) -> Replies:
    """An error for each field that its schema, a rule or the document does not bear out; message names every reason."""
    return _errors(wanted, rules, _found(record), document[0].text)


def _errors(wanted: Replies, rules: Replies, found: Found, document: str) -> Replies:
    messages = {w.key: _own_errors(w, found[w.key], document) for w in wanted}
    for rule in (r.data() for r in rules):
        sides = [found[n]["value"] for n in (rule["left"], rule["right"])]
        if None not in sides and not _holds(rule["order"], *sides):
            for name in dict.fromkeys((rule["left"], rule["right"])):
                messages[name].append(f"the rule is broken: {rule['says']}")
    return [
        reply("; ".join(messages[w.key]), key=w.key, data={"field": w.key, "message": _with_definition(w, messages)})
        for w in wanted
        if messages[w.key]
    ]


def _with_definition(wanted: Reply, messages: Mapping[str, list[str]]) -> str:
    return f"{'; '.join(messages[wanted.key])}. Wanted: {wanted.text}"


def _own_errors(wanted: Reply, entry: Mapping[str, Any], document: str) -> list[str]:
    if entry.get("lost"):
        return ["the extraction failed"]
    if entry["value"] is None:
        return ["it is required and was not found"] if wanted.data()["required"] else []
    wrong = _misfit(entry["value"], wanted.data()["schema"])
    quoted = occurs(entry["quote"], document)
    return [*([f"the value {wrong}"] if wrong else []), *([] if quoted else ["the quote is not in the document"])]


def _misfit(value: object, schema: Any) -> str:
    import jsonschema

    error = next(iter(jsonschema.Draft202012Validator(schema, format_checker=_formats()).iter_errors(value)), None)
    return "does not fit: " + " ".join(error.message.split())[:200] if error else ""


@cache
def _formats() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator.FORMAT_CHECKER


def _holds(order: str, left: Any, right: Any) -> bool:
    if order in ("equal", "different"):
        return bool(left == right) is (order == "equal")
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    return bool({"less": left < right, "at_most": left <= right, "at_least": left >= right}.get(order, left > right))


@pure
def repair_entry(record: Replies, errors: Replies, after: Replies, repaired: Replies, turn: int) -> Reply:
    """What one repair did: the errors that it was shown, and the values before and after."""
    before, now = _found(record), _found(after)
    changes = [
        {"field": e.key, "message": e.text, "before": before[e.key]["value"], "after": now[e.key]["value"]}
        for e in errors
    ]
    return reply(key=f"repair {turn}", data={"turn": turn, "changes": changes, "lost": causes(repaired)})


@pure
def settled_record(
    wanted: Replies,
    rules: Replies,
    record: Replies,
    errors: Replies,
    document: Replies,
    extracted: Replies,
    repairs: Replies,
) -> Slots:
    """`record` without the optional fields that still fail, `dropped` with the reasons, and `open`: the required fields
    that fail even so, each for a person. Fails the run where no call gave anything.
    """
    if not ok_of(extracted) and all(r.data()["lost"] for r in repairs):
        raise Refuse(f"nothing could be extracted: {'; '.join(causes(extracted))}")
    optional = {w.key for w in wanted if not w.data()["required"]}
    dropped = [e for e in errors if e.key in optional]
    found = {**_found(record), **{e.key: ABSENT for e in dropped}}
    # A rule that a dropped field broke says nothing against the other field any more.
    left = [e for e in _errors(wanted, rules, found, document[0].text) if e.key not in optional]
    shown = [e.but(text=f"{e.data()['message']}\nLast extracted: {canonical(found[e.key]['value'])}") for e in left]
    return {"record": [_record(found)], "dropped": dropped, "open": shown}


@pure
def final_record(wanted: Replies, record: Replies, dropped: Replies, filled: Replies, repairs: Replies) -> Reply:
    """The record as JSON with a quote a field and the history of repairs. A required field that a person marked absent
    leaves it incomplete; an optional one that was dropped, degraded.
    """
    found, reasons = _found(record), {d.key: d.text for d in dropped}
    people = {f.key: f.data() for f in ok_of(filled)}
    changed = {c["field"] for r in repairs for c in r.data()["changes"]}
    fields = {w.key: _field(w, found[w.key], reasons, people, w.key in changed) for w in wanted}
    history = [{"turn": r.data()["turn"], "changes": r.data()["changes"]} for r in repairs]
    lost = [cause for r in repairs for cause in r.data()["lost"]]
    absent = [w.key for w in wanted if fields[w.key]["status"] == "marked absent"]
    data = {"fields": fields, "repairs": history, "absent": absent, "dropped": sorted(reasons), "lost": lost}
    outcome: Outcome = "incomplete" if absent else "degraded" if reasons or lost else "answered"
    text = json.dumps({"fields": fields, "repairs": history}, indent=2, ensure_ascii=False)
    return reply(text, key="answer", data=data, outcome=outcome)


def _field(
    wanted: Reply, entry: dict[str, Any], reasons: Mapping[str, str], people: Mapping[str, Any], repaired: bool
) -> dict[str, Any]:
    if wanted.key in people:
        return _by_person(wanted, people[wanted.key])
    if wanted.key in reasons:
        return {**ABSENT, "status": "dropped", "reason": reasons[wanted.key]}
    if entry["value"] is None:
        return {**ABSENT, "status": "not in the document"}
    return {**entry, "status": "repaired" if repaired else "extracted"}


def _by_person(wanted: Reply, said: Mapping[str, Any]) -> dict[str, Any]:
    if said["choice"] != "fill":
        return {**ABSENT, "status": "marked absent", "by": said.get("by", "")}
    value, wrong = typed_value(str(said.get("text", "")), wanted.data()["schema"])
    entry = {"value": value, "quote": "", "status": "filled by a person", "by": said.get("by", "")}
    return {**entry, "note": f"it {wrong}"} if wrong else entry


def typed_value(text: str, schema: Any) -> tuple[Any, str]:
    """What a person typed as a value of the schema: as text, else as JSON; and what does not fit where neither does."""
    wrong = _misfit(text, schema)
    if not wrong:
        return text, ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text, wrong
    return (text, wrong) if _misfit(value, schema) else (value, "")
