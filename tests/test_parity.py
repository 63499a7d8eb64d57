"""One specification, two hosts: what is compiled for a cluster is what is walked in this process."""

from collections import OrderedDict
from collections.abc import Iterator

import pytest
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.workflow import PythonFunctionWorkflow
from flytekit.models.admin.workflow import WorkflowSpec
from flytekit.models.core.workflow import Node, WorkflowTemplate
from flytekit.tools.translator import get_serializable

from tasks.functions import find_pattern, pattern_files
from tasks.refs import block_of
from tasks.run import Run
from tasks.spec import OUT, AnyBlock, Fan, Graph, GraphSpec, Step, Use, block_to_json
from tasks.trace import traces
from tasks.walk import dependencies
from utils.errors import Waiting
from utils.runs import list_runs
from utils.settings import settings
from workflows import catalogue
from workflows import think_tank as main_job
from workflows.compiler import compile_graph
from workflows.flyte_host import node_id
from workflows.frame import framed, framed_at_run_time

MAIN = "think_tank"
GRAPHS = [*sorted(pattern_files()), MAIN]
ENDS = {"open", "outputs"}


def spec_of(name: str) -> GraphSpec:
    if name != MAIN:
        return framed(name)
    inputs = (main_job.PATTERN, main_job.MODELS, main_job.AGENTS)
    return framed_at_run_time(MAIN, "Think Tank", "Under test.", inputs)


def workflow_of(name: str) -> PythonFunctionWorkflow:
    module = main_job if name == MAIN else catalogue
    found = getattr(module, name)
    assert isinstance(found, PythonFunctionWorkflow)
    return found


def serialised(workflow: PythonFunctionWorkflow) -> WorkflowTemplate:
    """The workflow as it is registered."""
    images = ImageConfig(default_image=Image(name="radiant", fqn="radiant", tag="1"))
    where = SerializationSettings(image_config=images, project="p", domain="d", version="1")
    made = get_serializable(OrderedDict(), where, workflow)
    assert isinstance(made, WorkflowSpec)
    assert isinstance(made.template, WorkflowTemplate)
    return made.template


def literal(node: Node, name: str) -> str:
    (binding,) = [b.binding for b in node.inputs if b.var == name]
    return str(binding.scalar.primitive.string_value)


def in_place(block: AnyBlock) -> bool:
    """Whether a block is a pattern that is walked in place, its own blocks being nodes."""
    return isinstance(block, Use) and isinstance(block.pattern, str) and block.unless is None


def leaves(graph: Graph, prefix: str = "") -> Iterator[tuple[str, AnyBlock]]:
    """Every block that is a node, by its path."""
    for block in graph.blocks:
        path = f"{prefix}{block.id}"
        if in_place(block):
            assert isinstance(block, Use)
            yield from leaves(find_pattern(str(block.pattern)), f"{path}/")
        else:
            yield path, block


def check_edges(graph: Graph, upstream: dict[str, set[str]], prefix: str = "") -> None:
    """Between the blocks of each graph nodes wait for the very blocks that the plain host waits for."""
    nodes = {
        b.id: {p for p, _ in leaves(graph, prefix) if p == f"{prefix}{b.id}" or p.startswith(f"{prefix}{b.id}/")}
        for b in graph.blocks
    }
    waits_for = dependencies(graph)
    for block in graph.blocks:
        waited = set().union(*(upstream[n] for n in nodes[block.id]))
        found = {other for other in nodes if other != block.id and nodes[other] & waited}
        if in_place(block):  # may take lessons that none of its calls wants
            assert found <= waits_for[block.id], block.id
            assert isinstance(block, Use)
            check_edges(find_pattern(str(block.pattern)), upstream, f"{prefix}{block.id}/")
        else:
            assert found == waits_for[block.id], block.id


@pytest.mark.parametrize("name", GRAPHS)
def test_nodes_edges_and_outputs_are_those_of_the_specification(name: str) -> None:
    spec, made = spec_of(name), serialised(workflow_of(name))
    blocks = dict(leaves(spec))
    nodes = {n.id: n for n in made.nodes}
    assert set(nodes) == {node_id(p) for p in blocks} | ENDS
    path_of = {node_id(p): p for p in blocks}
    for path, block in blocks.items():
        node = nodes[node_id(path)]
        assert (literal(node, "path"), literal(node, "block")) == (path, block_to_json(block))
        entity = "tasks.nodes.node" if isinstance(block, Step | Fan) else "workflows.asking.body"
        assert node.task_node.reference_id.name == entity
    check_edges(spec, {p: {path_of[u] for u in nodes[n].upstream_node_ids if u in path_of} for n, p in path_of.items()})
    (binding,) = [b.binding for b in nodes["outputs"].inputs if b.var == "made"]
    promises = {given: data.promise for given, data in binding.map.bindings.items()}
    assert {k: (p.node_id, str(p.attr_path[0])) for k, p in promises.items()} == {
        k: (node_id(block_of(ref)), ref.partition(".")[2] or OUT) for k, ref in spec.gives.items()
    }


@pytest.mark.parametrize("name", GRAPHS)
def test_compiled_twice_it_is_the_same_to_the_byte(name: str) -> None:
    spec, module = spec_of(name), workflow_of(name).__module__
    first, second = (serialised(compile_graph(spec, name, module)) for _ in range(2))
    assert _bytes(first) == _bytes(second)


@pytest.mark.usefixtures("no_provider", "database")
@pytest.mark.parametrize("name", GRAPHS)
def test_this_process_walks_the_nodes_of_the_cluster(name: str) -> None:
    waits = False
    try:
        workflow_of(name)(prompt="Is 17 a prime number?")
    except Waiting:
        waits = True
    (row,) = list_runs(settings().tenant_id)
    run = Run(tenant_id=str(settings().tenant_id), user_id=str(settings().user_id), run_id=row.run_id, workflow=name)
    nodes = {p for p, _ in leaves(spec_of(name))}
    walked = {t.path for t in traces(run)}
    top = {p for p in walked if not any(p.startswith((f"{n}/", f"{n}@", f"{n}[", f"{n}.")) for n in nodes)}
    assert top <= nodes if waits else top == nodes


def _bytes(made: WorkflowTemplate) -> bytes:
    idl = made.to_flyte_idl()
    return bytes(idl.SerializeToString(deterministic=True))
