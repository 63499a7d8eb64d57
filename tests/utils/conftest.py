"""A webhook for the tests of notifications."""

from tests.webhook import later, receiver

__all__ = ["later", "receiver"]
