"""Pure functions that a specification may name by dotted path, and patterns that it may name by id.

Only what is marked `@pure`, in the packages below, can be named: a specification that comes from outside cannot
call anything else.
"""

import importlib
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from utils.errors import RunFailed, SpecError, unknown

if TYPE_CHECKING:
    from tasks.spec import GraphSpec

F = TypeVar("F", bound=Callable[..., Any])
PACKAGES = ("tasks.", "workflows.")
GIVEN = frozenset({"seed", "now", "turn", "key"})
"""What a function gets if it names it: an int from run and path, the run's start, the turn, the item's key."""


_being_built: ContextVar[tuple[str, ...]] = ContextVar("being_built", default=())


class Refuse(RunFailed):
    """Raised by a pure function to fail the run, with the reason."""


def pure(fn: F) -> F:
    """Marks a function that depends on its arguments alone, so that a replay decides alike."""
    fn.__pure__ = True  # type: ignore[attr-defined]
    return fn


@cache
def resolve(dotted: str) -> Callable[..., Any]:
    """The pure function of that dotted path; SpecError where there is none."""
    module, _, name = dotted.rpartition(".")
    if not module.startswith(PACKAGES):
        raise SpecError(f"unknown function '{dotted}': functions live in {' and '.join(PACKAGES)}")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise SpecError(f"unknown function '{dotted}': {error}") from error
    if not callable(found) or not getattr(found, "__pure__", False):
        raise SpecError(f"unknown function '{dotted}': {module} has no pure function '{name}'")
    return found  # type: ignore[no-any-return]


def accepts(dotted: str, names: set[str]) -> str:
    """Why a function cannot be called with these keyword arguments; empty where it can."""
    parameters = inspect.signature(resolve(dotted)).parameters
    required = {n for n, p in parameters.items() if p.default is p.empty} - GIVEN
    if missing := required - names:
        return f"function '{dotted}' also needs {', '.join(sorted(missing))}"
    if extra := names - set(parameters):
        return f"function '{dotted}' takes no {', '.join(sorted(extra))}"
    return ""


def invoke(dotted: str, given: dict[str, Any], context: dict[str, Any]) -> Any:
    """Calls a pure function with its views and args, and with what it names of `seed`, `now`, `turn` and `key`."""
    fn = resolve(dotted)
    wanted = inspect.signature(fn).parameters
    return fn(**given, **{n: v for n, v in context.items() if n in wanted and n not in given})


@cache
def pattern_files() -> dict[str, Path]:
    """Every pattern by id: `workflows/patterns/<category>/<id>.py`, and the one beside the main job."""
    root = Path(importlib.import_module("workflows").__path__[0])
    found = {p.stem: p for p in sorted(root.glob("patterns/*/*.py")) if p.stem != "__init__"}
    return found | {"think_tank_swarm": root / "think_tank_swarm.py"}


@cache
def find_pattern(pattern_id: str) -> "GraphSpec":
    """The pattern of that id, built by its file's `build()`; BadInput with the nearest names where there is none.

    SpecError for one that uses itself: recursion needs a builder with a literal depth.
    """
    being_built = _being_built.get()
    if pattern_id in being_built:
        raise SpecError(f"pattern '{pattern_id}' uses itself, by way of {' -> '.join(being_built)}")
    token = _being_built.set((*being_built, pattern_id))
    try:
        return _build(pattern_id)
    finally:
        _being_built.reset(token)


def pattern_module(pattern_id: str) -> ModuleType:
    """The file of a pattern, imported; BadInput with the nearest names where there is none."""
    files = pattern_files()
    if pattern_id not in files:
        raise unknown("pattern", pattern_id, files)
    root = Path(importlib.import_module("workflows").__path__[0]).parent
    return importlib.import_module(".".join(files[pattern_id].relative_to(root).with_suffix("").parts))


def _build(pattern_id: str) -> "GraphSpec":
    built: GraphSpec = pattern_module(pattern_id).build()
    if built.id != pattern_id:
        raise SpecError(f"pattern '{pattern_id}': its file builds '{built.id}'")
    return built
