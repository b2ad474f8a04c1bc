from collections.abc import Mapping

import pytest

from reactor.sync.connection import Connection, OutMessage, Refusal, SocketBase, Welcome, admit, joined_headers


class Socket(SocketBase):
    """A socket that goes nowhere."""

    backlog = 0

    def close(self, code: int | None, reason: str = "") -> None:
        self._may_send()

    def send(self, messages: object) -> None:
        self._may_send()


def test_a_message_makes_its_frame_and_text_once() -> None:
    message = OutMessage(b'{"a":"\xc3\xa4"}')
    assert message.frame == b'\x81\x0a{"a":"\xc3\xa4"}'
    assert message.frame is message.frame
    assert message.text == '{"a":"ä"}'
    assert message.text is message.text


def test_repeated_headers_are_one_list() -> None:
    assert joined_headers([("X-A", "1"), ("x-a", "2"), ("Host", "h")]) == {"x-a": "1, 2", "host": "h"}


def test_a_listener_that_fails_refuses_with_500() -> None:
    class Failing:
        def accept(self, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
            raise ValueError("a mistake")

    refusal = admit(Failing(), "/api/sync", {}, Socket(lambda: 0.0))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 500
    assert "a mistake" not in refusal.body["message"]


def test_a_connection_is_of_no_use_before_it_is_accepted() -> None:
    socket = Socket(lambda: 0.0)
    with pytest.raises(RuntimeError, match=r"after Listener\.accept has returned"):
        socket.send([])
    with pytest.raises(RuntimeError, match=r"after Listener\.accept has returned"):
        socket.close(1000)
