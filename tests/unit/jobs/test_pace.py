"""How large batches become: whatever documents cost, they come near the aim, and never beyond what is allowed."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.jobs.pace import AIM_SECONDS, Pace
from reactor.runtime.migrations import LARGEST_BATCH

COSTS = st.floats(min_value=1e-6, max_value=1.0)
LIMITS = st.none() | st.integers(min_value=1, max_value=LARGEST_BATCH)
STEPS = st.lists(st.tuples(st.booleans(), COSTS), max_size=60)


@given(LIMITS, STEPS)
def test_the_size_keeps_its_bounds_and_grows_by_steps(largest: int | None, steps: list[tuple[bool, float]]) -> None:
    pace = Pace(largest)
    for fails, cost in steps:
        before = pace.size
        if fails:
            assert pace.failed(before) is (before > 1)
            assert pace.size == max(1, before // 2)
        else:
            pace.took(before, before * cost)
            assert pace.size <= 2 * before
        assert 1 <= pace.size <= (largest or LARGEST_BATCH)


@given(COSTS)
def test_with_documents_of_one_cost_batches_soon_take_the_aim(cost: float) -> None:
    pace = Pace()
    for _ in range(12):
        pace.took(pace.size, pace.size * cost)
    wanted = max(1, min(AIM_SECONDS / cost, LARGEST_BATCH))
    assert wanted - 1.001 <= pace.size <= wanted * 1.001


@given(COSTS, COSTS)
def test_it_follows_documents_that_come_to_cost_more(cheap: float, dear: float) -> None:
    pace = Pace()
    for cost in [cheap] * 12 + [dear] * 12:
        pace.took(pace.size, pace.size * cost)
    assert pace.size == 1 or pace.size * dear <= AIM_SECONDS * 1.001


@given(st.integers(min_value=1, max_value=LARGEST_BATCH), st.integers(min_value=1, max_value=LARGEST_BATCH))
def test_what_is_too_large_is_halved_until_the_first_document_is_at_fault(size: int, bad: int) -> None:
    pace = Pace()
    pace.size = size
    tries = 0
    while pace.failed(min(bad, pace.size)):
        tries += 1
    assert pace.size == 1
    assert tries <= size.bit_length()


def test_a_batch_that_ended_early_does_not_let_the_next_one_grow() -> None:
    pace = Pace()
    pace.took(3, 1e-9)
    assert pace.size == 16
