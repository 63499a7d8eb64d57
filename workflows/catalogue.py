"""Every pattern as a Flyte workflow: `pyflyte run workflows/catalogue.py <pattern_id> --prompt ...`.

Each is an attribute of this module, compiled when it is first asked for.
"""

from flytekit.core.workflow import PythonFunctionWorkflow

from tasks.functions import find_pattern, pattern_files
from utils.errors import BadInput
from workflows.compiler import compile_graph
from workflows.frame import framed
from workflows.local import exit_with, under_pyflyte


def __getattr__(name: str) -> PythonFunctionWorkflow:
    if name.startswith("_"):
        raise AttributeError(name)
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
    return sorted(pattern_files())
