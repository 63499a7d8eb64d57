"""Small warm tasks and @dynamics that the tests of the service run through it."""

import socket
import sys
from datetime import timedelta
from enum import Enum
from threading import Barrier, Event
from typing import cast

from flytekit import Deck, dynamic, task, wait_for_input
from flytekit.core.context_manager import FlyteContextManager
from flytekit.exceptions.user import FlyteRecoverableException

from tasks.reply import Reply, Slots
from tasks.run import Run
from utils.errors import BadInput, DatabaseUnavailable, OverBudget, RadiantError
from utils.warm import Warm, attempt

WAIT = 30.0
ran: list[str] = []
"""What `holding` was asked to say, in the order in which it began, and the tries of `outage`."""
began, ends, meeting = Event(), Event(), Barrier(2)


def reset() -> None:
    """The events of a test that starts."""
    ran.clear()
    began.clear()
    ends.clear()
    meeting.reset()


@task(task_config=Warm(), retries=3)
def add(a: int, b: int) -> int:
    return a + b


@task(task_config=Warm("calls"), retries=3)
def echo(
    run: Run, made: Slots, parts: list[Slots], slots: list[str], texts: dict[str, str], flags: dict[str, bool], n: float
) -> tuple[Run, Slots, list[Slots], list[str], dict[str, str], dict[str, bool], float]:
    return run, made, parts, slots, texts, flags, n


@task(task_config=Warm())
def optional(said: str | None, replies: list[Reply]) -> tuple[str | None, list[Reply]]:
    return said, replies


@task(task_config=Warm())
def silent() -> None:
    """Gives nothing."""


@task(task_config=Warm())
def large(megabytes: int) -> str:
    return "x" * (megabytes * 2**20)


@task(task_config=Warm(), enable_deck=True, deck_fields=())
def shown(html: str) -> str:
    Deck("Think Tank", html)
    return html


@task(task_config=Warm())
def failing(how: str) -> str:
    errors: dict[str, Exception] = {
        "recoverable": FlyteRecoverableException("the model is tired"),
        "away": ConnectionResetError("the storage hung up"),
        "wrong": ValueError("no such number"),
        "bad": BadInput("give a number"),
        "cap": OverBudget("over the run's cap"),
        "broken": RadiantError("it broke"),
    }
    if how in errors:
        raise errors[how]
    return how


@task(task_config=Warm())
def exiting() -> None:
    sys.exit(7)


@task(task_config=Warm())
def who() -> list[str]:
    here = attempt()
    assert here is not None
    params = FlyteContextManager.current_context().user_space_params
    assert params is not None
    return [
        here.project,
        here.domain,
        here.execution,
        here.node,
        str(here.number),
        here.principal,
        params.execution_id.name,
        params.output_metadata_prefix,
    ]


@task(task_config=Warm())
def meet() -> list[str]:
    """Whose context it sees before and after another call has begun within it."""
    before = who.task_function()
    meeting.wait(WAIT)
    return [*before, *who.task_function()]


@task(task_config=Warm())
def holding(name: str) -> str:
    ran.append(name)
    began.set()
    assert ends.wait(WAIT)
    return name


@task(task_config=Warm())
def outage(times: int) -> int:
    """Misses the database so many times; gives which try this is."""
    ran.append("try")
    if len(ran) <= times:
        raise DatabaseUnavailable("nobody listens")
    return len(ran)


@task(task_config=Warm())
def calling(port: int) -> str:
    """Connects to a port when it begins, and ends with what it is told there: for tests from another process."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return connection.recv(100).decode()


@dynamic(task_config=Warm(), retries=3)
def graph(n: int) -> int:
    """Adds n to 1 in a node, after one that asks; without n nothing is to do."""
    if n == 0:
        return 0
    return cast(int, add(a=1, b=inner(n=n)))


@dynamic(task_config=Warm("calls"), retries=3)
def inner(n: int) -> int:
    return n


@dynamic(task_config=Warm(), retries=3)
def gate(n: int) -> str:
    """A gate whose choices are made here, as those of a review are."""
    kind = Enum("Decision", {f"CHOICE_{i}": f"choice-{i}-{n}" for i in range(3)})  # type: ignore[misc]
    choice = wait_for_input(f"gate-{n}", timedelta(hours=1), kind).with_overrides(node_name="gate")
    return cast(str, taken(choice=choice))


@task(task_config=Warm())
def taken(choice: str) -> str:
    return choice


@dynamic(task_config=Warm())
def gathering(n: int) -> int:
    """Compiles while another @dynamic compiles the same task."""
    meeting.wait(WAIT)
    return cast(int, add(a=1, b=n))
