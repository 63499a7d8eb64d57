"""Every pattern as a Flyte workflow: `pyflyte run workflows/catalogue.py <pattern_id> --prompt ...`.

Each is an attribute of this module, compiled when it is first asked for: importing it compiles nothing, nor imports
what compiles. `pyflyte run workflows/catalogue.py --help` lists them.
"""

from typing import TYPE_CHECKING, NoReturn

from tasks.functions import find_pattern, pattern_files
from utils.errors import BadInput

if TYPE_CHECKING:
    from flytekit.core.workflow import PythonFunctionWorkflow


def __getattr__(name: str) -> "PythonFunctionWorkflow":
    if name.startswith("_"):
        raise AttributeError(name)
    from workflows.compiler import compile_graph
    from workflows.frame import framed
    from workflows.local import exit_with, under_pyflyte

    try:
        find_pattern(name)
    except BadInput as error:
        if under_pyflyte():
            exit_with(error)
        raise AttributeError(error.message) from error
    compiled = compile_graph(framed(name), name, __name__)
    globals()[name] = compiled
    return compiled


def __dir__() -> list[str]:
    if _is_listed_by_pyflyte():
        _list_and_exit()
    return sorted(pattern_files())


def _is_listed_by_pyflyte() -> bool:
    """Whether `pyflyte run` asks what this file holds. It reads `__dict__` alone: all would have to be compiled."""
    import click

    context = click.get_current_context(silent=True)
    if context is None or context.find_root().info_name != "pyflyte":
        return False
    from flytekit.clis.sdk_in_container.run import WorkflowCommand

    return isinstance(context.command, WorkflowCommand)


def _list_and_exit() -> NoReturn:
    import click

    from tasks.registry import catalogue

    named = {name: catalogue()[name].name if name in catalogue() else "" for name in sorted(pattern_files())}
    click.echo("Usage: pyflyte run workflows/catalogue.py PATTERN --prompt TEXT [OPTIONS]\n\nPatterns:")
    for name, title in named.items():
        click.echo(f"  {name:<{max(map(len, named))}}  {title}".rstrip())
    click.echo("\nTheir inputs: ... PATTERN --help. What they do: radiant patterns show PATTERN")
    raise click.exceptions.Exit(0)
