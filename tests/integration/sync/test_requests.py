"""What clients ask of the whole engine over the sync protocol: mutations, actions, and to be somebody."""

import uuid
from pathlib import Path

import pytest

from reactor.app.parts import Parts
from tests.integration.sync.engine import ADMIN_KEY, Client, engine, timestamp

LIST, TOTAL, ADD = "visits:list", "visits:total", "visits:add"


# Mutations and actions


async def test_mutations_run_in_order_and_all_are_answered(parts: Parts):
    client = Client(parts)
    numbers = [client.request("Mutation", ADD, room="red", n=n) for n in range(50)]
    for number in numbers:
        assert (await client.response(number))["result"] == number
    await client.reach(timestamp(client.responses[49][0]["ts"]))
    assert await client.add(0, LIST, room="red") == list(range(50))
    stamps = [timestamp(client.responses[number][0]["ts"]) for number in numbers]
    assert stamps == sorted(set(stamps))


async def test_failed_mutations_write_nothing_and_are_followed_by_a_transition(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    number = client.request("Mutation", "visits:add_and_refuse", room="red")
    refused = await client.response(number)
    await client.until(lambda: client.order[-1] == "Transition")
    assert client.order == ["Transition", "MutationResponse", "Transition"]
    assert (refused["success"], refused["ts"], refused["errorData"]) == (False, None, {"code": "FULL"})
    assert refused["logLines"] == ["[WARN] refusing"]
    failed = await client.mutation("visits:add_and_fail", room="red")
    assert "Uncaught ValueError: the mutation failed" in failed["result"]
    assert "errorData" not in failed
    missing = await client.mutation("members:hidden")
    assert "Could not find public function for 'members:hidden'." in missing["result"]
    assert client.value(0) == []


async def test_a_request_id_in_messages_is_that_of_the_session(parts: Parts):
    client = Client(parts, session="00000000-0000-4000-8000-000000000001")
    response = await client.mutation("visits:add_and_fail", 7, room="red")
    assert response["result"].startswith("[Request ID: 44b1f86d4e489ffd] Server Error")


async def test_a_resent_mutation_is_answered_from_the_record(parts: Parts):
    first = Client(parts)
    answers = [await first.mutation(ADD, room="red", n=n) for n in range(2)]
    lost = first.request("Mutation", ADD, room="red", n=2)
    first.drop()
    second = Client(parts, session=first.session)
    for number in range(2):
        again = await second.mutation(ADD, number, room="red", n=number)
        assert again == answers[number]
    await second.mutation(ADD, lost, room="red", n=2)
    await second.mutation(ADD, lost, room="red", n=2)
    assert await second.add(0, LIST, room="red") == [0, 1, 2]


async def test_a_failed_mutation_that_is_resent_runs_again(parts: Parts):
    client = Client(parts)
    await client.mutation("visits:add_and_fail", 0, room="red")
    assert (await client.mutation(ADD, 0, room="red"))["success"]


async def test_two_connections_of_one_session_send_the_same(parts: Parts):
    session = str(uuid.uuid4())
    clients = [Client(parts, session=session) for _ in range(2)]
    for number in range(20):
        for client in clients:
            client.request("Mutation", ADD, number, room="red", n=number)
    answers = [[(await client.response(number))["ts"] for number in range(20)] for client in clients]
    assert answers[0] == answers[1]
    assert await clients[0].add(0, LIST, room="red") == list(range(20))


async def test_without_a_session_nothing_is_remembered(parts: Parts):
    first, second = Client(parts, connect=False), Client(parts, connect=False)
    await first.mutation(ADD, 0, room="red")
    await second.mutation(ADD, 0, room="red")
    assert await second.add(0, TOTAL, room="red") == 2


async def test_records_outlive_the_server(tmp_path: Path):
    async with engine(tmp_path / "data") as parts:
        before = Client(parts)
        answer = await before.mutation(ADD, 0, room="red", n=1)
        seen = before.version["ts"]
    async with engine(tmp_path / "data") as parts:
        client = Client(parts, session=before.session, connect=False)
        client.say("Connect", sessionId=before.session, connectionCount=1, maxObservedTimestamp=seen)
        assert client.closed is None, "timestamps went on"
        assert await client.mutation(ADD, 0, room="red", n=1) == answer
        later = await client.mutation(ADD, 1, room="red", n=2)
        assert timestamp(later["ts"]) > timestamp(answer["ts"])
        assert await client.add(0, LIST, room="red") == [1, 2]


async def test_a_client_of_a_server_that_has_lost_its_writes(parts: Parts):
    client = Client(parts, connect=False)
    client.say("Connect", sessionId=client.session, maxObservedTimestamp="/////////38=")
    await client.until(lambda: client.closed)  # where others write too, it looks first what they have written
    assert client.closed == (1011, "InternalServerError")


async def test_actions_run_side_by_side(parts: Parts):
    client = Client(parts)
    name = str(uuid.uuid4())
    waiting = [client.request("Action", "members:wait_for", name=name) for _ in range(3)]
    assert (await client.action("members:meet", name=name))["result"] == f"came to {name}"
    for number in waiting:
        assert (await client.response(number))["result"] == f"met {name}"
    await client.until(lambda: client.order[-1] == "Transition")


async def test_actions_call_mutations_and_queries(parts: Parts):
    client = Client(parts)
    await client.add(0, LIST, room="red")
    assert (await client.action("members:enter", room="red"))["result"] == [5]
    await client.until(lambda: client.value(0) == [5])
    response = await client.action("members:refuse")
    assert (response["success"], response["errorData"]) == (False, ["no", 1])
    assert "ts" not in response


async def test_an_action_goes_on_without_its_client(parts: Parts):
    gone, client = Client(parts), Client(parts)
    await client.add(0, LIST, room="red")
    gone.request("Action", "members:enter", room="red")
    gone.drop()
    await client.until(lambda: client.value(0) == [5])
    assert gone.responses == {}


async def test_too_much_at_once_ends_that_connection_only(tmp_path: Path):
    async with engine(tmp_path / "data", max_queued_mutations=5, max_socket_actions=2) as parts:
        other = Client(parts)
        busy = Client(parts)
        for _ in range(6):
            busy.request("Mutation", ADD, room="red")
        assert busy.closed == (1013, "TooManyConcurrentMutations")
        busy = Client(parts)
        name = str(uuid.uuid4())
        for _ in range(3):
            busy.request("Action", "members:wait_for", name=name)
        assert busy.closed == (1013, "TooManyInflightActionsForSingleClient")
        await other.action("members:meet", name=name)
        assert (await other.mutation(ADD, room="red"))["success"]


# Identities


async def test_an_identity_reaches_queries_and_mutations(parts: Parts):
    client = Client(parts)
    assert await client.add(0, "members:me") is None
    await client.become("ann")
    assert client.value(0) == "ann"
    assert (await client.mutation("members:who_writes"))["result"] == "ann"
    await client.become(None)
    assert client.value(0) is None
    assert client.version["identity"] == 2


async def test_requests_behind_an_authentication_have_its_identity(parts: Parts):
    client = Client(parts)
    before = client.request("Mutation", "members:who_writes")
    client.say("Authenticate", baseVersion=0, tokenType="Admin", value=ADMIN_KEY, acting_as={"tokenIdentifier": "ann"})
    behind = client.request("Mutation", "members:who_writes")
    assert (await client.response(before))["result"] is None
    assert (await client.response(behind))["result"] == "ann"


async def test_everybody_gets_his_own_answer(parts: Parts):
    names = ["ann", "bob", None, "ann"]
    clients = [Client(parts) for _ in names]
    for client, name in zip(clients, names, strict=True):
        await client.become(name)
    for client in clients:
        client.modify(
            {"type": "Add", "queryId": 0, "udfPath": "members:me", "args": [{}]},
            {"type": "Add", "queryId": 1, "udfPath": TOTAL, "args": [{"room": "red"}]},
        )
    for client in clients:
        await client.settled()
    assert [client.value(0) for client in clients] == names
    assert len(parts.live) == 4, "three of members:me, and one that all share"


async def test_a_function_that_begins_to_look_at_who_asks(parts: Parts, hasty: None):
    names = ["ann", "bob", None]
    clients = [Client(parts) for _ in names]
    for client, name in zip(clients, names, strict=True):
        await client.become(name)
        assert await client.add(0, "members:me_if_any", room="red") == "empty"
    assert len(parts.live) == 1
    answer = await clients[0].mutation(ADD, room="red")
    for client in clients:
        await client.reach(timestamp(answer["ts"]))
    assert [client.value(0) for client in clients] == ["ann", "bob", "nobody"]
    assert [[moment.get(0) for moment in client.moments].count("ann") > 0 for client in clients] == [True, False, False]


async def test_internal_functions_are_for_the_admin(parts: Parts):
    guest, admin = Client(parts), Client(parts)
    await admin.authenticate(tokenType="Admin", value=ADMIN_KEY)
    assert await admin.add(0, "members:secret") == "the secret"
    await guest.add(0, "members:secret")
    assert guest.results[0]["type"] == "QueryFailed"
    assert (await admin.mutation("members:hidden"))["result"] == "hidden"
    await admin.authenticate(tokenType="None")
    assert admin.results[0]["type"] == "QueryFailed"
    await guest.authenticate(tokenType="Admin", value=ADMIN_KEY)
    assert guest.value(0) == "the secret"


async def test_the_admin_and_a_guest_ask_for_an_internal_function_at_once(parts: Parts):
    guest, admin = Client(parts), Client(parts)
    await admin.authenticate(tokenType="Admin", value=ADMIN_KEY)
    add = {"type": "Add", "queryId": 0, "udfPath": "members:secret", "args": [{}]}
    admin.modify(add)
    guest.modify(add)
    await guest.settled()
    assert guest.results[0]["type"] == "QueryFailed"
    assert admin.value(0) == "the secret"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tokenType": "Admin", "value": "guessed"}, "The provided admin key was invalid for this instance"),
        ({"tokenType": "Admin"}, "The provided admin key was invalid"),
        ({"tokenType": "Admin", "value": ADMIN_KEY, "impersonating": {"$bad": 1}}, "$bad"),
        ({"tokenType": "User", "value": "a.b.c"}, "No auth provider found matching the given token"),
    ],
)
async def test_who_cannot_prove_it_is_told_and_closed(parts: Parts, fields: dict[str, object], said: str):
    client = Client(parts)
    client.say("Authenticate", baseVersion=0, **fields)
    [error] = client.others
    assert said in error["error"]
    assert (error["type"], error["baseVersion"], error["authUpdateAttempted"]) == ("AuthError", 0, True)
    assert client.closed == (None, "")
