"""Which models there are, which of them can be called now, and which ones a request gets.

Light on purpose: no LiteLLM here, because every `--help` imports this file.
"""

import os
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from utils.errors import BadInput, unknown
from utils.settings import settings

REHEARSAL = "rehearsal"
PROXY = "litellm_proxy"
MEDICAL = "medical"

TIERS: dict[str, tuple[str, ...]] = {
    "free": (
        "gemini/gemma-4-31b-it",
        "zai/glm-4.7-flash",
        "cohere/command-a-plus-05-2026",
        "publicai/swiss-ai/apertus-70b-instruct",
    ),
    "budget": (
        "openai/gpt-6-luna",
        "anthropic/claude-haiku-5-5",
        "gemini/gemini-2.5-flash-lite",
        "mistral/mistral-small-latest",
        "deepseek/deepseek-v4-flash",
        "groq/openai/gpt-oss-20b",
        "cohere/command-r-08-2024",
    ),
    "standard": (
        "openai/gpt-5.4-mini",
        "anthropic/claude-haiku-4-5",
        "gemini/gemini-3.6-flash",
        "mistral/mistral-large-latest",
        "deepseek/deepseek-v4-pro",
        "xai/grok-4.3",
        "cerebras/llama-3.3-70b",
        "groq/openai/gpt-oss-120b",
    ),
    "premium": (
        "openai/gpt-6-sol",
        "anthropic/claude-sonnet-5-5",
        "gemini/gemini-2.5-pro",
        "xai/grok-4.6",
        "mistral/magistral-medium-latest",
        "cohere/command-a-03-2025",
    ),
    "flagship": (
        "openai/gpt-6-astra",
        "anthropic/claude-opus-5-5",
        "gemini/gemini-4-argon",
        "xai/grok-4.7",
        "mistral/mistral-large-4",
    ),
}
"""Tier -> models, dearest tier last. Every name is in LiteLLM's bundled cost map, so its cost is known."""

REHEARSAL_FAMILIES: dict[str, str] = {
    "rehearsal/ada": "rehearsal-amber",
    "rehearsal/bruno": "rehearsal-blue",
    "rehearsal/carla": "rehearsal-coral",
    "rehearsal/doris": "rehearsal-denim",
    "rehearsal/emil": "rehearsal-emerald",
    "rehearsal/frieda": "rehearsal-fawn",
    "rehearsal/gustav": "rehearsal-amber",
}

KEY_ENV: dict[str, str] = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "groq": "GROQ_API_KEY",
    "xai": "XAI_API_KEY",
    "cohere": "COHERE_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "publicai": "PUBLICAI_API_KEY",
    "zai": "ZAI_API_KEY",
}
"""Provider (the part of a name before the first slash) -> the variable that makes it usable."""

FAMILY_MARKS: tuple[tuple[str, str], ...] = (
    ("gpt", "openai"),
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("llama", "meta"),
    ("grok", "xai"),
    ("deepseek", "deepseek"),
    ("qwen", "qwen"),
    ("glm", "zhipu"),
    ("apertus", "swiss-ai"),
    ("stral", "mistral"),
    ("command", "cohere"),
)
"""A family is who trained the model, whoever serves it: models of one family err alike."""


class ModelInfo(BaseModel):
    """One model and whether it can be called now; `why_not` is empty where it can."""

    model_config = ConfigDict(frozen=True)

    name: str
    family: str
    tier: str
    provider: str
    key_env: str
    usable: bool
    why_not: str


def provider(model: str) -> str:
    """The provider of a model's name: `groq` of `groq/openai/gpt-oss-20b`."""
    return model.partition("/")[0]


def family(model: str) -> str:
    """Who trained the model. Answers of one family are not independent of one another."""
    if model in REHEARSAL_FAMILIES:
        return REHEARSAL_FAMILIES[model]
    short = model.rpartition("/")[2].lower()
    return next((name for mark, name in FAMILY_MARKS if mark in short), provider(model.removeprefix(f"{PROXY}/")))


def is_rehearsal(model: str) -> bool:
    """Whether the model is an actor of the rehearsal provider, not a real one."""
    return provider(model) == REHEARSAL


def known_models() -> tuple[ModelInfo, ...]:
    """Every model that the tiers, the medical list and the rehearsal name, usable or not."""
    tier_of: dict[str, str] = {}
    for tier, names in _tiers().items():
        for name in names:
            tier_of.setdefault(name, tier)
    for name in settings().medical_models:
        tier_of.setdefault(name, MEDICAL)
    return tuple(_info(name, tier) for name, tier in tier_of.items())


def usable_models() -> tuple[ModelInfo, ...]:
    """The models that can be called now. `known_models` says of the others why not."""
    return tuple(model for model in known_models() if model.usable)


def resolve_models(text: str, *, domain: str, at_least: int = 1) -> tuple[str, ...]:
    """The models that a request gets, distinct, and distinct families first where a tier chooses.

    `text` is empty (the default tier, or the rehearsal where no key is set), a tier, or names with commas.
    Raises BadInput for an unknown name, one that is not usable now or not allowed in the domain, and for
    fewer than `at_least`.
    """
    allowed = _allowed(domain)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(names) == 1 and names[0] in _tiers():
        models = _of_tier(names[0], allowed, at_least)
    elif names:
        models = tuple(_named(name, allowed) for name in names)
    else:
        models = _default(allowed, at_least)
    if len(models) < at_least:
        raise BadInput(
            f"this needs {at_least} distinct models and has {len(models)} ({', '.join(models)}): "
            "name more with --models, or set the keys of more providers"
        )
    return models


