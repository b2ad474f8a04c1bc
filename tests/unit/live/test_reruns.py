"""Why queries ran, as an operator reads it."""

import json

from reactor.database.ranges import KeyRange
from reactor.live.live_query import LiveQuery, Reason
from reactor.live.reruns import Reruns, describe
from reactor.runtime.identity import ANONYMOUS
from reactor.store.seam import CATALOG_INDEX
from reactor.values import encode_id, encode_key


def name(index: int) -> str:
    return f"rooms.index {index}"


def live(args: bytes) -> LiveQuery:
    return LiveQuery(("rooms:list", b"", None, None), "rooms:list", args, None, ANONYMOUS)


def test_a_reason_in_words():
    assert describe(Reason("subscribed"), name) == {"cause": "subscribed"}
    id = encode_id(10_001, bytes(16))
    key = encode_key(["general", id])
    reason = Reason("commit", 2**62, "rooms:add", key, KeyRange(3, b"\x10", b"\x11"))
    assert describe(reason, name) == {
        "cause": "commit",
        "ts": str(2**62),
        "source": "rooms:add",
        "index": "rooms.index 3",
        "document": id,
        "key": key.hex(),
        "range": ["10", "11"],
    }


def test_a_table_that_came_to_be():
    reason = Reason("commit", 5, "rooms:add", b"rooms", KeyRange(CATALOG_INDEX, b"rooms", b"rooms\x00"))
    said = describe(reason, name)
    assert (said["index"], said["document"], said["key"]) == ("tables", None, b"rooms".hex())


def test_the_newest_come_first_and_the_oldest_are_forgotten():
    reruns = Reruns()
    for number in range(600):
        reruns.add(live(b"[%d]" % number), Reason("code"))
    recent = reruns.recent(name)
    assert len(recent) == 500
    assert recent[0] == {"query": "rooms:list", "args": "[599]", "cause": "code"}
    assert recent[-1]["args"] == "[100]"


def test_long_and_broken_arguments_are_kept_short_and_readable():
    reruns = Reruns()
    reruns.add(live(b'["' + "ä".encode() * 10_000), Reason("code"))
    reruns.add(live(b"\xff"), Reason("code"))
    assert all(len(run["args"]) <= 500 for run in reruns.recent(name))
    json.dumps(reruns.recent(name)).encode()
