"""Short ways to write graphs under test."""

from typing import Any, Literal

from tasks.reply import Replies
from tasks.spec import Function, GraphSpec, Input, Step, Test, see

TOYS = "tests.tasks.toys"
Beyond = Literal["refuse", "cut"]
PROMPT = Input(name="prompt", help="What is asked.")


def fn(name: str, **args: Any) -> Function:
    return Function(fn=f"{TOYS}.{name}", args=args)


def when(name: str, ref: str = "", **args: Any) -> Test:
    return Test(fn=f"{TOYS}.{name}", sees=see(seen=ref) if ref else {}, args=args)


def spec(*blocks: Any, inputs: tuple[Input, ...] = (PROMPT,), gives: str | dict[str, str] = "") -> GraphSpec:
    """A graph that gives its last block as `out`, or what `gives` names."""
    given = gives if isinstance(gives, dict) else {"out": gives or blocks[-1].id}
    return GraphSpec(id="toy", title="Toy", description="Under test.", inputs=inputs, blocks=blocks, gives=given)


def texts(replies: Replies) -> list[str]:
    return [r.text for r in replies]


def step(block_id: str, ref: str = "prompt", **rest: Any) -> Step:
    return Step(id=block_id, does=fn("join"), sees=see(seen=ref), **rest)
