"""What one transaction did as seen from outside: which versions it found, and what it left behind."""

from collections.abc import Iterator, Sequence

from tests.support.elle.history import Append, Op, Outcome, Read, Transaction

__all__ = ["Footprint", "footprint"]


class Footprint:
    """`found`: by key, the list as it was before own appends. `seen`: by key, the longest list read, those included.

    `appended`: by key, what it leaves behind, in order. `undone`: what it took back, and what a failed one tried.
    `contradictions`: what it cannot have read after what it read and wrote itself.
    """

    __slots__ = ("_own", "appended", "contradictions", "found", "seen", "undone")

    def __init__(self) -> None:
        self.found: dict[str, Sequence[int]] = {}
        self.seen: dict[str, Sequence[int]] = {}
        self.undone: list[Append] = []
        self.contradictions: list[str] = []
        self._own: dict[str, list[int]] = {}
        self.appended = self._own

    def walk(self, ops: Sequence[Op], *, undone: bool = False) -> None:
        """Go through operations in their order."""
        for op in ops:
            if isinstance(op, Append):
                self._own.setdefault(op.key, []).append(op.value)
            elif isinstance(op, Read):
                if op.values is not None:
                    self._read(op.key, op.values, undone)
            else:
                self._take_back(op.ops)

    def _read(self, key: str, values: Sequence[int], undone: bool) -> None:
        own = self._own.get(key, ())
        before = values[: len(values) - len(own)] if own else values
        known = self.found.get(key)
        if own and list(values[len(before) :]) != own:
            self.contradictions.append(f"it appended {_shown(own)} to {key} and then read {_shown(values)}")
        elif known is not None and list(known) != list(before):
            self.contradictions.append(f"it found {key} as {_shown(known)}, and later as {_shown(before)}")
        else:
            self.found[key] = before
            if not undone and len(values) >= len(self.seen.get(key, ())):
                self.seen[key] = values

    def _take_back(self, ops: Sequence[Op]) -> None:
        kept, self._own = self._own, {key: list(values) for key, values in self._own.items()}
        self.walk(ops, undone=True)
        self._own = kept
        self.undone += (op for op in ops if isinstance(op, Append))


def footprint(transaction: Transaction) -> Footprint:
    """The footprint of a transaction; one that failed leaves nothing, and one of unknown outcome has read nothing."""
    print = Footprint()
    if transaction.outcome is Outcome.FAIL:
        print.undone += _appends(transaction.ops)
    else:
        print.walk(transaction.ops)
        if transaction.outcome is Outcome.UNKNOWN:
            print.found, print.seen, print.contradictions = {}, {}, []
    return print


def _appends(ops: Sequence[Op]) -> Iterator[Append]:
    for op in ops:
        if isinstance(op, Append):
            yield op
        elif not isinstance(op, Read):
            yield from _appends(op.ops)


def _shown(values: Sequence[int]) -> str:
    return str(list(values))
