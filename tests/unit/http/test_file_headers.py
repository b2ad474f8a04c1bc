"""What headers say of a file, and what requests say."""

import base64
import hashlib

import pytest

from reactor.http.exchange import HttpError
from reactor.http.file_headers import Description, is_current, keeps_range, sent_digest

DIGEST = hashlib.sha256(b"x").digest()
TEXT = base64.b64encode(DIGEST).decode()
DATE = b"Tue, 14 Nov 2023 22:13:20 GMT"


def described(content_type: str | None = None) -> Description:
    return Description(1, TEXT, content_type, 1_700_000_000)


TAG = f'"{DIGEST.hex()}"'.encode()


def test_a_digest_is_read_from_its_header():
    assert sent_digest({}) is None
    assert sent_digest({b"digest": b"sha-256=" + TEXT.encode()}) == DIGEST
    assert sent_digest({b"digest": b"md5=abc, SHA-256=" + TEXT.encode()}) == DIGEST


@pytest.mark.parametrize(
    "header", [b"", b"sha-256", b"sha-256=", b"sha-256=???", b"sha-256=AAAA", b"md5=AAAA", b"\xff"]
)
def test_a_digest_that_is_none_is_refused(header: bytes):
    with pytest.raises(HttpError) as caught:
        sent_digest({b"digest": header})
    assert (caught.value.status, caught.value.code) == (400, "BadHeader")


@pytest.mark.parametrize(
    ("headers", "current"),
    [
        ({}, False),
        ({b"if-none-match": TAG}, True),
        ({b"if-none-match": b'"other", W/' + TAG}, True),
        ({b"if-none-match": b"*"}, True),
        ({b"if-none-match": b'"other"'}, False),
        ({b"if-modified-since": DATE}, True),
        ({b"if-modified-since": b"Tue, 14 Nov 2023 22:13:19 GMT"}, False),
        ({b"if-modified-since": b"some day"}, False),
        ({b"if-modified-since": DATE, b"if-none-match": b'"other"'}, False),
    ],
)
def test_what_the_client_has_already(headers: dict[bytes, bytes], current: bool):
    assert is_current(headers, described()) is current


@pytest.mark.parametrize(
    ("condition", "keeps"),
    [(None, True), (TAG, True), (DATE, True), (b'"other"', False), (b"W/" + TAG, False), (b"junk", False)],
)
def test_a_part_is_of_this_file_only(condition: bytes | None, keeps: bool):
    assert keeps_range({} if condition is None else {b"if-range": condition}, described()) is keeps


@pytest.mark.parametrize(
    ("content_type", "disposition", "locked"),
    [
        ("image/png", b"inline", True),
        ("text/plain; charset=utf-8", b"inline", True),
        ("application/pdf", b"inline", False),
        ("image/svg+xml", b"attachment", True),
        ("text/html", b"attachment", True),
        ("Text/HTML", b"attachment", True),
        ("application/xhtml+xml", b"attachment", True),
        ("application/javascript", b"attachment", True),
        (None, b"attachment", True),
        ("", b"attachment", True),
    ],
)
def test_browsers_run_nothing_of_what_was_uploaded(content_type: str | None, disposition: bytes, locked: bool):
    headers = dict(described(content_type).content())
    assert headers[b"content-disposition"] == disposition
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert (b"sandbox" in headers.get(b"content-security-policy", b"")) is locked
    assert headers.get(b"content-type") == (content_type.encode() if content_type else None)


def test_the_time_of_the_upload_is_its_date():
    assert dict(described().caching(60)) == {
        b"cache-control": b"private, max-age=60",
        b"etag": TAG,
        b"last-modified": DATE,
        b"accept-ranges": b"bytes",
    }
