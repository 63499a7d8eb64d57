"""Answers that are checked before they are given."""
