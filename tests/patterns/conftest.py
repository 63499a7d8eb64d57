"""The stage on which patterns are played."""

import pytest

from tests.fake_openai import FakeOpenAI, fake_openai, no_provider
from tests.patterns.harness import Stage
from utils.settings import settings

__all__ = ["fake_openai", "no_provider"]


@pytest.fixture
def stage(fake_openai: FakeOpenAI, database: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Scripted models over real HTTP, and no retries, so that a call that fails fails once."""
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    return Stage(fake_openai)
