"""What waits for a database that is away, and how long."""

from collections.abc import Callable, Iterator
from threading import Event

import psycopg2
import pytest

from tests.conftest import as_owner
from utils.db import outlast, tenant_transaction
from utils.errors import DatabaseUnavailable
from utils.settings import settings

Seconds = Callable[[float], None]


@pytest.fixture
def for_seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seconds]:
    """Sets how long a database that is away is waited for."""

    def set_to(seconds: float) -> None:
        monkeypatch.setenv("RADIANT_OUTAGE_SECONDS", str(seconds))
        settings.cache_clear()

    yield set_to
    settings.cache_clear()


class Failing:
    """Raises an error so many times, then gives 7."""

    def __init__(self, times: int, error: Exception) -> None:
        self.made = 0
        self._times, self._error = times, error

    def __call__(self) -> int:
        self.made += 1
        if self.made <= self._times:
            raise self._error
        return 7


@pytest.mark.parametrize(
    "error",
    [DatabaseUnavailable("away"), psycopg2.OperationalError("server closed"), psycopg2.InterfaceError("closed")],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_comes_back_is_waited_for(error: Exception, for_seconds: Seconds) -> None:
    for_seconds(30)
    make = Failing(2, error)
    assert outlast(make) == 7
    assert make.made == 3


def test_one_that_does_not_come_back_in_time_raises_what_was_raised_last(for_seconds: Seconds) -> None:
    for_seconds(0.5)
    make = Failing(1000, DatabaseUnavailable("away"))
    with pytest.raises(DatabaseUnavailable, match="away"):
        outlast(make)
    assert 1 < make.made < 10


def test_without_an_outage_to_wait_for_it_is_tried_once(for_seconds: Seconds) -> None:
    for_seconds(0)
    make = Failing(1, DatabaseUnavailable("away"))
    with pytest.raises(DatabaseUnavailable):
        outlast(make)
    assert make.made == 1


def test_what_worked_for_long_before_is_waited_for_as_long(for_seconds: Seconds) -> None:
    """Time runs from when the database is first missed, not from when the work began."""
    for_seconds(0.5)
    first = Failing(1, DatabaseUnavailable("away"))

    def make() -> int:
        if not first.made:
            Event().wait(0.6)
        return first()

    assert outlast(make) == 7


@pytest.mark.parametrize("error", [psycopg2.IntegrityError("twice"), ValueError("wrong")], ids=["integrity", "value"])
def test_any_other_error_is_raised_at_once(error: Exception, for_seconds: Seconds) -> None:
    for_seconds(30)
    make = Failing(1, error)
    with pytest.raises(type(error)):
        outlast(make)
    assert make.made == 1


def test_a_connection_that_is_cut_amid_a_transaction_is_made_anew(database: str, for_seconds: Seconds) -> None:
    for_seconds(30)
    tenant, backends = settings().tenant_id, []

    def make() -> int:
        with tenant_transaction(tenant) as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [[backend]] = cursor.fetchall()
            backends.append(backend)
            if len(backends) == 1:
                with as_owner(database) as owner:
                    owner.execute("SELECT pg_terminate_backend(%s, 10000)", (backend,))
            cursor.execute("SELECT 7")
            [[seven]] = cursor.fetchall()
            return int(seven)

    assert outlast(make) == 7
    assert len(set(backends)) == 2
