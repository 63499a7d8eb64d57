"""Revision of a draft: how much two versions differ, when criticism is settled, and what is still open at the end."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, first_cause, ok_of, reply

Opcodes = Sequence[tuple[str, int, int, int, int]]


def changed_share(before: str, after: str) -> float:
    """The share of characters in which two texts differ, of the longer one's, in [0, 1].

    Words are aligned first and letters within what differs: whole texts by letters would take quadratic time.
    """
    longest = max(len(before), len(after))
    old, new = WORDS.findall(before), WORDS.findall(after)
    removed = added = 0
    for tag, i, j, k, m in _opcodes(old, new):
        if tag != "equal":
            less, more = _changed_letters("".join(old[i:j]), "".join(new[k:m]))
            removed, added = removed + less, added + more
    return max(removed, added) / longest if longest else 0.0


def _opcodes(before: list[str] | str, after: list[str] | str) -> Opcodes:
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _changed_letters(before: str, after: str) -> tuple[int, int]:
    """How many letters are removed, and how many added."""
    if max(len(before), len(after)) > MOST_BY_LETTERS:
        return len(before), len(after)
    changed = [o for o in _opcodes(before, after) if o[0] != "equal"]
    return sum(j - i for _, i, j, _, _ in changed), sum(m - k for _, _, _, k, m in changed)


def majors(critique: Reply) -> list[dict[str, Any]]:
    """The major issues of a critique; none of one that failed."""
    return [i for i in critique.data().get("issues", []) if i["severity"] == "major"] if critique.ok else []


@pure
def no_major_issue(critiques: Replies) -> bool:
    """Whether the last critique leaves nothing to revise: it names no major issue, or there is none to work with."""
    return not critiques or not majors(critiques[-1])


@pure
def review_settled(critiques: Replies, drafts: Replies, least_change: float) -> bool:
    """Whether a round ends the work: no major issue, or a revision that differs by less than `least_change`."""
    return no_major_issue(critiques) or _unchanged(drafts, least_change)


def _unchanged(drafts: Replies, least_change: float) -> bool:
    """A revision that failed changed nothing because there is none: the next round may still bring one."""
    usable = ok_of(drafts)
    if not drafts or not drafts[-1].ok or len(usable) < 2:
        return False
    return changed_share(usable[-2].text, usable[-1].text) < least_change


@pure
def reviewed_draft(drafts: Replies, critiques: Replies, ended: Replies, least_change: float) -> Reply:
    """The last draft. Where the bound ended the rounds, the major issues of the last one stand below it.

    Nobody looked at the last revision, so that each of them counts as open; then the outcome is incomplete. A draft
    that no critic saw is unchecked.
    """
    usable, read = ok_of(drafts), ok_of(critiques)
    latest = usable[-1]
    open_issues = majors(critiques[-1]) if critiques else []
    by = _ended_by(drafts, critiques, ended, least_change)
    lost = first_cause([*drafts, *critiques])
    data = {
        "rounds": len(critiques),
        "revisions": len(usable) - 1,
        "ended": by,
        "open_issues": open_issues,
        "minor_issues": [i for i in (read[-1].data()["issues"] if read else []) if i["severity"] == "minor"],
        "lost": lost,
    }
    outcome: Outcome = "answered"
    if not read:
        outcome = "unchecked"
    elif open_issues:
        outcome = "incomplete"
    elif lost:
        outcome = "degraded"
    text = "\n".join([latest.text, *(section(OPEN, map(_issue, open_issues)) if by == "bound" else [])])
    return reply(text, key="answer", data=data, model=latest.model, outcome=outcome)


def _ended_by(drafts: Replies, critiques: Replies, ended: Replies, least_change: float) -> str:
    if critiques and not critiques[-1].ok:
        return "no critique"
    if no_major_issue(critiques):
        return "no major issue"
    return "unchanged" if _unchanged(drafts, least_change) else str(ended[0].data()["by"])


def _issue(issue: dict[str, Any]) -> str:
    where = f' (at "{issue["quote"]}")' if issue["quote"].strip() else ""
    return f"{issue['fix']}{where}"


WORDS = re.compile(r"\w+|\W")
MOST_BY_LETTERS = 2_000
OPEN = "Major issues of the last review, not looked at again since"
