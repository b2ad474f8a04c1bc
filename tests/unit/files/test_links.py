"""Addresses of files: what is good, what has expired, what is made up."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.files.links import STORAGE, Links, Token, is_file_id, is_uuid
from reactor.values.ids import encode_id

KEY = bytes(range(32))
NOW = 1_700_000_000_000.0

ids = st.binary(min_size=16, max_size=16).map(lambda internal: encode_id(STORAGE, internal))


def links(key: bytes = KEY) -> Links:
    return Links(key, lambda: "https://files.example")


def token_of(url: str) -> str:
    return url.partition("?token=")[2]


@given(ids)
def test_a_lasting_address_leads_back_to_its_file_and_does_not_show_the_id(id: str):
    url = links().lasting(id)
    name = url.removeprefix("https://files.example/api/storage/")
    assert is_uuid(name) and str(uuid.UUID(name)) == name
    assert links().id_of(name) == links().id_of(name.upper()) == id
    assert links(bytes(32)).lasting(id) != url, "another deployment gives another address"
    assert uuid.UUID(name).bytes != uuid.UUID(links(bytes(32)).lasting(id)[-36:]).bytes


def test_an_upload_url_is_good_until_its_time():
    url = links().upload(NOW)
    assert url.startswith("https://files.example/api/storage/upload?token=")
    token = token_of(url)
    assert links().check_upload(token, NOW - 1) is Token.GOOD
    assert links().check_upload(token, NOW) is Token.EXPIRED


def test_an_expiring_address_is_for_one_file_until_its_time():
    id, other = encode_id(STORAGE, b"a" * 16), encode_id(STORAGE, b"b" * 16)
    url = links().expiring(id, NOW)
    token = token_of(url)
    assert url.partition("?")[0] == f"https://files.example/api/storage/{id}"
    assert links().check_expiring(id, token, NOW - 1) == (Token.GOOD, NOW)
    assert links().check_expiring(id, token, NOW)[0] is Token.EXPIRED
    assert links().check_expiring(other, token, NOW - 1)[0] is Token.FORGED
    assert links().lasting(id)[-36:] not in url


def test_a_token_is_good_for_what_it_was_made_for_only():
    id = encode_id(STORAGE, b"a" * 16)
    upload, show = token_of(links().upload(NOW)), token_of(links().expiring(id, NOW))
    assert links().check_upload(show, NOW - 1) is Token.FORGED
    assert links().check_expiring(id, upload, NOW - 1)[0] is Token.FORGED
    assert links(b"x" * 32).check_upload(upload, NOW - 1) is Token.FORGED


@given(st.data())
def test_a_changed_token_is_worth_nothing(data: st.DataObject):
    token = token_of(links().upload(NOW))
    at = data.draw(st.integers(0, len(token) - 1))
    # The last character has bits that stand for nothing; all others count.
    letter = data.draw(st.sampled_from("ABCDwxyz0189-_").filter(lambda c: c != token[at]))
    changed = token[:at] + letter + token[at + 1 :]
    if at < len(token) - 1:
        assert links().check_upload(changed, NOW - 1) is Token.FORGED


@given(st.text(max_size=80))
def test_any_text_may_be_given_as_a_token(text: str):
    assert links().check_upload(text, NOW) is Token.FORGED


@pytest.mark.parametrize("text", ["", "x", "../key", "arriving", "0" * 32, "%2e%2e", "key"])
def test_other_names_are_neither_uuids_nor_ids(text: str):
    assert not is_uuid(text)
    assert not is_file_id(text)


def test_ids_of_other_tables_are_not_of_files():
    assert is_file_id(encode_id(STORAGE, bytes(16)))
    assert not is_file_id(encode_id(10_001, bytes(16)))
