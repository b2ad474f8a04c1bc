"""What a slow client gets: two transitions that wait, then the newest state; and not endless responses."""

from collections.abc import Sequence

import pytest

from reactor.sync import peer as peer_module
from reactor.sync.connection import OutMessage
from reactor.sync.moment import Moment
from reactor.sync.peer import SocketPeer
from reactor.sync.session import Session
from tests.unit.sync.recording import RecordingHost, result, updated


class Socket:
    """A connection that writes down what it is given; `backlog` is for tests to set."""

    last_sent = last_heard = 0.0

    def __init__(self) -> None:
        self.backlog = 0
        self.address: str | None = None
        self.sent: list[bytes] = []
        self.writes = 0
        self.closed: list[tuple[int | None, str]] = []

    def send(self, messages: Sequence[OutMessage]) -> None:
        self.writes += 1
        self.sent += [message.payload for message in messages]

    def close(self, code: int | None, reason: str = "") -> None:
        self.closed.append((code, reason))


class Hub:
    def __init__(self) -> None:
        self.updates = 0
        self.forgotten: list[SocketPeer] = []

    def forget(self, peer: SocketPeer) -> None:
        self.forgotten.append(peer)

    def update(self, session: Session) -> None:
        self.updates += 1


class Desk:
    """A session that watches one query, with a socket."""

    def __init__(self) -> None:
        self.host, self.hub, self.socket = RecordingHost(), Hub(), Socket()
        self.peer = SocketPeer(self.hub, self.host.session, self.socket)
        self.host.modify(0, self.host.add(0))
        self.ts = 100

    def round(self, value: bytes) -> bool:
        """A round in which the query has this value; whether a transition was sent."""
        self.ts += 1
        self.host.gives(0, updated(value))
        if not self.peer.may_advance():
            return False
        assert self.host.session.advance(Moment(self.ts))
        self.peer.flush_transition()
        return True


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_client_that_reads_gets_every_step(desk: Desk):
    assert [desk.round(b"%d" % number) for number in range(5)] == [True] * 5
    assert len(desk.socket.sent) == 5


def test_a_client_that_does_not_read_has_two_steps_waiting(desk: Desk):
    desk.round(b"0")
    desk.socket.backlog = 1000
    assert [desk.round(b"%d" % number) for number in range(1, 6)] == [True, True, False, False, False]
    assert desk.hub.updates == 0
    desk.socket.backlog = 0
    desk.peer.drained()
    assert desk.hub.updates == 1
    assert desk.round(b"5")
    assert b'"value":5' in desk.socket.sent[-1]
    assert len(desk.socket.sent) == 4
    desk.peer.drained()
    assert desk.hub.updates == 1


def test_a_response_and_its_transition_are_one_write(desk: Desk):
    desk.host.mutate_with(0)
    desk.host.session.answer_mutation(0, result(b"0", ts=101))
    desk.round(b"0")
    assert desk.socket.writes == 1
    assert [b"MutationResponse" in text for text in desk.socket.sent] == [True, False]


def test_responses_pass_a_client_that_is_behind(desk: Desk):
    desk.socket.backlog = 1000
    for number in range(3):
        desk.round(b"%d" % number)
    desk.host.mutate_with(0)
    desk.host.session.answer_mutation(0, result(b"0", ts=110))
    desk.peer.flush()
    assert b"MutationResponse" in desk.socket.sent[-1]


def test_a_client_that_asks_and_never_reads_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer_module, "_MOST_UNREAD_BYTES", 1000)
    desk.socket.backlog = 1
    for request in range(20):
        desk.host.mutate_with(request)
        desk.host.session.answer_mutation(request, result(b"0", ts=101))
        desk.peer.flush()
    assert desk.socket.closed[0] == (1013, "TooManyUnreadResponses")
    assert not desk.round(b"1")


def test_one_that_reads_now_and_then_is_not(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer_module, "_MOST_UNREAD_BYTES", 1000)
    for request in range(20):
        desk.socket.backlog = 1
        desk.host.mutate_with(request)
        desk.host.session.answer_mutation(request, result(b"0", ts=101))
        desk.peer.flush()
        desk.peer.drained()
    assert desk.socket.closed == []


def test_the_last_words_come_before_the_close(desk: Desk):
    desk.peer.received(b"nonsense")
    assert b"FatalError" in desk.socket.sent[-1]
    assert desk.socket.closed == [(None, "")]
    assert not desk.round(b"1")


def test_binary_messages_end_it(desk: Desk):
    desk.peer.received_binary()
    assert desk.socket.sent == []
    assert desk.socket.closed == [(1011, "InternalServerError")]


def test_a_fault_of_ours_ends_it(desk: Desk, caplog: pytest.LogCaptureFixture):
    try:
        raise RuntimeError("a fault of ours")
    except RuntimeError:
        desk.peer.failed()
    assert "a fault of ours" in caplog.text
    assert desk.socket.closed == [(1011, "InternalServerError")]


def test_a_lost_socket_is_forgotten(desk: Desk):
    desk.peer.lost()
    assert desk.hub.forgotten == [desk.peer]
