"""Which calls have equal arguments."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import InvalidValue
from reactor.runtime.calls import args_key

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text("ab\x00", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    max_leaves=8,
)


def same(*texts: bytes) -> bool:
    return len({args_key(text) for text in texts}) == 1


def test_the_text_does_not_matter():
    assert same(b'{"a":1,"b":[]}', b'[{"b": [],\n"a": 1.0}]', b'{"a":1,"b":[]}' + b" " * 1000)
    assert same(b'{"a":"\\u00e4"}', '{"a":"ä"}'.encode())


def test_no_arguments_may_be_written_in_several_ways():
    assert same(b"{}", b"[{}]", b"null", b"[null]")


def test_an_object_in_a_list_is_not_the_object_of_arguments():
    assert not same(b"[[{}]]", b"{}")
    assert not same(b"[]", b"{}")


def test_kinds_are_told_apart():
    texts = [b'{"n":1}', b'{"n":true}', b'{"n":"1"}', b'{"n":{"$integer":"AQAAAAAAAAA="}}', b"{}", b'{"n":null}']
    assert len({args_key(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", [b"", b"{", b'{"$bytes":1}', b'{"a":{"$b":1}}', b"\xff", b"[" * 300 + b"]" * 300])
def test_what_are_no_arguments_has_no_key(text: bytes):
    for _ in range(2):
        with pytest.raises(InvalidValue):
            args_key(text)


def plain(value: object) -> str:
    """Text that is equal for what counts as equal: numbers by value, not by kind."""
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{plain(value[key])}" for key in sorted(value)) + "}"
    return repr(value) if isinstance(value, str | bool) or value is None else repr(float(value))  # type: ignore[arg-type]


@given(st.dictionaries(st.text("ab", min_size=1), values, max_size=3), st.data())
def test_keys_are_equal_exactly_for_equal_arguments(args: dict[str, object], data: st.DataObject):
    other = data.draw(st.sampled_from([args]) | st.dictionaries(st.text("ab", min_size=1), values, max_size=3))
    assert same(json.dumps(args).encode(), json.dumps([other], indent=1).encode()) == (plain(args) == plain(other))
