"""How many calls a minute a tenant may make, counted in this process."""

import threading
from collections import deque
from time import monotonic
from uuid import UUID

from utils.errors import CallFailed
from utils.settings import settings

_turns: dict[UUID, deque[float]] = {}
_turns_changed = threading.Condition()


def take_turn(tenant_id: UUID, wait_at_most: float) -> None:
    """Holds a tenant to its calls a minute, in this process.

    litellm.Router limits a deployment, not a tenant (the LiteLLM proxy does that), so this counts the
    tenant's calls of the last minute and waits for the oldest to leave it.
    """
    limit = settings().calls_per_minute_per_tenant
    if not limit:
        return
    deadline = monotonic() + wait_at_most
    with _turns_changed:
        turns = _turns.setdefault(tenant_id, deque())
        while True:
            now = monotonic()
            while turns and turns[0] <= now - 60:
                turns.popleft()
            if len(turns) < limit:
                turns.append(now)
                return
            free_at = turns[0] + 60
            if free_at > deadline:
                wait = f"the next is free in {free_at - now:.0f} s"
                raise CallFailed(f"the tenant made its {limit} calls of this minute; {wait}")
            _turns_changed.wait(free_at - now)
