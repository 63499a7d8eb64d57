"""What calls cost, grouped, for one tenant; what is unknown is said so."""

import json

import jsonschema
import pytest

from tests.scripts.conftest import Radiant, Tenant
from utils.db import tenant_transaction
from utils.ledger import CallKey, paid_call
from utils.llm import ChatRequest, Completion, Message

NUMBER, TEXT, COUNT = {"type": "number", "minimum": 0}, {"type": "string"}, {"type": "integer", "minimum": 0}
COST = {
    "key": TEXT,
    "name": TEXT,
    **dict.fromkeys(("runs", "calls", "prompt_tokens", "completion_tokens", "unknown_cost_calls", "lost"), COUNT),
    **dict.fromkeys(("cost_usd", "charged_usd"), NUMBER),
}
LEFT = {"window": TEXT, **dict.fromkeys(("cap_usd", "settled_usd", "reserved_usd", "left_usd"), NUMBER)}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["by", "days", "costs", "budgets"],
    "properties": {
        "by": {"enum": ["user", "tenant", "model", "day"]},
        "days": COUNT,
        "costs": {"items": {"properties": COST, "required": list(COST), "additionalProperties": False}},
        "budgets": {"items": {"properties": LEFT, "required": list(LEFT)}, "minItems": 2, "maxItems": 2},
    },
}
DAYS_AGO = (
    "UPDATE model_calls SET day_key = to_char(now() AT TIME ZONE 'UTC' - make_interval(days => %s), 'YYYY-MM-DD')"
)


def pay(tenant: Tenant, run_id: str, model: str, cost: float | None, *, path: str = "vote") -> None:
    """A settled call of 10 + 20 tokens."""
    request = ChatRequest(model=model, messages=(Message(role="user", content="?"),))
    made = Completion(
        text="!",
        model=model,
        prompt_tokens=10,
        completion_tokens=20,
        cost_usd=cost,
        latency_ms=5,
        finish_reason="stop",
        streamed=False,
        time_to_first_token_ms=None,
        rehearsal=False,
    )
    charged = 0.03 if cost is None else cost
    key = CallKey(tenant.id, run_id, path)
    paid_call(key, request, lambda _: made, estimate=lambda _: 0.05, charge=lambda *_: charged)


@pytest.fixture
def spent(ours: Tenant, theirs: Tenant) -> Tenant:
    """Our tenant after three calls of two users, one of unknown cost; theirs spent much more."""
    other = ours.user("member")
    first, second = ours.run(), ours.run(user=other)
    pay(ours, first, "openai/a", 0.02)
    pay(ours, first, "openai/b", None, path="judge")
    pay(ours, second, "openai/a", 0.01)
    pay(theirs, theirs.run(), "openai/secret", 0.4)
    return ours


@pytest.mark.parametrize("by", ["user", "tenant", "model", "day"])
def test_the_sums_are_the_same_by_whatever(by: str, spent: Tenant, radiant: Radiant) -> None:
    found = json.loads(radiant("costs", "--by", by, "--json").stdout)
    jsonschema.validate(found, SCHEMA)
    rows = found["costs"]
    assert len(rows) == {"user": 2, "tenant": 1, "model": 2, "day": 1}[by]
    assert sum(row["calls"] for row in rows) == 3
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(0.03)
    assert sum(row["charged_usd"] for row in rows) == pytest.approx(0.06)
    assert sum(row["unknown_cost_calls"] for row in rows) == 1
    assert sum(row["prompt_tokens"] for row in rows) == 30


def test_costs_by_user_name_them_dearest_first(spent: Tenant, radiant: Radiant) -> None:
    rows = json.loads(radiant("costs", "--by", "user", "--json").stdout)["costs"]
    assert [(row["name"], row["runs"]) for row in rows] == [("Me", 1), ("Member", 1)]
    assert rows[0]["key"] == str(spent.admin)


def test_an_unknown_cost_is_never_shown_as_nothing(spent: Tenant, radiant: Radiant) -> None:
    printed = radiant("costs", "--by", "model").stdout
    rows = {row.split()[0]: row.split(maxsplit=4)[4] for row in printed.splitlines()[1:3]}
    assert "unknown" in rows["openai/b"]
    assert "$0.00" not in rows["openai/b"]
    assert rows["openai/a"] == "$0.0300"


def test_the_budgets_that_are_left(spent: Tenant, radiant: Radiant) -> None:
    lines = radiant("costs").stdout.splitlines()
    assert lines[-2:] == ["left this hour: $9.94 of $10.00", "left today (UTC): $99.94 of $100.00"]


def test_no_tenant_sees_the_costs_of_another(spent: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    for by in ("user", "tenant", "model", "day"):
        assert "secret" not in radiant("costs", "--by", by, "--json").stdout
        assert str(theirs.id) not in radiant("costs", "--by", by, "--json").stdout
    rows = json.loads(radiant("costs", "--by", "tenant", "--json", *theirs.flags).stdout)["costs"]
    assert [(row["key"], row["cost_usd"]) for row in rows] == [(str(theirs.id), 0.4)]


def test_days_bound_what_is_counted(spent: Tenant, radiant: Radiant) -> None:
    with tenant_transaction(spent.id) as cursor:
        cursor.execute(DAYS_AGO, (2,))
    assert radiant("costs", "--days", "2").stdout.startswith("no model was called in 2 days\n")
    assert len(json.loads(radiant("costs", "--days", "3", "--json").stdout)["costs"]) == 1


def test_a_lost_call_is_said(spent: Tenant, radiant: Radiant) -> None:
    assert "lost" not in radiant("costs").stdout
    with tenant_transaction(spent.id) as cursor:
        cursor.execute("UPDATE model_calls SET lost = 1 WHERE path = 'judge'")
    assert "1 call lost with its process" in radiant("costs").stdout
