"""Cycles in a graph of dependencies: knots by Tarjan's method, and in a knot a short cycle of the simplest kind."""

from collections import deque
from collections.abc import Collection, Iterator

from tests.support.elle.dependencies import Graph
from tests.support.elle.naming import ORDER, Kind, Step

__all__ = ["knots", "simplest"]

_PATIENCE = 3_000_000
"""So many edges are followed in search of the shortest cycle of a kind; then the shortest one so far will do."""

_LEVELS = (Kind(0), Kind.PROCESS, Kind.PROCESS | Kind.REALTIME, ORDER)


def knots(graph: Graph, mask: int, inside: Collection[int] | None = None) -> list[list[int]]:
    """Sets of nodes that all come before one another, by edges of `mask` among `inside` (None: all nodes)."""
    search = _Tarjan(graph, mask, inside)
    for root in range(len(graph.edges)) if inside is None else inside:
        search.visit(root)
    return search.found


class _Tarjan:
    """Strongly connected components of more than one node, by a depth-first search without recursion."""

    def __init__(self, graph: Graph, mask: int, inside: Collection[int] | None) -> None:
        self._edges, self._mask = graph.edges, mask
        self._inside = None if inside is None else set(inside)
        self._index: dict[int, int] = {}
        self._lowest: dict[int, int] = {}
        self._open: list[int] = []
        self._is_open: set[int] = set()
        self.found: list[list[int]] = []

    def visit(self, root: int) -> None:
        """Search from one node, unless it was reached before."""
        if root in self._index:
            return
        path = [self._begin(root)]
        while path:
            node, targets = path[-1]
            deeper = self._next(node, targets)
            if deeper is not None:
                path.append(self._begin(deeper))
                continue
            path.pop()
            if path:
                self._lower(path[-1][0], self._lowest[node])
            if self._lowest[node] == self._index[node]:
                self._close(node)

    def _begin(self, node: int) -> tuple[int, Iterator[int]]:
        self._index[node] = self._lowest[node] = len(self._index)
        self._open.append(node)
        self._is_open.add(node)
        return node, self._targets(node)

    def _targets(self, node: int) -> Iterator[int]:
        mask, inside = self._mask, self._inside
        return (t for t, kinds in self._edges[node].items() if kinds & mask and (inside is None or t in inside))

    def _next(self, node: int, targets: Iterator[int]) -> int | None:
        """The next node that was not reached before."""
        for target in targets:
            if target not in self._index:
                return target
            if target in self._is_open:
                self._lower(node, self._index[target])
        return None

    def _lower(self, node: int, to: int) -> None:
        self._lowest[node] = min(self._lowest[node], to)

    def _close(self, node: int) -> None:
        place = len(self._open) - 1
        while self._open[place] != node:
            place -= 1
        knot = self._open[place:]
        del self._open[place:]
        self._is_open.difference_update(knot)
        if len(knot) > 1:
            self.found.append(knot)


def simplest(graph: Graph, knot: Collection[int]) -> list[Step]:
    """A cycle of a knot: one that needs as few kinds of order and as weak dependencies as any, and then a short one."""
    for first, rest in _kinds_of_cycles():
        if found := _cycle(graph, knot, first, rest):
            return found
    raise AssertionError("a knot has a cycle")


def _kinds_of_cycles() -> Iterator[tuple[int, int]]:
    """From the simplest kind on: what the first edge of a cycle may be, and what the others."""
    for level in _LEVELS:
        if level is ORDER:
            yield ORDER, ORDER
        written, read = Kind.WW | level, Kind.WW | Kind.WR | level
        yield written, written
        yield read, read
        yield Kind.RW, read
        yield read | Kind.RW, read | Kind.RW


def _cycle(graph: Graph, knot: Collection[int], first: int, rest: int) -> list[Step] | None:
    """A short cycle that begins with an edge of `first` and goes on by edges of `rest`."""
    best: list[Step] | None = None
    left = _PATIENCE
    for part in knots(graph, first | rest, knot):
        search = _Search(graph, set(part), first, rest)
        for start in part:
            if start >= graph.transactions:
                continue
            best = search.through(start, shorter_than=len(best) if best else len(part) + 1) or best
            if search.steps > left:
                return best
        left -= search.steps
    return best


class _Search:
    """Looks for cycles through one transaction after another."""

    def __init__(self, graph: Graph, inside: set[int], first: int, rest: int) -> None:
        self._edges, self._transactions = graph.edges, graph.transactions
        self._inside, self._first, self._rest = inside, first, rest
        self.steps = 0

    def through(self, start: int, *, shorter_than: int) -> list[Step] | None:
        """The shortest cycle through `start`, if it has fewer transactions than that."""
        came: dict[int, tuple[int, int]] = {}
        done = {start}
        # Moments on the way cost nothing, so what is reached through them comes first.
        waiting: deque[tuple[int, int]] = deque([(1, start)])
        while waiting:
            length, node = waiting.popleft()
            if node != start and node in done:
                continue
            done.add(node)
            for target, kinds in self._from(node, self._first if node == start else self._rest):
                if target == start:
                    return self._trace(start, node, came, _weakest(kinds)) if length < shorter_than else None
                if target in done:
                    continue
                if target >= self._transactions:
                    came[target] = node, kinds
                    waiting.appendleft((length, target))
                elif target not in came and length + 1 < shorter_than:
                    came[target] = node, kinds
                    waiting.append((length + 1, target))
        return None

    def _from(self, node: int, mask: int) -> Iterator[tuple[int, int]]:
        targets = self._edges[node]
        self.steps += len(targets)
        return ((target, kinds & mask) for target, kinds in targets.items() if kinds & mask and target in self._inside)

    def _trace(self, start: int, last: int, came: dict[int, tuple[int, int]], closing: Kind) -> list[Step]:
        """The cycle from `start` by way of `last` back to it, without the moments."""
        back: list[Step] = []
        node, kind = last, closing
        while True:
            # What leads to a moment and away from it is one and the same kind of order.
            if node < self._transactions:
                back.append((node, kind))
            if node == start:
                return back[::-1]
            node, kinds = came[node]
            kind = _weakest(kinds)


def _weakest(kinds: int) -> Kind:
    """The kind that promises least, of those that would do."""
    return Kind(kinds & -kinds)
