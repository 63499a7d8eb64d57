"""The main job: `pyflyte run workflows/think_tank.py think_tank --prompt "..."`."""

from tasks.spec import Input
from workflows.compiler import compile_graph
from workflows.frame import framed_at_run_time

PATTERN = Input(name="pattern", default="think_tank_swarm", help="Which orchestration pattern works out the answer.")
MODELS = Input(name="models", type="models", help="The models of the run.")
AGENTS = Input(
    name="agents",
    type="items",
    default=[],
    help="Specialists as a JSON list of {agent_id, role, model, temperature, max_tokens}, or @file; default by domain.",
)

think_tank = compile_graph(
    framed_at_run_time(
        "think_tank",
        "Think Tank",
        "Answers a question: several models work it out, a safety gate checks it, a person approves where it matters.",
        (PATTERN, MODELS, AGENTS),
    ),
    "think_tank",
    __name__,
)
