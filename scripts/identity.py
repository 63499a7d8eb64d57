"""Who types a command: their tenant, their user and their role there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

import click

from utils.accounts import UserRole, ensure_personal, role_of
from utils.errors import BadInput
from utils.runs import Run
from utils.settings import settings


@dataclass(frozen=True)
class Identity:
    """A user of a tenant."""

    tenant: UUID
    user: UUID
    role: UserRole

    @classmethod
    def of(cls, tenant: UUID | None, user: UUID | None) -> "Identity":
        """The user, or the settings' one, who is made where it is missing. BadInput for one of another tenant."""
        own = settings()
        found = tenant or own.tenant_id, user or own.user_id
        if found == (own.tenant_id, own.user_id):
            ensure_personal(*found)
        return cls(*found, role_of(*found))

    @property
    def flags(self) -> str:
        """The options that say who this is, for a command to copy; empty for the settings' own user."""
        own = settings()
        tenant = f" --tenant {self.tenant}" if self.tenant != own.tenant_id else ""
        return tenant + (f" --user {self.user}" if self.user != own.user_id else "")

    def reads(self, run: Run) -> bool:
        """Whether they may read a run as it is: the run's user and admins; others see placeholders."""
        return self.role == "admin" or self.user == run.user_id

    def must_read(self, run: Run) -> None:
        """Raises BadInput for the run of somebody else."""
        if not self.reads(run):
            raise BadInput(
                f"run {run.run_id} is another user's and may hold personal data: they, or an admin, can do that; "
                f"`radiant show {run.run_id}` shows it with placeholders"
            )


def identified(function: Callable[..., None]) -> Callable[..., None]:
    """Adds --tenant and --user to a command, which gets its Identity first."""

    @click.option("--tenant", "--tenant_id", "tenant", type=click.UUID, help="Default: the settings' tenant.")
    @click.option("--user", "--user_id", "user", type=click.UUID, help="Default: the settings' user.")
    @wraps(function)
    def command(tenant: UUID | None, user: UUID | None, **given: Any) -> None:
        function(Identity.of(tenant, user), **given)

    return command


def storable(text: str, what: str) -> str:
    """The text, if the database can hold it. Raises BadInput."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{what} is not UTF-8 text") from None
    if "\x00" in text:
        raise BadInput(f"{what} holds a NUL character: remove it")
    return text


def _run_id(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    return storable(value, "RUN")


in_run = click.argument("run_id", metavar="RUN", callback=_run_id)
