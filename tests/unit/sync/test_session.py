"""The session as a state machine: fed with messages, asked what it says."""

from typing import Any

import pytest

from reactor.runtime.identity import ANONYMOUS
from reactor.sync.moment import Moment
from tests.unit.sync.recording import SESSION, RecordingHost, failed, result, ts_text, updated


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


def version(query_set: int, identity: int, ts: int) -> dict[str, Any]:
    return {"querySet": query_set, "identity": identity, "ts": ts_text(ts)}


def transition(
    start: tuple[int, int, int], end: tuple[int, int, int], *modifications: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "Transition",
        "startVersion": version(*start),
        "endVersion": version(*end),
        "modifications": list(modifications),
    }


def update(query_id: int, value: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "QueryUpdated", "queryId": query_id, "value": value, "logLines": [], "journal": None} | fields


def watching(host: RecordingHost, *query_ids: int) -> None:
    """Bring the client to version (1, 0, 100), in which each query's result is its id."""
    host.modify(0, *(host.add(id) for id in query_ids))
    for id in query_ids:
        host.gives(id, updated(b"%d" % id))
    host.advance(100)


def fatal(host: RecordingHost) -> str:
    """The session ended with a FatalError and a close frame without code; the error's text."""
    [message] = host.heard()
    assert message["type"] == "FatalError"
    assert host.closed == (None, "")
    return message["error"]


# Connect


def test_connect_says_nothing(host: RecordingHost):
    host.connect()
    assert (host.heard(), host.updates, host.closed) == ([], 0, None)


def test_everything_works_without_connect(host: RecordingHost):
    host.modify(0, host.add(0))
    host.gives(0, updated(b"1"))
    host.mutate_with(0)
    host.say("Action", requestId=1, udfPath="rooms:act", args=[{}])
    [(_, mutation)], [(_, action)] = host.mutations, host.actions
    assert (mutation.session, mutation.client, action.client) == (None, None, None)
    assert host.advance() == [transition((0, 0, 0), (1, 0, 100), update(0, 1))]


def test_requests_carry_session_and_number(host: RecordingHost):
    host.connect()
    host.mutate_with(7, args={"name": "x"})
    host.say("Action", requestId=8, udfPath="rooms:act", args=[{}])
    [(request, mutation)], [(_, action)] = host.mutations, host.actions
    assert (request, mutation.path, mutation.args) == (7, "rooms:add", b'[{"name": "x"}]')
    assert mutation.session is not None
    assert (mutation.session.hex(), mutation.client, mutation.request) == (SESSION.replace("-", ""), SESSION, 7)
    assert (action.session, action.client, action.request) == (None, SESSION, 8)


@pytest.mark.parametrize("id", ["", "7", "not-a-uuid", "00000000-0000-4000-8000-00000000000g"])
def test_a_session_id_that_is_no_uuid(host: RecordingHost, id: str):
    host.say("Connect", sessionId=id)
    assert "sessionId is not a UUID" in fatal(host)


def test_a_client_that_saw_what_this_server_does_not_have(host: RecordingHost):
    host.connect(maxObservedTimestamp=ts_text(101))
    assert (host.reaching, host.closed) == ([101], None)
    host.session.reached(False)
    assert host.heard() == []
    assert host.closed == (1011, "InternalServerError")


def test_a_client_that_saw_what_this_server_has_not_caught_up_with(host: RecordingHost):
    host.connect(maxObservedTimestamp=ts_text(101))
    host.mutate_with(0)
    assert host.mutations == []
    host.ts = 101
    host.session.reached(True)
    assert [request for request, _ in host.mutations] == [0]
    assert host.closed is None


def test_a_client_that_saw_the_newest_state(host: RecordingHost):
    host.connect(maxObservedTimestamp=ts_text(100))
    assert host.closed is None


