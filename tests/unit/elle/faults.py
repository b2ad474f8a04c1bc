"""Faults as databases have them, each one put into an executor's run."""

from collections.abc import Callable

from tests.support.elle import Append, Op, Outcome, Read
from tests.unit.elle.executor import Executor

__all__ = ["FAULTS"]


def lost_append(run: Executor) -> None:
    """One is acknowledged, and is not there."""
    key = run.random.choice(run.keys)
    _ok(run, Append(key, run.value()))


def lost_update(run: Executor) -> None:
    """Two read the same list, and each appends to what it read."""
    key = run.random.choice(run.keys)
    found = list(run.state[key])
    _ok(run, Read(key, found), run.append(key))
    _ok(run, Read(key, found), run.append(key))


def write_skew(run: Executor) -> None:
    """Two read what the other one writes, on the same old state."""
    one, other = run.random.sample(run.keys, 2)
    ops: list[list[Op]] = [[Read(one, list(run.state[one]))], [Read(other, list(run.state[other]))]]
    _ok(run, *ops[0], run.append(other))
    _ok(run, *ops[1], run.append(one))


def stale_read(run: Executor) -> None:
    """Somebody who asks after an acknowledgement does not see its work."""
    key = run.random.choice(run.keys)
    found = list(run.state[key])
    _ok(run, run.append(key))
    _ok(run, Read(key, found))


def torn_read(run: Executor) -> None:
    """One transaction's appends to two lists are seen in one of them only, and not for lack of time."""
    one, other = run.random.sample(run.keys, 2)
    found = list(run.state[other])
    _ok(run, run.append(one), run.append(other))
    _ok(run, Read(one, list(run.state[one])), Read(other, found))


def intermediate_read(run: Executor) -> None:
    """Somebody sees a transaction's first append to a list without its second."""
    key = run.random.choice(run.keys)
    first = run.append(key)
    found = list(run.state[key])
    _ok(run, first, run.append(key))
    _ok(run, Read(key, found))


def aborted_append(run: Executor) -> None:
    """What a failed transaction appended stays."""
    key = run.random.choice(run.keys)
    run.record("faulty", Outcome.FAIL, [run.append(key)], began=1, ended=None)


def twice(run: Executor) -> None:
    """A resent transaction runs again."""
    key = run.random.choice(run.keys)
    append = run.append(key)
    _ok(run, append)
    run.state[key].append(append.value)


def blind_to_itself(run: Executor) -> None:
    """A transaction does not see its own append."""
    key = run.random.choice(run.keys)
    found = list(run.state[key])
    _ok(run, run.append(key), Read(key, found))


def reordered(run: Executor) -> None:
    """Two acknowledged appends change places after they were seen."""
    key = run.random.choice(run.keys)
    _ok(run, run.append(key))
    _ok(run, run.append(key))
    _ok(run, Read(key, list(run.state[key])))
    run.state[key][-2:] = run.state[key][:-3:-1]


def half_of_a_lost_one(run: Executor) -> None:
    """Of a transaction whose client was cut off one append is there, and the other is not."""
    one, other = run.random.sample(run.keys, 2)
    run.record("cut off", Outcome.UNKNOWN, [run.append(one), Append(other, run.value())], began=1, ended=None)


def _ok(run: Executor, *ops: Op) -> None:
    """A transaction of a client of its own, which nobody overlaps."""
    run.wait()
    run.record(f"faulty {run.value()}", Outcome.OK, ops, began=run.now, ended=run.now + 1)
    run.wait()


FAULTS: list[Callable[[Executor], None]] = [
    lost_append,
    lost_update,
    write_skew,
    stale_read,
    torn_read,
    intermediate_read,
    aborted_append,
    twice,
    blind_to_itself,
    reordered,
    half_of_a_lost_one,
]
