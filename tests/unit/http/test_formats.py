"""Formats of values in answers. What each does to a value is shown with the endpoints."""

import pytest

from reactor.http.exchange import HttpError
from reactor.http.formats import answer_format, in_format


@pytest.mark.parametrize("name", ["convex_encoded_json", "convex_json", "json", "convex_clean_json", "export_json"])
def test_a_named_format_is_taken_whoever_asks(name: str):
    assert answer_format(name, b"npm-1.0.0") == name


@pytest.mark.parametrize("name", ["", "JSON", "xml", "x" * 100_000])
def test_an_unknown_format(name: str):
    with pytest.raises(HttpError) as caught:
        answer_format(name, None)
    assert (caught.value.status, caught.value.code) == (400, "BadFormat")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("header", [b"", b"npm", b"npm-", b"npm-1", b"\xff"])
@pytest.mark.parametrize("name", [None, "json"])
def test_a_header_without_a_version(name: str | None, header: bytes):
    with pytest.raises(HttpError) as caught:
        answer_format(name, header)
    assert (caught.value.status, caught.value.code) == (400, "InvalidClientVersion")


def test_plain_values_are_passed_on_as_they_are():
    text = b'{"a":[1,"$x",null]}'
    assert in_format(text, "json") is text
    assert in_format(text, "convex_encoded_json") is text
