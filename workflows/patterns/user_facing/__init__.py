"""Patterns in which the person who asks takes part."""
