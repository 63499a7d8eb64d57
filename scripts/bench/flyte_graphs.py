"""What `python -m scripts.bench.flyte` runs on a cluster: small graphs as warm nodes, and the first one as pods."""

from typing import Any, cast

from flytekit import task, workflow

from tasks.plain import PlainHost
from tasks.reply import Replies, Reply, Slots, reply
from tasks.run import Run
from tasks.spec import Ask, Call, Carry, Fan, Graph, Loop, Step, samples, see
from tasks.views import Scope
from tasks.walk import Host, walk
from workflows.asking import body
from workflows.flyte_host import FlyteHost

FAN = Fan(id="fan", does=Call(prompt="{{prompt}}"), members=samples(5), sees=see("prompt"), at_most=5)
JOIN = Step(id="join", does=Call(prompt="{{fan}}"), sees=see("fan"))
FIVE_AND_ONE = Graph(blocks=(FAN, JOIN), gives={"out": "join"})
TURN = Step(id="better", does=Call(prompt="{{draft}}"), sees=see("draft"))
LOOP = Loop(
    id="loop",
    carries={"draft": Carry(start="prompt", next="better")},
    turns=3,
    body=Graph(blocks=(TURN,), gives={"better": "better"}),
)
THREE_TURNS = Graph(blocks=(LOOP,), gives={"out": "loop.draft"})
ASK = Ask(id="ask", question="Is that so?", shows=see("prompt"), choices=("yes", "no"))
ONE_GATE = Graph(blocks=(ASK,), gives={"out": "ask"})


@workflow
def five_and_one(run: Run) -> list[Reply]:
    return _as_nodes(FIVE_AND_ONE, run)


@workflow
def three_turns(run: Run) -> list[Reply]:
    return _as_nodes(THREE_TURNS, run)


@workflow
def one_gate(run: Run) -> list[Reply]:
    return _as_nodes(ONE_GATE, run)


@task
def fan_in_a_pod(run: Run) -> Slots:
    return dict(PlainHost(run).block(FAN, _scope(), "fan"))


@task
def join_in_a_pod(run: Run, fan: Slots) -> list[Reply]:
    return PlainHost(run).block(JOIN, _scope().with_slots("fan", fan), "join")["out"]


@workflow
def five_and_one_in_pods(run: Run) -> list[Reply]:
    made: Any = fan_in_a_pod(run=run)
    joined: Any = join_in_a_pod(run=run, fan=made)
    return cast(list[Reply], joined)


GRAPHS = (five_and_one, five_and_one_in_pods, three_turns, one_gate)


def _as_nodes(graph: Graph, run: Run) -> list[Reply]:
    host: Host[Any] = FlyteHost(run, body)
    return cast(list[Reply], walk(graph, _scope(), "", host)["out"])


def _scope() -> Scope[Replies]:
    return Scope({"prompt.out": [reply("Is 17 a prime number?")]})
