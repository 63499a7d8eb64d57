"""What a run can be asked for: models and domains."""

import pytest

from tests.scripts.conftest import Radiant
from utils.settings import settings


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "OPENAI_API_BASE", "LITELLM_PROXY_URL"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()


def rows(radiant: Radiant, command: str) -> dict[str, list[str]]:
    """Each row's other cells by its first."""
    lines = [line.split("  ") for line in radiant(command).stdout.splitlines()[1:]]
    return {cells[0]: [cell.strip() for cell in cells[1:] if cell.strip()] for cells in lines}


@pytest.mark.usefixtures("no_keys")
def test_models_say_why_they_cannot_be_called(radiant: Radiant, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(radiant, "models")
    assert before["mistral/mistral-large-latest"] == ["standard", "mistral", "MISTRAL_API_KEY is not set"]
    assert before["rehearsal/ada"] == ["rehearsal", "rehearsal-amber", "usable"]
    monkeypatch.setenv("MISTRAL_API_KEY", "x")
    after = rows(radiant, "models")
    assert after["mistral/mistral-large-latest"][2] == "usable"
    usable = [name for name, cells in after.items() if cells[2] == "usable"]
    assert list(after)[: len(usable)] == usable


def test_domains_say_how_long_a_review_waits(radiant: Radiant) -> None:
    assert rows(radiant, "domains") == {
        "general": ["30 min"],
        "medical": ["5 min"],
        "financial": ["10 min"],
        "legal": ["15 min"],
    }
