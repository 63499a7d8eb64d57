"""A fake tool server with real HTTP: a function that a test gives plays each tool; RADIANT_TOOLS names the server."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from utils.settings import settings

Plays = Callable[[dict[str, Any]], Any]
"""Arguments -> what is answered: an object of the protocol, or bytes as they stand. What it raises is the error."""


@dataclass(frozen=True)
class ToolCall:
    """One call as it arrived."""

    tool: str
    arguments: dict[str, Any]
    headers: dict[str, str]


@dataclass
class ToolServer:
    """A running server. `released` lets calls go that wait for it."""

    url: str
    setenv: Callable[[str, str], None]
    tools: dict[str, Plays] = field(default_factory=dict)
    placed: dict[str, Any] = field(default_factory=dict)
    calls: list[ToolCall] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def serve(self, name: str, plays: Plays, **setting: Any) -> None:
        """Adds a tool, or replaces it; `setting` is the rest of ToolSetting (writes, undo, arguments ...)."""
        self.tools[name] = plays
        self.placed[name] = {"at": self.url, **setting}
        self.configure()

    def configure(self, **more: Any) -> None:
        """Adds tools that are elsewhere."""
        self.placed |= more
        self.setenv("RADIANT_TOOLS", json.dumps(self.placed))
        settings.cache_clear()

    def of(self, name: str) -> list[dict[str, Any]]:
        """The arguments of each call of a tool, in order of arrival."""
        return [c.arguments for c in self.calls if c.tool == name]


@pytest.fixture
def tool_server(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolServer]:
    """A tool server that has no tool yet."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    _Handler.fake = ToolServer(f"http://127.0.0.1:{server.server_port}/", monkeypatch.setenv)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield _Handler.fake
    _Handler.fake.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
    settings.cache_clear()


class _Handler(BaseHTTPRequestHandler):
    fake: ToolServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.fake.calls.append(ToolCall(asked["tool"], asked["arguments"], headers))
        try:
            answer = self.fake.tools[asked["tool"]](asked["arguments"])
        except Exception as error:  # the tool's own failure is what the server answers
            answer = {"error": str(error)}
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing: a test's output is its own."""
