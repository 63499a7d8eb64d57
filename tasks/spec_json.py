"""The JSON in which a specification comes from outside."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from utils.errors import SpecError


def json_object(text: str) -> dict[str, Any]:
    """The object that a specification's JSON is; SpecError where it is none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SpecError(f"the specification is not JSON: {error}") from error
    except RecursionError as error:
        raise SpecError("the specification is nested too deep") from error
    if not isinstance(value, dict):
        raise SpecError("the specification is not a JSON object")
    return value


def back_to(kind: type[BaseModel]) -> Callable[[Any], Any]:
    """For values of which some are of that kind: one that has its fields is so again; all else stays as it is."""
    required = {name for name, field in kind.model_fields.items() if field.is_required()}

    def before(given: Any) -> Any:
        fits = isinstance(given, dict) and required <= given.keys() <= kind.model_fields.keys()
        return kind(**given) if fits else given

    return before
