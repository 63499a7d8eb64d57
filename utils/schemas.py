"""JSON Schemas and regular expressions that others write: some expressions take for ever on some texts, so a search
ends after SECONDS.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

SECONDS = 1.0


def regex_problem(expression: str) -> str:
    """Why a regular expression is none; empty where it is one."""
    import regex

    try:
        regex.compile(expression)
    except regex.error as error:
        return str(error)
    return ""


def matches(expression: str, text: str) -> bool:
    """Whether a part of a text fits a regular expression. Raises TimeoutError where that takes over SECONDS."""
    import regex

    return regex.search(expression, text, timeout=SECONDS, concurrent=True) is not None


def validator(schema: Any) -> Any:
    """A jsonschema validator of the schema's own draft (2020-12 where it names none) with time-limited patterns."""
    import jsonschema

    return _limited(jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator))(schema)


@cache
def _limited(draft: Any) -> Any:
    import jsonschema

    extend: Any = jsonschema.validators.extend
    return extend(draft, {"pattern": _pattern})


def _pattern(validator: Any, expression: str, instance: Any, _: Any) -> Iterator[Any]:
    """The keyword `pattern`."""
    import jsonschema

    if not validator.is_type(instance, "string"):
        return
    try:
        if not matches(expression, instance):
            yield jsonschema.ValidationError(f"{instance!r} does not match {expression!r}")
    except TimeoutError:
        yield jsonschema.ValidationError(f"{expression!r} was not matched within {SECONDS:g} s")
