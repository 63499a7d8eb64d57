"""Opposing positions, argued and judged."""
