"""The guard that keeps tests from the network."""

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "::ffff:192.0.2.1"])
def test_a_connection_that_leaves_the_machine_raises(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(AssertionError, match=host):
        client.connect((host, 80))


def test_a_local_connection_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        assert client.getpeername() == server.getsockname()
