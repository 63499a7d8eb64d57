"""Agents: models that act, observe and decide what to do next, alone or as a team."""
