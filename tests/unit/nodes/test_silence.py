"""When another node counts as dead: by the moments of one watcher, and only while its own beats arrive."""

from reactor.nodes.rows import NodeRow
from reactor.nodes.silence import Silence


class Watch:
    """One who watches, and the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.silence = Silence(10, lambda: self.now)

    def pass_(self, seconds: float, *, own_beats: int) -> None:
        self.now += seconds
        for _ in range(own_beats):
            self.silence.arrived()

    def look(self, **beats: float) -> list[str]:
        return [node.id for node in self.silence.look(NodeRow(id, "", beat, 0, 1) for id, beat in beats.items())]


def test_a_beat_that_stands_still_for_too_long_is_a_death() -> None:
    watch = Watch()
    assert watch.look(a=5, b=5) == []
    watch.pass_(9.9, own_beats=4)
    assert watch.look(a=5, b=6) == []
    watch.pass_(0.1, own_beats=1)
    assert watch.look(a=5, b=6) == ["a"]


def test_any_other_beat_is_a_life_also_a_smaller_one() -> None:
    watch = Watch()
    watch.look(a=5)
    watch.pass_(20, own_beats=9)
    assert watch.look(a=4) == []
    watch.pass_(9.9, own_beats=4)
    assert watch.look(a=4) == []


def test_nobody_dies_while_the_watcher_cannot_beat_either() -> None:
    watch = Watch()
    watch.look(a=5)
    watch.pass_(3_600, own_beats=0)
    assert watch.look(a=5) == [], "the store stood still for all"
    watch.pass_(5, own_beats=2)
    assert watch.look(a=5) == []
    watch.pass_(2.5, own_beats=1)
    assert watch.look(a=5) == ["a"]


def test_who_has_gone_and_comes_again_begins_anew() -> None:
    watch = Watch()
    watch.look(a=5)
    watch.pass_(9, own_beats=4)
    assert watch.look() == []
    watch.pass_(9, own_beats=4)
    assert watch.look(a=5) == []
    watch.pass_(9, own_beats=4)
    assert watch.look(a=5) == []
    watch.pass_(1, own_beats=0)
    assert watch.look(a=5) == ["a"]
