"""Requests to flyteadmin: how long one may take, what is said where it refuses, and answers of several pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flytekit.clients.grpc_utils.deadline_interceptor import scoped_grpc_deadline
from flytekit.configuration import PlatformConfig
from flytekit.exceptions.base import FlyteException
from flytekit.exceptions.user import (
    FlyteEntityAlreadyExistsException,
    FlyteEntityNotExistException,
    FlyteInvalidInputException,
)

from utils.errors import ClusterUnavailable, RadiantError

SECONDS = 30.0
"""How long one request may take."""
PAGE = 100
REFUSALS = (FlyteEntityAlreadyExistsException, FlyteEntityNotExistException, FlyteInvalidInputException)


@contextmanager
def asked(seconds: float = SECONDS) -> Iterator[None]:
    """What the cluster refuses, or that it does not answer in so many seconds, is one line."""
    try:
        with scoped_grpc_deadline(seconds):
            yield
    except REFUSALS as error:
        raise RadiantError(f"Flyte refused: {said(error)}") from error
    except FlyteException as error:
        where = PlatformConfig.auto().endpoint
        raise ClusterUnavailable(f"the Flyte cluster at {where} does not answer: {said(error) or error}") from error


def everything(pages: Callable[..., tuple[list[Any], str]]) -> Iterator[Any]:
    """What a paginated request lists."""
    token = ""
    while True:
        page, token = pages(limit=PAGE, token=token)
        yield from page
        if not token:
            return


def said(error: BaseException) -> str:
    """The first line of what the cluster answered."""
    details = getattr(error.__cause__, "details", None)
    lines = (details() if details else str(error) or "").strip().splitlines()
    return lines[0] if lines else ""
