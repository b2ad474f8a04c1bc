"""Token buckets against a model that counts tokens one by one."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reactor.runtime.buckets import Buckets

KEY = ("f:f", "somebody")


class Model:
    """Tokens as a number that grows with time."""

    def __init__(self, interval: int, most: int) -> None:
        self.interval, self.most = interval, most
        self.tokens, self.at = Fraction(most), 0

    def take(self, now: int) -> int:
        self.tokens = min(self.tokens + Fraction(now - self.at, self.interval), Fraction(self.most))
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        wait = (1 - self.tokens) * self.interval
        assert wait.denominator == 1
        return int(wait)


steps = st.lists(st.integers(0, 40), max_size=60)


@given(st.integers(1, 20), st.integers(1, 8), steps, st.integers(1, 100))
def test_a_bucket_does_what_one_that_counts_tokens_does(interval: int, most: int, pauses: list[int], kept: int):
    buckets, model, now = Buckets(kept), Model(interval, most), 1_000
    model.at = now
    for pause in pauses:
        now += pause
        assert buckets.take(KEY, interval, most, now) == model.take(now)


@given(st.integers(1, 20), st.integers(1, 8), steps)
def test_after_the_wait_there_is_a_token_and_not_before(interval: int, most: int, pauses: list[int]):
    buckets, now = Buckets(), 0
    for pause in pauses:
        now += pause
        wait = buckets.take(KEY, interval, most, now)
        assert wait == 0 or (buckets.wait(KEY, interval, most, now, tokens=1) == wait)
        if wait > 1:
            assert buckets.take(KEY, interval, most, now + wait - 1) == 1
        if wait:
            now += wait
            assert buckets.take(KEY, interval, most, now) == 0


@given(st.integers(1, 20), st.integers(1, 8), st.integers(1, 30), st.integers(0, 50))
def test_whoever_waits_for_several_tokens_is_told_when_the_last_has_come(
    interval: int, most: int, tokens: int, taken: int
):
    buckets, now = Buckets(), 0
    for _ in range(taken):
        buckets.take(KEY, interval, most, now)
    wait = buckets.wait(KEY, interval, most, now, tokens=tokens)
    left = max(most - taken, 0)
    assert wait == max(tokens - left, 0) * interval


@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 10_000))
def test_a_clock_that_is_put_back_empties_a_bucket_and_no_more(interval: int, most: int, back: int):
    buckets, now = Buckets(), 100_000
    while buckets.take(KEY, interval, most, now) == 0:
        pass
    assert 0 < buckets.take(KEY, interval, most, now - back) <= interval
    assert buckets.take(KEY, interval, most, now - back + interval * most) == 0


def test_a_limit_that_becomes_stricter_or_laxer_holds_at_once():
    buckets = Buckets()
    for _ in range(3):
        buckets.take(KEY, 1_000_000, 3, 0)
    assert buckets.take(KEY, 10, 2, 0) == 10
    assert buckets.take(KEY, 10, 2, 10) == 0


def test_owners_and_functions_have_buckets_of_their_own():
    buckets = Buckets()
    assert [buckets.take((path, owner), 10, 1, 0) for path in "fg" for owner in "ab"] == [0, 0, 0, 0]
    assert buckets.take(("f", "a"), 10, 1, 0) == 10


def test_full_buckets_are_forgotten():
    buckets = Buckets()
    for owner in range(10_000):
        buckets.take(("f", str(owner)), 10, 1, owner)
    assert len(buckets) < 1100


def test_there_are_never_many_more_buckets_than_may_be_kept_and_the_latest_stay():
    buckets = Buckets(100)
    for owner in range(1000):
        assert buckets.take(("f", str(owner)), 10**9, 1, owner) == 0
        assert len(buckets) <= 126
    assert buckets.take(("f", "999"), 10**9, 1, 1000) > 0
    assert buckets.take(("f", "0"), 10**9, 1, 1000) == 0
