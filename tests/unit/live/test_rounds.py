"""Rounds over a store of timestamps: what runs, on which moment, who is told, and what falls into the next round."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from reactor.database.overlay import Overlay
from reactor.database.ranges import KeyRange
from reactor.errors import StoreError
from reactor.live import rounds as rounds_module
from reactor.live.ahead import Ahead
from reactor.live.directory import Directory
from reactor.live.live_query import LiveQuery, Subscriber, Subscription
from reactor.live.rounds import Rounds, Yielding
from reactor.runtime.failures import Failure
from reactor.runtime.query_run import QueryRun, RunResult
from tests.unit.live.clients import ANN, BOB, Client, commit, point, subscribe


class Snapshot:
    def __init__(self, ts: int) -> None:
        self.ts, self.released = ts, 0

    def release(self) -> None:
        self.released += 1


class Store:
    """Gives snapshots of the newest timestamp."""

    def __init__(self) -> None:
        self.ts = 1
        self.given: list[Snapshot] = []
        self.broken = False

    def acquire(self) -> Any:
        if self.broken:
            raise StoreError("no snapshot to be had")
        self.given.append(Snapshot(self.ts))
        return self.given[-1]


class World:
    """Rounds whose queries run `functions` by path, given (query, ts); the default gives the timestamp.

    `delivered` has (ts, clients) for each delivery, `runs` has (path, ts) for each run.
    """

    def __init__(self) -> None:
        self.store, self.directory = Store(), Directory()
        self.rounds = Rounds(self.store, self.directory, self.run, self.deliver, retry=0)  # type: ignore[arg-type]
        self.functions: dict[str, Callable[[LiveQuery, int], Any]] = {}
        self.reads: dict[str, list[KeyRange]] = {}
        self.looks: set[str] = set()
        self.runs: list[tuple[str, int]] = []
        self.delivered: list[tuple[int, list[Subscriber]]] = []
        self.during_delivery: Callable[[], object] = lambda: None

    def commit(self, *keys: bytes) -> int:
        """A commit becomes visible; its timestamp."""
        self.store.ts += 1
        self.rounds.news([commit(*keys, ts=self.store.ts)])
        return self.store.ts

    def subscribe(self, client: Client, path: str = "rooms:list") -> Subscription:
        subscription = subscribe(self.directory, client, path)
        self.rounds.request(client)
        return subscription

    async def settle(self) -> None:
        """Let the loop turn until nothing is left to do."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def run(self, query: LiveQuery, snapshot: Snapshot) -> QueryRun:
        self.runs.append((query.path, snapshot.ts))
        value = self.functions.get(query.path, lambda query, ts: ts)(query, snapshot.ts)
        if asyncio.iscoroutine(value):
            value = await value
        failure = value if isinstance(value, Failure) else None
        result = RunResult(b"null" if failure else b"%d" % value, failure, [])
        return QueryRun(result, self.reads.get(query.path, []), query.path in self.looks)

    async def deliver(self, ts: int, due: Iterable[Subscriber], breathe: Yielding) -> None:
        self.during_delivery()
        self.delivered.append((ts, list(due)))


@pytest.fixture
def world() -> World:
    return World()


def value(subscription: Subscription) -> bytes:
    assert subscription.live.result is not None
    return subscription.live.result.shown.split(b",")[0].removeprefix(b'"value":')


async def test_a_round_runs_what_is_new_and_tells_who_asked(world: World):
    client = Client()
    subscription = world.subscribe(client)
    await world.settle()
    assert world.runs == [("rooms:list", 1)]
    assert world.delivered == [(1, [client])]
    assert client.told == [subscription]
    assert value(subscription) == b"1"
    assert [snapshot.released for snapshot in world.store.given] == [1]


async def test_a_commit_reruns_what_it_touches(world: World):
    rooms, users = Client(), Client()
    world.reads = {"rooms:list": [point(b"r")], "users:list": [point(b"u")]}
    subscriptions = world.subscribe(rooms), world.subscribe(users, "users:list")
    await world.settle()
    world.runs.clear()
    world.delivered.clear()
    ts = world.commit(b"r", b"x")
    world.rounds.now()
    assert world.runs == [("rooms:list", ts)]
    assert world.delivered == [(ts, [rooms])]
    assert [value(subscription) for subscription in subscriptions] == [b"2", b"1"]
    assert subscriptions[0].live.runs == 2
    assert subscriptions[0].live.reason is not None
    assert subscriptions[0].live.reason.key == b"r"


