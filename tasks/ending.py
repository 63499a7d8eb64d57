"""A run that did not come to its end: what its row says of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from tasks.kept import forget_failures
from tasks.run import Run
from utils.errors import Expired, OverBudget, RunFailed, TimeUp, Waiting
from utils.runs import set_status


@contextmanager
def recorded_status(run: Run) -> Iterator[None]:
    """A run that did not end well says so in its row; what it made is kept, and the same run_id resumes it.

    One whose time in this process was up is under way still.
    """
    tenant, run_id = UUID(run.tenant_id), run.run_id
    try:
        yield
    except TimeUp:
        raise
    except Waiting as error:
        set_status(tenant, run_id, "waiting")
        raise Waiting(f"{error.message} Then the same command, or `radiant resume {run_id}`, goes on.") from error
    except Expired:
        set_status(tenant, run_id, "expired")
        raise
    except OverBudget:
        set_status(tenant, run_id, "over_budget")
        raise
    except Exception as error:
        set_status(tenant, run_id, "failed", error=str(error))
        if isinstance(error, RunFailed):
            forget_failures(tenant, run_id)
        raise