def test_a_client_gets_nothing_older_than_it_saw_elsewhere(host: RecordingHost):
    """A round that began before the server had caught up may still be under way."""
    host.ts = 110
    host.connect(maxObservedTimestamp=ts_text(105))
    host.modify(0, host.add(0))
    host.gives(0, updated(b"1"))
    assert not host.session.advance(Moment(104))
    assert host.heard() == []
    assert host.session.advance(Moment(105))


@pytest.mark.parametrize("text", ["", "AAAA", "AAAAAAAAAAA", "not base64!!", "AAAAAAAAAAAA", "ÄAAAAAAAAAA="])
def test_a_timestamp_that_is_none(host: RecordingHost, text: str):
    host.connect(maxObservedTimestamp=text)
    assert "Received Invalid JSON on websocket" in fatal(host)


# The clock


def test_clock_members_are_in_the_first_transition_only_and_both_numbers(host: RecordingHost):
    host.connect(clientTs=1_700_000_000_250)
    first, second = host.advance()[0], host.advance()[0]
    assert (first["clientClockSkew"], first["serverTs"]) == (250, 1_700_000_000_000_000_000)
    assert second.keys() == {"type", "startVersion", "endVersion", "modifications"}


@pytest.mark.parametrize("fields", [{}, {"clientTs": 0}, {"clientTs": None}])
def test_no_clock_members_for_a_client_without_a_clock(host: RecordingHost, fields: dict[str, Any]):
    host.connect(**fields)
    [first] = host.advance()
    assert first == transition((0, 0, 0), (0, 0, 100))


def test_clock_members_come_again_with_a_new_identity(host: RecordingHost):
    """Clients judge the rest of a token's life by them."""
    host.connect(clientTs=1_699_999_999_999)
    host.advance()
    host.say("Authenticate", baseVersion=0, tokenType="None")
    assert host.advance()[0]["clientClockSkew"] == -1
    assert "serverTs" not in host.advance()[0]


# Query sets


def test_transitions_chain(host: RecordingHost):
    host.modify(0, host.add(0))
    host.gives(0, updated(b'"a"'))
    assert host.advance(100) == [transition((0, 0, 0), (1, 0, 100), update(0, "a"))]
    host.gives(0, updated(b'"b"'))
    assert host.advance(150) == [transition((1, 0, 100), (1, 0, 150), update(0, "b"))]
    host.modify(1, host.remove(0))
    removed = {"type": "QueryRemoved", "queryId": 0}
    assert host.advance(150) == [transition((1, 0, 150), (2, 0, 150), removed)]


def test_what_is_asked_for_is_acknowledged_though_it_changes_nothing(host: RecordingHost):
    host.modify(0)
    assert host.updates == 1
    assert host.advance() == [transition((0, 0, 0), (1, 0, 100))]
    assert host.advance() == [transition((1, 0, 100), (1, 0, 100))]


def test_several_messages_may_be_answered_in_one_step(host: RecordingHost):
    host.modify(0, host.add(3))
    host.modify(1, host.add(1, "users:list"))
    host.say("Authenticate", baseVersion=0, tokenType="None")
    host.gives(3, updated(b"3"))
    host.gives(1, updated(b"1"))
    assert host.updates == 3
    assert host.advance() == [transition((0, 0, 0), (2, 1, 100), update(1, 1), update(3, 3))]


def test_a_version_may_skip_numbers(host: RecordingHost):
    host.modify(0, new=5)
    host.modify(5)
    assert host.advance() == [transition((0, 0, 0), (6, 0, 100))]


def test_a_wrong_base_version_is_fatal(host: RecordingHost):
    host.modify(0)
    host.modify(0)
    assert fatal(host) == "Base version 0 passed up doesn't match the current version 1"


@pytest.mark.parametrize("new", [0, 1])
def test_a_version_that_does_not_grow(host: RecordingHost, new: int):
    host.modify(0)
    host.modify(1, new=new)
    assert host.closed == (1011, "InternalServerError")


def test_an_id_that_is_in_use(host: RecordingHost):
    host.modify(0, host.add(4), host.add(4))
    assert host.closed == (1011, "InternalServerError")


