"""Which models a pattern may choose among, with what is known of each.

What can be called, and at what price, may change between tries of a run: these are tools, whose result is recorded.
What became of earlier uses of a model is in the store `outcomes`, which patterns read beside.
"""

from collections.abc import Sequence
from typing import Any

from tasks.calls import Spot
from tasks.reply import Replies, Reply, Slots, reply
from tasks.run import Run
from tasks.spec import OUT
from tasks.tools import tool
from utils.errors import BadInput
from utils.models import TIERS, family, is_rehearsal, known_models, resolve_models, usable_models
from utils.prices import listed, price_ceiling, token_prices

FEW = 2
"""So many names are a choice among them; fewer (none, or what a tier gives a pattern) leave the choice open."""


@tool
def pool(spot: Spot, models: Replies) -> Slots:
    """The cards of two or more models that were named, else of every model that can be called now, cheapest first."""
    names = _distinct(models)
    return {OUT: _cards(names if len(names) >= FEW else _registry(spot.run) or names, spot.run, by_price=True)}


@tool
def ladder(
    spot: Spot, models: Replies, tiers: Sequence[str], least: int = FEW, most: int = 4, by_price: bool = True
) -> Slots:
    """The cards of two or more models that were named, else of one model a tier, cheapest first.

    Raises BadInput outside the bounds. Not `by_price`, they stand as they were named.
    """
    names = _distinct(models)
    if len(names) < FEW:
        names = _one_a_tier(_registry(spot.run) or names, tiers, least)
    _within(names, least, most)
    return {OUT: _cards(names, spot.run, by_price=by_price)}


@tool
def different(spot: Spot, models: Replies, least: int, most: int) -> Slots:
    """The cards of the models as they were named. Raises BadInput outside the bounds, and where one stands twice."""
    names = [m.text for m in models if m.text]
    if twice := next((n for n in names if names.count(n) > 1), ""):
        raise BadInput(f"model '{twice}' is named twice: {least} to {most} different ones are needed")
    _within(names, least, most)
    return {OUT: _cards(names, spot.run, by_price=False)}


@tool
def outsider(spot: Spot, models: Replies, named: Replies) -> Slots:
    """`outside` is a model that is not in `inside`, the models: the named one, else one that can be called now, of
    another family first.

    Those inside wait for it, so that nothing is paid for where it is refused. Raises BadInput where the named one is
    among them or unknown, and where there is none.
    """
    inside = _distinct(models)
    wish = next((n.text for n in named if n.text), "")
    if wish in inside:
        raise BadInput(f"model '{wish}' takes part itself: name another one, outside {', '.join(inside)}")
    if wish:
        resolve_models(wish, domain=spot.run.domain)
    families = {family(m) for m in inside}
    free = [m for m in _registry(spot.run) if m not in inside]
    found = wish or next((m for m in free if family(m) not in families), next(iter(free), ""))
    if not found:
        raise BadInput(f"no model is left outside {', '.join(inside)}: name fewer, or set the keys of more providers")
    return {"inside": models, "outside": _cards([found], spot.run, by_price=False)}


@tool
def cheap_and_strong(spot: Spot, models: Replies, most: int, cheap: str = "budget", strong: str = "flagship") -> Slots:
    """The dearest of two or more models that were named as `strong`, the others as `cheap`, the cheapest first.

    Else the models of the tiers `cheap` and `strong`; of a tier that has none, the cheapest or the dearest that there
    are. Raises BadInput for more than `most`. One model alone is both.
    """
    names = _distinct(models)
    if len(names) >= FEW:
        _within(names, FEW, most)
        *others, dearest = _cards(names, spot.run, by_price=True)
        return {"cheap": others, "strong": [dearest]}
    cards = _cards(_registry(spot.run) or names or spot.run.models, spot.run, by_price=True)
    top = [c for c in cards if c.data()["tier"] == strong][:1] or cards[-1:]
    low = [c for c in cards if c.data()["tier"] == cheap] or [c for c in cards if c.key != top[0].key] or top
    return {"cheap": low, "strong": top}


def _distinct(models: Replies) -> list[str]:
    return list(dict.fromkeys(m.text for m in models if m.text))


def _within(names: Sequence[str], least: int, most: int) -> None:
    if not least <= len(names) <= most:
        have = ", ".join(names) or "none"
        raise BadInput(f"{len(names)} models ({have}): {least} to {most} are needed, name them with --models")


def _registry(run: Run) -> list[str]:
    """Every model that this run may call now, by tier; a rehearsal stays one, and a real run real."""
    return [m.name for m in usable_models() if is_rehearsal(m.name) == run.rehearsal and _permitted(m.name, run)]


def _permitted(name: str, run: Run) -> bool:
    try:
        return bool(resolve_models(name, domain=run.domain))
    except BadInput:
        return False


def _one_a_tier(names: Sequence[str], tiers: Sequence[str], least: int) -> list[str]:
    """A model of each tier, of a family that is not there yet where it has one; then others until there are `least`.

    The rehearsal has no tiers: its actors stand in for them in order.
    """
    chosen: list[str] = []
    for tier in tiers:
        free = [n for n in names if n not in chosen and (is_rehearsal(n) or _tier(n) == tier)]
        chosen += _another_family(free, chosen)
    while len(chosen) < least and (free := [n for n in names if n not in chosen]):
        chosen += _another_family(free, chosen)
    return chosen


def _another_family(free: Sequence[str], chosen: Sequence[str]) -> list[str]:
    families = {family(c) for c in chosen}
    return [n for n in free if family(n) not in families][:1] or list(free[:1])


def _cards(names: Sequence[str], run: Run, *, by_price: bool) -> Replies:
    cards = [_card(n, run) for n in names]
    return sorted(cards, key=price) if by_price else cards


def price(card: Reply) -> float:
    """USD for a token in and one out."""
    data = card.data()
    return float(data["price_in"] + data["price_out"])


def _card(name: str, run: Run) -> Reply:
    """What is known of a model. A price that is not known is the ceiling; `context_tokens` null is not known."""
    prices, entry = token_prices(name), listed(name)
    read, written = prices or price_ceiling()
    data = {
        "model": name,
        "family": family(name),
        "tier": _tier(name),
        "price_in": read,
        "price_out": written,
        "price_known": prices is not None,
        "context_tokens": entry and entry.get("max_input_tokens"),
        "tools": _supports(entry, "supports_function_calling"),
        "vision": _supports(entry, "supports_vision"),
    }
    return reply(name, key=name, data=data)


def _supports(entry: dict[str, Any] | None, what: str) -> bool:
    """A model that is in no list is taken at its word: who named it knows what it can do."""
    return entry is None or entry.get(what) is True


def _tier(name: str) -> str:
    return next((m.tier for m in known_models() if m.name == name and m.tier in TIERS), "")
