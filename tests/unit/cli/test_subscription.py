"""A live query as messages in and out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reactor.cli.answers import Answer
from reactor.cli.server import ServerError
from reactor.cli.subscription import Subscription
from reactor.errors import ProtocolError
from reactor.settings import Secret

ZERO = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
FIRST = {"querySet": 1, "identity": 1, "ts": "AQAAAAAAAAA="}
SECOND = {"querySet": 1, "identity": 1, "ts": "6AMAAAAAAAA="}


def subscription() -> Subscription:
    return Subscription("messages:list", '{"n":{"$integer":"AQAAAAAAAAA="}}', Secret("the-key!"))


def transition(start: object, end: object, *modifications: object) -> str:
    message = {"type": "Transition", "startVersion": start, "endVersion": end, "modifications": modifications}
    return json.dumps({**message, "serverTs": 5, "clientClockSkew": 0})


def updated(value: object, **more: object) -> dict[str, object]:
    return {"type": "QueryUpdated", "queryId": 0, "value": value, "logLines": [], "journal": None, **more}


def failed(message: str, **more: object) -> dict[str, object]:
    return {"type": "QueryFailed", "queryId": 0, "errorMessage": message, "logLines": [], "journal": None, **more}


def values(answers: list[Answer]) -> list[Any]:
    return [json.loads(bytes(answer.value)) if answer.succeeded else answer.error_message for answer in answers]


def test_a_new_socket_opens_with_session_key_and_query() -> None:
    connect, authenticate, query_set = map(json.loads, subscription().opening("InitialConnect"))
    assert connect.pop("sessionId").count("-") == 4
    assert connect == {
        "type": "Connect",
        "connectionCount": 0,
        "lastCloseReason": "InitialConnect",
        "clientTs": 0,
    }
    assert authenticate == {"type": "Authenticate", "baseVersion": 0, "tokenType": "Admin", "value": "the-key!"}
    assert query_set == {
        "type": "ModifyQuerySet",
        "baseVersion": 0,
        "newVersion": 1,
        "modifications": [
            {
                "type": "Add",
                "queryId": 0,
                "udfPath": "messages:list",
                "args": [{"n": {"$integer": "AQAAAAAAAAA="}}],
            }
        ],
    }


def test_every_new_result_is_an_answer() -> None:
    sub = subscription()
    sub.opening("InitialConnect")
    assert not sub.answered
    assert values(list(sub.receive(transition(ZERO, FIRST)))) == []
    assert sub.answered
    (answer,) = sub.receive(transition(FIRST, SECOND, updated([1.0], logLines=["[LOG] 'hi'"])))
    assert (bytes(answer.value), answer.log_lines) == (b"[1.0]", ["[LOG] 'hi'"])
    assert values(list(sub.receive('{"type": "Ping"}'))) == []
    assert values(list(sub.receive(transition(SECOND, SECOND, failed("no"))))) == ["no"]
    assert values(list(sub.receive(transition(SECOND, SECOND, updated([1.0]))))) == [[1.0]]


def test_error_data_is_kept_apart_from_its_absence() -> None:
    sub = subscription()
    sub.opening("InitialConnect")
    (plain,) = sub.receive(transition(ZERO, FIRST, failed("no")))
    (with_data,) = sub.receive(transition(FIRST, SECOND, failed("no", errorData={"code": "FULL"})))
    assert bytes(plain.error_data) == b""
    assert json.loads(bytes(with_data.error_data)) == {"code": "FULL"}


def test_after_a_reconnect_only_a_different_result_is_news() -> None:
    sub = subscription()
    session = json.loads(sub.opening("InitialConnect")[0])["sessionId"]
    assert values(list(sub.receive(transition(ZERO, SECOND, updated(1))))) == [1]
    connect = json.loads(sub.opening("InternalServerError")[0])
    assert connect == {
        "type": "Connect",
        "sessionId": session,
        "connectionCount": 1,
        "lastCloseReason": "InternalServerError",
        "maxObservedTimestamp": "6AMAAAAAAAA=",
        "clientTs": 0,
    }
    assert values(list(sub.receive(transition(ZERO, SECOND, updated(1))))) == []
    sub.opening("InternalServerError")
    assert values(list(sub.receive(transition(ZERO, SECOND, updated(2))))) == [2]


def test_other_queries_and_removals_are_none_of_its_business() -> None:
    sub = subscription()
    sub.opening("InitialConnect")
    others = [{"type": "QueryRemoved", "queryId": 0}, {"type": "QueryUpdated", "queryId": 1, "value": 1}]
    assert values(list(sub.receive(transition(ZERO, FIRST, *others)))) == []


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"type": "AuthError", "error": "bad key", "baseVersion": 0, "authUpdateAttempted": True}, "bad key"),
        ({"type": "FatalError", "error": "wrong version"}, "wrong version"),
    ],
)
def test_a_server_that_wants_no_more_of_us_ends_it(message: object, text: str) -> None:
    with pytest.raises(ServerError, match=text):
        list(subscription().receive(json.dumps(message)))


@pytest.mark.parametrize(
    "text",
    ["{", b"\xff", '{"no": "type"}', '{"type": "TransitionChunk"}', '{"type": "Transition", "modifications": 1}'],
)
def test_what_cannot_be_understood_ends_it(text: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        list(subscription().receive(text))


def test_a_gap_between_versions_ends_it() -> None:
    sub = subscription()
    sub.opening("InitialConnect")
    with pytest.raises(ProtocolError, match="left out"):
        list(sub.receive(transition(FIRST, SECOND)))