def test_removing_what_is_not_there(host: RecordingHost):
    host.modify(0, host.remove(4))
    assert host.closed == (1011, "InternalServerError")


def test_removing_and_adding_one_id_in_one_message(host: RecordingHost):
    watching(host, 0)
    old = host.watched[0]
    host.modify(1, host.remove(0), host.add(0, "users:list"))
    assert host.unwatched == [old]
    host.gives(0, updated(b"0"))
    assert host.advance() == [transition((1, 0, 100), (2, 0, 100), update(0, 0))]


def test_adding_and_removing_one_id_again_and_again(host: RecordingHost):
    host.modify(0, host.add(0), host.remove(0), host.add(0), host.remove(0))
    assert len(host.unwatched) == 2
    [step] = host.advance()
    assert step["modifications"] == [{"type": "QueryRemoved", "queryId": 0}]


def test_modifications_come_by_ascending_id(host: RecordingHost):
    watching(host, 9, 4, 7, 5)
    host.modify(1, host.remove(7), host.remove(5), host.add(6))
    for id in (9, 6, 4):
        host.gives(id, updated(b'"new"'))
    [step] = host.advance()
    assert [change["queryId"] for change in step["modifications"]] == [4, 5, 6, 7, 9]


def test_results_of_a_removed_query_are_not_sent(host: RecordingHost):
    watching(host, 0, 1)
    host.gives(0, updated(b"5"))
    host.modify(1, host.remove(0))
    [step] = host.advance()
    assert step["modifications"] == [{"type": "QueryRemoved", "queryId": 0}]


def test_journals_are_carried_both_ways(host: RecordingHost):
    host.modify(0, host.add(0, journal="page 1"), host.add(1, journal=None), host.add(2))
    assert host.journals == ["page 1", None, None]
    host.gives(0, updated(b"0", journal="page 2"))
    host.gives(1, updated(b"1"))
    host.gives(2, updated(b"2"))
    [step] = host.advance()
    assert [change["journal"] for change in step["modifications"]] == ["page 2", None, None]


def test_a_function_of_a_component_is_one_that_is_not_there(host: RecordingHost):
    host.modify(0, host.add(0, componentPath="parts"), host.add(1, componentPath=""))
    host.say("Mutation", requestId=0, udfPath="rooms:add", args=[{}], componentPath="parts")
    assert host.watched[0].live.path == "rooms:list in 'parts'"
    assert host.watched[1].live.path == "rooms:list"
    assert host.mutations[0][1].path == "rooms:add in 'parts'"


def test_arguments_of_an_add_may_be_missing(host: RecordingHost):
    host.modify(0, {"type": "Add", "queryId": 0, "udfPath": "rooms:list"})
    assert host.watched[0].live.args == b"[{}]"


# Results


def test_a_result_that_the_client_has_is_not_sent_again(host: RecordingHost):
    watching(host, 0)
    host.gives(0, updated(b"1", journal="page 1"))
    host.advance()
    host.gives(0, updated(b"1", journal="page 2"))
    assert host.advance()[0]["modifications"] == []
    host.gives(0, updated(result(b"1", logs=["[LOG] 'x'"])))
    assert host.advance()[0]["modifications"] == [update(0, 1, logLines=["[LOG] 'x'"])]


def test_a_change_and_back_before_the_next_step_is_none(host: RecordingHost):
    watching(host, 0)
    host.gives(0, updated(b"5"))
    host.gives(0, updated(b"0"))
    assert host.advance()[0]["modifications"] == []


def test_a_failed_query(host: RecordingHost):
    host.modify(0, host.add(0), host.add(1))
    host.gives(0, updated(failed("boom")))
    host.gives(1, updated(failed("full", b'{"code":"FULL"}')))
    [step] = host.advance()
    common = {"type": "QueryFailed", "logLines": [], "journal": None}
    assert step["modifications"] == [
        {"queryId": 0, "errorMessage": "[Request ID: 1] boom"} | common,
        {"queryId": 1, "errorMessage": "[Request ID: 1] full", "errorData": {"code": "FULL"}} | common,
    ]


