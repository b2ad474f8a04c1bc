"""Counters of a server as Prometheus metrics, read from its parts when asked."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reactor.app.parts import Parts

__all__ = ["metrics_text"]


class _Parts(Collector):
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        parts = self._parts
        runs = CounterMetricFamily(
            "reactor_query_runs", "Runs of queries, live ones and single calls", labels=["function"]
        )
        for function, count in parts.runner.query_runs.items():
            runs.add_metric([function], count)
        yield runs
        yield from _results(parts)
        committer = parts.database.committer
        for name, says, value in (
            ("reactor_query_unchanged", "Runs of live queries whose result was the same", parts.rounds.unchanged),
            ("reactor_rounds", "Rounds of live queries", parts.rounds.rounds),
            ("reactor_round_faults", "Rounds and runs of live queries that failed inside", parts.rounds.faults),
            ("reactor_transitions_sent", "Transitions sent to clients", parts.hub.transitions),
            ("reactor_connects", "Sync connections accepted", parts.hub.connects),
            ("reactor_mutations", "Mutations answered", parts.mutations.answered),
            ("reactor_mutations_repeated", "Mutations answered from the record", parts.mutations.repeated),
            ("reactor_commits", "Commits made durable", committer.commits),
            ("reactor_commit_groups", "Database transactions that made them durable", committer.groups),
        ):
            yield CounterMetricFamily(name, says, value=value)
        for name, says, value in (
            ("reactor_live_queries", "Distinct live queries", len(parts.live)),
            ("reactor_subscriptions", "Subscriptions to live queries", parts.live.subscriptions),
            ("reactor_sessions", "Sync connections open", len(parts.hub.sessions)),
            ("reactor_mutations_waiting", "Mutations that have not begun", committer.waiting),
        ):
            yield GaugeMetricFamily(name, says, value=value)


def _results(parts: Parts) -> Iterator[Metric]:
    queries, cache = parts.queries, parts.queries.cache
    hits = CounterMetricFamily(
        "reactor_result_hits", "Single queries answered with a result that was there", labels=["from"]
    )
    for source, count in queries.hits.items():
        hits.add_metric([source], count)
    yield hits
    yield CounterMetricFamily("reactor_result_misses", "Single queries that had to run", value=queries.misses)
    dropped = CounterMetricFamily("reactor_results_dropped", "Results that the cache let go", labels=["why"])
    for why, count in cache.dropped.items():
        dropped.add_metric([why], count)
    yield dropped
    yield GaugeMetricFamily("reactor_results_cached", "Results in the cache", value=len(cache))
    yield GaugeMetricFamily("reactor_results_cached_bytes", "Memory that they take", value=cache.bytes)


def metrics_text(parts: Parts) -> bytes:
    """The exposition text."""
    registry = CollectorRegistry()
    registry.register(_Parts(parts))
    return generate_latest(registry)
