"""How long to wait before something that failed is tried again."""

from reactor.jobs.backoff import Backoff


def test_pauses_double_up_to_a_limit() -> None:
    backoff = Backoff(longest=3.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next() == 0.5
