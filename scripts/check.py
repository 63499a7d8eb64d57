"""`radiant check`: whether this tenant's data is whole, and what to do where it is not."""

import click

from scripts.identity import Identity, identified
from scripts.tables import show_table
from utils.integrity import findings


@click.command()
@identified
def check(me: Identity) -> None:
    """Whether this tenant's data is whole."""
    found = findings(me.tenant)
    show_table(("rule", "state", "detail"), [(f.rule, "WRONG" if f.wrong else "ok", f.said) for f in found])
    if any(f.wrong for f in found):
        raise click.exceptions.Exit(1)
