"""What a sandbox is asked to run, within which limits, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from utils.errors import BadInput

Ended = Literal["done", "error", "time", "memory", "output", "disk", "crash"]
"""How the code ended: `error` is its own exception, the rest is a limit that it met."""


@dataclass(frozen=True)
class Limits:
    """What code may use. Seconds are of wall time for each cell, bytes of one file and of all files."""

    seconds: float = 10.0
    memory_mb: int = 512
    output_chars: int = 64_000
    disk_bytes: int = 32 * 1024 * 1024
    calls: int = 200
    calls_at_once: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= MOST_SECONDS:
            raise BadInput(f"code may run for up to {MOST_SECONDS} s: {self.seconds:g} s are asked for")


@dataclass(frozen=True)
class File:
    """A file in the sandbox's directory; `path` is relative to it."""

    path: str
    content: bytes

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Session:
    """What to run: cells in order in one namespace, of which only the last one's output is given.

    The same session gives the same output, as far as code keeps off the clock and os.urandom: hashes and `random` are
    seeded. So a session's state is its files and its earlier cells, which are run again.
    """

    cells: tuple[str, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that the cells find under these names."""
    files: tuple[File, ...] = ()
    wants: tuple[str, ...] = ()
    """Variables whose values are given back."""
    seed: int = 0


@dataclass(frozen=True)
class Ran:
    """What came of it."""

    ended: Ended
    output: str
    """What the last cell wrote to stdout and stderr, its traceback included."""
    cut: int = 0
    """So many bytes of output are not given."""
    error: str = ""
    """One line; empty where all went well."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """JSON values; one that JSON does not have is its repr."""
    final: Any = None
    """What the last cell passed to final_answer()."""
    has_final: bool = False
    files: tuple[File, ...] = ()
    """What it wrote or changed, at most MOST_FILES."""
    seconds: float = 0.0


MOST_SECONDS = 600
