"""What clients may send, and the strictness about what they may not."""

from __future__ import annotations

import pytest

from reactor.values import Value, decode, same
from reactor.values.names import known_names

from .samples import unreadable


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"$integer":1}', "$integer holds something else than standard base64"),
        (b'{"$integer":null}', "$integer holds something else"),
        (b'{"$integer":"AQAAAAAAAA=="}', "$integer holds 7 bytes"),
        (b'{"$integer":"AQAAAAAAAAAA"}', "$integer holds 9 bytes"),
        (b'{"$integer":"AQAAAAAAAAA"}', "something else than standard base64 with padding"),
        (b'{"$integer":"AQAAAAAAAAB="}', "something else than standard base64"),
        (b'{"$bytes":"AB_-"}', "something else than standard base64"),
        (b'{"$bytes":"AB CD"}', "something else than standard base64"),
        (b'{"$bytes":"AA==AA=="}', "something else than standard base64"),
        ('{"$bytes":"é"}', "something else than standard base64"),
        (b'{"$float":"AAAAAAAA8D8="}', "$float holds 1.0, for which JSON has a number"),
        (b'{"$float":"AAAAAAAAAAA="}', "$float holds 0.0"),
        (b'{"$float":"AQAAAAAAAAA="}', "$float holds 5e-324"),
        (b'{"$float":"AAAA"}', "$float holds 3 bytes"),
        (b'{"$set":[]}', "$set is no longer supported"),
        (b'{"$map":[]}', "$map is no longer supported"),
        (b'{"$commitTs":null}', "$commitTs may stand only in what a running mutation writes"),
        (b'{"$undefined":null}', "$undefined is not a value"),
        (b'{"$other":1}', "starts with '$'"),
        (b'{"$integer":"AQAAAAAAAAA=","a":1}', "starts with '$'"),
        (b'{"a":{"\\u0024integer":7}}', "$integer holds something else"),
        ('{"é":1}', "not printable ASCII"),
        (b'{"a\\u007f":1}', "not printable ASCII"),
        (b'{"' + b"x" * 1025 + b'":1}', "1025 characters"),
        (b'"\\ud800"', "not valid JSON"),
        (b'["a\\udc00b"]', "not valid JSON"),
        (b'"\\ud800\\u0041"', "not valid JSON"),
        (b'{"\\ud800":1}', "not valid JSON"),
        (b'"\xed\xa0\x80"', "not valid JSON"),
        ('"\ud800"', "not valid JSON"),
        (b'"\xff"', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[1,]", "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b"NaN", "not valid JSON"),
        (b"Infinity", "not valid JSON"),
        (b"1e400", "not valid JSON"),
        (b"1" * 400, "out of range"),
        (b"1" * 5000, "not valid JSON"),
    ],
)
def test_what_is_no_value_on_the_wire_is_refused(raw: bytes | str, text: str) -> None:
    assert text in unreadable(raw)


def test_the_path_of_what_cannot_be_read_is_named() -> None:
    assert unreadable(b'{"a":[1,{"b":{"$set":[]}}]}').endswith("(at .a[1].b)")
    assert unreadable(b'{"a":[1,{"b":{"$set":[]}}]}').startswith("Arguments invalid: ")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"9007199254740993", 9007199254740992.0),
        (b"[-9007199254740993]", [-9007199254740992.0]),
        (b"18446744073709551617", 1.8446744073709552e19),
        (b"1152921504606846976", 2**60),
        (b"12345", 12345),
        (b"-0.0", -0.0),
        (b"1e2", 100.0),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"":1}', {"": 1}),
        (b' [ "\\ud83d\\ude00" ] ', ["😀"]),
    ],
)
def test_legal_json_is_read(raw: bytes, value: Value) -> None:
    result = decode(raw)
    assert same(result, value)
    assert type(result) is type(value)


def test_names_are_judged_alike_when_more_came_by_than_are_remembered() -> None:
    for index in range(9000):
        assert decode(b'{"f%d":1}' % index) == {f"f{index}": 1}
    assert len(known_names) <= 8192
    assert decode(b'{"f1":1}') == {"f1": 1}
    assert "not printable" in unreadable('{"f1":1,"ü":2}')
