"""Telling people what is wrong: the transactions of a cycle, and why each comes before the next."""

from collections.abc import Sequence

from tests.support.elle.footprint import Footprint
from tests.support.elle.history import Append, Op, Read, Transaction
from tests.support.elle.naming import Kind, Step
from tests.support.elle.versions import Versions

__all__ = ["Witness"]

_LONGEST = 12
"""Of longer lists the end is shown, where the news are."""


class Witness:
    """Knows everything that was recorded, and can say it."""

    def __init__(
        self, history: Sequence[Transaction], footprints: Sequence[Footprint], lists: dict[str, Versions]
    ) -> None:
        self._history, self._footprints, self._lists = history, footprints, lists

    def cycle(self, steps: Sequence[Step]) -> str:
        """Why no order of these transactions explains what they saw; `{0}`, `{1}` … stand for them."""
        lines: list[str] = []
        for place, (number, kind) in enumerate(steps):
            following = (place + 1) % len(steps)
            reason = self._reason(number, steps[following][0], kind)
            lines.append(f"{{{place}}} comes before {{{following}}}: {reason}")
        return "\n".join([*lines, "which is a circle"])

    def transaction(self, number: int) -> str:
        """One transaction in a line."""
        it = self._history[number]
        end = "never told" if it.completed is None else str(it.completed)
        claimed = "" if it.position is None else f", timestamp {it.position}"
        return f"T{number} ({it.client}, {it.outcome.value}, {it.invoked} to {end}{claimed}): {_ops(it.ops)}"

    def _reason(self, before: int, after: int, kind: Kind) -> str:
        match kind:
            case Kind.PROCESS:
                return f"{self._history[before].client} issued it earlier"
            case Kind.REALTIME:
                ended, began = self._history[before].completed, self._history[after].invoked
                return f"it was answered at {ended}, the other was asked for at {began} (real time)"
            case Kind.TIMESTAMP:
                return f"{self._history[before].position} is before {self._history[after].position} (timestamps)"
            case _:
                return self._dependency(before, after, kind)

    def _dependency(self, before: int, after: int, kind: Kind) -> str:
        one, other = self._footprints[before], self._footprints[after]
        left, right = (
            (one.found if kind is Kind.RW else one.appended),
            (other.found if kind is Kind.WR else other.appended),
        )
        shared = [key for key in left if key in right]
        key = next((key for key in shared if self._shows(key, one, other, kind)), shared[0])
        match kind:
            case Kind.WW:
                return f"the other appended {_list(other.appended[key])} to {key} after its {_list(one.appended[key])}"
            case Kind.WR:
                return f"the other read {key} as {_list(other.found[key])}, of which {_list(one.appended[key])} is its"
            case _:
                found, new = _list(one.found[key]), _list(other.appended[key])
                return f"it read {key} as {found}, without the other's {new}"

    def _shows(self, key: str, one: Footprint, other: Footprint, kind: Kind) -> bool:
        """Whether this list is what put the two in their order."""
        place = {value: n for n, value in enumerate(self._lists[key].order)}
        if kind is Kind.WW:
            return max(place.get(v, -1) for v in one.appended[key]) < max(
                place.get(v, len(place)) for v in other.appended[key]
            )
        if kind is Kind.WR:
            return not set(one.appended[key]).isdisjoint(other.found[key])
        return set(other.appended[key]).isdisjoint(one.found[key])


def _ops(ops: Sequence[Op]) -> str:
    return ", ".join(_op(op) for op in ops)


def _op(op: Op) -> str:
    if isinstance(op, Append):
        return f"append {op.value} to {op.key}"
    if isinstance(op, Read):
        return f"read {op.key} ?" if op.values is None else f"read {op.key} {_list(op.values)}"
    return f"take back ({_ops(op.ops)})"


def _list(values: Sequence[int]) -> str:
    if len(values) <= _LONGEST:
        return str(list(values))
    return f"[{len(values) - _LONGEST} more, {str(list(values[-_LONGEST:]))[1:]}"
