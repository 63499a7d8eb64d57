"""JSON logs of a real run, and what a record keeps: whose it is and where, never what anybody wrote."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fake_openai import FakeOpenAI
from tests.quoted_run import BROKEN, MODELS, SECRET, ask, partly_broken, python
from utils.logs import Context, bound, context
from utils.settings import settings

KEY = "sk-thekeyofthetest0123456789"
JSON = {"RADIANT_LOG_FORMAT": "json"}


def lines(text: str) -> list[dict[str, Any]]:
    """Every line, each of which must be a JSON object."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def logged(code: str, **environ: str) -> list[dict[str, Any]]:
    """What a piece of code logs as JSON, after the logs were started."""
    start = "import logging\nfrom utils.logs import bound, start_logging, take_over\nstart_logging()\n"
    return lines(python(start + code, **environ, **JSON).stderr)


@pytest.mark.usefixtures("database")
def test_a_run_logs_json_with_whose_it_is_and_quotes_nobody(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = partly_broken
    done = ask("logging", OPENAI_API_KEY=KEY, RADIANT_LOG_LEVEL="debug", **JSON)
    assert done.stdout.strip() in ("done", "degraded"), done
    found = lines(done.stderr)
    assert {line["run"] for line in found} == {"logging"}
    assert {line["tenant"] for line in found} == {str(settings().tenant_id)}
    assert {"lessons", "body/vote", "settle@1/cato", "deliver"} <= {line["node"] for line in found}
    assert SECRET not in done.stderr
    assert KEY not in done.stderr

    votes = [line for line in found if line["node"] == "body/vote"]
    assert [line["message"] for line in votes if "model" not in line] == ["block started", "block finished"]
    assert {line["model"] for line in votes if line["message"] == "call started"} == set(MODELS)
    (paid,) = (line for line in votes if line["message"] == "call finished" and line["model"] == MODELS[0])
    assert (paid["tokens"], paid["from_ledger"]) == (18, False)
    assert paid["cost_usd"] == pytest.approx(11 * 0.15e-6 + 7 * 0.6e-6)
    (failed,) = (line for line in votes if line["message"] == "call failed")
    assert (failed["model"], failed["status"]) == (BROKEN, "failed")


def test_a_line_has_time_level_logger_message_and_context() -> None:
    (line,) = logged(
        "with bound(run='r', node='n', tenant='t', task='k', execution='e', attempt='2'):\n"
        "    logging.getLogger('radiant.x').warning('a thing: %d', 5, extra={'ms': 7})"
    )
    age = datetime.now(UTC) - datetime.fromisoformat(line.pop("time"))
    assert timedelta() <= age < timedelta(minutes=2)
    assert line == {
        "level": "WARNING",
        "logger": "radiant.x",
        "message": "a thing: 5",
        "run": "r",
        "node": "n",
        "tenant": "t",
        "task": "k",
        "execution": "e",
        "attempt": "2",
        "ms": 7,
    }


def test_an_exception_is_one_string_of_types_and_frames() -> None:
    code = f"""
def read(): raise KeyError({SECRET!r})
try:
    try: read()
    except KeyError as error: raise ValueError({SECRET!r}) from error
except ValueError: logging.getLogger('radiant').exception('it broke')
"""
    (line,) = logged(code)
    assert "builtins.KeyError\nthen\n" in line["exception"]
    assert line["exception"].endswith("builtins.ValueError")
    assert "in read" in line["exception"]
    assert SECRET not in json.dumps(line)


def test_of_a_library_only_the_place_is_kept() -> None:
    names = ["flytekit", "user_space", "httpx", "py.warnings", "anything"]
    code = f"for name in {names}: logging.getLogger(name).error('%s', {SECRET!r}, extra={{'inputs': {SECRET!r}}})"
    found = logged(code, RADIANT_LOG_LEVEL="debug")
    assert [(line["logger"], line["level"]) for line in found] == [(name, "ERROR") for name in names]
    assert all("withheld" in line["message"] for line in found)
    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize("order", ["import flytekit; start_logging()", "start_logging(); import flytekit"])
def test_flytekit_writes_through_our_handler_only(order: str) -> None:
    done = python(
        f"from utils.logs import start_logging\n{order}\nfrom flytekit.loggers import logger, user_space_logger\n"
        f"logger.info({SECRET!r}); logger.error({SECRET!r}); user_space_logger.warning({SECRET!r})",
        **JSON,
    )
    assert [line["logger"] for line in lines(done.stderr)] == ["flytekit", "user_space"]
    assert done.stdout == ""
    assert SECRET not in done.stderr


def test_litellm_says_nothing_below_critical_and_that_through_our_handler() -> None:
    done = python(
        "from utils.logs import start_logging\nstart_logging()\nfrom utils.llm import warm_up\nwarm_up()\n"
        "import logging\nfor name in ('LiteLLM', 'LiteLLM Router', 'LiteLLM Proxy'):\n"
        f"    logging.getLogger(name).error({SECRET!r}); logging.getLogger(name).critical({SECRET!r})",
        **JSON,
    )
    assert [line["logger"] for line in lines(done.stderr)] == ["LiteLLM", "LiteLLM Router", "LiteLLM Proxy"]
    assert SECRET not in done.stderr + done.stdout


def test_what_nobody_caught_is_a_line_too() -> None:
    for code in (
        f"raise ValueError({SECRET!r})",
        f"import threading\ndef f(): raise ValueError({SECRET!r})\nt = threading.Thread(target=f); t.start(); t.join()",
    ):
        (line,) = logged(code)
        assert (line["level"], line["message"]) == ("CRITICAL", "uncaught")
        assert SECRET not in json.dumps(line)


def test_text_is_for_people_and_warns_only() -> None:
    code = (
        "import logging\nfrom utils.logs import start_logging\nstart_logging()\nstart_logging()\n"
        "logging.getLogger('radiant').info('a detail')\nlogging.getLogger('radiant').warning('a warning')"
    )
    assert python(code).stderr == "WARNING a warning\n"
    told = python(code, RADIANT_LOG_LEVEL="info").stderr
    assert told == "INFO a detail\nWARNING a warning\n"


def test_the_context_nests_and_goes_with_threads() -> None:
    with bound(run="r", tenant="t"), ThreadPoolExecutor(1) as pool:
        with bound(node="n"):
            inside = pool.submit(copy_context().run, context).result()
        assert context() == Context(run="r", tenant="t")
    assert inside == Context(run="r", tenant="t", node="n")
    assert context() == Context()