def _tiers() -> dict[str, tuple[str, ...]]:
    return {**TIERS, **settings().tiers, REHEARSAL: tuple(REHEARSAL_FAMILIES)}


def _info(name: str, tier: str) -> ModelInfo:
    reason = why_not(name)
    return ModelInfo(
        name=name,
        family=family(name),
        tier=tier,
        provider=provider(name),
        key_env=_key_env(name),
        usable=not reason,
        why_not=reason,
    )


def _key_env(model: str) -> str:
    if is_rehearsal(model):
        return ""
    if settings().litellm_proxy_url or provider(model) == PROXY:
        return "LITELLM_PROXY_URL"
    return KEY_ENV.get(provider(model), f"{provider(model).upper()}_API_KEY")


def why_not(model: str) -> str:
    """Why the model cannot be called now; empty where it can."""
    if is_rehearsal(model):
        return "the rehearsal is refused in production" if settings().env == "production" else ""
    if settings().litellm_proxy_url or (provider(model) == "openai" and settings().openai_api_base):
        return ""
    variable = _key_env(model)
    return "" if os.environ.get(variable) else f"{variable} is not set"


def _allowed(domain: str) -> frozenset[str] | None:
    """The names that the domain may use; None for any."""
    if domain != MEDICAL:
        return None
    if settings().medical_models:
        return frozenset(settings().medical_models)
    if settings().env == "production":
        raise BadInput(
            "medical requests go to allowed models only, and none is allowed: set RADIANT_MEDICAL_MODELS "
            '(a JSON list, for instance ["openai/gpt-6-sol"])'
        )
    return None


def _named(name: str, allowed: frozenset[str] | None) -> str:
    known = {model.name: model for model in known_models()}
    model = known.get(name) or (_info(name, "own") if _served_by_own_server(name) else None)
    if model is None:
        raise unknown("model or tier", name, [*known, *_tiers()])
    if allowed is not None and name not in allowed:
        raise BadInput(f"model '{name}' may not see medical requests: allowed are {', '.join(sorted(allowed))}")
    if not model.usable:
        raise _not_usable(f"model '{name}'", [model])
    return name


def _served_by_own_server(name: str) -> bool:
    """A server of one's own may serve any name, so none of its names is unknown."""
    head, _, rest = name.partition("/")
    if not rest:
        return False
    if settings().litellm_proxy_url:
        return head == PROXY or head in KEY_ENV
    return head == "openai" and bool(settings().openai_api_base)


def _of_tier(tier: str, allowed: frozenset[str] | None, at_least: int) -> tuple[str, ...]:
    own = [model for model in known_models() if model.name in _tiers()[tier] and _permits(allowed, model.name)]
    if not own:
        raise BadInput(f"tier '{tier}' has no model that may see medical requests: see RADIANT_MEDICAL_MODELS")
    if not any(model.usable for model in own):
        raise _not_usable(f"no model of tier '{tier}'", own)
    return _from_tier_outwards(tier, allowed, at_least)


def _default(allowed: frozenset[str] | None, at_least: int) -> tuple[str, ...]:
    tier = settings().tier
    if tier not in _tiers():
        raise unknown("tier", tier, _tiers())
    real = [model for model in known_models() if not is_rehearsal(model.name)]
    candidates = [model for model in real if _permits(allowed, model.name)]
    if any(model.usable for model in candidates):
        return _from_tier_outwards(tier, allowed, at_least)
    if not any(model.usable for model in real) and settings().env != "production":
        actors = [model for model in known_models() if is_rehearsal(model.name)]
        if models := _distinct_families_first(model.name for model in actors if _permits(allowed, model.name)):
            return models
    raise _not_usable("no model", candidates)


def _from_tier_outwards(tier: str, allowed: frozenset[str] | None, at_least: int) -> tuple[str, ...]:
    """The tier's usable models; where they are fewer than needed, the neighbouring tiers' after them."""
    usable = {model.name for model in usable_models() if _permits(allowed, model.name)}
    found: list[str] = []
    for names in _by_distance(tier):
        if len(found) >= at_least:
            break
        found += _distinct_families_first(name for name in names if name in usable and name not in found)
    return tuple(found)


def _by_distance(tier: str) -> list[Sequence[str]]:
    if tier == REHEARSAL:
        return [tuple(REHEARSAL_FAMILIES)]
    ladder = [name for name in _tiers() if name != REHEARSAL]
    here = ladder.index(tier)
    nearest = sorted(ladder, key=lambda name: (abs(ladder.index(name) - here), ladder.index(name)))
    return [*(_tiers()[name] for name in nearest), settings().medical_models]


def _distinct_families_first(names: Iterable[str]) -> tuple[str, ...]:
    """Round robin over the families, each in its own order."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, str]] = []
    for name in names:
        turn = seen.get(family(name), 0)
        seen[family(name)] = turn + 1
        ranked.append((turn, name))
    return tuple(name for _, name in sorted(ranked, key=lambda pair: pair[0]))


def _permits(allowed: frozenset[str] | None, name: str) -> bool:
    return allowed is None or name in allowed


def _not_usable(what: str, models: Sequence[ModelInfo]) -> BadInput:
    if all(is_rehearsal(model.name) for model in models) and models:
        return BadInput(f"{what} is usable now: the rehearsal is refused in production, set a provider's key")
    variables = dict.fromkeys(model.key_env for model in models if model.key_env)
    return BadInput(f"{what} is usable now: set {' or '.join(variables)}")
