"""What the doorbell of PostgreSQL says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.store.postgres.tidings import tidings, told_by


@given(st.text(), st.integers(0, 2**63 - 1))
def test_what_is_told_is_understood(node: str, ts: int) -> None:
    assert told_by(tidings(node, ts)) == (node, ts)


@pytest.mark.parametrize("text", ["", "a", "12", "a b", "a -1", "a \u0663", "a 1 "])
def test_what_names_no_commit_is_from_somebody_all_the_same(text: str) -> None:
    assert told_by(text) == (text, None)