def test_an_error_is_the_same_whatever_its_request_id(host: RecordingHost):
    watching(host, 0)
    host.gives(0, updated(failed("boom", id="1")))
    assert len(host.advance()[0]["modifications"]) == 1
    host.gives(0, updated(failed("boom", id="2")))
    assert host.advance()[0]["modifications"] == []
    host.gives(0, updated(failed("boom", b"null", id="3")))
    assert host.advance()[0]["modifications"][0]["errorData"] is None


def test_a_step_waits_until_every_query_has_a_result(host: RecordingHost):
    watching(host, 0)
    host.modify(1, host.add(1))
    host.gives(0, updated(b'"new"'))
    assert not host.session.advance(Moment(120))
    assert host.heard() == []
    host.gives(1, updated(b"1"))
    assert host.advance(130) == [transition((1, 0, 100), (2, 0, 130), update(0, "new"), update(1, 1))]


def test_equal_steps_are_written_once():
    first, second, other = RecordingHost(), RecordingHost(), RecordingHost()
    shared, moment = updated(b"1"), Moment(100)
    for host in (first, second, other):
        host.modify(0, host.add(0))
        host.gives(0, shared)
    other.connect(clientTs=5)
    for host in (first, second, other):
        host.session.advance(moment)
    [[a], [b], [c]] = [host.session.outbox for host in (first, second, other)]
    assert a is b
    assert a.frame is b.frame
    assert c is not a, "it has the clock of its client"


def test_steps_that_differ_are_not_confused():
    """Same results, but another start, another id, another result, or the same value of another query."""
    moment, shared = Moment(200), updated(b"1")
    texts: set[bytes] = set()
    for base, query_id, given in ((0, 0, shared), (0, 1, shared), (0, 0, updated(b"2")), (1, 0, shared)):
        host = RecordingHost()
        if base:
            host.modify(0)
            host.advance(100)
        host.modify(base, host.add(query_id))
        host.gives(query_id, given)
        host.session.advance(moment)
        texts.add(host.session.outbox[-1].payload)
    assert len(texts) == 4


# Mutations


def test_a_response_comes_before_the_transition_that_has_its_effects(host: RecordingHost):
    watching(host, 0)
    host.mutate_with(3)
    host.session.answer_mutation(3, result(b'"id"', ts=140, logs=["[LOG] 'saved'"]))
    assert host.updates == 2
    host.gives(0, updated(b"5"))
    response, step = host.advance(140)
    assert response == {
        "type": "MutationResponse",
        "requestId": 3,
        "success": True,
        "result": "id",
        "ts": ts_text(140),
        "logLines": ["[LOG] 'saved'"],
    }
    assert step == transition((1, 0, 100), (1, 0, 140), update(0, 5))


def test_after_a_response_no_older_step_is_taken(host: RecordingHost):
    """Python clients take the first transition after a response for one that has its effects."""
    watching(host, 0)
    host.mutate_with(3)
    host.session.answer_mutation(3, result(b"null", ts=140))
    assert not host.session.advance(Moment(139))
    assert [message["type"] for message in host.heard()] == ["MutationResponse"]
    assert host.advance(141) == [transition((1, 0, 100), (1, 0, 141))]


def test_failed_mutations(host: RecordingHost):
    host.mutate_with(0)
    host.mutate_with(1)
    host.session.answer_mutation(0, failed("boom"))
    host.session.answer_mutation(1, failed("full", b"null"))
    common = {"type": "MutationResponse", "success": False, "ts": None, "logLines": []}
    assert host.heard() == [
        common | {"requestId": 0, "result": "[Request ID: 1] boom"},
        common | {"requestId": 1, "result": "[Request ID: 1] full", "errorData": None},
    ]
    assert host.updates == 2, "a transition follows failures too"
    assert host.session.advance(Moment(100)), "and need not be newer"


