from collections.abc import Sequence

import pytest

from reactor.sync.connection import OutMessage
from reactor.sync.heartbeat import PING_MESSAGE, Heartbeat


class Clock:
    """Time that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class PaperConnection:
    """Writes down what the heartbeat did."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.last_sent = self.last_heard = clock.now
        self.backlog = 0
        self.address: str | None = None
        self.closing_since: float | None = None
        self.done: list[str] = []

    def send(self, messages: Sequence[OutMessage]) -> None:
        raise AssertionError("the heartbeat sends by nudge and probe")

    def close(self, code: int | None, reason: str = "") -> None:
        self.closing_since = self.clock.now
        self.done.append(f"close {code} {reason}")

    def nudge(self) -> None:
        self.last_sent = self.clock.now
        self.done.append("nudge")

    def probe(self) -> None:
        self.done.append("probe")

    def abort(self) -> None:
        self.done.append("abort")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def heartbeat(clock: Clock) -> Heartbeat:
    return Heartbeat(clock=clock)


def watched(heartbeat: Heartbeat, clock: Clock) -> PaperConnection:
    connection = PaperConnection(clock)
    heartbeat.add(connection)
    return connection


def after(heartbeat: Heartbeat, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    heartbeat.sweep()


async def test_a_quiet_connection_gets_one_ping_each_15_seconds(heartbeat: Heartbeat, clock: Clock) -> None:
    connection = watched(heartbeat, clock)
    for _ in range(45):
        connection.last_heard = clock.now + 1
        after(heartbeat, clock, 1)
    assert connection.done == ["nudge"] * 3


async def test_a_client_that_only_listens_is_probed_although_messages_flow(heartbeat: Heartbeat, clock: Clock) -> None:
    connection = watched(heartbeat, clock)
    connection.last_sent = clock.now + 10
    after(heartbeat, clock, 15)
    assert connection.done == ["probe"]


async def test_a_silent_client_is_closed_then_dropped(heartbeat: Heartbeat, clock: Clock) -> None:
    connection = watched(heartbeat, clock)
    connection.backlog = 1  # it reads nothing either
    after(heartbeat, clock, 119)
    assert connection.done == []
    after(heartbeat, clock, 1)
    after(heartbeat, clock, 4)
    assert connection.done == ["close 1000 ClientDisconnected"]
    after(heartbeat, clock, 1)
    assert connection.done == ["close 1000 ClientDisconnected", "abort"]


async def test_nothing_is_added_to_a_backlog(heartbeat: Heartbeat, clock: Clock) -> None:
    connection = watched(heartbeat, clock)
    connection.backlog = 1
    after(heartbeat, clock, 60)
    assert connection.done == []


async def test_one_failing_connection_is_dropped_and_the_rest_looked_at(heartbeat: Heartbeat, clock: Clock) -> None:
    class Broken(PaperConnection):
        def nudge(self) -> None:
            raise OSError("gone")

    broken = Broken(clock)
    heartbeat.add(broken)
    sound = watched(heartbeat, clock)
    after(heartbeat, clock, 15)
    assert (broken.done, sound.done) == (["abort"], ["nudge"])


async def test_connections_may_leave_while_they_are_looked_at(heartbeat: Heartbeat, clock: Clock) -> None:
    class Leaver(PaperConnection):
        def nudge(self) -> None:
            self.done.append("nudge")
            for other in leavers:
                heartbeat.remove(other)

    leavers = [Leaver(clock) for _ in range(3)]
    for leaver in leavers:
        heartbeat.add(leaver)
    after(heartbeat, clock, 15)
    assert [leaver.done for leaver in leavers] == [["nudge"], [], []]
    assert heartbeat.watched == 0


async def test_a_round_of_ticks_looks_at_each_connection_once(heartbeat: Heartbeat, clock: Clock) -> None:
    connections = [watched(heartbeat, clock) for _ in range(1000)]
    clock.now += 15
    per_tick: list[int] = []
    for _ in range(20):
        heartbeat._tick()  # what the timer calls each twentieth of a second
        per_tick.append(sum(len(connection.done) for connection in connections) - sum(per_tick))
    assert per_tick == [50] * 20
    assert all(connection.done == ["nudge"] for connection in connections)


async def test_the_timer_runs_only_while_there_is_a_connection(heartbeat: Heartbeat, clock: Clock) -> None:
    assert heartbeat._timer is None
    connection = watched(heartbeat, clock)
    timer = heartbeat._timer
    assert timer is not None
    heartbeat.remove(connection)
    heartbeat.remove(connection)
    assert timer.cancelled()
    assert heartbeat._timer is None


def test_the_ping_is_the_json_of_the_protocol() -> None:
    assert PING_MESSAGE.payload == b'{"type":"Ping"}'
