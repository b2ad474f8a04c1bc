"""Counters of a server as Prometheus metrics, read from its parts when asked."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from reactor.app.measured import Measured, Metrics, Sample
from reactor.app.parts import Parts

__all__ = ["measured", "metrics_text"]


class _Parts(Collector):
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        parts = self._parts
        yield _by(
            "reactor_query_runs", "Runs of queries, live ones and single calls", "function", parts.runner.query_runs
        )
        yield from _results(parts)
        yield from _latencies(parts)
        yield from _traffic(parts)
        yield _by("reactor_function_failures", "Failed runs of functions", "kind", parts.runner.failures)
        yield from _entrance(parts)
        yield from _files(parts)
        yield from _nodes(parts)
        yield from _live(parts)
        yield from _background(parts)
        yield from _commits(parts)


def _live(parts: Parts) -> Iterator[Metric]:
    yield from _counters(
        ("reactor_query_unchanged", "Runs of live queries whose result was the same", parts.rounds.unchanged),
        ("reactor_rounds", "Rounds of live queries", parts.rounds.rounds),
        ("reactor_round_faults", "Rounds and runs of live queries that failed inside", parts.rounds.faults),
        ("reactor_transitions_sent", "Transitions sent to clients", parts.hub.transitions),
        ("reactor_connects", "Sync connections accepted", parts.hub.connects),
    )
    yield from _gauges(
        ("reactor_live_queries", "Distinct live queries", len(parts.live)),
        ("reactor_subscriptions", "Subscriptions to live queries", parts.live.subscriptions),
        ("reactor_sessions", "Sync connections open", len(parts.hub.sessions)),
    )


def _background(parts: Parts) -> Iterator[Metric]:
    dead = parts.job_runs.dead + parts.crons.dead
    yield from _counters(
        ("reactor_jobs_run", "Scheduled functions that have run to their end", parts.job_runs.ran),
        ("reactor_jobs_failed", "Scheduled functions that failed", parts.job_runs.failed),
        ("reactor_jobs_dead", "Scheduled actions all of whose tries have failed", dead),
        ("reactor_crons_run", "Runs of cron jobs that came to their end", parts.crons.ran),
        ("reactor_crons_failed", "Runs of cron jobs that failed", parts.crons.failed),
        ("reactor_migration_batches", "Batches of migrations", parts.migration_runs.batches),
        ("reactor_migration_documents", "Documents given to migrations", parts.migration_runs.documents),
        ("reactor_migrations_failed", "Migrations that stopped at an error", parts.migration_runs.failed),
    )
    yield from _gauges(
        ("reactor_jobs_pending", "Scheduled functions that have not begun", parts.backlog.pending),
        ("reactor_jobs_running", "Scheduled functions that have been taken up", len(parts.executor.running)),
    )


def _commits(parts: Parts) -> Iterator[Metric]:
    committer = parts.database.committer
    yield from _counters(
        ("reactor_mutations", "Mutations answered", parts.mutations.answered),
        ("reactor_mutations_repeated", "Mutations answered from the record", parts.mutations.repeated),
        ("reactor_commits", "Commits made durable", committer.commits),
        ("reactor_commit_groups", "Database transactions that made them durable", committer.groups),
        ("reactor_commits_of_others", "Commits of other servers that became visible here", committer.others),
        ("reactor_mutation_reruns", "Mutations run again because of them", committer.reruns),
        ("reactor_mutations_insisted", "Mutations run while other servers had to wait", committer.insisted),
    )
    yield from _gauges(("reactor_mutations_waiting", "Mutations that have not begun", committer.waiting))


def _entrance(parts: Parts) -> Iterator[Metric]:
    entrance = parts.runner.entrance
    yield _by("reactor_calls_refused", "Calls that were not let in", "why", entrance.refused)
    yield from _gauges(
        ("reactor_subscriptions_held", "Subscriptions that wait for their rate", len(parts.held)),
        ("reactor_rate_buckets", "Buckets of rates that are not full", len(entrance.buckets)),
        ("reactor_calls_in_progress", "Calls of clients that are not answered", len(entrance.in_progress)),
    )


def _files(parts: Parts) -> Iterator[Metric]:
    files, upkeep = parts.files, parts.files.upkeep
    yield CounterMetricFamily("reactor_files_stored", "Files stored", value=files.stored)
    removed = CounterMetricFamily("reactor_files_removed", "Files whose bytes were removed", labels=["why"])
    removed.add_metric(["deleted"], upkeep.removed)
    removed.add_metric(["orphan"], upkeep.orphans)
    yield removed
    yield CounterMetricFamily("reactor_file_bytes_received", "Bytes of files that came", value=files.bytes_received)
    yield CounterMetricFamily("reactor_file_bytes_sent", "Bytes of files sent", value=files.bytes_sent)
    yield GaugeMetricFamily("reactor_uploads", "Uploads under way", value=parts.file_api.uploads)
    yield GaugeMetricFamily("reactor_downloads", "Files that are being sent", value=parts.file_api.downloads)
    yield GaugeMetricFamily(
        "reactor_files_without_bytes", "Files whose bytes are not there, at most 200", value=len(upkeep.without_bytes)
    )


def _nodes(parts: Parts) -> Iterator[Metric]:
    members = parts.members
    yield from _gauges(
        ("reactor_nodes", "Servers that share the database and live", max(1, len(members.nodes))),
        ("reactor_leads", "Whether this server does the background work", members.leads),
        ("reactor_code_version", "Which version of the code this server has", members.version),
        ("reactor_code_outdated", "Whether others have newer code", parts.is_outdated),
    )


def _results(parts: Parts) -> Iterator[Metric]:
    queries, cache = parts.queries, parts.queries.cache
    yield _by("reactor_result_hits", "Single queries answered with a result that was there", "from", queries.hits)
    yield CounterMetricFamily("reactor_result_misses", "Single queries that had to run", value=queries.misses)
    yield _by("reactor_results_dropped", "Results that the cache let go", "why", cache.dropped)
    yield GaugeMetricFamily("reactor_results_cached", "Results in the cache", value=len(cache))
    yield GaugeMetricFamily("reactor_results_cached_bytes", "Memory that they take", value=cache.bytes)


def _latencies(parts: Parts) -> Iterator[Metric]:
    for name, says, taken in (
        ("reactor_mutation_seconds", "From a mutation's arrival until it is durable", parts.mutations.seconds),
        ("reactor_query_seconds", "Runs of queries", parts.runner.query_seconds),
        ("reactor_round_seconds", "Rounds of live queries", parts.rounds.seconds),
        ("reactor_commit_group_seconds", "Making a group of commits durable", parts.database.committer.group_seconds),
        ("reactor_catch_up_seconds", "Catching up with other servers", parts.database.committer.follow_seconds),
    ):
        yield HistogramMetricFamily(name, says, buckets=list(taken.up_to()), sum_value=taken.total)


def _traffic(parts: Parts) -> Iterator[Metric]:
    traffic = parts.traffic
    yield _by("reactor_http_requests", "Requests to HTTP actions", "status", traffic.requests)
    yield CounterMetricFamily("reactor_http_request_bytes", "Bodies of those requests", value=traffic.bytes_in)
    yield CounterMetricFamily("reactor_http_response_bytes", "Bodies of their responses", value=traffic.bytes_out)


def _counters(*told: tuple[str, str, float]) -> Iterator[Metric]:
    for name, says, value in told:
        yield CounterMetricFamily(name, says, value=value)


def _gauges(*told: tuple[str, str, float]) -> Iterator[Metric]:
    for name, says, value in told:
        yield GaugeMetricFamily(name, says, value=value)


def _by(name: str, says: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, says, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def measured(parts: Parts) -> Metrics:
    """What this process has counted."""
    return [
        Measured(metric.name, metric.type, metric.documentation, [_sample(sample) for sample in metric.samples])
        for metric in _Parts(parts).collect()
    ]


def metrics_text(metrics: Metrics) -> bytes:
    """The exposition text."""
    registry = CollectorRegistry()
    registry.register(_Given(metrics))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        for each in self._metrics:
            metric = Metric(each.name, each.says, each.kind)
            for name, labels, value in ((sample.name, sample.labels, sample.value) for sample in each.samples):
                metric.add_sample(name, dict(labels), value)
            yield metric


def _sample(sample: Any) -> Sample:
    return Sample(sample.name, tuple(sample.labels.items()), float(sample.value))
