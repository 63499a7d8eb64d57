"""JSON out of a model's reply, checked against the schema that was asked for."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from utils.errors import Unparsable
from utils.schemas import validator


def parse_json(text: str, schema: str) -> str:
    """The JSON of a reply (canonical text), out of code fences or prose around it. Raises Unparsable."""
    checker = _validator(schema)
    wrong = "the reply has no JSON in it"
    for candidate in _json_values(text):
        problem = next(iter(checker.iter_errors(candidate)), None)
        if problem is None:
            return json.dumps(candidate, ensure_ascii=False, sort_keys=True)
        wrong = f"the reply's JSON does not fit at {problem.json_path}: {' '.join(problem.message.split())[:200]}"
    raise Unparsable(wrong)


def first_object(text: str) -> dict[str, Any] | None:
    """The first JSON object of a reply with its keys in their order, which `parse_json` does not keep; None without."""
    try:
        return next((value for value in _json_values(text) if isinstance(value, dict)), None)
    except RecursionError:
        return None


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    return validator(json.loads(schema))


def _json_values(text: str) -> Iterator[Any]:
    """The whole reply, what its fences hold, then each object or array in its prose."""
    decoder = json.JSONDecoder()
    for candidate in (text, *FENCED.findall(text)):
        try:
            yield decoder.decode(candidate.strip())
        except ValueError:
            continue
    position = 0
    while found := OPENING.search(text, position):
        try:
            value, position = decoder.raw_decode(text, found.start())
        except ValueError:
            position = found.start() + 1
        else:
            yield value


FENCED = re.compile(r"```(?:[\w-]+)?\s*\n(.*?)```", re.DOTALL)
OPENING = re.compile(r"[{\[]")
