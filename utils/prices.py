"""What a token costs, by LiteLLM's own cost map, in USD.

The map is read from the installed package's file: importing LiteLLM takes seconds, and its Router adds to the
map in memory what it deploys, models of unknown price at no cost.
"""

import json
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from utils.models import PROXY, is_rehearsal, provider
from utils.settings import settings

Prices = tuple[float, float]
"""USD for a token in, and for a token out."""


@lru_cache(maxsize=512)
def token_prices(model: str) -> Prices | None:
    """The model's highest prices; None for one that the cost map does not know."""
    if is_rehearsal(model):
        return 0.0, 0.0
    entry = listed(model)
    return (
        None if entry is None else (_highest(entry, "input_cost_per_token"), _highest(entry, "output_cost_per_token"))
    )


def listed(model: str) -> dict[str, Any] | None:
    """What the cost map says of the model: prices, the longest input, what it supports; None where it is not in it."""
    name = model.removeprefix(f"{PROXY}/")
    entry = _cost_map().get(name) or _cost_map().get(name.partition("/")[2])
    if not entry or not str(entry.get("litellm_provider")).startswith(provider(name)):
        return None
    return entry


def price_ceiling() -> Prices:
    """What a token of an unknown model is taken to cost."""
    price = settings().price_ceiling_per_million_tokens / 1_000_000
    return price, price


def tokens_at_most(text: str) -> float:
    """How many tokens a text has at most: two letters a token even in base64, a byte a token in the rest."""
    letters = len(NOT_LETTERS.sub("", text))
    return letters / 2 + len(text.encode()) - letters


@lru_cache(maxsize=1)
def _cost_map() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    entries: dict[str, dict[str, Any]] = json.loads((Path(spec.origin).parent / COST_MAP).read_text())
    return entries


def _highest(entry: dict[str, Any], price: str) -> float:
    """Long prompts cost more a token with some models; batch and priority prices are not asked for."""
    names = [name for name in entry if name == price or re.fullmatch(rf"{price}_above_\d+k_tokens", name)]
    return max((float(entry[name] or 0) for name in names), default=0.0)


COST_MAP = "model_prices_and_context_window_backup.json"
NOT_LETTERS = re.compile(r"[^A-Za-z\s]+")
