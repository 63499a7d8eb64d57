"""Days as text."""

from datetime import date


def day(text: str) -> date | None:
    """The day that an ISO text names, white space around it aside; None where it names none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
