"""Answers of the server that do not wait for one another."""

import socket

from pages.components.shell.server_sockets import send_small_answers_at_once


def test_open_and_future_connections_send_at_once() -> None:
    def sends_at_once(connection: socket.socket) -> bool:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

    # As Streamlit opens its port: asyncio then leaves the option unset.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as port:
        port.bind(("localhost", 0))
        port.listen()
        with socket.create_connection(port.getsockname()), port.accept()[0] as before:
            assert not sends_at_once(before)
            send_small_answers_at_once.__wrapped__()
            assert sends_at_once(before)
        with socket.create_connection(port.getsockname()), port.accept()[0] as after:
            assert sends_at_once(after)
