"""What ranges came to, with what has changed in them since."""

from typing import Any

from reactor.database.range_cache import Change
from reactor.database.range_totals import RangeGroups, RangeTotals
from reactor.database.total_leaves import LEAF
from reactor.database.totals import Totals, pack_number
from reactor.values import encode_value
from tests.unit.database.rows import id_of


def leaf(day: str, amount: Any, number: int = 1) -> bytes:
    return LEAF + encode_value(day) + pack_number(amount) + encode_value(id_of(number))


def totals(*amounts: Any) -> RangeTotals:
    found = Totals()
    for amount in amounts:
        found.add(pack_number(amount))
    return RangeTotals(found)


def changes(came: list[bytes], went: list[bytes]) -> list[Change]:
    return [Change(2, key, False) for key in went] + [Change(2, key, True) for key in came]


def test_leaves_come_and_go() -> None:
    before = totals(1, 2, 3)
    after = before.adjusted(changes([leaf("Monday", 9), leaf("Monday", None)], [leaf("Monday", 3)]))
    assert after is not None
    assert after.tell() == {"count": 4, "sum": 12.0, "min": 1.0, "max": 9.0, "mean": 4.0}
    assert before.tell() == {"count": 3, "sum": 6.0, "min": 1.0, "max": 3.0, "mean": 2.0}
    assert before.adjusted(changes([], [leaf("Monday", 3)])) is None


def test_what_is_told_is_the_callers() -> None:
    known = totals(1)
    known.tell()["count"] = 7
    assert known.tell()["count"] == 1


def groups(*days: str, lower: bytes = b"", upper: bytes = b"\xff") -> RangeGroups:
    return RangeGroups([(day, encode_value(day)) for day in days], lower, upper)


def test_groups_are_all_until_another_comes() -> None:
    known = groups("a", "c")
    assert known.adjusted(changes([leaf("a", 1), leaf("c", 1)], [leaf("b", 1)])) is known
    for day in ("", "aa", "b", "d"):
        assert known.adjusted(changes([leaf("a", 1), leaf(day, 1)], [])) is None
    assert groups().adjusted(changes([leaf("a", 1)], [])) is None


def test_what_is_beyond_the_walk_does_not_matter() -> None:
    known = groups("b", "c", lower=encode_value("b"), upper=encode_value("d"))
    assert known.adjusted(changes([leaf("a", 1), leaf("d", 1), leaf("e", 1)], [])) is known
    assert known.adjusted(changes([leaf("bb", 1)], [])) is None
