"""The check of a whole history, and its result."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from tests.support.elle.cycles import knots, simplest
from tests.support.elle.dependencies import Graph, depend, order
from tests.support.elle.explanation import Witness
from tests.support.elle.footprint import Footprint, footprint
from tests.support.elle.history import Transaction
from tests.support.elle.naming import Anomaly, Kind, name_of
from tests.support.elle.versions import Observations, Versions, Writers, committed

__all__ = ["Report", "check"]

_SHOWN = 10
"""So many anomalies are told in full."""

_EVERYTHING = ~0


class Report(msgspec.Struct):
    """What a check found. `str(report)` tells it to people.

    `happened` counts transactions that took place, `dependencies` the relations between them by kind: a check of
    transactions that have nothing to do with one another would prove little.
    """

    anomalies: list[Anomaly]
    happened: int
    dependencies: dict[str, int]
    explained: list[str]

    @property
    def names(self) -> set[str]:
        """The names of the anomalies that were found."""
        return {anomaly.name for anomaly in self.anomalies}

    def __str__(self) -> str:
        counted = ", ".join(f"{count:,} {kind}" for kind, count in self.dependencies.items())
        head = f"{len(self.anomalies)} anomalies in {self.happened:,} transactions ({counted})"
        more = len(self.anomalies) - len(self.explained)
        return "\n\n".join([head, *self.explained, *([f"and {more} more"] if more else [])])


def check(history: Sequence[Transaction]) -> Report:
    """Look for everything that a strictly serializable database never shows. Time grows with the size of the history.

    Raises HistoryError when one value was appended twice to one list, for then nothing can be told.
    """
    footprints = [footprint(transaction) for transaction in history]
    lists = _lists(footprints)
    happened = committed(history, lists)
    graph = Graph(len(history))
    depend(graph, lists, footprints, happened)
    dependencies = _counted(graph)
    order(graph, history, happened)
    witness = Witness(history, footprints, lists)
    anomalies = [*_of_reads(footprints, lists), *_of_order(graph, witness)]
    explained = [_told(anomaly, witness) for anomaly in anomalies[:_SHOWN]]
    return Report(anomalies, sum(happened), dependencies, explained)


def _lists(footprints: Sequence[Footprint]) -> dict[str, Versions]:
    writers = Writers.of(footprints)
    observed: defaultdict[str, Observations] = defaultdict(list)
    for number, print in enumerate(footprints):
        for key, values in print.found.items():
            observed[key].append((number, values))
        for key, values in print.seen.items():
            if values is not print.found.get(key):
                observed[key].append((number, values))
    return {key: Versions(key, observed[key], writers) for key in observed.keys() | writers.kept.keys()}


def _counted(graph: Graph) -> dict[str, int]:
    counts = Counter[int]()
    for targets in graph.edges:
        counts.update(targets.values())
    return {
        kind.name.lower(): sum(count for kinds, count in counts.items() if kinds & kind)
        for kind in (Kind.WW, Kind.WR, Kind.RW)
        if kind.name is not None
    }


def _of_reads(footprints: Sequence[Footprint], lists: dict[str, Versions]) -> Iterator[Anomaly]:
    """What single transactions and single lists show without any cycle."""
    for number, print in enumerate(footprints):
        for text in print.contradictions:
            yield Anomaly("internal inconsistency", (number,), f"{{0}} contradicts itself: {text}")
    for versions in lists.values():
        yield from versions.anomalies()
    yield from _intermediate(footprints, lists)
    yield from _lost_updates(footprints, lists)


def _intermediate(footprints: Sequence[Footprint], lists: dict[str, Versions]) -> Iterator[Anomaly]:
    for number, print in enumerate(footprints):
        for key, values in print.found.items():
            writer = lists[key].kept.get(values[-1]) if values else None
            if writer is None or writer == number:
                continue
            appended = footprints[writer].appended[key]
            if values[-1] != appended[-1]:
                text = f"{{0}} read {key} when {{1}} had appended {values[-1]} and not yet {appended[-1]}"
                yield Anomaly("G1b", (number, writer), text)


def _lost_updates(footprints: Sequence[Footprint], lists: dict[str, Versions]) -> Iterator[Anomaly]:
    """Two that found the same version of a list and appended to it: one of them did not see the other's work."""
    updates: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for number, print in enumerate(footprints):
        for key in print.appended.keys() & print.found.keys():
            version = lists[key].version(print.found[key])
            if version is not None:
                updates[key, version].append(number)
    for (key, version), numbers in updates.items():
        if len(numbers) > 1:
            text = f"{{0}} and {{1}} both found {key} with {version} values and appended to it"
            yield Anomaly("lost update", (numbers[0], numbers[1]), text)


def _of_order(graph: Graph, witness: Witness) -> Iterator[Anomaly]:
    for knot in knots(graph, _EVERYTHING):
        cycle = simplest(graph, knot)
        among = sum(1 for node in knot if node < graph.transactions)
        wider = "" if among == len(cycle) else f" (the simplest among {among:,} that all come before one another)"
        text = f"{witness.cycle(cycle)}{wider}"
        yield Anomaly(name_of(cycle), tuple(number for number, _ in cycle), text)


def _told(anomaly: Anomaly, witness: Witness) -> str:
    names = [f"T{number}" for number in anomaly.transactions]
    involved = [witness.transaction(number) for number in dict.fromkeys(anomaly.transactions)]
    return "\n  ".join([f"{anomaly.name}:", *anomaly.text.format(*names).split("\n"), *involved])
