"""Telling that another node is dead: its beat has stood still for too long.

No clocks of machines are compared, only moments of the one who watches. And time counts only while that one's own beats
arrive: when the store stands still for all, nobody is dead.
"""

from collections.abc import Callable, Iterable

import msgspec

from reactor.nodes.rows import NodeRow

__all__ = ["Silence"]

_OWN_BEATS = 3
"""So many beats of the watcher's own have to arrive before it says that another has none."""


class _Heard(msgspec.Struct):
    beat: float
    at: float
    own_beats: int


class Silence:
    """When each node was heard last. `clock` gives seconds that never go back."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._heard: dict[str, _Heard] = {}
        self._own_beats = 0

    def arrived(self) -> None:
        """A beat of one's own has become durable."""
        self._own_beats += 1

    def look(self, nodes: Iterable[NodeRow]) -> list[NodeRow]:
        """Take note of the nodes that there are; gives those that are dead."""
        now, before = self._clock(), self._heard
        self._heard, dead = {}, list[NodeRow]()
        for node in nodes:
            heard = before.get(node.id)
            if heard is None or heard.beat != node.beat:
                heard = _Heard(node.beat, now, self._own_beats)
            self._heard[node.id] = heard
            if now - heard.at >= self._seconds and self._own_beats - heard.own_beats >= _OWN_BEATS:
                dead.append(node)
        return dead
