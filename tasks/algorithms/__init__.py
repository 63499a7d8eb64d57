"""Algorithms that patterns share: pure functions, a file a subject."""
