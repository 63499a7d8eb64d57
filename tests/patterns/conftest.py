"""The stage on which patterns are played: one database for all of them, and a tenant of its own for each test."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from tests.conftest import scratch_database
from tests.fake_openai import FakeOpenAI, fake_openai, no_provider
from tests.patterns.harness import Stage
from utils.settings import settings

__all__ = ["fake_openai", "no_provider"]


@pytest.fixture(scope="session")
def theatre(server_url: str, template: str) -> Iterator[str]:
    """A migrated database for this folder. Tenants see nothing of one another, so that tests do not either."""
    with scratch_database(server_url, template) as url:
        yield url


@pytest.fixture
def stage(
    fake_openai: FakeOpenAI, theatre: str, use_database: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """Scripted models over real HTTP, and no retries, so that a call that fails fails once."""
    use_database(theatre)
    monkeypatch.setenv("RADIANT_TENANT_ID", str(uuid4()))
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    return Stage(fake_openai)
