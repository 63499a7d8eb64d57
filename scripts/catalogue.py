"""`radiant models` and `radiant domains`: what a run can be asked for here and now."""

import click

from scripts.tables import show_table
from utils.display import duration
from utils.models import known_models


@click.command()
def models() -> None:
    """Which models can be called now, and why others cannot."""
    found = sorted(known_models(), key=lambda model: not model.usable)
    show_table(("model", "tier", "family", "now"), [(m.name, m.tier, m.family, m.why_not or "usable") for m in found])


@click.command()
def domains() -> None:
    """The domains, and how long a review waits in each."""
    from tasks.opening import DOMAINS
    from tasks.review import timeout_of
    from tasks.spec import Ask, see

    asked = Ask(id="review", question="?", shows=see("prompt"), choices=("approve", "reject"), waits=0)
    show_table(("domain", "a review waits"), [(name, duration(timeout_of(asked, name))) for name in DOMAINS])