async def test_a_result_that_is_the_same_reaches_nobody(world: World):
    world.functions["rooms:list"] = lambda query, ts: 5
    world.reads["rooms:list"] = [point(b"r")]
    client = Client()
    world.subscribe(client)
    await world.settle()
    world.commit(b"r")
    world.rounds.now()
    assert len(world.runs) == 2
    assert world.rounds.unchanged == 1
    assert world.delivered == [(1, [client]), (2, [])]


async def test_who_asks_is_told_though_nothing_changed(world: World):
    client = Client()
    world.rounds.request(client)
    world.rounds.request(client)
    await world.settle()
    assert world.delivered == [(1, [client])]
    assert world.rounds.rounds == 1


async def test_a_result_that_was_ready_before_its_commit_is_used(world: World):
    async def run_ahead(query: LiveQuery, snapshot: Any, overlay: Overlay) -> QueryRun:
        return QueryRun(RunResult(b"7", None, []), [point(b"r")], False)

    store: Any = world.store
    run: Any = world.run
    ahead = Ahead(store, world.directory, run_ahead)
    rounds = world.rounds = Rounds(store, world.directory, run, world.deliver, ahead=ahead)
    world.reads["rooms:list"] = [point(b"r")]
    subscription = world.subscribe(Client())
    await world.settle()
    rounds.on_the_way([commit(b"r", ts=2)], Overlay())
    assert value(subscription) == b"1", "nobody sees it before it is durable"
    world.commit(b"r")
    rounds.now()
    assert value(subscription) == b"7"
    assert world.runs == [("rooms:list", 1)]
    rounds.on_the_way([commit(b"r", ts=3)], Overlay())
    world.commit(b"x")
    world.commit(b"r")
    rounds.now()
    assert value(subscription) == b"4", "another moment came"
    rounds.on_the_way([commit(b"r", ts=5)], Overlay())
    rounds.on_the_way([], Overlay())
    world.commit(b"r")
    rounds.now()
    assert value(subscription) == b"5", "the commit was lost, and another has its time"


async def test_without_anything_to_do_there_is_no_round(world: World):
    world.rounds.now()
    world.rounds.soon()
    await world.settle()
    assert world.rounds.rounds == 0


# What happens while a round is under way


async def test_a_commit_during_a_round_is_compared_with_what_its_queries_read_then(world: World):
    """A query that has not run yet in this round reads other keys afterwards; it must not miss the commit."""
    gate = asyncio.Event()

    async def wait(query: LiveQuery, ts: int) -> int:
        await gate.wait()
        return ts

    world.functions["slow"] = wait
    world.subscribe(Client(), "slow")
    late = world.subscribe(Client(), "late")
    await world.settle()
    world.reads["late"] = [point(b"k")]
    world.commit(b"k")
    gate.set()
    await world.settle()
    assert world.runs == [("slow", 1), ("late", 1), ("late", 2)]
    assert value(late) == b"2"


async def test_a_subscription_during_a_round_is_answered_by_it(world: World):
    client, other = Client(), Client()

    def begin(query: LiveQuery, ts: int) -> int:
        if ts == 1:
            world.subscribe(other, "second")
        return 1

    world.functions["first"] = begin
    world.subscribe(client, "first")
    await world.settle()
    assert world.runs == [("first", 1), ("second", 1)]
    assert world.delivered[0] == (1, [client, other])


async def test_a_round_does_not_go_on_for_ever_when_subscriptions_keep_coming(world: World):
    more = iter(range(100))

    def begin(query: LiveQuery, ts: int) -> int:
        world.subscribe(Client(), f"query {next(more)}")
        return 1

    world.functions = {"first": begin} | {f"query {number}": begin for number in range(99)}
    world.functions["query 99"] = lambda query, ts: 1
    world.subscribe(Client(), "first")
    for _ in range(10):
        await world.settle()
    assert len(world.runs) == 101
    assert world.rounds.rounds > 10


async def test_identities_that_a_run_told_apart_are_answered_for_the_same_moment(world: World):
    world.looks.add("profile:get")
    ann, bob = Client(ANN), Client(BOB)
    subscriptions = world.subscribe(ann, "profile:get"), world.subscribe(bob, "profile:get")
    await world.settle()
    assert world.runs == [("profile:get", 1), ("profile:get", 1)]
    assert world.delivered == [(1, [ann, bob])]
    assert subscriptions[0].live is not subscriptions[1].live


