"""Who takes part: distinct models for a vote, two debaters and a judge who is neither."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Slots


@pure
def distinct_models(models: Replies, least: int, most: int) -> Replies:
    """The different models among those given, in order. Fails the run, before anything is paid, outside the bounds."""
    panel = list({m.text: m for m in models if m.text}.values())
    if not least <= len(panel) <= most:
        names = ", ".join(m.text for m in panel) or "none"
        raise Refuse(f"{len(panel)} different models ({names}): {least} to {most} are needed, name them with --models")
    return panel


@pure
def debaters_and_judge(models: Replies) -> Slots:
    """The first two different models as debaters, the third as judge: it is none of them."""
    panel = distinct_models(models, 3, len(models) or 3)
    return {"debaters": panel[:2], "judge": panel[2:3]}


@pure
def two_debaters(models: Replies) -> Replies:
    """The first two different models."""
    return distinct_models(models, 2, len(models) or 2)[:2]
