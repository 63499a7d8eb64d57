"""Leaving a question: what an interrupt does while a person is asked, and what it does elsewhere."""

import signal
from collections.abc import Iterator

import click
import pytest

from utils.terminal import asking, interruptible


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_who_left_one_question_is_asked_no_other_in_that_run() -> None:
    with interruptible():
        with asking():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(click.Abort), asking():
            pytest.fail("asked again")
    with interruptible(), asking():
        pass


def test_elsewhere_an_interrupt_is_what_it_was() -> None:
    with interruptible():
        with asking():
            pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with asking():
            pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
