from typing import Any

import pytest

from reactor.database.catalog import TableInfo
from reactor.database.derived import DERIVATIONS
from reactor.database.documents import Document, DocumentCache
from reactor.database.overlay import Overlay
from reactor.store.seam import IndexRecord
from reactor.values import Int64
from tests.unit.database.rows import BY_WORD, RECORD, WORDS, document, id_of


@pytest.mark.parametrize(
    "fields", [{}, {"a": 1, "b": "x", "c": None, "d": Int64(5)}, {"list": [1, [2]]}, {"deep": {"er": {"est": 1}}}]
)
def test_a_copy_is_the_callers(fields: dict[str, Any]) -> None:
    stored = document(1, **fields)
    expected = {"_id": id_of(1), "_creationTime": 1.0, **fields}
    for _ in range(2):
        copy = stored.copy()
        assert copy == expected
        copy["more"] = 1
        for value in copy.values():
            if isinstance(value, list | dict):
                value.clear()
    assert stored.value() == expected


def test_keys_are_those_of_its_tables_indexes() -> None:
    stored = document(1, word="a")
    assert stored.keys(WORDS) == WORDS.keys_of(stored.value())
    assert Document(id_of(1), None).keys(WORDS) == ()
    given = Document(id_of(2), b"{}")
    given.set_keys(WORDS, (b"x", b"y"))
    assert given.keys(WORDS) == (b"x", b"y")


def test_keys_follow_the_indexes() -> None:
    stored = document(1, word="a", size=2)
    changed = TableInfo(RECORD, [BY_WORD, IndexRecord(4, RECORD.number, "by_size", ("size",))], None)
    for table in (WORDS, changed, WORDS):
        assert stored.keys(table) == table.keys_of(stored.value())
    assert [len(stored.keys(table)) for table in (WORDS, changed)] == [2, 3]


def overlay(changed: Document) -> Overlay:
    over = Overlay()
    over.documents[changed.id] = changed
    return over


def test_a_cache_knows_a_version_from_when_it_was_seen() -> None:
    cache = DocumentCache(10_000)
    first, second = document(1, n=1), document(1, n=2)
    cache.add_all([first], 5)
    assert (cache.get(first.id, 4), cache.get(first.id, 5), cache.get(first.id, 9)) == (None, first, first)
    cache.apply(overlay(second), [], 7)
    assert (cache.get(first.id, 6), cache.get(first.id, 7)) == (None, second)
    cache.apply(overlay(Document(first.id, None)), [], 8)
    assert cache.get(first.id, 9) is None


def test_several_are_found_in_the_order_asked() -> None:
    cache = DocumentCache(10_000)
    known, newer = document(1), document(2)
    cache.add_all([known], 5)
    cache.add_all([newer], 7)
    assert cache.get_all([newer.id, id_of(3), known.id], 7) == [newer, None, known]
    assert cache.get_all([newer.id, known.id], 6) == [None, known]


def test_what_an_old_snapshot_shows_says_nothing_of_today() -> None:
    cache = DocumentCache(10_000)
    old = document(1)
    cache.apply(overlay(Document(old.id, None)), [], 8)
    cache.add_all([old], 5)
    assert cache.get(old.id, 9) is None
    cache.add_all([old], 8)
    assert cache.get(old.id, 8) is old


def test_what_is_there_is_not_replaced_by_what_was_read() -> None:
    cache = DocumentCache(10_000)
    first, again = document(1), document(1)
    cache.add_all([first], 5)
    cache.add_all([again], 6)
    assert cache.get(first.id, 5) is first


def test_a_cache_forgets_the_oldest() -> None:
    cache = DocumentCache(5_000)
    stored = [document(number, text="x" * 200) for number in range(5)]
    for each in stored:
        cache.add_all([each], 1)
    known = [cache.get(each.id, 1) is not None for each in stored]
    assert known == [False, False, True, True, True]
    cache.apply(overlay(document(2, text="y" * 200)), [], 2)
    cache.add_all([stored[0]], 2)
    known = [cache.get(each.id, 2) is not None for each in stored]
    assert known == [True, False, True, False, True]


def test_a_document_that_is_too_large_drives_nobody_out() -> None:
    cache = DocumentCache(5_000)
    small, large = document(1), document(2, text="x" * 3_000)
    cache.add_all([small], 1)
    cache.add_all([large], 1)
    assert (cache.get(small.id, 1), cache.get(large.id, 1)) == (small, None)
    cache.apply(overlay(document(1, text="x" * 3_000)), [], 2)
    assert cache.get(small.id, 2) is None


def test_a_cache_may_have_no_room_at_all() -> None:
    nothing = DocumentCache(0)
    for number in range(3):
        nothing.add_all([document(number)], 1)
    assert [nothing.get(id_of(number), 1) for number in range(3)] == [None] * 3


def test_keys_in_derived_indexes_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def derive(document: dict[str, Any]) -> list[bytes]:
        asked.append(document)
        return [b"one", b"two"]

    monkeypatch.setitem(DERIVATIONS, "test", lambda kind, fields: derive)
    table = TableInfo(RECORD, [BY_WORD, IndexRecord(4, RECORD.number, "derived", ("word",), kind="test")], None)
    stored = document(1, word="a")
    assert stored.derived_keys(table) == stored.derived_keys(table) == (frozenset([b"one", b"two"]),)
    assert Document(stored.id, None).derived_keys(table) == (frozenset(),)
    assert len(asked) == 1
    DocumentCache(10_000).apply(overlay(stored), [], 1)
    stored.derived_keys(table)
    assert len(asked) == 2


def test_what_was_written_and_is_unread_is_known_no_longer() -> None:
    cache = DocumentCache(1_000_000)
    cache.add_all([Document("a", b"{}"), Document("b", b"{}")], 1)
    cache.apply(Overlay(), [], 2, {"a", "c"})
    assert [cache.knows(id) for id in "abc"] == [False, True, False]
    assert cache.get("a", 2) is None
