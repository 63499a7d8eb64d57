"""Two calls that do not fit side by side, while one has reserved and does not know it yet."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress

from psycopg2.extensions import make_dsn, parse_dsn

from scripts.bench.governor import completion, request
from tests.utils.test_governor import new_run, new_tenant
from utils.ledger import CallKey, PaidCall, paid_call

BOUND = 30.0


class Wire:
    """Lies between this process and its database, and holds back the answer to a statement in which `marked` stands."""

    def __init__(self, server_url: str, marked: bytes) -> None:
        server = parse_dsn(server_url)
        self._host, self._port = server.get("host", "localhost"), server.get("port", "5432")
        self._marked = marked
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = ExitStack()
        self.answered, self.let = threading.Event(), threading.Event()
        port = str(self._listening.getsockname()[1])
        self.url = make_dsn(server_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.let.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._open.close()
        for thread in self._threads[1:]:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._connect()
                for end in (client, server):
                    self._open.callback(_end, end)
                held = threading.Event()
                for pump in (self._ask, self._answer):
                    self._threads.append(threading.Thread(target=pump, args=(client, server, held)))
                    self._threads[-1].start()

    def _connect(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, int(self._port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server

    def _ask(self, client: socket.socket, server: socket.socket, held: threading.Event) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if self._marked in said and not self.let.is_set():
                    held.set()
                server.sendall(said)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket, held: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if held.is_set():
                    self.answered.set()
                    self.let.wait(BOUND)
                client.sendall(said)
            client.shutdown(socket.SHUT_WR)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def wire(server_url: str, marked: bytes) -> Iterator[Wire]:
    between = Wire(server_url, marked)
    try:
        yield between
    finally:
        between.close()


def test_who_finds_no_room_waits_for_a_call_that_has_just_reserved(
    database: str, use_database: Callable[[str], None]
) -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.05)

    def pay(path: str) -> PaidCall:
        """It may cost 0.04, and costs 0.01: two fit one after the other only."""
        key = CallKey(tenant, run, path)
        return paid_call(key, request(path), lambda _: completion("", 0.01), estimate=lambda _: 0.04)

    with wire(database, b"the-first-call") as between, ThreadPoolExecutor(2) as threads:
        use_database(between.url)
        first = threads.submit(pay, "the-first-call")
        assert between.answered.wait(BOUND), "it has reserved, and was not told so"
        second = threads.submit(pay, "the-second-call")
        assert not wait([second], timeout=1).done, second.exception()
        between.let.set()
        assert [first.result(BOUND).completion.cost_usd, second.result(BOUND).completion.cost_usd] == [0.01, 0.01]
        use_database(database)
