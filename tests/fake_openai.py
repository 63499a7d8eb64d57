"""A fake OpenAI-compatible server with real HTTP: a function that a test gives answers each request.

For people: `python -m tests.fake_openai --port 8000`, then OPENAI_API_BASE=http://127.0.0.1:8000/v1.
"""

import argparse
import hashlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest

from utils.settings import settings

# LiteLLM reads its retry waits on import, which comes later, on the first call.
os.environ.setdefault("INITIAL_RETRY_DELAY", "0")
os.environ.setdefault("JITTER", "0")

Kind = Literal["rate_limit", "server_error", "bad_request", "hang", "reset", "malformed_body", "cut", "early_end"]


@dataclass(frozen=True)
class Reply:
    """A reply that arrives. `usage` False leaves the token counts out, as some servers do."""

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int = 11
    completion_tokens: int = 7
    usage: bool = True


@dataclass(frozen=True)
class Fault:
    """What goes wrong instead. `cut` breaks the connection after half of `text`, `early_end` closes it."""

    kind: Kind
    text: str = "half of this is never sent, because the connection breaks"
    retry_after: str = "0"


@dataclass(frozen=True)
class Request:
    """What arrived: the path, the headers by lower-case name, the JSON body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def last(self) -> str:
        """The last message's text."""
        return str(self.body["messages"][-1]["content"])


Behaviour = Callable[[Request], Reply | Fault]


def echo(request: Request) -> Reply:
    """The default behaviour: says what it was asked."""
    return Reply(f"You said: {request.last}")


@dataclass
class FakeOpenAI:
    """A running server. `behave` may be replaced while it runs; `released` lets hanging requests go."""

    base_url: str
    behave: Behaviour = echo
    embeddings_fault: Fault | None = None
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def script(self, *turns: Reply | Fault) -> None:
        """Answers with these in turn; the last one stays."""
        left = list(turns)
        lock = threading.Lock()

        def behave(_: Request) -> Reply | Fault:
            with lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.behave = behave


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: FakeOpenAI

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the game: nothing on stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Quiet."""

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [{"id": "gpt-fake", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        fake = self.server.fake
        with fake.lock:
            fake.requests.append(request)
        if self.path.endswith("/embeddings"):
            if fake.embeddings_fault:
                self._fault(fake.embeddings_fault, body)
            else:
                self._json(200, _embeddings(body))
            return
        answer = fake.behave(request)
        if isinstance(answer, Fault):
            self._fault(answer, body)
        elif body.get("stream"):
            self._stream(answer, body)
        else:
            self._json(200, _completion(answer, body))

    def _fault(self, fault: Fault, body: dict[str, Any]) -> None:
        if fault.kind == "rate_limit":
            self._json(429, _error("slow down", "rate_limit_error"), {"Retry-After": fault.retry_after})
        elif fault.kind == "server_error":
            self._json(500, _error("it broke", "server_error"))
        elif fault.kind == "bad_request":
            self._json(400, _error(fault.text, "invalid_request_error"))
        elif fault.kind == "hang":
            self.server.fake.released.wait(30)
            self._reset()
        elif fault.kind == "reset":
            self._reset()
        elif fault.kind == "malformed_body":
            self._send(200, b'{"choices": [{"mess', "application/json")
        elif body.get("stream"):
            self._cut(fault, body)
        else:
            self._reset()

    def _cut(self, fault: Fault, body: dict[str, Any]) -> None:
        self._open_stream()
        self._chunk(_delta(body, {"role": "assistant", "content": fault.text[: len(fault.text) // 2]}))
        if fault.kind == "early_end":
            self.wfile.write(b"0\r\n\r\n")
            return
        self._reset()

    def _stream(self, reply: Reply, body: dict[str, Any]) -> None:
        self._open_stream()
        step = max(1, len(reply.text) // 5)
        for start in range(0, len(reply.text), step):
            self._chunk(_delta(body, {"role": "assistant", "content": reply.text[start : start + step]}))
        self._chunk(_delta(body, {}, reply.finish_reason))
        if reply.usage and (body.get("stream_options") or {}).get("include_usage"):
            self._chunk({**_frame(body, "chat.completion.chunk"), "choices": [], "usage": _usage(reply)})
        self._write(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _open_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()

    def _chunk(self, value: dict[str, Any]) -> None:
        self._write(f"data: {json.dumps(value)}\n\n".encode())

    def _write(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _reset(self) -> None:
        """Closes with RST: the other side sees a broken connection, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True
        self.connection.close()

    def _json(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        # A connection kept alive would outlive its server in the client's pool, to be warned of in a later test.
        self.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _frame(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 1, "model": body["model"]}


def _delta(body: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**_frame(body, "chat.completion.chunk"), "choices": [choice]}


def _completion(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    usage = {"usage": _usage(reply)} if reply.usage else {}
    return {**_frame(body, "chat.completion"), "choices": [choice], **usage}


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def _error(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": None}}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts: list[str] = [body["input"]] if isinstance(body["input"], str) else body["input"]
    width = 1536 if body["model"] == "fixed-width" else body.get("dimensions", 1536)
    data = [{"object": "embedding", "index": i, "embedding": _vector(t, width)} for i, t in enumerate(texts)]
    usage = {"prompt_tokens": sum(map(len, texts)), "total_tokens": sum(map(len, texts))}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def _vector(text: str, width: int) -> list[float]:
    """The same text gives the same vector, another text another one; "zero" gives nothing but zeros."""
    if text == "zero":
        return [0.0] * width
    noise = hashlib.shake_256(text.encode()).digest(width)
    return [byte / 255 - 0.5 for byte in noise]


@contextmanager
def serve(port: int = 0, behave: Behaviour = echo) -> Iterator[FakeOpenAI]:
    """A server on 127.0.0.1 (a free port unless told) until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.fake = FakeOpenAI(base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", behave=behave)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.fake
    finally:
        server.fake.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


_OF_THE_TEST = {"RADIANT_HOME", "RADIANT_TENANT_ID", "RADIANT_USER_ID"}
"""What the test's database may have set by now."""


@pytest.fixture
def no_provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without any provider, and settings that are read anew before and after."""
    for name in list(os.environ):
        ours = name.startswith("RADIANT_") and name not in _OF_THE_TEST
        if ours or name.endswith("_API_KEY") or name.startswith(("LITELLM_PROXY", "OPENAI_")):
            monkeypatch.delenv(name)
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def fake_openai(no_provider: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A fake server that OPENAI_API_BASE points at."""
    with serve() as fake:
        no_provider.setenv("OPENAI_API_BASE", fake.base_url)
        settings.cache_clear()
        yield fake


def main() -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible server that says what it was asked.")
    parser.add_argument("--port", type=int, default=8000)
    with serve(parser.parse_args().port) as fake:
        print(f"OPENAI_API_BASE={fake.base_url}", flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
