"""The sync protocol spoken with the whole engine: what several clients see, what is run for it, and who gets in."""

import asyncio
from pathlib import Path

import pytest

from reactor.app.parts import Parts
from reactor.sync import messages
from reactor.sync.connection import Refusal, Welcome
from reactor.sync.moment import Moment
from reactor.sync.session import Session
from tests.integration.sync.engine import Client, engine, timestamp

LIST, TOTAL, ADD = "visits:list", "visits:total", "visits:add"


def runs(parts: Parts) -> dict[str, int]:
    return dict(parts.runner.query_runs)


# Queries


async def test_results_come_and_are_pushed(parts: Parts):
    client = Client(parts)
    assert await client.add(0, LIST, room="red") == []
    await client.mutation(ADD, room="red", n=5)
    assert client.value(0) == [5]
    assert client.results[0]["logLines"] == []
    assert client.order == ["Transition", "MutationResponse", "Transition"]


async def test_a_subscription_ends(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    await client.add(1, LIST, room="blue")
    await client.remove(0)
    assert list(client.results) == [1]
    before = runs(parts)
    await client.mutation(ADD, room="red")
    assert runs(parts) == before
    assert len(parts.live) == 1


async def test_every_spelling_of_a_path_is_the_same_query(parts: Parts):
    client = Client(parts)
    for id, path in enumerate(("members:me_if_any", "members.js:me_if_any", "members:meIfAny", "members.js:meIfAny")):
        assert await client.add(id, path, room="red") == "empty"
    assert len(parts.live) == 1
    assert runs(parts) == {"members:me_if_any": 1}


async def test_equal_arguments_are_the_same_query_however_they_are_written(parts: Parts):
    client = Client(parts)
    texts = ('[{"a":1,"b":[2]}]', '[ {"b": [2.0], "a": 1.0} ]', '[{"\\u0061":1e0,"b":[2]}]')
    for id, text in enumerate(texts):
        add = f'{{"type":"Add","queryId":{id},"udfPath":"visits:fails","args":{text}}}'
        versions = f'"baseVersion":{id},"newVersion":{id + 1}'
        client.peer.received(f'{{"type":"ModifyQuerySet",{versions},"modifications":[{add}]}}'.encode())
    await client.until(lambda: len(client.results) == 3)
    assert len(parts.live) == 1


async def test_the_same_id_again_with_another_query(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    add = {"type": "Add", "queryId": 0, "udfPath": TOTAL, "args": [{"room": "red"}]}
    client.modify({"type": "Remove", "queryId": 0}, add)
    await client.settled()
    assert client.value(0) == 0
    await client.mutation(ADD, room="red", n=7)
    assert client.value(0) == 7


async def test_journals_come_back(parts: Parts):
    """A query that does not paginate has none, and one that the client brought does no harm."""
    client = Client(parts)
    await client.add(0, LIST, room="red")
    assert client.results[0]["journal"] is None
    assert await client.add(1, LIST, journal="brought along", room="red") == []
    await client.mutation(ADD, room="red", n=1)
    assert client.value(0) == client.value(1) == [1]


async def test_a_failing_query_fails_alone_and_recovers(parts: Parts):
    client = Client(parts)
    await client.add(0, "visits:never_odd", room="red")
    await client.add(1, TOTAL, room="red")
    await client.add(2, "visits:fails")
    assert client.value(0) == 0
    assert client.results[0]["logLines"] == ["[WARN] counting"]
    assert client.results[2]["type"] == "QueryFailed"
    assert "Uncaught ValueError: the query failed" in client.results[2]["errorMessage"]
    assert "errorData" not in client.results[2]
    await client.mutation(ADD, room="red", n=1)
    assert client.results[0]["errorData"] == {"odd": 1}
    assert client.value(1) == 1
    await client.mutation(ADD, room="red", n=1)
    assert (client.value(0), client.value(1)) == (2, 2)


@pytest.mark.parametrize(
    "path", ["visits:nope", "members:secret", "_system/x:y", "", "a b", "visits:add", "rooms.py:x"]
)
async def test_queries_that_cannot_be(parts: Parts, path: str):
    client = Client(parts)
    await client.add(0, path)
    assert client.results[0]["type"] == "QueryFailed"
    assert client.closed is None
    assert await client.add(1, LIST, room="red") == []


async def test_missing_and_internal_functions_are_told_apart_by_nobody(parts: Parts):
    client = Client(parts)
    await client.add(0, "members:secret")
    await client.add(1, "members:nobody_wrote_this")
    texts = [client.results[id]["errorMessage"].partition("\n")[2] for id in (0, 1)]
    assert texts[0].replace("secret", "nobody_wrote_this") == texts[1]


async def test_wrong_arguments_fail_that_subscription(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room=5)
    assert "ArgumentValidationError" in client.results[0]["errorMessage"]
    await client.add(1, LIST, room={"$integer": "no"})
    assert "Invalid arguments for visits.js:list" in client.results[1]["errorMessage"]
    client.modify({"type": "Add", "queryId": 2, "udfPath": LIST, "args": [{}, {}]})
    await client.settled()
    assert "Instead received 2 arguments" in client.results[2]["errorMessage"]


async def test_nothing_of_an_error_is_shown_in_production(tmp_path: Path):
    async with engine(tmp_path / "data", mode="production") as parts:
        client = Client(parts)
        await client.add(0, "visits:fails")
        await client.add(1, "visits:never_odd", room="red")
        message = client.results[0]["errorMessage"]
        assert message.startswith("[Request ID: ")
        assert message.endswith("] Server Error")
        assert client.results[1]["logLines"] == []
        response = await client.mutation("visits:add_and_refuse", room="red")
        assert response["result"].endswith("] Server Error")
        assert (response["errorData"], response["logLines"]) == ({"code": "FULL"}, [])


async def test_a_run_that_fails_inside_of_the_server(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    await client.add(1, TOTAL, room="red")
    proper = parts.runner.query

    async def fail(call, tx, journal=None):  # type: ignore[no-untyped-def]
        if call.path == LIST:
            raise RuntimeError("a fault of ours")
        return await proper(call, tx, journal)

    monkeypatch.setattr(parts.runner, "query", fail)
    await client.mutation(ADD, room="red", n=3)
    assert client.results[0]["type"] == "QueryFailed"
    assert client.value(1) == 3
    monkeypatch.undo()
    await client.mutation(ADD, room="red", n=4)
    assert (client.value(0), client.value(1)) == ([3, 4], 7)


async def test_a_session_that_fails_inside_of_the_server_ends_alone(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    good, bad = Client(parts), Client(parts)
    for client in (bad, good):
        await client.add(0, LIST, room="red")
    proper = Session.advance

    def fail(session: Session, moment: Moment) -> bool:
        if session is bad.peer.session:
            raise RuntimeError("a fault of ours")
        return proper(session, moment)

    monkeypatch.setattr(Session, "advance", fail)
    await good.mutation(ADD, room="red", n=1)
    assert good.value(0) == [1]
    assert bad.closed == (1011, "InternalServerError")


async def test_an_answer_that_cannot_be_given_ends_that_session_alone(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    good, bad, worse = Client(parts), Client(parts), Client(parts)

    def fail(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(messages, "action_response", fail)
    bad.request("Action", "members:enter", room="red")
    await bad.until(lambda: bad.closed == (1011, "InternalServerError"))
    monkeypatch.setattr(parts.actions, "run", fail)
    worse.request("Action", "members:enter", room="red")
    await worse.until(lambda: worse.closed == (1011, "InternalServerError"))
    monkeypatch.setattr(messages, "mutation_response", fail)
    last = Client(parts)
    last.request("Mutation", ADD, room="blue")
    await last.until(lambda: last.closed == (1011, "InternalServerError"))
    monkeypatch.undo()
    assert (await good.mutation(ADD, room="red"))["success"]


# Several clients


async def test_what_one_writes_the_other_sees(parts: Parts):
    writer, reader = Client(parts), Client(parts)
    await reader.add(0, LIST, room="red")
    await writer.mutation(ADD, room="red", n=1)
    await reader.until(lambda: reader.value(0) == [1])
    assert reader.transitions == 2


async def test_all_results_of_a_client_are_of_one_moment(parts: Parts, hasty: None):
    """Moves keep the sum of two rooms at zero, whatever happens while a round is under way."""
    readers = [Client(parts) for _ in range(3)]
    for reader in readers:
        await reader.add(0, TOTAL, room="red")
        await reader.add(1, TOTAL, room="blue")
    writers = [Client(parts) for _ in range(3)]
    for writer in writers:
        await writer.add(0, TOTAL, room="blue")
        for n in range(1, 30):
            writer.request("Mutation", "visits:move", source="red", target="blue", n=n)
            if n % 10 == 0:
                late = Client(parts)
                late.modify(
                    {"type": "Add", "queryId": 0, "udfPath": TOTAL, "args": [{"room": "red"}]},
                    {"type": "Add", "queryId": 1, "udfPath": TOTAL, "args": [{"room": "blue"}]},
                )
                readers.append(late)
                await asyncio.sleep(0)
    newest = max([timestamp((await writer.response(28))["ts"]) for writer in writers])
    for client in (*readers, *writers):
        await client.reach(newest)
    for reader in readers:
        assert all(sum(moment.values()) == 0 for moment in reader.moments if len(moment) == 2)
        assert reader.value(1) == 3 * sum(range(1, 30))


async def test_the_first_transition_after_a_response_has_its_effects(parts: Parts, hasty: None):
    """Whatever else is under way: a client that just wrote never gets an older state next."""
    others = [Client(parts) for _ in range(5)]
    client = Client(parts)
    for id in range(5):
        await client.add(id, LIST, room=f"room {id}")
    for n in range(40):
        for other in others:
            other.request("Mutation", ADD, room=f"room {n % 5}", n=-1)
        client.request("Mutation", ADD, room=f"room {n % 5}", n=n)
        await asyncio.sleep(0)
    await client.reach(timestamp((await client.response(39))["ts"]))
    told = 0
    for kind, stamp in zip(client.order, client.stamps, strict=True):
        if kind == "MutationResponse":
            told = max(told, stamp)
        else:
            assert stamp >= told


async def test_equal_transitions_are_built_once(parts: Parts):
    clients = [Client(parts) for _ in range(20)]
    for client in clients:
        client.modify({"type": "Add", "queryId": 0, "udfPath": LIST, "args": [{"room": "red"}]})
    for client in clients:
        await client.settled()
    writer = Client(parts)
    await writer.mutation(ADD, room="red", n=1)
    for client in clients:
        await client.until(lambda c=client: c.value(0) == [1])
    assert len({id(client.sent[-1]) for client in clients}) == 1
    assert parts.runner.query_runs[LIST] == 2


async def test_a_client_that_does_not_read_gets_the_newest_state_when_it_does(parts: Parts):
    slow, writer = Client(parts), Client(parts)
    await slow.add(0, LIST, room="red")
    await slow.add(1, TOTAL, room="blue")
    slow.backlog = 1000
    before = slow.transitions
    for n in range(10):
        await writer.mutation(ADD, room="red" if n % 2 else "blue", n=n)
    assert slow.transitions == before + 2
    slow.drain()
    await slow.until(lambda: slow.value(0) == [1, 3, 5, 7, 9])
    assert slow.value(1) == 20
    assert slow.transitions == before + 3
    await writer.mutation(ADD, room="red", n=11)
    await slow.until(lambda: slow.value(0)[-1] == 11)


async def test_a_client_that_does_not_read_is_answered_all_the_same(parts: Parts):
    slow = Client(parts)
    await slow.add(0, LIST, room="red")
    slow.backlog = 1000
    for n in range(5):
        await slow.response(slow.request("Mutation", ADD, room="red", n=n))
    assert slow.order.count("Transition") == 3
    slow.drain()
    await slow.until(lambda: slow.value(0) == [0, 1, 2, 3, 4])


async def test_a_client_that_leaves_during_a_round(parts: Parts, hasty: None):
    leavers = [Client(parts) for _ in range(5)]
    stayer = Client(parts)
    for number, client in enumerate((*leavers, stayer)):
        client.modify({"type": "Add", "queryId": 0, "udfPath": LIST, "args": [{"room": f"room {number}"}]})
        client.request("Mutation", ADD, room=f"room {number}", n=number)
    for client in leavers:
        await asyncio.sleep(0)
        client.drop()
    await stayer.until(lambda: stayer.value(0) == [5] if 0 in stayer.results else False)
    assert len(parts.live) == len(parts.hub.sessions) == 1


async def test_a_client_that_subscribes_on_and_on_is_answered_meanwhile(parts: Parts, hasty: None):
    """Each message comes while a round for the one before is under way."""
    client, writer = Client(parts), Client(parts)
    await client.add(0, TOTAL, room="red")
    for number in range(1, 60):
        client.modify({"type": "Add", "queryId": number, "udfPath": LIST, "args": [{"room": f"room {number}"}]})
        writer.request("Mutation", ADD, room="red", n=1)
        await asyncio.sleep(0)
    await client.settled()
    await client.until(lambda: client.value(0) == 59)
    assert len(client.results) == 60


async def test_a_client_that_writes_on_and_on_is_kept_up_to_date_meanwhile(parts: Parts, hasty: None):
    """Its responses come while rounds are under way, which must neither overtake them nor be put off for ever."""
    watchers = [Client(parts) for _ in range(100)]
    for watcher in watchers:
        await watcher.add(0, LIST, room="red")
    client = Client(parts)
    await client.add(0, TOTAL, room="red")
    for _ in range(50):
        await client.response(client.request("Mutation", ADD, room="red", n=1))
    await client.until(lambda: client.value(0) == 50)
    kinds = " ".join(client.order)
    assert "MutationResponse MutationResponse MutationResponse" not in kinds


async def test_sessions_that_end_leave_nothing_behind(parts: Parts):
    for number in range(20):
        client = Client(parts)
        client.modify({"type": "Add", "queryId": 0, "udfPath": LIST, "args": [{"room": f"room {number}"}]})
        client.request("Mutation", ADD, room="red")
        if number % 2:
            await client.settled()
        client.drop()
    last = Client(parts)
    await last.mutation(ADD, room="red")
    last.drop()
    assert (len(parts.live), parts.live.subscriptions, len(parts.hub.sessions)) == (0, 0, 0)
    assert parts.rounds.requested == {}


# What is run, and what is sent


async def test_a_write_reruns_only_what_reads_its_room(parts: Parts):
    client = Client(parts)
    for number in range(30):
        await client.add(number, LIST, room=f"room {number}")
    before = runs(parts)[LIST]
    await client.mutation(ADD, room="room 7", n=1)
    assert runs(parts)[LIST] == before + 1
    assert [len(client.value(number)) for number in range(30)] == [int(number == 7) for number in range(30)]


async def test_an_insert_behind_the_last_row_of_a_take_reruns_nothing(parts: Parts):
    client, writer = Client(parts), Client(parts)
    for n in range(10):
        await writer.mutation(ADD, room="red", n=n)
    await client.add(0, "visits:least_ten", room="red")
    before, heard = runs(parts), client.transitions
    await writer.mutation(ADD, room="red", n=20)
    assert (runs(parts), client.transitions) == (before, heard)
    await writer.mutation(ADD, room="red", n=4.5)
    await client.until(lambda: client.value(0) == [0, 1, 2, 3, 4, 4.5, 5, 6, 7, 8])


async def test_a_result_that_did_not_change_is_not_sent(parts: Parts):
    client, writer = Client(parts), Client(parts)
    await client.add(0, TOTAL, room="red")
    before = client.transitions
    await writer.mutation(ADD, room="red", n=0)
    assert runs(parts)[TOTAL] == 2
    assert client.transitions == before
    assert parts.rounds.unchanged == 1


async def test_why_a_query_ran_again_can_be_told(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    response = await client.mutation(ADD, room="red", n=1)
    again, first = parts.rounds.reruns.recent(parts.database.catalog.index_name)[:2]
    assert (again["query"], again["args"], again["cause"]) == (LIST, '[{"room": "red"}]', "commit")
    assert (again["source"], int(again["ts"])) == (ADD, timestamp(response["ts"]))
    assert again["index"] == "visits.by_room"
    assert first["cause"] == "subscribed"


# Doors


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync", "//api/1.0.0/sync", "///api/sync"])
async def test_ways_in(parts: Parts, path: str):
    client = Client(parts, path=path)
    assert await client.add(0, LIST, room="red") == []


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/api/nonsense/sync", {}, 400, "InvalidClientVersion"),
        ("/api/sync", {"convex-client": "nonsense"}, 400, "InvalidClientVersion"),
        ("/api/0.19.1/sync", {}, 400, "ClientVersionUnsupported"),
        ("/sync", {}, 404, "NotFound"),
        ("/api/1.0.0/2.0.0/sync", {}, 404, "NotFound"),
    ],
)
async def test_who_is_not_let_in(parts: Parts, path: str, headers: dict[str, str], status: int, code: str):
    socket = Client(parts)
    refusal = parts.hub.accept(path, headers, socket)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.body["code"]) == (status, code)


async def test_a_client_that_should_upgrade_is_let_in_and_told(parts: Parts):
    welcome = parts.hub.accept("/api/sync", {"convex-client": "python-0.2.0"}, Client(parts))
    assert isinstance(welcome, Welcome)
    assert welcome.headers["x-convex-deprecation-state"] == "UpgradeRequired"
    current = parts.hub.accept("/api/sync", {"convex-client": "python-0.8.1"}, Client(parts))
    assert isinstance(current, Welcome)
    assert not current.headers


async def test_a_malformed_message_ends_that_connection_only(parts: Parts):
    other, client = Client(parts), Client(parts)
    client.peer.received(b'{"type":"Mutation"}')
    assert client.others[0]["type"] == "FatalError"
    assert client.closed == (None, "")
    binary = Client(parts)
    binary.peer.received_binary()
    assert binary.closed == (1011, "InternalServerError")
    assert (await other.mutation(ADD, room="red"))["success"]


async def test_a_number_beyond_32_bits_reaches_no_database(parts: Parts):
    other = Client(parts)
    for number in (2**32, 2**63, 2**70):
        client = Client(parts)
        client.request("Mutation", ADD, number, room="red")
        assert client.others[0]["type"] == "FatalError"
    assert (await other.mutation(ADD, 2**32 - 1, room="red"))["success"]
    assert await other.add(2**32 - 1, TOTAL, room="red") == 1


async def test_closing_the_server_ends_every_connection(tmp_path: Path):
    async with engine(tmp_path / "data") as parts:
        clients = [Client(parts) for _ in range(3)]
        await clients[0].add(0, LIST, room="red")
        clients[1].request("Mutation", ADD, room="red")
    assert [client.closed for client in clients] == [(1001, "")] * 3
