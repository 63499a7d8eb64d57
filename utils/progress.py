"""The progress stream of a run: events by block path, for whoever listens in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

State = Literal["started", "called", "finished", "skipped", "failed", "waiting", "shown", "paused", "resumed"]


@dataclass(frozen=True)
class Event:
    """Something that happened at a block path. `tokens` and `cost` (USD) are those of the event alone."""

    path: str
    state: State
    model: str = ""
    tokens: int = 0
    cost: float = 0.0
    text: str = ""
    from_ledger: bool = False


Listener = Callable[[Event], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Hands every event of this process to the listener, until the function that it returns is called."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def emit(event: Event) -> None:
    """Tells all listeners; costs nothing where there is none."""
    for listener in tuple(_listeners):
        listener(event)


@contextmanager
def paused() -> Iterator[None]:
    """While a person is asked: listeners that draw on the terminal stand still."""
    emit(Event("", "paused"))
    try:
        yield
    finally:
        emit(Event("", "resumed"))
