"""Histories that a serial executor made have no anomaly; with one fault in them they have."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.elle import check
from tests.unit.elle.executor import Executor
from tests.unit.elle.faults import FAULTS

seeds = st.integers(0, 2**32)
lengths = st.integers(0, 60)


@given(seeds, lengths, st.integers(1, 8), st.integers(1, 5))
def test_a_serial_execution_has_no_anomaly(seed: int, length: int, clients: int, keys: int) -> None:
    run = Executor(seed, clients=clients, keys=keys)
    run.run(length)
    run.close()
    report = check(run.history)
    assert not report.anomalies, report


@given(seeds, lengths)
def test_the_order_of_the_recording_does_not_matter(seed: int, length: int) -> None:
    run = Executor(seed)
    run.run(length)
    run.random.shuffle(run.history)
    report = check(run.history)
    assert not report.anomalies, report


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@given(before=lengths, after=lengths, seed=seeds, claims=st.booleans())
def test_a_fault_is_an_anomaly(
    fault: Callable[[Executor], None], before: int, after: int, seed: int, claims: bool
) -> None:
    run = Executor(seed, claims=claims)
    run.run(before)
    fault(run)
    run.run(after)
    run.close()
    assert check(run.history).anomalies


def test_the_executor_makes_what_is_worth_a_check() -> None:
    run = Executor(1, clients=8, keys=6)
    run.run(3_000)
    report = check(run.history)
    assert not report.anomalies, report
    assert {transaction.outcome.value for transaction in run.history} == {"ok", "fail", "unknown"}
    overlapping = sum(
        1 for one, other in zip(run.history, run.history[1:], strict=False) if other.invoked < (one.completed or 0)
    )
    assert overlapping > 1_000
    assert min(report.dependencies.values()) > 500
