"""The stage on which patterns are played."""

import pytest

from tests.fake_openai import FakeOpenAI, fake_openai, no_provider
from tests.patterns.harness import Stage
from utils.embeddings import LEXICAL
from utils.settings import settings

__all__ = ["fake_openai", "no_provider"]


@pytest.fixture
def stage(fake_openai: FakeOpenAI, database: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Scripted models over real HTTP, and no retries, so that a call that fails fails once."""
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    return Stage(fake_openai)


@pytest.fixture
def by_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are found and compared by their words: the fake server's vectors mean nothing."""
    monkeypatch.setenv("RADIANT_EMBEDDING_MODEL", LEXICAL)
    settings.cache_clear()


@pytest.fixture
def cheap(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models without a known price cost next to nothing, so that a wide Fan fits under a run's cap."""
    monkeypatch.setenv("RADIANT_PRICE_CEILING_PER_MILLION_TOKENS", "1")
    settings.cache_clear()


@pytest.fixture
def tiers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models among which upkeep chooses."""
    monkeypatch.setenv("RADIANT_TIERS", '{"budget": ["openai/gpt-4.1-nano"], "flagship": ["openai/gpt-4.1"]}')
    settings.cache_clear()
