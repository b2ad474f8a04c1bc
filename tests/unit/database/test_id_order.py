from hypothesis import given
from hypothesis import strategies as st

from reactor.database.id_order import id_bounds
from reactor.values import UNSET, decode_id, encode_id, encode_value, prefix_end, successor

tables = st.integers(1, 2**32 - 1) | st.integers(10_000, 10_300)
internals = st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(16), b"\xff" * 16])
texts = st.text(st.characters(codec="utf-8"), max_size=40)
ids = st.builds(encode_id, tables, internals)


@st.composite
def bounds(draw: st.DrawFn) -> bytes:
    """A bound as a range or a continued scan makes it."""
    value = draw(ids | texts | st.sampled_from([UNSET, None, 1, True, b"x", [1], {}]))
    key = encode_value(value)  # pyright: ignore[reportArgumentType]
    return draw(st.sampled_from([b"", b"\xff", key, prefix_end(key), successor(key)]))


@given(tables, st.lists(internals, max_size=5), st.lists(ids, max_size=5), bounds(), bounds())
def test_bounds_on_keys_become_bounds_on_ids(
    table: int, own: list[bytes], others: list[str], lower: bytes, upper: bytes
) -> None:
    mine = {encode_id(table, internal) for internal in own}
    first, last = id_bounds(table, lower, upper)
    found = {id for id in mine | set(others) if first <= id < last}
    foreign = {id for id in others if id not in mine and decode_id(id)[0] != table}
    assert not found & foreign
    expected = {id for id in mine | set(others) - foreign if lower <= encode_value(id) < upper}
    assert found == expected
