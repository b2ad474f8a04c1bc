"""Which transaction came before which, and why: the graph in which a cycle is an anomaly."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.support.elle.footprint import Footprint
from tests.support.elle.history import Outcome, Read, Transaction
from tests.support.elle.naming import Kind
from tests.support.elle.versions import Versions

__all__ = ["Graph", "depend", "order"]

Reader = tuple[int, int]
"""A transaction, and the version that it found."""


class Graph:
    """`edges[a][b]` says why a comes before b. Nodes from `transactions` on stand for moments, not for transactions."""

    __slots__ = ("edges", "transactions")

    def __init__(self, transactions: int) -> None:
        self.transactions = transactions
        self.edges: list[dict[int, int]] = [{} for _ in range(transactions)]

    def add(self, before: int, after: int, kind: Kind) -> None:
        """`before` comes before `after`; that one precedes itself is no news."""
        if before != after:
            targets = self.edges[before]
            targets[after] = targets.get(after, 0) | int(kind)

    def moment(self) -> int:
        """A new node that stands for a moment."""
        self.edges.append({})
        return len(self.edges) - 1


def depend(graph: Graph, lists: dict[str, Versions], footprints: Sequence[Footprint], happened: Sequence[bool]) -> None:
    """Add the dependencies that the order of each list tells."""
    readers: defaultdict[str, list[Reader]] = defaultdict(list)
    for number, print in enumerate(footprints):
        for key, values in print.found.items():
            version = lists[key].version(values)
            if version is not None:
                readers[key].append((number, version))
    for key, versions in lists.items():
        writers = [_if(versions.kept.get(value), happened) for value in versions.order]
        # What nobody saw, of transactions that did happen, came after all that somebody saw.
        visible = set(versions.order)
        late = {n for value, n in versions.kept.items() if happened[n] and value not in visible}
        _of_list(graph, writers, late, readers[key])


def _if(number: int | None, happened: Sequence[bool]) -> int | None:
    return number if number is not None and happened[number] else None


def _of_list(graph: Graph, writers: list[int | None], late: Iterable[int], readers: list[Reader]) -> None:
    before: list[int | None] = [None]
    for writer in writers:
        if writer is not None and before[-1] is not None:
            graph.add(before[-1], writer, Kind.WW)
        before.append(before[-1] if writer is None else writer)
    after: list[int | None] = [None]
    for writer in reversed(writers):
        after.append(after[-1] if writer is None else writer)
    after.reverse()
    for writer in late:
        if before[-1] is not None:
            graph.add(before[-1], writer, Kind.WW)
    for number, version in readers:
        source, replaced = before[version], after[version]
        if source is not None:
            graph.add(source, number, Kind.WR)
        for writer in late if replaced is None else (replaced,):
            graph.add(number, writer, Kind.RW)


def order(graph: Graph, history: Sequence[Transaction], happened: Sequence[bool]) -> None:
    """Add what clients, clocks and the database itself say about the order."""
    took_place = [number for number, there in enumerate(happened) if there]
    _processes(graph, history, took_place)
    _real_time(graph, history, took_place)
    _timestamps(graph, history, took_place)


def _processes(graph: Graph, history: Sequence[Transaction], took_place: Iterable[int]) -> None:
    last: dict[str, int] = {}
    for number in sorted(took_place, key=lambda n: history[n].invoked):
        client = history[number].client
        if client in last:
            graph.add(last[client], number, Kind.PROCESS)
        # One of unknown outcome may happen when its client has long gone on.
        if history[number].outcome is Outcome.OK:
            last[client] = number


def _real_time(graph: Graph, history: Sequence[Transaction], took_place: Sequence[int]) -> None:
    """A chain of moments: what was answered leads to the next of them, and from there to all that was asked for later.

    Every pair of transactions would be an edge otherwise, so that their number would grow with the square.
    """
    moment: int | None = None
    answered: list[int] = []
    for number, is_answer in _events(history, took_place):
        if is_answer:
            answered.append(number)
            continue
        if answered:
            previous, moment = moment, graph.moment()
            for earlier in answered if previous is None else (previous, *answered):
                graph.add(earlier, moment, Kind.REALTIME)
            answered.clear()
        if moment is not None:
            graph.add(moment, number, Kind.REALTIME)


def _events(history: Sequence[Transaction], took_place: Sequence[int]) -> Iterator[tuple[int, bool]]:
    events = [(history[number].invoked, False, number) for number in took_place if not history[number].stale]
    for number in took_place:
        transaction = history[number]
        if transaction.completed is not None and transaction.outcome is Outcome.OK:
            events.append((transaction.completed, True, number))
    for _, is_answer, number in sorted(events):
        yield number, is_answer


def _timestamps(graph: Graph, history: Sequence[Transaction], took_place: Iterable[int]) -> None:
    claimed: list[tuple[int, bool, int]] = []
    for number in took_place:
        position = history[number].position
        if position is not None:
            # A reader of the state at a commit comes after that commit.
            claimed.append((position, _only_reads(history[number]), number))
    claimed.sort()
    for (_, _, earlier), (_, _, later) in pairwise(claimed):
        graph.add(earlier, later, Kind.TIMESTAMP)


def _only_reads(transaction: Transaction) -> bool:
    return all(isinstance(op, Read) for op in transaction.ops)
