"""Whether one text stands in another, as white space is folded."""


def folded(text: str) -> str:
    """The text with every run of white space as one blank."""
    return " ".join(text.split())


def occurs(part: str, whole: str, *, any_case: bool = False) -> bool:
    """Whether a text stands verbatim in another one after folding; an empty one stands nowhere."""
    wanted, text = folded(part), folded(whole)
    if any_case:
        wanted, text = wanted.casefold(), text.casefold()
    return bool(wanted) and wanted in text