async def test_new_code_ends_the_round_and_everything_runs_under_it(world: World):
    client, other = Client(), Client()
    reloads = iter([True])

    def reload(query: LiveQuery, ts: int) -> int:
        if next(reloads, False):
            world.directory.all_dirty("code")
        return 1

    world.functions["first"] = reload
    world.subscribe(client, "first")
    world.subscribe(other, "second")
    await world.settle()
    assert world.runs == [("first", 1), ("first", 1), ("second", 1)]
    assert world.delivered == [(1, [client, other])]
    assert [snapshot.released for snapshot in world.store.given] == [1, 1]


async def test_what_must_not_mix_with_a_round_waits_for_its_end(world: World):
    client = Client()
    world.during_delivery = lambda: (
        world.rounds.after(lambda: world.delivered.append((0, []))) if not world.delivered else None
    )
    world.subscribe(client)
    await world.settle()
    assert world.delivered == [(1, [client]), (0, [])]


async def test_who_is_due_is_known_during_a_round_only(world: World):
    client = Client()
    seen: list[bool] = []
    world.during_delivery = lambda: seen.append(client in world.rounds.due)
    world.subscribe(client)
    assert client not in world.rounds.due
    await world.settle()
    assert seen == [True]
    assert client not in world.rounds.due


async def test_what_is_asked_for_during_delivery_is_done_by_the_next_round(world: World):
    client, other = Client(), Client()
    world.during_delivery = lambda: world.rounds.request(other) if not world.delivered else None
    world.rounds.request(client)
    await world.settle()
    assert world.delivered == [(1, [client]), (1, [other])]


async def test_a_long_round_gives_the_loop_its_turns(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rounds_module, "_SLICE_SECONDS", -1.0)
    for number in range(20):
        world.subscribe(Client(), f"query {number}")
    world.rounds.now()
    turns = 0
    while not world.delivered:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 20


async def test_a_query_that_ended_during_the_round_is_not_run(world: World):
    def leave(query: LiveQuery, ts: int) -> int:
        world.directory.unsubscribe(gone)
        return ts

    world.functions["first"] = leave
    world.subscribe(Client(), "first")
    gone = world.subscribe(Client(), "second")
    await world.settle()
    assert world.runs == [("first", 1)]


# Whether a result is up to date


async def test_a_result_is_fresh_until_a_commit_touches_its_query(world: World):
    world.reads = {"rooms:list": [point(b"r")], "users:list": [point(b"u")]}
    rooms, users = world.subscribe(Client()).live, world.subscribe(Client(), "users:list").live
    assert not world.rounds.fresh(rooms), "it never ran"
    world.rounds.now()
    assert world.rounds.fresh(rooms)
    world.commit(b"r")
    assert (world.rounds.fresh(rooms), world.rounds.fresh(users)) == (False, True)
    world.rounds.now()
    assert world.rounds.fresh(rooms)
    world.directory.all_dirty("code")
    assert not world.rounds.fresh(users)


async def test_during_a_round_a_result_is_fresh_if_it_has_run_and_no_news_touches_it(world: World):
    gate = asyncio.Event()

    async def wait(query: LiveQuery, ts: int) -> int:
        await gate.wait()
        return ts

    paths = ["early", "slow", "late", "calm"]
    world.reads = {path: [point(path.encode())] for path in paths}
    lives = {path: world.subscribe(Client(), path).live for path in paths}
    world.rounds.now()

    def fresh() -> list[str]:
        return [path for path, live in lives.items() if world.rounds.fresh(live)]

    world.functions["slow"] = wait
    for path in ("early", "slow", "late"):
        world.commit(path.encode())
    world.rounds.now()
    assert world.runs[4:] == [("early", 4), ("slow", 4)]
    assert fresh() == ["early", "calm"]
    world.commit(b"calm")
    assert fresh() == ["early"]
    world.commit(b"early")
    assert fresh() == []
    gate.set()
    await world.settle()
    assert fresh() == paths
    assert all(live.result is not None for live in lives.values())


async def test_with_much_news_during_a_round_nothing_is_called_fresh(world: World):
    gate = asyncio.Event()

    async def wait(query: LiveQuery, ts: int) -> int:
        await gate.wait()
        return ts

    world.reads["calm"] = [point(b"calm")]
    calm = world.subscribe(Client(), "calm").live
    world.rounds.now()
    world.functions["slow"] = wait
    world.subscribe(Client(), "slow")
    await world.settle()
    world.commit(b"x")
    assert world.rounds.fresh(calm)
    for _ in range(100):
        world.commit(b"x")
    assert not world.rounds.fresh(calm)
    gate.set()
    await world.settle()
    assert world.rounds.fresh(calm)


