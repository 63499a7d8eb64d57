"""A tool behind HTTP. The protocol: docs/tools.md."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from utils.errors import CallFailed
from utils.phi import outward
from utils.settings import ToolSetting

MOST_BYTES = 5_000_000
"""A longer answer is refused."""


@dataclass(frozen=True)
class Said:
    """What a tool server answered."""

    text: str
    data: dict[str, Any]


def ask_server(name: str, arguments: Mapping[str, Any], setting: ToolSetting) -> Said:
    """Posts one call of a tool and reads its answer. Raises CallFailed, whose status tells a timeout.

    Personal data in the arguments is replaced where RADIANT_PHI is not `allow`. Nothing is retried: the tool may write.
    """
    import requests

    body = json.dumps({"tool": name, "arguments": _outward(arguments)}).encode()
    token = setting.token.get_secret_value()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    until = monotonic() + setting.timeout
    try:
        with requests.post(
            setting.at, data=body, headers=headers, timeout=setting.timeout, stream=True, allow_redirects=False
        ) as response:
            return _said(name, response.status_code, _body(name, response, until))
    except requests.Timeout as error:
        raise CallFailed(_late(name, setting.timeout), status="timeout") from error
    except (requests.RequestException, ValueError) as error:
        raise CallFailed(f"the tool server of '{name}' cannot be asked: {type(error).__name__}") from error


def _body(name: str, response: Any, until: float) -> bytes:
    """The answer, in time as a whole: a timeout of requests is for one read only."""
    read = bytearray()
    for piece in response.iter_content(65_536):
        read += piece
        if len(read) > MOST_BYTES:
            raise CallFailed(f"the tool server of '{name}' answered more than {MOST_BYTES:,} bytes")
        if monotonic() > until:
            raise CallFailed(f"the tool server of '{name}' took too long to answer", status="timeout")
    return bytes(read)


def _said(name: str, status: int, body: bytes) -> Said:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and answer.get("error"):
        raise CallFailed(f"{name}: {str(answer['error'])[:1000]}")
    if status != OK or not isinstance(answer, dict):
        raise CallFailed(f"the tool server of '{name}' answered {status}, and no JSON object with text or data")
    text, data = answer.get("text", ""), answer.get("data") or {}
    if not isinstance(text, str) or not isinstance(data, dict) or not (text or data):
        raise CallFailed(f"the tool server of '{name}' answered neither a text nor data, an object")
    # Postgres stores no NUL, and its record keeps what a tool gave.
    return Said(text.replace("\x00", " "), json.loads(json.dumps(data).replace("\\u0000", " ")))


def _outward(value: Any) -> Any:
    if isinstance(value, str):
        return outward(value)
    if isinstance(value, Mapping):
        return {name: _outward(one) for name, one in value.items()}
    return [_outward(one) for one in value] if isinstance(value, list) else value


def _late(name: str, seconds: float) -> str:
    return f"the tool server of '{name}' gave no answer in {seconds:g} s"


OK = 200
