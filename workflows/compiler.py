"""The compiler: a GraphSpec becomes a Flyte workflow, and is walked in this process when it is called locally."""

import warnings
from inspect import Parameter, Signature
from typing import Any, NamedTuple, Optional

from flytekit import workflow
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.promise import Promise
from flytekit.core.type_engine import TypeEngine
from flytekit.core.workflow import PythonFunctionWorkflow
from flytekit.types.error import FlyteError

from tasks import nodes
from tasks.opening import Asked
from tasks.reply import canonical
from tasks.result import Result
from tasks.result import Signal as LearningSignal
from tasks.spec import GraphSpec, Input
from tasks.views import Scope
from tasks.walk import walk
from workflows.asking import body
from workflows.flyte_host import FlyteHost
from workflows.local import run_here


class Outputs(NamedTuple):
    result: Result
    signals: list[LearningSignal]


# flytekit 1.16 declares `--name` twice for a flag with an underscore in its name, of which click 8.2 warns.
warnings.filterwarnings("ignore", message=r"The parameter --\w+ is used more than once")
TYPES: dict[str, type] = {"integer": int, "number": float, "flag": bool}
"""Python type of an input by its type in the specification; str for all others."""

COMMON = (
    Parameter("domain", Parameter.KEYWORD_ONLY, default="general", annotation=str),
    Parameter("models", Parameter.KEYWORD_ONLY, default="", annotation=str),
    Parameter("max_cost_usd", Parameter.KEYWORD_ONLY, default=0.0, annotation=float),
    Parameter("run_id", Parameter.KEYWORD_ONLY, default="", annotation=str),
    Parameter("tenant_id", Parameter.KEYWORD_ONLY, default="", annotation=str),
    Parameter("user_id", Parameter.KEYWORD_ONLY, default="", annotation=str),
    Parameter("grain", Parameter.KEYWORD_ONLY, default="auto", annotation=str),
)
COMMON_HELP = {
    "domain": "general, medical, financial or legal.",
    "models": "Model names, separated by commas, or a tier: free, budget, standard, premium, flagship.",
    "max_cost_usd": "What this run may cost at most, in USD; 0 means the default cap.",
    "run_id": "Resumes that run, or names a new one; empty means a new one.",
    "tenant_id": "The tenant, a UUID; empty means the one of the settings.",
    "user_id": "The user, a UUID; empty means the one of the settings.",
    "grain": "On a cluster: auto walks a body inside one node; node gives its blocks nodes of their own, to watch.",
}


def compile_graph(spec: GraphSpec, name: str, module: str) -> PythonFunctionWorkflow:
    """The Flyte workflow `module.name` of a framed graph. Called locally it runs in this process."""

    def graph(**given: Any) -> Any:
        context = FlyteContextManager.current_context()
        if context.compilation_state is not None:
            return _as_nodes(spec, given)
        natives = {n: _native(value, graph.__annotations__[n]) for n, value in given.items()}
        return run_here(spec, *_split(natives))

    parameters = [_parameter(i) for i in spec.inputs if i.type != "models"] + list(COMMON)
    required_first = sorted(parameters, key=lambda p: p.default is not Parameter.empty)
    graph.__name__ = graph.__qualname__ = name
    graph.__module__ = module
    graph.__doc__ = _doc(spec)
    graph.__signature__ = Signature(required_first, return_annotation=Outputs)  # type: ignore[attr-defined]
    graph.__annotations__ = {**{p.name: p.annotation for p in required_first}, "return": Outputs}
    failed = _on_failure(name, module, required_first)
    compiled: PythonFunctionWorkflow = workflow(graph, on_failure=failed)  # type: ignore[assignment]
    return compiled


def _on_failure(name: str, module: str, parameters: list[Parameter]) -> PythonFunctionWorkflow:
    """What Flyte runs when an execution failed. It must take what the workflow takes, and may take the error."""

    def failed(**given: Any) -> None:
        if FlyteContextManager.current_context().compilation_state is None:
            return  # in this process the run has said so itself
        nodes.make_node(
            nodes.record_failure, "record", run_id=given["run_id"], tenant_id=given["tenant_id"], err=given["err"]
        )

    err = Parameter("err", Parameter.KEYWORD_ONLY, default=None, annotation=Optional[FlyteError])  # noqa: UP045
    failed.__name__ = failed.__qualname__ = f"{name}_failed"
    failed.__module__ = module
    failed.__signature__ = Signature([*parameters, err], return_annotation=None)  # type: ignore[attr-defined]
    failed.__annotations__ = {**{p.name: p.annotation for p in (*parameters, err)}, "return": None}
    compiled: PythonFunctionWorkflow = workflow(failed)  # type: ignore[assignment]
    return compiled


def _as_nodes(spec: GraphSpec, given: dict[str, Any]) -> Outputs:
    own, asked = _split_promises(given)
    by_type: dict[str, dict[str, Any]] = {"texts": {}, "integers": {}, "numbers": {}, "flags": {}}
    for one in (i for i in spec.inputs if i.type != "models"):
        kind = {"integer": "integers", "number": "numbers", "flag": "flags"}.get(one.type, "texts")
        by_type[kind][one.name] = own[one.name]
    run, inputs = nodes.make_node(nodes.open_run, "open", spec=spec.to_json(), **by_type, **asked)
    scope: Scope[Any] = Scope({f"{i.name}.out": inputs[i.name] for i in spec.inputs})
    made = walk(spec, scope, "", FlyteHost(run, body))
    return Outputs(*nodes.make_node(nodes.outputs, "outputs", run=run, made=made))


def _split_promises(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    common = {p.name for p in COMMON}
    return {n: v for n, v in given.items() if n not in common}, {n: v for n, v in given.items() if n in common}


def _split(natives: dict[str, Any]) -> tuple[dict[str, Any], Asked]:
    own, common = _split_promises(natives)
    return own, Asked(**common)


def _native(value: Any, wanted: type) -> Any:
    """A local execution hands over promises that hold literals."""
    if not isinstance(value, Promise):
        return value
    return TypeEngine.to_python_value(FlyteContextManager.current_context(), value.val, wanted)


def _parameter(given: Input) -> Parameter:
    kind = TYPES.get(given.type, str)
    if given.default is None:
        return Parameter(given.name, Parameter.KEYWORD_ONLY, annotation=kind)
    default = given.default if given.type in (*TYPES, "text") else canonical(given.default)
    return Parameter(given.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _doc(spec: GraphSpec) -> str:
    """A docstring from which pyflyte takes the help of each input."""
    helps = {i.name: i.help for i in spec.inputs if i.type != "models"} | COMMON_HELP
    lines = "\n".join(f"    {name}: {text}" for name, text in helps.items())
    return f"{spec.description}\n\nArgs:\n{lines}\n"
