"""What goes over the wire: vectors of the reference, and text that is cut without breaking a character."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import ProtocolError
from reactor.sync import messages as wire

VECTORS = {
    0: "AAAAAAAAAAA=",
    1: "AQAAAAAAAAA=",
    1000: "6AMAAAAAAAA=",
    1_700_000_000_000_000_000: "AAAqNv6clxc=",
}


@pytest.mark.parametrize(("ts", "text"), VECTORS.items())
def test_timestamps(ts: int, text: str):
    assert wire.encode_ts(ts) == text.encode()
    assert wire.decode_ts(text) == ts


@pytest.mark.parametrize("text", ["", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAA==", "AAAAAAAAAAAA", "*" * 12, "é" * 12])
def test_what_is_no_timestamp(text: str):
    with pytest.raises(ProtocolError, match="8 bytes in base64"):
        wire.decode_ts(text)


def test_messages_of_the_npm_client():
    connect = wire.parse(
        b'{"type":"Connect","sessionId":"0f5c","connectionCount":1,"lastCloseReason":"InternalServerError",'
        b'"maxObservedTimestamp":"6AMAAAAAAAA=","clientTs":1795327986512}'
    )
    assert connect == wire.Connect("0f5c", 1, "InternalServerError", "6AMAAAAAAAA=", 1795327986512)
    modify = wire.parse(
        b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Add","queryId":0,'
        b'"udfPath":"rooms:list","args":[{}],"journal":null},{"type":"Remove","queryId":4294967295}]}'
    )
    assert isinstance(modify, wire.ModifyQuerySet)
    add, remove = modify.modifications
    assert isinstance(add, wire.Add)
    assert (add.queryId, add.udfPath, bytes(add.args), add.journal) == (0, "rooms:list", b"[{}]", None)
    assert remove == wire.Remove(2**32 - 1)


def test_messages_of_the_python_client_have_their_type_last():
    mutation = wire.parse(
        b'{"args":[{"n":{"$integer":"BQAAAAAAAAA="}}],"requestId":3,"udfPath":"a:b","type":"Mutation"}'
    )
    assert isinstance(mutation, wire.Mutation)
    assert bytes(mutation.args) == b'[{"n":{"$integer":"BQAAAAAAAAA="}}]'
    admin = wire.parse(
        b'{"acting_as":{"subject":"s"},"value":"k","tokenType":"Admin","baseVersion":0,"type":"Authenticate"}'
    )
    assert isinstance(admin, wire.Authenticate)
    assert (admin.tokenType, admin.value, admin.acting_as) == ("Admin", "k", {"subject": "s"})


@pytest.mark.parametrize("number", [-1, 2**32, 2**64, 2**70, 1.5, "1", None, True])
@pytest.mark.parametrize("field", ["requestId", "queryId", "baseVersion", "newVersion"])
def test_numbers_are_of_32_bits(field: str, number: object):
    messages = {
        "requestId": {"type": "Mutation", "udfPath": "a:b", "args": [], "requestId": number},
        "queryId": {
            "type": "ModifyQuerySet",
            "baseVersion": 0,
            "newVersion": 1,
            "modifications": [{"type": "Remove", "queryId": number}],
        },
        "baseVersion": {"type": "Authenticate", "tokenType": "None", "baseVersion": number},
        "newVersion": {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": number, "modifications": []},
    }
    with pytest.raises(ProtocolError, match="Received Invalid JSON on websocket"):
        wire.parse(json.dumps(messages[field]).encode())


@given(st.text(), st.booleans())
def test_texts_of_errors_are_json(text: str, attempted: bool):
    assert json.loads(wire.fatal_error(text)) == {"type": "FatalError", "error": text}
    assert json.loads(wire.auth_error(text, 2, attempted=attempted)) == {
        "type": "AuthError",
        "error": text,
        "baseVersion": 2,
        "authUpdateAttempted": attempted,
    }


@pytest.mark.parametrize(("skew", "said"), [(-2.5, -2), (3.6, 4), (0.0, 0), (-1.7e12, -1_700_000_000_000)])
def test_clock_members(skew: float, said: int):
    text = wire.transition(wire.version(0, 0, wire.encode_ts(0)), wire.version(1, 2, wire.encode_ts(1000)), [])
    assert json.loads(text)["endVersion"] == {"querySet": 1, "identity": 2, "ts": "6AMAAAAAAAA="}
    text = wire.transition(b"{}", b"{}", [], wire.clock_members(skew, 2**62))
    assert json.loads(text) | {"clientClockSkew": said, "serverTs": 2**62} == json.loads(text)


@given(st.text(alphabet='a"\\é€😀\n', max_size=60), st.integers(4, 20))
def test_chunks_join_to_the_text_and_break_no_character(content: str, size: int):
    text = json.dumps({"type": "Transition", "text": content}, ensure_ascii=False).encode()
    parts = [json.loads(chunk) for chunk in wire.chunks(text, size)]
    assert "".join(part["chunk"] for part in parts).encode() == text
    assert all(len(part["chunk"].encode()) <= size for part in parts)
    assert [part["partNumber"] for part in parts] == list(range(len(parts)))
    assert {(part["totalParts"], part["transitionId"]) for part in parts} == {(len(parts), str(len(text)))}
    assert {part["type"] for part in parts} == {"TransitionChunk"}
    # Cutting anywhere costs at most three bytes of a part.
    assert len(parts) <= math.ceil(len(text) / (size - 3))


def test_chunks_are_of_five_million_bytes():
    text = b"x" * 12_000_000
    assert [len(json.loads(chunk)["chunk"]) for chunk in wire.chunks(text)] == [5_000_000, 5_000_000, 2_000_000]
