"""A run to walk graphs in, and toy functions that specifications may name."""

from collections.abc import Callable
from uuid import UUID

import pytest

from tasks.plain import PlainHost
from tasks.reply import Replies, Slots
from tasks.run import Run
from tasks.spec import GraphSpec
from tasks.views import Scope
from tasks.walk import input_replies, walk
from utils.accounts import ensure_personal
from utils.runs import OpenRequest, open_run
from utils.settings import settings

Give = Callable[..., Slots]


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.functions.PACKAGES", ("tasks.", "workflows.", "tests."))


@pytest.fixture
def run(database: str) -> Run:
    """An open run of the personal tenant, with two rehearsal models."""
    return open_for(settings().tenant_id)


def open_for(tenant: UUID, run_id: str = "") -> Run:
    """An open run of a tenant's one user."""
    ensure_personal(tenant, settings().user_id)
    opened = open_run(
        OpenRequest(
            tenant_id=tenant,
            user_id=settings().user_id,
            workflow="toy",
            spec="{}",
            inputs="{}",
            run_id=run_id,
            rehearsal=True,
        )
    )
    return Run(
        tenant_id=str(tenant),
        user_id=str(settings().user_id),
        run_id=opened.run_id,
        workflow="toy",
        models=["rehearsal/ada", "rehearsal/bell"],
        started=opened.started_at.isoformat(),
        rehearsal=True,
    )


@pytest.fixture
def give(run: Run) -> Give:
    """Walks a graph on the plain host with inputs by name; gives what the graph gives."""

    def walked(spec: GraphSpec, **inputs: object) -> Slots:
        values: dict[str, Replies] = {n: input_replies(v) for n, v in inputs.items()}
        nothing: Scope[Replies] = Scope({})
        return walk(spec, nothing.with_names(values), "", PlainHost(run))

    return walked
