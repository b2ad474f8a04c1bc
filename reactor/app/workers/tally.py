"""What all workers have counted together."""

from collections.abc import Collection, Iterable

from reactor.app.measured import Measured, Metrics, Sample

__all__ = ["Tally"]

_SAME = frozenset(
    {
        "reactor_code_outdated",
        "reactor_code_version",
        "reactor_files_without_bytes",
        "reactor_jobs_pending",
        "reactor_nodes",
    }
)
"""Gauges of what is in the store, which every worker knows as a whole: the largest of them is told."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Tally:
    """Adds up metrics of workers. Counters never go back because one of them has ended."""

    def __init__(self) -> None:
        self._last: dict[int, Metrics] = {}
        self._ended: Metrics = []
        """Counters of those that have ended, added up."""

    def report(self, number: int, metrics: Metrics) -> None:
        """What a worker has counted since it began."""
        self._last[number] = metrics

    def ended(self, number: int) -> None:
        """A worker is gone, and so is what it has counted since it was asked last. Nobody was ever told of that."""
        self._ended = _sum([self._ended, _counters(self._last.pop(number, []))])

    def total(self, fresh: Collection[int]) -> Metrics:
        """The sums. Those that are not `fresh`, because they did not answer, count as when they last did, and have no
        gauges."""
        present = [metrics for number, metrics in self._last.items() if number in fresh]
        absent = [_counters(metrics) for number, metrics in self._last.items() if number not in fresh]
        return _sum([*present, *absent, self._ended])


def _counters(metrics: Metrics) -> Metrics:
    return [metric for metric in metrics if metric.kind != "gauge"]


def _sum(reports: Iterable[Metrics]) -> Metrics:
    heads: dict[str, Measured] = {}
    values: dict[str, dict[_Key, float]] = {}
    for metric in (metric for metrics in reports for metric in metrics):
        heads.setdefault(metric.name, metric)
        found = values.setdefault(metric.name, {})
        for name, labels, value in ((sample.name, sample.labels, sample.value) for sample in metric.samples):
            before = found.get((name, labels), 0.0)
            found[name, labels] = max(before, value) if metric.name in _SAME else before + value
    return [
        Measured(name, head.kind, head.says, [Sample(*key, value) for key, value in values[name].items()])
        for name, head in heads.items()
    ]
