"""The order in which the values of each list were appended, as far as reads tell, and reads that no order explains."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.support.elle.footprint import Footprint
from tests.support.elle.history import HistoryError, Outcome, Transaction
from tests.support.elle.naming import Anomaly

__all__ = ["Versions", "Writers", "committed"]

Observations = list[tuple[int, Sequence[int]]]


class Writers:
    """Who appended which value to a list: `kept` by transactions that may have happened, `undone` by no one's leave."""

    __slots__ = ("kept", "undone")

    def __init__(self) -> None:
        self.kept: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self.undone: defaultdict[str, dict[int, int]] = defaultdict(dict)

    @classmethod
    def of(cls, footprints: Sequence[Footprint]) -> "Writers":
        """Raises HistoryError when a value was appended twice to one list."""
        writers = cls()
        for number, print in enumerate(footprints):
            for key, values in print.appended.items():
                for value in values:
                    writers._note(writers.kept, key, value, number)
            for key, value in print.undone:
                writers._note(writers.undone, key, value, number)
        return writers

    def _note(self, into: defaultdict[str, dict[int, int]], key: str, value: int, number: int) -> None:
        if value in self.kept[key] or value in self.undone[key]:
            raise HistoryError(f"the recording has {value} appended to {key} twice; appended values must be unique")
        into[key][value] = number


class Versions:
    """One list. `order`: its values in the order they were appended, each once; it had `len(order) + 1` versions that
    somebody may have seen, and a version is named by its length."""

    __slots__ = ("_observed", "_whole", "kept", "key", "order", "undone")

    def __init__(self, key: str, observed: Observations, writers: Writers) -> None:
        self.key, self._observed = key, observed
        self.kept, self.undone = writers.kept[key], writers.undone[key]
        self._whole: list[int] = list(max((values for _, values in observed), key=len, default=()))
        self.order = list(dict.fromkeys(self._whole))

    def version(self, values: Sequence[int]) -> int | None:
        """The version that a read found; None for one that is none."""
        count = len(values)
        return count if self._whole[:count] == list(values) and count <= len(self.order) else None

    def visible(self) -> Iterator[int]:
        """All values that anybody saw."""
        yield from self.order
        for _, values in self._strays():
            yield from values

    def anomalies(self) -> Iterator[Anomaly]:
        """What is wrong with the reads of this list."""
        yield from self._incompatible()
        yield from self._duplicates()
        yield from self._never_there()

    def _strays(self) -> Iterator[tuple[int, Sequence[int]]]:
        for number, values in self._observed:
            if self._whole[: len(values)] != list(values):
                yield number, values

    def _incompatible(self) -> Iterator[Anomaly]:
        longest = max(self._observed, key=lambda observation: len(observation[1]), default=(0, ()))
        for number, values in self._strays():
            text = f"read {self.key} as {list(values)}, and {{1}} as {self._whole}: neither list begins with the other"
            yield Anomaly("incompatible order", (number, longest[0]), f"{{0}} {text}")

    def _duplicates(self) -> Iterator[Anomaly]:
        for number, values in self._observed:
            if len(set(values)) != len(values):
                twice = next(value for value in values if list(values).count(value) > 1)
                parts = (number, self.kept[twice]) if twice in self.kept else (number,)
                yield Anomaly(
                    "duplicate append", parts, f"{{0}} read {self.key} as {list(values)}: {twice} is there twice"
                )
                return

    def _never_there(self) -> Iterator[Anomaly]:
        known: set[int] = set(self.kept)
        suspects = {value for value in self.visible() if value not in known}
        for value in sorted(suspects):
            reader = next(number for number, values in self._observed if value in values)
            if value in self.undone:
                text = f"{{0}} read {value} in {self.key}, which {{1}} appended and took back"
                yield Anomaly("G1a", (reader, self.undone[value]), text)
            else:
                yield Anomaly("garbage read", (reader,), f"{{0}} read {value} in {self.key}, which nobody appended")


def committed(history: Sequence[Transaction], lists: dict[str, Versions]) -> list[bool]:
    """Which transactions happened: those that were acknowledged, and unknown ones of which something was seen."""
    happened = [transaction.outcome is Outcome.OK for transaction in history]
    unknown = {n for n, transaction in enumerate(history) if transaction.outcome is Outcome.UNKNOWN}
    if unknown:
        for versions in lists.values():
            for value in versions.visible():
                number = versions.kept.get(value)
                if number in unknown:
                    happened[number] = True
    return happened