def test_responses_keep_the_order_of_the_mutations(host: RecordingHost):
    for request in (5, 6, 7):
        host.mutate_with(request)
    host.session.answer_mutation(7, result(b"7", ts=140))
    host.session.answer_mutation(6, result(b"6", ts=130))
    assert host.heard() == []
    host.session.answer_mutation(5, result(b"5", ts=120))
    assert [message["requestId"] for message in host.heard()] == [5, 6, 7]


def test_one_number_twice_is_answered_twice(host: RecordingHost):
    host.mutate_with(5)
    host.mutate_with(5)
    host.session.answer_mutation(5, result(b"1", ts=140))
    host.session.answer_mutation(5, result(b"1", ts=140))
    assert [(message["requestId"], message["result"]) for message in host.heard()] == [(5, 1), (5, 1)]


def test_too_many_mutations(host: RecordingHost):
    for request in range(3):
        host.mutate_with(request)
    assert host.closed is None
    host.session.answer_mutation(0, result(b"0", ts=140))
    host.mutate_with(3)
    assert host.closed is None
    host.mutate_with(4)
    assert host.closed == (1013, "TooManyConcurrentMutations")
    assert len(host.mutations) == 4


# Actions


def test_actions_are_answered_as_they_end(host: RecordingHost):
    for request in (1, 2):
        host.say("Action", requestId=request, udfPath="rooms:act", args=[{}])
    host.session.answer_action(2, result(b"2", logs=["[LOG] 1"]))
    host.session.answer_action(1, failed("boom", b"[1]"))
    assert host.heard() == [
        {"type": "ActionResponse", "requestId": 2, "success": True, "result": 2, "logLines": ["[LOG] 1"]},
        {
            "type": "ActionResponse",
            "requestId": 1,
            "success": False,
            "result": "[Request ID: 1] boom",
            "logLines": [],
            "errorData": [1],
        },
    ]
    assert host.updates == 2


def test_too_many_subscriptions(host: RecordingHost):
    adds = [{"type": "Add", "queryId": number, "udfPath": "a:b", "args": [{}]} for number in range(21)]
    host.say(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=adds)
    assert host.closed == (1013, "TooManyConcurrentRequests")


def test_too_many_actions(host: RecordingHost):
    for request in range(2):
        host.say("Action", requestId=request, udfPath="rooms:act", args=[{}])
    host.session.answer_action(0, result(b"0"))
    host.say("Action", requestId=2, udfPath="rooms:act", args=[{}])
    assert host.closed is None
    host.say("Action", requestId=3, udfPath="rooms:act", args=[{}])
    assert host.closed == (1013, "TooManyInflightActionsForSingleClient")


# Identity


def test_an_identity_is_confirmed_though_no_result_changed(host: RecordingHost):
    watching(host, 0)
    host.say("Authenticate", baseVersion=0, tokenType="Admin", value="the key")
    assert host.session.identity.is_admin
    assert host.moved == [host.watched[0]]
    assert host.advance() == [transition((1, 0, 100), (1, 1, 100))]
    host.say("Authenticate", baseVersion=1, tokenType="None")
    assert host.session.identity is ANONYMOUS
    assert host.advance() == [transition((1, 1, 100), (1, 2, 100))]


def test_what_another_identity_sees_otherwise_is_sent(host: RecordingHost):
    watching(host, 0, 1)
    host.say("Authenticate", baseVersion=0, tokenType="Admin", value="the key")
    live = host.watched[1].live
    live.result = None
    assert not host.session.advance(Moment(110)), "not before it is known what the new identity sees"
    live.result = updated(b'"for the admin"')
    assert host.advance(120) == [transition((1, 0, 100), (1, 1, 120), update(1, "for the admin"))]


@pytest.mark.parametrize("name", ["impersonating", "acting_as"])
def test_the_admin_may_act_as_a_user(host: RecordingHost, name: str):
    attributes = {"issuer": "school", "subject": "ann", "level": 3}
    host.say("Authenticate", baseVersion=0, tokenType="Admin", value="the key", **{name: attributes})
    assert host.session.identity.attributes == attributes | {"tokenIdentifier": "school|ann"}


