"""Candidates: what may be chosen among, in the order of price, and what is refused."""

import os

import pytest

from tasks import candidates
from tasks.calls import Spot
from tasks.reply import Replies, reply
from tasks.run import Run
from tests.fake_openai import no_provider
from utils.errors import BadInput
from utils.models import family
from utils.settings import settings

__all__ = ["no_provider"]

TIERS = ["budget", "standard", "flagship"]


def spot(*, rehearsal: bool = False, domain: str = "general") -> Spot:
    return Spot(Run(tenant_id="t", user_id="u", run_id="r", workflow="w", rehearsal=rehearsal, domain=domain), "p")


def named(*names: str) -> Replies:
    return [reply(n, key=n) for n in names]


def names(replies: Replies) -> list[str]:
    return [r.text for r in replies]


@pytest.fixture
def keys(no_provider: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Keys of two providers."""
    no_provider.setitem(os.environ, "OPENAI_API_KEY", "k")
    no_provider.setitem(os.environ, "ANTHROPIC_API_KEY", "k")
    return no_provider


@pytest.mark.usefixtures("keys")
def test_two_names_are_the_pool_and_one_leaves_it_open() -> None:
    two = candidates.pool(spot(), named("openai/gpt-6-sol", "openai/gpt-6-luna"))["out"]
    assert names(two) == ["openai/gpt-6-luna", "openai/gpt-6-sol"]
    everything = candidates.pool(spot(), named("openai/gpt-6-sol"))["out"]
    assert {family(n) for n in names(everything)} == {"openai", "anthropic"}
    prices = [candidates.price(c) for c in everything]
    assert prices == sorted(prices)
    assert len(prices) > 6


@pytest.mark.usefixtures("keys")
def test_a_card_says_what_is_known() -> None:
    (luna, own) = candidates.pool(spot(), named("openai/own-thing", "openai/gpt-6-luna"))["out"]
    data = luna.data()
    assert (data["family"], data["tier"], data["price_known"], data["vision"]) == ("openai", "budget", True, True)
    assert data["context_tokens"] == 922000
    assert (own.text, own.data()["price_known"], own.data()["context_tokens"]) == ("openai/own-thing", False, None)
    assert own.data()["price_in"] == settings().price_ceiling_per_million_tokens / 1e6


@pytest.mark.usefixtures("keys")
def test_the_ladder_has_a_model_a_tier_by_price() -> None:
    made = candidates.ladder(spot(), named("openai/gpt-5.4-mini"), TIERS)["out"]
    assert {c.data()["tier"] for c in made} == set(TIERS)
    prices = [candidates.price(c) for c in made]
    assert prices == sorted(prices)


@pytest.mark.usefixtures("keys")
def test_names_are_ordered_by_price_unless_told_otherwise() -> None:
    wanted = named("openai/gpt-6-astra", "openai/gpt-6-luna")
    assert names(candidates.ladder(spot(), wanted, TIERS)["out"]) == ["openai/gpt-6-luna", "openai/gpt-6-astra"]
    assert names(candidates.ladder(spot(), wanted, TIERS, by_price=False)["out"]) == names(wanted)


def test_a_rehearsal_stays_a_rehearsal(no_provider: pytest.MonkeyPatch) -> None:
    no_provider.setitem(os.environ, "OPENAI_API_KEY", "k")
    made = candidates.ladder(spot(rehearsal=True), named("rehearsal/ada"), TIERS)["out"]
    assert names(made) == ["rehearsal/ada", "rehearsal/bruno", "rehearsal/carla"]
    assert all(n.startswith("openai/") for n in names(candidates.pool(spot(), [])["out"]))


def test_a_ladder_that_lacks_tiers_is_filled_up_or_refused(no_provider: pytest.MonkeyPatch) -> None:
    no_provider.setitem(os.environ, "CEREBRAS_API_KEY", "k")
    with pytest.raises(BadInput, match="2 to 4 are needed"):
        candidates.ladder(spot(), named("cerebras/llama-3.3-70b"), TIERS)
    no_provider.setitem(os.environ, "GROQ_API_KEY", "k")
    assert len(candidates.ladder(spot(), [], ["flagship"])["out"]) == 2


def test_medical_runs_choose_among_allowed_models(keys: pytest.MonkeyPatch) -> None:
    keys.setitem(os.environ, "RADIANT_MEDICAL_MODELS", '["openai/gpt-6-sol"]')
    settings.cache_clear()
    assert names(candidates.pool(spot(domain="medical"), [])["out"]) == ["openai/gpt-6-sol"]


@pytest.mark.parametrize("wanted", [("openai/a",), tuple(f"openai/m{n}" for n in range(7)), ("openai/a", "openai/a")])
@pytest.mark.usefixtures("no_provider")
def test_different_models_within_bounds_or_none(wanted: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="2 to 6"):
        candidates.different(spot(), named(*wanted), least=2, most=6)


@pytest.mark.usefixtures("keys")
def test_an_outsider_is_none_of_them_and_of_another_family_first() -> None:
    inside = named("openai/gpt-6-luna", "openai/gpt-6-sol")
    (found,) = candidates.outsider(spot(), inside, [])["outside"]
    assert found.data()["family"] == "anthropic"
    (wish,) = candidates.outsider(spot(), inside, named("openai/gpt-6-astra"))["outside"]
    assert wish.text == "openai/gpt-6-astra"
    with pytest.raises(BadInput, match="unknown model"):
        candidates.outsider(spot(), inside, named("openai/gpt-6-astro"))
    with pytest.raises(BadInput, match="takes part itself"):
        candidates.outsider(spot(), inside, named("openai/gpt-6-sol"))


def test_without_a_model_outside_it_is_refused(no_provider: pytest.MonkeyPatch) -> None:
    no_provider.setitem(os.environ, "CEREBRAS_API_KEY", "k")
    with pytest.raises(BadInput, match="no model is left outside"):
        candidates.outsider(spot(), named("cerebras/llama-3.3-70b"), [])
