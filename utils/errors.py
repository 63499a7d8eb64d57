"""Every error that a person or a caller meets, with the exit code that it ends a command with.

A message says what was wrong and what would be right, in one line. Exit codes: 0 done or degraded,
2 bad input, 3 waiting or expired, 4 rejected or blocked, 5 over budget, 1 anything else.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal


class RadiantError(Exception):
    """An error with a one-line `message` for a person. flytekit rewrites `args`, so the message stands apart."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(RadiantError):
    """The caller's mistake: nothing was paid for and nothing was written."""

    exit_code = 2


class SpecError(BadInput):
    """A graph that must not run; the message names the block."""


class Waiting(RadiantError):
    """A person must decide before the run can go on; all that it made so far is kept."""

    exit_code = 3


class TimeUp(Waiting):
    """A node has walked for as long as it may: another goes on."""


class Expired(RadiantError):
    """Nobody decided in time; the run can be resumed by its run_id."""

    exit_code = 3


class Rejected(RadiantError):
    """A person rejected the answer."""

    exit_code = 4


class Blocked(RadiantError):
    """The safety gate blocked the answer."""

    exit_code = 4


class OverBudget(RadiantError):
    """A cap of the Governor would be passed; what was made so far is kept."""

    exit_code = 5


class RunFailed(RadiantError):
    """A block could not give what its graph needs (quorum missed, a function refused)."""


class RunBusy(RadiantError):
    """Another process is walking this run."""


class ClusterUnavailable(RadiantError):
    """The Flyte cluster could not be reached, or refused who asked; the message says where it was looked for."""


class DatabaseUnavailable(RadiantError):
    """No database could be reached or started; the message says what to set."""


class CallFailed(RadiantError):
    """A model call that failed after its retries and fallbacks. `status` is a Reply's status."""

    def __init__(self, message: str, *, status: Literal["failed", "timeout"] = "failed") -> None:
        super().__init__(message)
        self.status = status


class Unparsable(RadiantError):
    """A reply that is not the JSON that was asked for; the message says what was wrong with it."""


class EmbeddingRefused(RadiantError):
    """A text or a model that gives no vector to compare: no words in it, or another width."""


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a name that does not exist, with the nearest ones that do."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = f"known: {', '.join(names[:LISTED])}{more}" if names else "there is none yet"
    hint = f"did you mean {' or '.join(near)}?" if near else listed
    return BadInput(f"unknown {kind} '{name}': {hint}")


LISTED = 20
"""So many known names an error lists where none is near."""
