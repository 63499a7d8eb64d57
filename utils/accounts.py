"""Tenants, their users, and the audit of who did what."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args
from uuid import UUID

from utils.db import tenant_transaction
from utils.errors import BadInput

if TYPE_CHECKING:
    from utils.db import Cursor

UserRole = Literal["member", "approver", "admin"]


def ensure_personal(tenant_id: UUID, user_id: UUID) -> None:
    """Makes the personal tenant and its one user, an admin, where they are missing. Safe to race."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_ENSURE_PERSONAL, {"tenant": tenant_id, "user": user_id})


def role_of(tenant_id: UUID, user_id: UUID) -> UserRole:
    """The role of a user in a tenant. Raises BadInput where the tenant has no such user."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_ROLE, (user_id,))
        found = cursor.fetchone()
    roles: dict[str, UserRole] = {role: role for role in get_args(UserRole)}
    if found is None:
        raise BadInput(f"tenant {tenant_id} has no user {user_id}: give a --user_id of this tenant")
    return roles[found[0]]


def audit(
    cursor: "Cursor",
    actor: UUID | None,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Notes, within the tenant transaction of `cursor`, that `actor` (None: the platform) did `action`."""
    from psycopg2.extras import Json

    cursor.execute(_AUDIT, (actor, action, subject, Json(dict(detail or {}))))


_ENSURE_PERSONAL = """
INSERT INTO tenants (id, name) VALUES (%(tenant)s, 'Personal') ON CONFLICT DO NOTHING;
INSERT INTO users (tenant_id, id, name, role) VALUES (%(tenant)s, %(user)s, 'Me', 'admin')
ON CONFLICT DO NOTHING
"""
_ROLE = "SELECT role FROM users WHERE id = %s"
_AUDIT = """
INSERT INTO audit_log (tenant_id, actor, action, subject, detail)
VALUES (current_setting('app.current_tenant_id')::uuid, %s, %s, %s, %s)
"""
