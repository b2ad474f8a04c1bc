"""Reading a request's body and sending an answer, in the messages of ASGI."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from reactor.http.exchange import Answer, HttpError, error_body, read_body, respond

Message = MutableMapping[str, Any]


class Receive:
    """Gives these messages, and counts what was taken."""

    def __init__(self, *messages: Message) -> None:
        self._messages = iter(messages)
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        return next(self._messages)


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_one_piece_and_in_several():
    assert await read_body(Receive(piece(b"abc")), {}, 3) == b"abc"
    pieces = piece(b"a", more=True), piece(b"", more=True), piece(b"bc")
    assert await read_body(Receive(*pieces), {b"content-length": b"3"}, 3) == b"abc"
    assert await read_body(Receive({"type": "http.request"}), {}, 3) == b""


async def test_a_body_that_says_it_is_too_large_is_not_read():
    receive = Receive(piece(b"abcd"))
    with pytest.raises(HttpError) as caught:
        await read_body(receive, {b"content-length": b"4"}, 3)
    assert (caught.value.status, receive.taken) == (413, 0)


async def test_a_body_that_is_too_large_is_not_read_to_its_end():
    for messages in ([piece(b"abcd")], [piece(b"ab", more=True), piece(b"cd", more=True), piece(b"ef")]):
        receive = Receive(*messages)
        with pytest.raises(HttpError) as caught:
            await read_body(receive, {b"content-length": b"nonsense"}, 3)
        assert caught.value.status == 413
        assert receive.taken <= 2


async def test_a_client_that_goes_away_half_way():
    receive = Receive(piece(b"ab", more=True), {"type": "http.disconnect"})
    with pytest.raises(HttpError) as caught:
        await read_body(receive, {}, 100)
    assert caught.value.status == 408


async def test_an_answer():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await respond(send, error_body(HttpError(418, "Teapot", 'short and "stout"')), [(b"x-more", b"1")])
    start, body = sent
    assert start["status"] == 418
    assert start["headers"] == [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body["body"])),
        (b"x-more", b"1"),
    ]
    assert body == {"type": "http.response.body", "body": b'{"code":"Teapot","message":"short and \\"stout\\""}'}
    assert Answer(b"").status == 200
