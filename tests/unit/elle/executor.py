"""An executor that runs transactions one after another, and records them as overlapping clients would have seen it."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count

from tests.support.elle import Append, Op, Outcome, Read, Transaction, Undone

__all__ = ["Executor"]

Lists = dict[str, list[int]]


class Executor:
    """Transactions over a few lists, chosen by a seed.

    Each was asked for a random while before its place in the serial order and answered a random while after it; those
    of one client do not overlap. `claims`: the history also says which place each took.
    """

    def __init__(self, seed: int, *, clients: int = 4, keys: int = 3, claims: bool = True) -> None:
        self.random, self._claims = random.Random(seed), claims
        self.keys = [f"k{n}" for n in range(keys)]
        self.state: defaultdict[str, list[int]] = defaultdict(list)
        self.history: list[Transaction] = []
        self._names = [f"client {n}" for n in range(clients)]
        self._free_from = dict.fromkeys(self._names, 1)
        self._values, self._renamed = count(1), count(clients)
        self.now = 1

    # Running

    def run(self, transactions: int) -> None:
        """Run that many transactions."""
        for _ in range(transactions):
            self.now += self.random.randrange(1, 100)
            self._one()

    def wait(self) -> None:
        """Let everybody be answered."""
        self.now += 1_000

    def close(self) -> None:
        """Read everything, when everybody was answered."""
        self.wait()
        ops = [Read(key, list(self.state[key])) for key in self.keys]
        self.record("last", Outcome.OK, ops, began=self.now, ended=self.now + 1)

    def value(self) -> int:
        """A value that was never appended."""
        return next(self._values)

    def record(self, client: str, outcome: Outcome, ops: Sequence[Op], *, began: int, ended: int | None) -> None:
        """Add a transaction to the history at its present place in the serial order."""
        self.history.append(Transaction(client, outcome, list(ops), began, ended, self.now if self._claims else None))

    def interval(self, client: str) -> tuple[int, int]:
        """When a client's transaction of now was asked for and answered; it does so in turn."""
        began = self.random.randint(max(self._free_from[client], self.now - 300), self.now)
        ended = self.now + self.random.randrange(300)
        self._free_from[client] = ended + 1
        return began, ended

    def _one(self) -> None:
        client = self.random.choice([name for name in self._names if self._free_from[name] <= self.now] or [""])
        if not client:
            return
        began, ended = self.interval(client)
        luck = self.random.random()
        before = {key: list(values) for key, values in self.state.items()}
        ops = list(self._ops(self.random.randint(1, 5)))
        if luck < 0.8:
            self.record(client, Outcome.OK, ops, began=began, ended=ended)
            return
        if luck < 0.9 or self.random.random() < 0.5:
            self.state = defaultdict(list, before)
        if luck < 0.9:
            self.record(client, Outcome.FAIL, ops, began=began, ended=ended)
        else:
            self.history.append(Transaction(client, Outcome.UNKNOWN, _forgotten(ops), began, None))
            self._replace(client)

    def _replace(self, client: str) -> None:
        self._names.remove(client)
        self._names.append(name := f"client {next(self._renamed)}")
        self._free_from[name] = self.now

    def _ops(self, number: int) -> Iterator[Op]:
        for _ in range(number):
            key, luck = self.random.choice(self.keys), self.random.random()
            if luck < 0.5:
                yield Read(key, list(self.state[key]))
            elif luck < 0.9:
                yield self.append(key)
            else:
                before = {key: list(values) for key, values in self.state.items()}
                yield Undone(list(self._ops(self.random.randint(1, 3))))
                self.state = defaultdict(list, before)

    def append(self, key: str) -> Append:
        """Append a new value to a list."""
        value = self.value()
        self.state[key].append(value)
        return Append(key, value)


def _forgotten(ops: Sequence[Op]) -> list[Op]:
    """What the client of a lost transaction knows: what it asked for."""
    known: list[Op] = []
    for op in ops:
        if isinstance(op, Read):
            known.append(Read(op.key, None))
        elif isinstance(op, Append):
            known.append(op)
        else:
            known.append(Undone(_forgotten(op.ops)))
    return known
