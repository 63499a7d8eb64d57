"""Passages that a look-up found, as they go into prompts and as sources."""

from tasks.functions import pure
from tasks.reply import Replies, ok_of


@pure
def passages(found: Replies) -> Replies:
    """Those that were found. Without the note that only words were searched, since calls need no failed reply."""
    return ok_of(found)


def sources(passages: Replies) -> list[dict[str, object]]:
    """Where passages stand: their id, document, title and characters."""
    kept = ("id", "document", "title", "start", "end")
    return [{"id": p.key, **{k: v for k, v in p.data().items() if k in kept}} for p in ok_of(passages)]
