"""The placeholder of the commit's time: one object, a kind between values, replaced in what is encoded."""

import copy
import pickle

import pytest
from hypothesis import given

from reactor.values import (
    ANY,
    COMMIT_TS,
    CommitTs,
    Int64,
    Value,
    compare,
    decode_trusted,
    encode,
    encode_value,
    is_pending,
    same,
    settle,
    size_of,
)

from .samples import refused, unreadable
from .strategies import int64s, values

LAST = Int64(2**63 - 1)


def test_there_is_one() -> None:
    for made in (
        CommitTs(),
        copy.copy(COMMIT_TS),
        copy.deepcopy([COMMIT_TS])[0],
        pickle.loads(pickle.dumps(COMMIT_TS)),
    ):
        assert made is COMMIT_TS
    assert repr(COMMIT_TS) == "ctx.db.vars.commit_ts"


def test_it_sorts_as_the_largest_int64_and_is_none() -> None:
    assert encode_value(COMMIT_TS) == encode_value(LAST)
    assert compare(COMMIT_TS, LAST) == compare([COMMIT_TS], [LAST]) == compare(COMMIT_TS, COMMIT_TS) == 0
    assert compare(COMMIT_TS, LAST - 1) == compare(0.0, COMMIT_TS) == 1
    assert same({"a": COMMIT_TS}, {"a": COMMIT_TS})
    assert not same(COMMIT_TS, LAST)
    assert not same(LAST, COMMIT_TS)


def test_it_is_as_large_as_what_it_becomes() -> None:
    assert size_of([COMMIT_TS, {"a": COMMIT_TS}]) == size_of([LAST, {"a": LAST}])


def test_only_who_asks_for_it_may_write_it() -> None:
    assert refused({"a": [COMMIT_TS]}) == (
        "Value invalid: the time of the commit is not known yet: its placeholder may stand only in what a mutation "
        "writes, passes to nested calls or gives back (at .a[0])"
    )
    assert encode({"b": 1, "a": [COMMIT_TS]}, pending=True) == b'{"a":[{"$commitTs":null}],"b":1}'
    assert "$commitTs may stand only in what a running mutation writes" in unreadable(b'{"$commitTs":null}')


def test_what_is_read_back_is_the_placeholder_itself() -> None:
    assert decode_trusted(encode({"a": [COMMIT_TS]}, pending=True))["a"][0] is COMMIT_TS
    assert decode_trusted(encode(COMMIT_TS, pending=True)) is COMMIT_TS


@given(values, int64s)
def test_all_of_it_and_nothing_else_is_replaced(value: Value, ts: Int64) -> None:
    before = {"at": COMMIT_TS, "in": [value, [COMMIT_TS]], "value": value}
    encoded = encode(before, limits=ANY, pending=True)
    assert is_pending(encoded)
    settled = settle(encoded, ts)
    assert settled == encode({**before, "at": ts, "in": [value, [ts]]}, limits=ANY)
    assert not is_pending(settled)


@pytest.mark.parametrize(
    "value", ['{"$commitTs":null}', ['"', '{"$commitTs":null}', "\\"], {'{"': "$commitTs"}, {"a$commitTs": None}, "$"]
)
def test_text_that_looks_like_it_is_text(value: Value) -> None:
    encoded = encode(value)
    assert not is_pending(encoded)
    assert settle(encoded, 5) is encoded
