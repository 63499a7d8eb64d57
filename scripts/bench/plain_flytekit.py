"""The baseline: the same calls as plain flytekit tasks, which run one after another and keep no ledger."""

from flytekit import task, workflow

from utils.llm import ChatRequest, Message, complete
from utils.models import is_rehearsal, known_models
from utils.settings import settings


def models() -> list[str]:
    """The rehearsal's models, which answer after RADIANT_REHEARSAL_LATENCY."""
    return [m.name for m in known_models() if is_rehearsal(m.name)]


def request(prompt: str, model: str = "") -> ChatRequest:
    """A request of one message."""
    messages = (Message(role="user", content=prompt),)
    return ChatRequest(model=model or models()[0], messages=messages, temperature=0.7, max_tokens=256)


def bare(model: str, prompt: str) -> str:
    """A call with neither ledger nor Governor."""
    return complete(request(prompt, model), tenant_id=settings().tenant_id).text


@task
def ask(model: str, prompt: str) -> str:
    """One call."""
    return bare(model, prompt)


@task
def ask_all(replies: list[str]) -> str:
    """One call that joins."""
    return bare(models()[0], "\n".join(replies))


@workflow
def five_and_one(prompt: str) -> str:
    """Five calls that do not need one another, and one that joins them."""
    return ask_all(replies=[ask(model=m, prompt=prompt) for m in models()[:5]])  # type: ignore[misc,return-value]
