"""A pattern in its frame whose reviews wait for seconds, as registered by the tests of a cluster."""

from tasks.spec import GraphSpec
from workflows.compiler import compile_graph
from workflows.frame import framed

SECONDS = 8
short_gate = compile_graph(
    GraphSpec.from_json(framed("self_consistency").to_json().replace('"waits":0', f'"waits":{SECONDS}')),
    "short_gate",
    __name__,
)
