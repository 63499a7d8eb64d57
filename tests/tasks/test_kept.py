"""What a run went on without stays away when it resumes, until the run fails."""

from uuid import UUID

import pytest

from tasks.calls import Spot
from tasks.kept import forget_failures
from tasks.plain import PlainHost
from tasks.reply import Replies, Slots, reply
from tasks.run import Run
from tasks.spec import Call, Each, Fan, Graph, GraphSpec, Input, Step, see
from tasks.tools import recorded
from tasks.views import Scope
from tasks.walk import input_replies, walk
from tests.fake_openai import FakeOpenAI, Fault, Request, echo
from tests.fake_openai import Reply as Answer
from utils.settings import settings

ASK = Call(prompt="About {{item}}", model="openai/gpt-5.4-mini")
BODY = Graph(blocks=(Step(id="one", does=ASK, sees=see("item")),), gives={"out": "one"})
BLOCKS = (
    Fan(id="ask", over="things", at_most=3, does=ASK, sees=see("item")),
    Each(id="ask", over="things", at_most=3, body=BODY),
)


def ill(request: Request) -> Answer | Fault:
    return Fault("bad_request") if "tea" in request.last else echo(request)


def walked(block: Fan | Each, run: Run, *, resumed: bool = True) -> Replies:
    spec = GraphSpec(
        id="toy",
        title="Toy",
        description="Asks about things.",
        inputs=(Input(name="things", type="texts", help="What to ask about."),),
        blocks=(block,),
        gives={"out": "ask"},
    )
    things: Slots = {"things": input_replies(["coffee", "tea"])}
    nothing: Scope[Replies] = Scope({})
    return walk(spec, nothing.with_names(things), "", PlainHost(run, resumed=resumed))["out"]


@pytest.fixture
def run(fake_openai: FakeOpenAI, run: Run) -> Run:
    """An open run, on a server that fails half of what it is asked."""
    settings.cache_clear()
    fake_openai.behave = ill
    return run


@pytest.mark.parametrize("block", BLOCKS, ids=["fan", "each"])
def test_a_reply_that_failed_stays_failed_when_the_run_resumes(
    block: Fan | Each, fake_openai: FakeOpenAI, run: Run
) -> None:
    before = walked(block, run, resumed=False)
    assert [r.status for r in before] == ["success", "failed"]
    fake_openai.behave = echo
    assert walked(block, run) == before
    assert len(fake_openai.requests) == 2


@pytest.mark.parametrize("block", BLOCKS, ids=["fan", "each"])
def test_it_is_asked_again_after_the_run_failed(block: Fan | Each, fake_openai: FakeOpenAI, run: Run) -> None:
    walked(block, run, resumed=False)
    forget_failures(UUID(run.tenant_id), run.run_id)
    again = walked(block, run)
    assert [r.status for r in again] == ["success", "failed"], "and kept anew"
    fake_openai.behave = echo
    assert walked(block, run) == again
    forget_failures(UUID(run.tenant_id), run.run_id)
    assert [r.status for r in walked(block, run)] == ["success", "success"]
    assert sum("coffee" in r.last for r in fake_openai.requests) == 1, "what had succeeded was not asked again"


def test_not_once_something_was_judged_on_it(fake_openai: FakeOpenAI, run: Run) -> None:
    before = walked(BLOCKS[0], run, resumed=False)
    recorded(Spot(run, "cato"), "tool", lambda: {"out": [reply("pass")]})
    forget_failures(UUID(run.tenant_id), run.run_id)
    fake_openai.behave = echo
    assert walked(BLOCKS[0], run) == before
