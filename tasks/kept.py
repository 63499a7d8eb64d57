"""Blocks that went on although calls of theirs failed: what they gave then, they give in every later try of the run.

The ledger makes a failed call again when a run resumes. Were its reply let in now, all that came after it would change:
calls would be paid for twice, and what Cato checked and a person approved would not be what is given. The same holds
for a call that failed before another try of its step succeeded.
"""

from uuid import UUID

from tasks.reply import Slots
from tasks.run import Run
from tasks.tools import dump, load
from utils.db import tenant_transaction

FAILURES = ("failed", "timeout")


def kept(run: Run, path: str) -> Slots | None:
    """What a block gave when it went on without some of its replies; None where it has not."""
    with tenant_transaction(UUID(run.tenant_id), durable=False) as cursor:
        cursor.execute(_KEPT, (run.tenant_id, run.run_id, path))
        found = cursor.fetchone()
    return load(found[0]) if found else None


def keep_failures(run: Run, path: str, slots: Slots) -> Slots:
    """What a block gives, kept where calls of it failed."""
    if any(r.status in FAILURES or r.tries > 1 for replies in slots.values() for r in replies):
        with tenant_transaction(UUID(run.tenant_id)) as cursor:
            cursor.execute(_KEEP, (run.tenant_id, run.run_id, path, dump(slots)))
    return slots


def forget_failures(tenant_id: UUID, run_id: str) -> None:
    """For a run that failed, so that its next try asks again: but for what Cato or a person has judged since."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_FORGET, {"tenant": str(tenant_id), "run": run_id})


_KEPT = """
SELECT output::text FROM step_records
WHERE tenant_id = %s AND run_id = %s AND path = %s AND kind = 'kept' AND output::text <> 'null'
"""
_KEEP = """
INSERT INTO step_records AS kept (tenant_id, run_id, path, kind, output) VALUES (%s, %s, %s, 'kept', %s)
ON CONFLICT (tenant_id, run_id, path, kind) DO UPDATE SET output = excluded.output, created_at = now()
WHERE kept.output::text = 'null'
"""
_FORGET = """
UPDATE step_records k SET output = 'null'
WHERE k.tenant_id = %(tenant)s AND k.run_id = %(run)s AND k.kind = 'kept'
    AND NOT EXISTS (SELECT FROM step_records t WHERE t.tenant_id = %(tenant)s AND t.run_id = %(run)s
        AND t.kind = 'tool' AND t.created_at > k.created_at)
    AND NOT EXISTS (SELECT FROM reviews r WHERE r.tenant_id = %(tenant)s AND r.run_id = %(run)s
        AND r.opened_at > k.created_at)
"""