async def test_whoever_keeps_results_is_told_of_new_ones(world: World):
    ran: list[tuple[str, Any]] = []
    store: Any = world.store
    run: Any = world.run
    rounds = Rounds(
        store, world.directory, run, world.deliver, ran=lambda query: ran.append((query.path, query.result))
    )
    world.rounds = rounds
    live = world.subscribe(Client()).live
    rounds.now()
    assert ran == [("rooms:list", live.result)]
    assert live.result is not None


# What fails


async def test_what_a_failed_round_did_not_come_to_runs_in_the_next(world: World, caplog: pytest.LogCaptureFixture):
    class Broken(Client):
        def changed(self, subscription: Subscription) -> None:
            if not self.told:
                super().changed(subscription)
                raise RuntimeError("a fault of ours")

    world.subscribe(Broken(), "first")
    second = world.subscribe(Client(), "second")
    world.rounds.now()
    assert second.live.result is None
    assert not world.rounds.fresh(second.live)
    assert "a fault of ours" in caplog.text
    while second.live.result is None:
        await asyncio.sleep(0)
    assert world.rounds.fresh(second.live)


def broken(query: LiveQuery, ts: int) -> int:
    raise RuntimeError("a fault of ours")


async def test_a_run_that_fails_unexpectedly_harms_no_other_query(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("reactor.live.rounds._SLICE_SECONDS", 60.0)  # on a slow machine the logging takes that long
    client = Client()
    world.functions["first"] = broken
    bad, good = world.subscribe(client, "first"), world.subscribe(client, "second")
    world.rounds.now()
    assert value(good) == b"1"
    assert bad.live.result is not None
    assert bad.live.result.kind == b"QueryFailed"
    assert b"Try again later" in bad.live.result.tail
    assert world.delivered == [(1, [client])]
    assert world.rounds.faults == 1
    assert "a fault of ours" in caplog.text
    del world.functions["first"]
    await world.settle()
    assert value(bad) == b"1"
    assert bad.live.reason is not None
    assert bad.live.reason.cause == "retry"


async def test_a_failure_of_the_store_is_tried_again(world: World):
    failure = Failure("no luck", None, "id", "no luck", StoreError("the disk does not answer"))
    world.functions["first"] = lambda query, ts: failure
    client = Client()
    subscription = world.subscribe(client, "first")
    world.rounds.now()
    assert subscription.live.result is not None
    assert subscription.live.result.kind == b"QueryFailed"
    del world.functions["first"]
    await world.settle()
    assert value(subscription) == b"1"
    assert world.rounds.faults == 0


async def test_a_failure_of_the_function_is_not(world: World):
    failure = Failure("no luck", None, "id", "no luck", ValueError("no luck"))
    world.functions["first"] = lambda query, ts: failure
    world.subscribe(Client(), "first")
    await world.settle()
    assert world.runs == [("first", 1)]


async def test_who_left_is_not_tried_again(world: World):
    world.functions["first"] = broken
    subscription = world.subscribe(Client(), "first")
    world.rounds.now()
    world.directory.unsubscribe(subscription)
    await world.settle()
    assert len(world.runs) == 1


async def test_without_a_snapshot_nothing_is_lost(world: World, caplog: pytest.LogCaptureFixture):
    client = Client()
    world.store.broken = True
    subscription = world.subscribe(client)
    await world.settle()
    assert world.delivered == []
    assert world.rounds.faults >= 1
    assert "no snapshot to be had" in caplog.text
    world.store.broken = False
    await world.settle()
    assert world.delivered == [(1, [client])]
    assert value(subscription) == b"1"


async def test_a_delivery_that_fails_is_held_again(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.ERROR)
    client = Client()
    failures = iter([RuntimeError("half way")])

    def fail_once() -> None:
        for failure in failures:
            raise failure

    world.during_delivery = fail_once
    world.subscribe(client)
    await world.settle()
    assert world.delivered == [(1, [client])]
    assert "half way" in caplog.text
    assert all(snapshot.released == 1 for snapshot in world.store.given)


async def test_after_closing_there_are_no_rounds(world: World):
    world.subscribe(Client())
    world.rounds.close()
    await world.settle()
    world.rounds.now()
    assert world.rounds.rounds == 0
