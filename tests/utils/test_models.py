"""Which models a request gets, from what is set and what is asked."""

import subprocess
import sys

import pytest

from tests.fake_openai import no_provider
from utils.errors import BadInput
from utils.models import (
    FAMILY_MARKS,
    KEY_ENV,
    REHEARSAL_FAMILIES,
    TIERS,
    family,
    known_models,
    provider,
    resolve_models,
    usable_models,
)
from utils.prices import token_prices
from utils.settings import settings

__all__ = ["no_provider"]


@pytest.fixture(autouse=True)
def environment(no_provider: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return no_provider


def given(environment: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    settings.cache_clear()


def refusal(text: str, domain: str = "general", at_least: int = 1) -> str:
    with pytest.raises(BadInput) as caught:
        resolve_models(text, domain=domain, at_least=at_least)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("model", sorted({model for models in TIERS.values() for model in models}))
def test_each_model_of_a_tier_has_a_known_price_family_and_key(model: str) -> None:
    assert token_prices(model) is not None
    assert provider(model) in KEY_ENV
    assert family(model) in {name for _, name in FAMILY_MARKS}


def test_tiers_rise_in_price_and_mix_families() -> None:
    dearest = [max((token_prices(model) or (0, 0))[1] for model in TIERS[tier]) for tier in TIERS]
    assert dearest == sorted(dearest)
    assert dearest[0] == 0.0
    for models in TIERS.values():
        assert len({family(model) for model in models}) >= 4


def test_a_family_is_who_trained_the_model() -> None:
    assert family("groq/openai/gpt-oss-20b") == family("openai/gpt-6-sol") == "openai"
    assert family("cerebras/llama-3.3-70b") == "meta"
    assert family("litellm_proxy/claude-opus-5-5") == "anthropic"
    assert family("acme/own") == "acme"


def test_the_rehearsal_has_seven_models_in_six_families() -> None:
    assert len(REHEARSAL_FAMILIES) >= 7
    assert len({family(model) for model in REHEARSAL_FAMILIES}) >= 6


def test_without_a_key_the_default_is_the_rehearsal() -> None:
    models = resolve_models("", domain="general", at_least=7)
    assert set(models) == set(REHEARSAL_FAMILIES)
    assert len({family(model) for model in models[:6]}) == 6


def test_with_a_key_the_default_is_the_tiers_usable_models(environment: pytest.MonkeyPatch) -> None:
    given(environment, ANTHROPIC_API_KEY="k", GROQ_API_KEY="k", OPENAI_API_KEY="k")
    models = resolve_models("", domain="general")
    assert models == ("openai/gpt-5.4-mini", "anthropic/claude-haiku-4-5", "groq/openai/gpt-oss-120b")
    assert [family(model) for model in models] == ["openai", "anthropic", "openai"]


def test_distinct_families_come_first(environment: pytest.MonkeyPatch) -> None:
    mixed = '{"own": ["openai/gpt-6-sol", "openai/gpt-6-luna", "openai/gpt-5.4-mini", "xai/grok-4.3"]}'
    given(environment, OPENAI_API_KEY="k", XAI_API_KEY="k", RADIANT_TIERS=mixed)
    assert resolve_models("own", domain="general")[:2] == ("openai/gpt-6-sol", "xai/grok-4.3")


@pytest.mark.parametrize("tier", ["", "standard", "budget", "flagship"])
def test_a_server_of_ones_own_gives_three_distinct_models(environment: pytest.MonkeyPatch, tier: str) -> None:
    given(environment, OPENAI_API_BASE="http://127.0.0.1:1/v1")
    assert len(resolve_models(tier, domain="general")) == 1
    models = resolve_models(tier, domain="general", at_least=3)
    assert len(set(models)) >= 3
    assert {provider(model) for model in models} == {"openai"}
    assert resolve_models("openai/whatever-i-serve", domain="general") == ("openai/whatever-i-serve",)


def test_a_proxy_serves_every_model(environment: pytest.MonkeyPatch) -> None:
    given(environment, LITELLM_PROXY_URL="http://127.0.0.1:1")
    assert resolve_models("premium", domain="general") == TIERS["premium"]
    assert resolve_models("litellm_proxy/ours", domain="general") == ("litellm_proxy/ours",)


def test_names_are_taken_in_their_order_once() -> None:
    text = "rehearsal/carla, rehearsal/ada,rehearsal/carla,"
    assert resolve_models(text, domain="general") == ("rehearsal/carla", "rehearsal/ada")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("premum", "did you mean premium"),
        ("rehearsal/adda", "did you mean rehearsal/ada"),
        ("openai/gpt-6-so", "openai/gpt-6-sol"),
        ("openai/never-heard-of", "unknown model or tier"),
        ("rehearsal/ada,nonsense", "unknown model or tier 'nonsense'"),
    ],
)
def test_an_unknown_name_gets_the_nearest(text: str, hint: str) -> None:
    assert hint in refusal(text)


