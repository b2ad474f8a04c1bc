"""Messages between a worker and whoever looks after it."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from reactor.app.measured import Measured, Sample
from reactor.app.workers.messages import Begin, Counted, Event, FromWorker, SendCounts, Stop, ToWorker
from reactor.app.workers.wire import Wire, frame, read_frame


class Ends:
    """Both ends of a wire, and what came at each."""

    def __init__(self) -> None:
        self.sockets = socket.socketpair()
        self.came: tuple[list[Any], list[Any]] = ([], [])
        self.above: Wire[FromWorker] = Wire(FromWorker, self.came[0].append)
        self.below: Wire[ToWorker] = Wire(ToWorker, self.came[1].append)

    async def __aenter__(self) -> "Ends":
        await self.above.connect(self.sockets[0])
        await self.below.connect(self.sockets[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.above.close()
        await self.below.close()


async def test_messages_come_whole_and_in_order():
    metrics = [Measured("a", "counter", "says", [Sample("a_total", (("function", "x"),), 1.5)] * 20_000)]
    sent = [Event("log", {"line": "[LOG] 'x'"}), Counted(1, metrics), Event("loaded", {"functions": ["a:b"]})]
    async with Ends() as ends:
        for message in sent:
            assert ends.below.send(message)
        await ends.below.close()
        await ends.above.ended()
    assert ends.came == (sent, [])


async def test_messages_go_down_as_well():
    async with Ends() as ends:
        ends.above.send(Stop(False))
        ends.above.send(Stop(True))
        await ends.above.close()
        await ends.below.ended()
    assert ends.came == ([], [Stop(False), Stop(True)])


async def test_fields_of_events_are_for_people():
    async with Ends() as ends:
        ends.below.send(Event("ready", {"data": Path("/srv"), "functions": ["a:b"], "routes": 0, "database": None}))
        await ends.below.close()
        await ends.above.ended()
    (event,) = ends.came[0]
    assert event.fields == {"data": "/srv", "functions": ["a:b"], "routes": 0, "database": None}


async def test_what_can_be_done_without_is_left_out_when_nobody_reads():
    async with Ends() as ends:
        ends.above._transport.pause_reading()  # pyright: ignore - as a terminal that is stopped holds it up
        line = Event("log", {"line": "x" * 100_000})
        sent = [ends.below.send(line, must=False) for _ in range(100)]
        assert sent[0] and not sent[-1]
        assert ends.below.send(Event("last", {})), "what must be sent is"
        ends.above._transport.resume_reading()  # pyright: ignore
        await ends.below.close()
        await ends.above.ended()
    assert [event.kind for event in ends.came[0]] == ["log"] * sum(sent) + ["last"]


async def test_nothing_is_sent_to_who_is_gone():
    async with Ends() as ends:
        await ends.above.close()
        await ends.below.ended()
        assert not ends.below.send(Event("log", {}))


def test_the_first_message_is_read_without_a_loop_and_the_next_stays():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        begin = Begin(2, b"settings", "/srv/app", 5, -1, 7)
        ours.sendall(frame(begin) + frame(SendCounts(1)))
        assert read_frame(theirs, Begin) == begin
        assert theirs.recv(1024) == frame(SendCounts(1))
        ours.close()
        with pytest.raises(EOFError):
            read_frame(theirs, Begin)


async def test_a_wire_that_was_never_connected_closes():
    wire: Wire[ToWorker] = Wire(ToWorker, lambda _: None)
    assert not wire.send(Stop(False))
    async with asyncio.timeout(5):
        await wire.close()
        await wire.ended()
