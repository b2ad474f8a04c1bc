"""Metrics of several workers, added up."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.app.measured import Measured, Metrics, Sample
from reactor.app.workers.tally import Tally


def counter(value: float, function: str = "a:b", name: str = "reactor_query_runs") -> Measured:
    return Measured(name, "counter", "says", [Sample(f"{name}_total", (("function", function),), value)])


def gauge(value: float, name: str = "reactor_sessions") -> Measured:
    return Measured(name, "gauge", "says", [Sample(name, (), value)])


def values(metrics: Metrics) -> dict[tuple[str, str], float]:
    return {
        (sample.name, dict(sample.labels).get("function", "")): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_counters_and_gauges_are_added_up_by_their_labels():
    tally = Tally()
    tally.report(1, [counter(3), gauge(2)])
    tally.report(2, [counter(4), counter(5, "c:d"), gauge(1)])
    assert values(tally.total({1, 2})) == {
        ("reactor_query_runs_total", "a:b"): 7,
        ("reactor_query_runs_total", "c:d"): 5,
        ("reactor_sessions", ""): 3,
    }


def test_what_all_know_as_a_whole_is_not_added_up():
    tally = Tally()
    for number in (1, 2, 3):
        tally.report(number, [gauge(40 + number, "reactor_jobs_pending")])
    assert values(tally.total({1, 2, 3})) == {("reactor_jobs_pending", ""): 43}


def test_counters_of_those_that_have_ended_stay_and_their_gauges_go():
    tally = Tally()
    tally.report(1, [counter(3), gauge(2)])
    tally.report(2, [counter(4), gauge(7)])
    tally.ended(2)
    assert values(tally.total({1})) == {("reactor_query_runs_total", "a:b"): 7, ("reactor_sessions", ""): 2}
    tally.report(2, [counter(1), gauge(1)])
    assert values(tally.total({1, 2})) == {("reactor_query_runs_total", "a:b"): 8, ("reactor_sessions", ""): 3}


def test_those_that_do_not_answer_count_as_when_they_last_did():
    tally = Tally()
    tally.report(1, [counter(3), gauge(2)])
    tally.report(2, [counter(4), gauge(7)])
    assert values(tally.total({1})) == {("reactor_query_runs_total", "a:b"): 7, ("reactor_sessions", ""): 2}


def test_one_that_never_told_anything_may_end():
    tally = Tally()
    tally.ended(1)
    assert tally.total(set()) == []


Step = tuple[str, int, int]


@given(st.lists(st.tuples(st.sampled_from(["count", "scrape", "miss", "end"]), st.integers(1, 3), st.integers(1, 9))))
def test_no_counter_ever_goes_back(steps: list[Step]):
    tally, counted, shown = Tally(), {1: 0, 2: 0, 3: 0}, 0.0
    for what, number, amount in steps:
        if what == "count":
            counted[number] += amount
        elif what == "end":
            tally.ended(number)
            counted[number] = 0
        else:
            fresh = [each for each in counted if what == "scrape" or each != number]
            for each in fresh:
                tally.report(each, [counter(counted[each])])
            total = sum(values(tally.total(fresh)).values())
            assert total >= shown
            shown = total
