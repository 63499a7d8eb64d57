"""The person at the terminal: one question at a time, from whichever thread; Ctrl-C or Ctrl-D leaves it unanswered."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from select import select
from threading import Event, Lock, current_thread, main_thread
from types import FrameType

NOTICED = 0.1
"""Seconds within which a question sees that the person left."""
_one_question = Lock()
_asking = Event()
_left = Event()


@contextmanager
def interruptible() -> Iterator[None]:
    """While it is open, Ctrl-C at a question leaves that question and all later ones; elsewhere it interrupts as ever.

    Python hands an interrupt to the main thread alone, which may be waiting for the thread that asks. Does nothing in
    another thread, or where the process ignores interrupts.
    """
    as_ever = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(as_ever):
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        if _asking.is_set():
            _left.set()
        else:
            as_ever(number, frame)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, as_ever)
        _left.clear()


@contextmanager
def asking() -> Iterator[None]:
    """The terminal for one who asks: others wait until it closes. Raises click.Abort where the person has left."""
    with _one_question:
        _abort_if_left()
        _asking.set()
        try:
            yield
        finally:
            _asking.clear()


def line(prompt: str) -> str:
    """What the person types, in a line that is not empty. Raises click.Abort where they leave instead."""
    import click

    while True:
        click.echo(f"{prompt}: ", nl=False, err=True)
        if typed := _typed().strip():
            return typed


def _typed() -> str:
    """The next line. The terminal is read by itself: reading through sys.stdin would not see that the person left."""
    import click

    typed = b""
    while not typed.endswith(b"\n"):
        while not select([sys.stdin], [], [], NOTICED)[0]:
            _abort_if_left()
        part = os.read(sys.stdin.fileno(), 4096)
        if not part:
            raise click.Abort
        typed += part
    return typed.decode(errors="replace")


def _abort_if_left() -> None:
    import click

    if _left.is_set():
        raise click.Abort
