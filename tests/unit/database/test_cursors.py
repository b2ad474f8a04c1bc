"""Cursors say nothing to others, cannot be made up, and are the same for the same place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.cursors import Cursors
from reactor.errors import ConvexError, DeveloperError, InvalidCursor

CURSORS = Cursors(b"secret")
HERE, ELSEWHERE = b"h" * 16, b"e" * 16


@given(st.one_of(st.none(), st.binary(max_size=100)))
def test_a_cursor_leads_back_to_its_place(position: bytes | None) -> None:
    text = CURSORS.seal(HERE, position)
    assert CURSORS.open(text, HERE) == position
    assert text == CURSORS.seal(HERE, position)
    assert text != CURSORS.seal(ELSEWHERE, position)


def test_the_end_is_not_the_beginning() -> None:
    assert CURSORS.open(CURSORS.seal(HERE, None), HERE) is None
    assert CURSORS.open(CURSORS.seal(HERE, b""), HERE) == b""


def test_a_cursor_does_not_show_its_key() -> None:
    text = CURSORS.seal(HERE, b"salary: 1000000")
    assert text.isascii()
    assert "salary" not in text
    assert b"c2FsYXJ5" not in text.encode()  # what base64 makes of it


@given(st.data())
def test_a_changed_cursor_is_refused(data: st.DataObject) -> None:
    text = CURSORS.seal(HERE, b"a key")
    place = data.draw(st.integers(0, len(text) - 2))  # the last character has bits that do not count
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda char: char != text[place]))
    with pytest.raises(DeveloperError, match="Failed to parse cursor") as raised:
        CURSORS.open(text[:place] + other + text[place + 1 :], HERE)
    assert raised.value.code == "InvalidCursor"


@pytest.mark.parametrize("text", ["", "x", "AAAA", "not a cursor", "ä", "=" * 40, "A" * 10_000, "\ud800"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(DeveloperError, match="Failed to parse cursor"):
        CURSORS.open(text, HERE)


def test_another_deployments_cursor_is_refused() -> None:
    with pytest.raises(DeveloperError, match="Failed to parse cursor"):
        Cursors(b"other").open(CURSORS.seal(HERE, None), HERE)


def test_another_querys_cursor_says_so_to_the_official_hooks() -> None:
    with pytest.raises(InvalidCursor, match="^InvalidCursor: the cursor is of another query") as raised:
        CURSORS.open(CURSORS.seal(HERE, b"a key"), ELSEWHERE)
    assert isinstance(raised.value, ConvexError)
    assert raised.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}