def test_requests_keep_the_identity_of_their_arrival(host: RecordingHost):
    host.mutate_with(0)
    host.say("Authenticate", baseVersion=0, tokenType="Admin", value="the key")
    host.mutate_with(1)
    host.say("Authenticate", baseVersion=1, tokenType="None")
    assert [call.identity.is_admin for _, call in host.mutations] == [False, True]


def test_a_wrong_key(host: RecordingHost):
    host.say("Authenticate", baseVersion=0, tokenType="None")
    host.say("Authenticate", baseVersion=1, tokenType="Admin", value="guessed")
    assert host.heard() == [
        {"type": "AuthError", "error": "a wrong key", "baseVersion": 1, "authUpdateAttempted": True}
    ]
    assert host.closed == (None, "")
    assert host.session.identity is ANONYMOUS


def test_a_wrong_base_version_of_an_identity(host: RecordingHost):
    host.say("Authenticate", baseVersion=1, tokenType="None")
    assert host.closed == (1011, "InternalServerError")


# The end


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"type":"Nonsense"}',
        b'{"type":"Connect"}',
        b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1}',
        b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Add","queryId":0}]}',
        b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Remove","queryId":-1}]}',
        b'{"type":"Mutation","requestId":0,"udfPath":"a:b"}',
        b'{"type":"Mutation","requestId":4294967296,"udfPath":"a:b","args":[]}',
        b'{"type":"Mutation","requestId":0.5,"udfPath":"a:b","args":[]}',
        b'{"type":"Action","requestId":0,"args":[]}',
        b'{"type":"Authenticate","baseVersion":0,"tokenType":"Root"}',
        b'{"type":"Event","eventType":5}',
        b'{"type":"Mutation","requestId":0,"udfPath":"a:\\ud800","args":[]}',
        b'{"type":"Mutation","requestId":0,"udfPath":"a:b","args":["\xff"]}',
        b'{"type":"Event","event":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_message_is_fatal(host: RecordingHost, payload: bytes):
    host.session.receive(payload)
    assert fatal(host).startswith("Received Invalid JSON on websocket: ")


def test_unknown_keys_and_events_are_ignored(host: RecordingHost):
    host.say("Event", eventType="ClientConnect", event=[{"name": "webSocketOpen", "startTime": 1.5}])
    host.say("Event", eventType="Whatever", event=None)
    host.connect(colour="red")
    assert (host.heard(), host.closed, host.updates) == ([], None, 0)


def test_nothing_is_heard_after_the_end(host: RecordingHost):
    host.session.receive(b"nonsense")
    host.heard()
    host.mutate_with(0)
    host.modify(0, host.add(0))
    host.session.close(1013, "later")
    assert (host.mutations, host.watched, host.heard(), host.closed) == ([], {}, [], (None, ""))


def test_the_end_unwatches_everything(host: RecordingHost):
    watching(host, 0, 1)
    host.mutate_with(0)
    host.session.ended()
    assert host.unwatched == [host.watched[0], host.watched[1]]
    host.session.ended()
    assert len(host.unwatched) == 2
    host.session.answer_mutation(0, result(b"0", ts=140))  # what was under way still ends


# Large transitions


@pytest.mark.parametrize("chunks", [True, False])
def test_a_large_transition_is_cut_for_those_who_understand(chunks: bool):
    host = RecordingHost(chunks=chunks)
    host.modify(0, host.add(0))
    host.gives(0, updated(b'"' + "😀".encode() * 1_500_000 + b'"'))
    host.session.advance(Moment(100))
    messages = host.heard()
    assert len(messages) == (2 if chunks else 1)
    assert {message["type"] for message in messages} == {"TransitionChunk" if chunks else "Transition"}


def test_a_small_one_is_not():
    host = RecordingHost(chunks=True)
    host.modify(0, host.add(0))
    host.gives(0, updated(b'"small"'))
    assert [message["type"] for message in host.advance()] == ["Transition"]
