"""Tenants, users and the audit."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from utils.accounts import audit, ensure_personal, role_of
from utils.db import tenant_transaction
from utils.errors import BadInput

pytestmark = pytest.mark.usefixtures("database")


def test_the_personal_tenant_is_made_once_whoever_comes_first() -> None:
    tenant, user = uuid4(), uuid4()
    with ThreadPoolExecutor(8) as threads:
        for made in [threads.submit(ensure_personal, tenant, user) for _ in range(16)]:
            made.result()
    assert role_of(tenant, user) == "admin"
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT count(*) FROM tenants, users")
        assert cursor.fetchone() == (1,)


def test_a_user_of_another_tenant_is_unknown() -> None:
    ours, theirs, user = uuid4(), uuid4(), uuid4()
    ensure_personal(ours, user)
    ensure_personal(theirs, uuid4())
    with pytest.raises(BadInput, match=f"has no user {user}"):
        role_of(theirs, user)


def test_the_audit_says_who_did_what() -> None:
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    with tenant_transaction(tenant) as cursor:
        audit(cursor, user, "review.approve", "run-1", {"path": "review"})
        audit(cursor, None, "retention", "run-2")
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT actor, action, subject, detail FROM audit_log ORDER BY id")
        assert cursor.fetchall() == [
            (user, "review.approve", "run-1", {"path": "review"}),
            (None, "retention", "run-2", {}),
        ]
