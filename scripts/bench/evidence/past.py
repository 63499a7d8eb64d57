"""What came before a run: memories of its user, and outcomes of what earlier runs used."""

from collections.abc import Sequence
from uuid import UUID

from scripts.bench.evidence.play import opened
from scripts.bench.evidence.world import Question
from tasks.calls import Spot
from tasks.functions import find_pattern
from tasks.memories import Scope, remember
from tasks.outcomes import keep
from tasks.reply import Replies, reply
from tasks.result import Signal
from tasks.run import Run
from utils.db import tenant_transaction


def fresh_start(pattern_id: str, question: Question) -> Run:
    """An earlier run of a pattern, whose tenant has forgotten everything: no question has what another left."""
    run = opened(find_pattern(pattern_id), question, "")
    with tenant_transaction(UUID(run.tenant_id)) as cursor:
        cursor.execute(_FORGET, (run.tenant_id,))
    return run


def remembered(run: Run, kind: str, memories: Replies, scope: Scope = "user", session: str = "") -> Replies:
    """What an earlier run left in memory, key is the memory's id; `session` names it where the scope is one."""
    within = [reply(session, key="session")] if scope == "session" else None
    return remember(Spot(run, f"earlier {kind}"), memories=memories, kind=kind, scope=scope, session=within)


def signalled(run: Run, signal: str, values: Sequence[tuple[str, float]]) -> None:
    """What became of what was used: a source and a value each. Once for a run."""
    keep(run, [Signal(signal_type=signal, value=value, source=source) for source, value in values])


_FORGET = "UPDATE memories SET valid_to = clock_timestamp() WHERE tenant_id = %s AND valid_to IS NULL"
