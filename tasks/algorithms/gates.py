"""Gates without a model: whether the output of a step keeps its rules, and what a chain of gated steps came to."""

import json
import re
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, canonical, ok_of, reply
from utils.errors import Unparsable
from utils.json_replies import parse_json
from utils.schemas import SECONDS, matches, regex_problem

LEAST, MOST = 2, 6


@pure
def chain_steps(steps: Replies, prompt: Replies) -> Replies:
    """The steps of a chain in order: text is the template, with the names of fields in brackets, `fields` those fields.

    A prompt has the field `prompt`, and those of its JSON object or of its lines `name: value`. Fails the run, before
    anything is paid, for a wrong number of steps, two of one name, a field that the prompt lacks or a rule that cannot
    be read.
    """
    if not LEAST <= len(steps) <= MOST:
        raise Refuse(f"{len(steps)} steps: {LEAST} to {MOST} are needed, each with id, prompt and rules")
    if len({s.key for s in steps}) < len(steps):
        raise Refuse("two steps have the same id")
    known = prompt_fields(prompt[0].text)
    return [_step(s, known) for s in steps]


def prompt_fields(prompt: str) -> dict[str, str]:
    """The fields that templates may name."""
    try:
        given = json.loads(prompt)
    except (ValueError, RecursionError):
        given = None
    found = given.items() if isinstance(given, dict) else LINE.findall(prompt)
    texts = {n: v if isinstance(v, str) else canonical(v) for n, v in found}
    return {**{n.strip().lower().replace(" ", "_"): v.strip() for n, v in texts.items()}, "prompt": prompt}


def _step(step: Reply, known: dict[str, str]) -> Reply:
    named = list(dict.fromkeys(NAMED.findall(step.text)))
    if missing := [n for n in named if n not in known]:
        raise Refuse(
            f"step '{step.key}' names {', '.join(missing)}, which the prompt lacks; it has {', '.join(sorted(known))}"
        )
    rules = step.data().get("rules", {})
    _check_rules(step.key, rules)
    return reply(
        NAMED.sub(r"[\1]", step.text), key=step.key, data={"rules": rules, "fields": {n: known[n] for n in named}}
    )


def _check_rules(name: str, rules: dict[str, Any]) -> None:
    import jsonschema

    if wrong := regex_problem(rules.get("regex", "")):
        raise Refuse(f"step '{name}': its regex is wrong: {wrong}")
    try:
        jsonschema.Draft202012Validator.check_schema(rules.get("json_schema", {}))
    except jsonschema.SchemaError as error:
        raise Refuse(f"step '{name}': its JSON schema is wrong: {error.message}") from error


@pure
def gate(step: Replies, made: Replies) -> Reply:
    """What a step made, with `passed` and the `message` of each rule that it breaks."""
    one = made[-1]
    if not one.ok:
        return one.but(status="success", text="", data={"passed": False, "message": f"no output: {one.cause}"})
    broken = broken_rules(one.text, step[0].data()["rules"])
    return one.but(data={"passed": not broken, "message": "; ".join(broken)})


def broken_rules(text: str, rules: dict[str, Any]) -> list[str]:
    """What is wrong with a text, a line a rule."""
    found = [_length(text, rules.get("least_characters", 1), rules.get("most_characters"))]
    if (schema := rules.get("json_schema")) is not None:
        try:
            parse_json(text, canonical(schema))
        except Unparsable as error:
            found.append(error.message)
    found.append(_unmatched(text, rules.get("regex", "")))
    found += [f"the term '{t}' is required and missing" for t in rules.get("required", []) if not _has(text, t)]
    found += [f"the term '{t}' is forbidden" for t in rules.get("forbidden", []) if _has(text, t)]
    return [f for f in found if f]


def _unmatched(text: str, expression: str) -> str:
    try:
        return "" if matches(expression, text) else f"nothing matches the regular expression {expression}"
    except TimeoutError:
        return f"the regular expression {expression} was not matched within {SECONDS:g} s"


def _length(text: str, least: int, most: int | None) -> str:
    size = len(text.strip())
    if size < least:
        return f"it has {size} characters, at least {least} are needed"
    return f"it has {size} characters, at most {most} are allowed" if most is not None and size > most else ""


def _has(text: str, term: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(term.strip())}(?!\w)", text, re.IGNORECASE) is not None


@pure
def passed(attempts: Replies) -> bool:
    """Whether the last attempt passed its gate."""
    return bool(attempts) and attempts[-1].data()["passed"] is True


@pure
def step_output(step: Replies, attempts: Replies) -> Reply:
    """What a step gives: its last attempt, and how many there were."""
    last = attempts[-1]
    return last.but(key=step[0].key, data={**last.data(), "attempts": len(attempts)})


@pure
def chain_stopped(outputs: Replies) -> bool:
    """Whether the last step failed its gate for good; the prompt, which comes first, has passed none."""
    return outputs[-1].data().get("passed") is False


@pure
def chain_output(outputs: Replies, steps: Replies) -> Reply:
    """The last output; after a stop what there is, with the step that failed and its gate's message first."""
    made = outputs[1:]
    table = [{"step": o.key, "text": o.text, **o.data()} for o in made]
    data = {"steps": table, "failed_step": "", "message": "", "planned": [s.key for s in ok_of(steps)]}
    if not chain_stopped(outputs):
        return reply(made[-1].text, key="answer", data=data, model=made[-1].model)
    last = made[-1]
    data |= {"failed_step": last.key, "message": last.data()["message"]}
    lines = [f"Stopped at step '{last.key}': {last.data()['message']}"]
    for one in made[:-1]:
        lines += ["", f"## {one.key}", one.text]
    lines += section("Not reached", [s.key for s in steps[len(made) :]])
    return reply("\n".join(lines), key="answer", data=data, model=last.model, outcome="incomplete")


NAMED = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
LINE = re.compile(r"^[ \t]*([A-Za-z][A-Za-z0-9_ ]{0,40}):[ \t]+(\S.*)$", re.MULTILINE)
