"""Named roles (web, browser, sql, resolver) and further tools, each where RADIANT_TOOLS says that it is."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.reply import Reply, reply
from tasks.tool_calls import tool_error
from tasks.toolbox import Errand, NamedTool
from utils.errors import BadInput, CallFailed
from utils.settings import ToolSetting, settings

SQLITE = "sqlite:"


@dataclass(frozen=True)
class Role:
    """What a role does, whoever does it."""

    description: str
    arguments: Mapping[str, Any]
    of: str = ""
    """The role whose setting serves it as well."""


def role_tools() -> Iterator[NamedTool]:
    """Every role, configured or not, and every further tool of the settings."""
    placed = settings().tools
    for name, role in ROLES.items():
        yield _tool(name, role, placed.get(name) or placed.get(role.of))
    for name, setting in placed.items():
        if name not in ROLES:
            yield _tool(name, Role(setting.description, {"type": "object"}), setting)


def _tool(name: str, role: Role, setting: ToolSetting | None) -> NamedTool:
    if setting is None and name in SQL:
        return _sql(name, role, "")
    if setting is None:
        why = NOT_SET.format(name=name)
        return NamedTool(name, role.description, role.arguments, _nothing, lacks=lambda given: why)
    if setting.at.startswith(SQLITE):
        return _sql(name, role, setting.at.removeprefix(SQLITE))
    run = _server(name, setting) if "://" in setting.at else _made(name, setting)
    return NamedTool(
        name=name,
        description=setting.description or role.description or name,
        arguments=setting.arguments or role.arguments,
        run=run,
        writes=setting.writes,
        undo=setting.undo,
    )


def _nothing(errand: Errand) -> Reply:
    raise AssertionError("a tool that lacks something is not run")


def _sql(name: str, role: Role, file: str) -> NamedTool:
    """Read only, over the file of the settings, or over the SQL script that the run is given as `database`."""
    from tasks.sql import run_query, show_schema

    if name not in SQL:
        raise BadInput(f"RADIANT_TOOLS: '{name}' is no SQL tool: only sql can be at a sqlite: file")

    def run(errand: Errand) -> Reply:
        return (run_query if name == "sql" else show_schema)(errand, file)

    def lacks(given: frozenset[str]) -> str:
        return "" if file or "database" in given else NOT_SET.format(name="sql")

    return NamedTool(name, role.description, role.arguments, run, lacks=lacks)


def _server(name: str, setting: ToolSetting) -> Callable[[Errand], Reply]:
    def run(errand: Errand) -> Reply:
        from utils.tool_server import ask_server

        try:
            said = ask_server(name, errand.arguments, setting)
        except CallFailed as error:
            return tool_error("timeout" if error.status == "timeout" else "failed", error.message, key=name)
        return reply(said.text, key=name, data=said.data or None)

    return run


def _made(name: str, setting: ToolSetting) -> Callable[[Errand], Reply]:
    """A tool in Python: the factory gives a function from arguments to a text or to an object."""
    module, _, attribute = setting.at.rpartition(".")
    try:
        make = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"RADIANT_TOOLS.{name}: '{setting.at}' is neither a URL nor a factory: {error}") from error
    does = make()

    def run(errand: Errand) -> Reply:
        try:
            said = does(dict(errand.arguments))
        except TimeoutError:
            raise
        except Exception as error:  # whatever a foreign function raises is the tool's error, not the run's
            return tool_error("failed", f"{name} failed: {type(error).__name__}: {error}", key=name)
        return reply(said, key=name) if isinstance(said, str) else reply(key=name, data=said)

    return run


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


NOT_SET = (
    "the tool '{name}' is not configured: set RADIANT_TOOLS to JSON that says where it is, such as "
    '{{"{name}": "http://localhost:9000"}} (docs/tools.md)'
)
SQL = ("sql", "sql_schema")
TEXT = {"type": "string", "minLength": 1, "maxLength": 10_000}
ROLES = {
    "web": Role(
        "Searches the web. Gives results with title, url and text, best first.",
        _object("query", query=TEXT, k={"type": "integer", "minimum": 1, "maximum": 20, "default": 5}),
    ),
    "browser": Role("Opens a web page by its URL. Gives its title and text.", _object("url", url=TEXT)),
    "sql": Role(
        "Runs one read-only SELECT. Gives columns and rows.",
        _object("query", query=TEXT, limit={"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}),
    ),
    "sql_schema": Role("Shows the tables and columns of the database.", _object(), of="sql"),
    "resolver": Role(
        "Resolves a URL, DOI, arXiv id or document id to what it stands for: whether it exists, title, authors, url.",
        _object("id", id=TEXT),
    ),
}
