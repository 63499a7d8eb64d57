"""What commands print: a rich table on a terminal, aligned text in a pipe, JSON where asked for."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size

import click

from utils.display import printable


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows of cells, each on one line; on a terminal that is wide enough, as a table whose last cells wrap."""
    cells = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    if sys.stdout.isatty() and sum(widths[:-1]) + 2 * len(widths) + NARROWEST <= get_terminal_size().columns:
        _rich(headers, cells)
        return
    for row in ([h.upper() for h in headers], *cells):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_json(value: object) -> None:
    """Prints dataclasses, models and what they hold as JSON."""
    click.echo(to_json(value))


def to_json(value: object) -> str:
    """JSON with two spaces; times as ISO 8601."""
    from pydantic_core import to_json

    return to_json(value, indent=2).decode()


def _rich(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    *fixed, last = headers
    for header in fixed:
        table.add_column(header, no_wrap=True)  # an id that is broken over lines cannot be copied
    table.add_column(last, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


NARROWEST = 20
"""Characters that the last column of a table has at least."""
