"""What a revision changed, sentence by sentence."""

from difflib import SequenceMatcher

from tasks.algorithms.quotes import folded
from tasks.algorithms.sentences import sentence_spans


def sentence_changes(before: str, after: str) -> list[dict[str, str]]:
    """Runs of sentences that differ, in order: what stood there `before` and what stands there `after`, either may be
    empty. White space alone is no change.
    """
    old, new = ([folded(text[start:end]) for start, end in sentence_spans(text)] for text in (before, after))
    found = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [{"before": " ".join(old[i:j]), "after": " ".join(new[k:m])} for tag, i, j, k, m in found if tag != "equal"]