@pytest.mark.parametrize(
    ("text", "at_least", "hint"),
    [
        ("openai/gpt-6-sol", 1, "set OPENAI_API_KEY"),
        ("premium", 1, "ANTHROPIC_API_KEY"),
        ("rehearsal/ada,rehearsal/ada", 2, "needs 2 distinct models and has 1"),
        ("", 8, "needs 8 distinct models and has 7"),
    ],
)
def test_what_cannot_be_used_says_what_to_set(text: str, at_least: int, hint: str) -> None:
    assert hint in refusal(text, at_least=at_least)


def test_one_usable_model_is_not_two(environment: pytest.MonkeyPatch) -> None:
    given(environment, ZAI_API_KEY="k")
    assert resolve_models("", domain="general") == ("zai/glm-4.7-flash",)
    assert "needs 2" in refusal("", at_least=2)


@pytest.mark.parametrize("text", ["", "rehearsal", "rehearsal/ada", "standard"])
def test_production_refuses_the_rehearsal(environment: pytest.MonkeyPatch, text: str) -> None:
    given(environment, RADIANT_ENV="production")
    assert "set" in refusal(text)
    assert not usable_models()


def test_medical_requests_go_to_allowed_models_only(environment: pytest.MonkeyPatch) -> None:
    given(environment, OPENAI_API_KEY="k", RADIANT_MEDICAL_MODELS='["openai/gpt-6-sol", "xai/grok-4.3"]')
    assert resolve_models("", domain="medical") == ("openai/gpt-6-sol",)
    assert resolve_models("premium", domain="medical") == ("openai/gpt-6-sol",)
    assert "may not see medical requests" in refusal("openai/gpt-6-luna", "medical")
    assert "XAI_API_KEY" in refusal("xai/grok-4.3", "medical")
    assert "medical" in refusal("free", "medical")
    assert resolve_models("openai/gpt-6-luna", domain="general") == ("openai/gpt-6-luna",)


def test_medical_requests_need_a_list_in_production(environment: pytest.MonkeyPatch) -> None:
    given(environment, OPENAI_API_KEY="k", RADIANT_ENV="production")
    assert "RADIANT_MEDICAL_MODELS" in refusal("", "medical")
    assert resolve_models("", domain="general")


def test_an_unusable_medical_list_is_no_reason_to_rehearse(environment: pytest.MonkeyPatch) -> None:
    given(environment, RADIANT_MEDICAL_MODELS='["openai/gpt-6-sol"]')
    assert "OPENAI_API_KEY" in refusal("", "medical")


def test_an_unknown_default_tier_is_bad_input(environment: pytest.MonkeyPatch) -> None:
    given(environment, RADIANT_TIER="standart")
    assert "did you mean standard" in refusal("")


def test_each_model_says_why_it_is_not_usable(environment: pytest.MonkeyPatch) -> None:
    given(environment, OPENAI_API_KEY="k")
    for model in known_models():
        assert model.usable == (model.provider in ("openai", "rehearsal"))
        assert model.usable or model.why_not == f"{model.key_env} is not set"


def test_nothing_heavy_is_imported_for_it() -> None:
    code = "import sys, utils.models, utils.llm, utils.embeddings; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
