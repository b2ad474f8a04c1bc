"""Counting calls in progress."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reactor.runtime.calls import Call, Origin
from reactor.runtime.in_progress import InProgress


@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.sampled_from("123")), max_size=60))
def test_calls_count_for_their_caller_until_they_leave(most: int, steps: list[tuple[bool, str]]):
    counted, model = InProgress(most), Counter[str]()
    for comes, ip in steps:
        if comes:
            model[ip] += 1
            caller = counted.enter(Call("f:f", b"{}", origin=Origin(f"10.0.0.{ip}")))
            assert (counted.refusal(caller, "f:f") is not None) == (model[ip] > most)
        elif model[ip]:
            model[ip] -= 1
            counted.leave(f"address 10.0.0.{ip}")
        assert len(counted) == model.total()
