"""An answer as text for people: sections of points under a title."""

from collections.abc import Iterable


def section(title: str, points: Iterable[str]) -> list[str]:
    """A blank line, the title and a line a point; nothing where there are no points."""
    lines = [f"- {p}" for p in points]
    return ["", f"{title}:", *lines] if lines else []
