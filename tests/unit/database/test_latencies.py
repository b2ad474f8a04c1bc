"""Counting durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.latencies import Latencies


@given(st.lists(st.floats(0, 100)))
def test_every_bound_counts_what_took_no_longer(durations: list[float]):
    taken = Latencies()
    for seconds in durations:
        taken.add(seconds)
    assert taken.total == pytest.approx(sum(durations))  # which rounds less in newer Pythons
    counted = dict(taken.up_to())
    assert counted.pop("+Inf") == len(durations)
    assert len(counted) == 11
    for bound, count in counted.items():
        assert count == sum(seconds <= float(bound) for seconds in durations)
