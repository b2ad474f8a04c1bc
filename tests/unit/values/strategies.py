"""Values for property tests: every kind, with the corners (signs, NaNs, zero bytes, empty names) often."""

from __future__ import annotations

from hypothesis import strategies as st

from reactor.values import COMMIT_TS, UNSET, Int64, Value

names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=6).filter(lambda name: name[:1] != "$")
int64s = st.integers(-(2**63), 2**63 - 1).map(Int64)
exact_ints = st.integers(-(2**53), 2**53) | st.integers(1, 900).map(lambda power: 2**power)
floats = st.floats() | st.sampled_from([0.0, -0.0, float("inf"), float("-inf"), float("nan"), -float("nan"), 1e300])
numbers = exact_ints | floats
texts = st.text(max_size=8) | st.text(st.sampled_from("\x00\x01a\uffff\U0001f600"), max_size=4)
blobs = st.binary(max_size=8) | st.lists(st.sampled_from([0, 1, 255]), max_size=4).map(bytes)
scalars: st.SearchStrategy[Value] = st.none() | st.booleans() | numbers | int64s | texts | blobs


def _containers(children: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.lists(children, max_size=4) | st.dictionaries(names, children, max_size=4)


values: st.SearchStrategy[Value] = st.recursive(scalars, _containers, max_leaves=12)
"""Any value."""

keyed: st.SearchStrategy[Value] = values | st.sampled_from([UNSET, COMMIT_TS])
"""Anything that may stand in a key: a value, UNSET for a missing field, or the time of the commit."""

plain_documents = st.dictionaries(
    names, st.none() | st.booleans() | exact_ints | texts | st.floats(0.5, 1e15), max_size=6
)
"""What most documents look like: no kind in them needs a wrapper object."""
