"""What the fork server of tests/kill_worker.py has ready before it forks: to import this takes its seconds once."""

import os
from importlib import import_module
from uuid import uuid4

from tests.fake_openai import serve
from tests.pyflyte import think_tank
from utils.llm import ChatRequest, Message, complete, vectors_of
from utils.phi import sanitise
from utils.settings import settings


def _warm_up() -> None:
    """A command that is refused and a call by real HTTP among it: only then is all imported."""
    for name in ("tasks.grimoire", "tasks.cato", "tasks.deck"):
        import_module(name)
    think_tank("--prompt", "")
    with serve() as fake:
        os.environ["OPENAI_API_BASE"] = fake.base_url
        settings.cache_clear()
        question = ChatRequest(model="openai/gpt-5.4-mini", messages=(Message(role="user", content="warm up"),))
        complete(question, tenant_id=uuid4())
        vectors_of(settings().embedding_model, ["warm up"], width=768)
    sanitise("Ada, ada@example.org")


_warm_up()
