from hypothesis import given
from hypothesis import strategies as st

from reactor.database.documents import Document
from reactor.database.overlay import Overlay, scan, scan_ids
from reactor.store.memory import MemorySnapshot
from reactor.store.seam import Outcome, TableRecord
from tests.unit.database.rows import BY_WORD, WORDS, document, id_of, snapshot

Words = dict[int, str | None]
"""Words by document number; None where a document is deleted."""

words = st.dictionaries(st.integers(0, 5), st.sampled_from(["a", "b", "c"]), max_size=6)
changes = st.lists(st.dictionaries(st.integers(0, 5), st.sampled_from(["a", "b", "c", None]), max_size=4), max_size=4)
BOUNDS = [b"", b"\x10a\x00", b"\x10a\x00\xff", b"\x10b\x00", b"\x10b\x00\xff", b"\x10c\x00\xff", b"\xff"]


def made(words: Words) -> dict[int, Document]:
    return {
        number: Document(id_of(number), None) if word is None else document(number, word=word)
        for number, word in words.items()
    }


def changed(before: dict[int, Document], change: Words) -> Overlay:
    """An overlay that turns documents, which are updated, into others."""
    overlay = Overlay()
    for number, new in made(change).items():
        old = before.get(number, Document(id_of(number), None))
        overlay.documents[new.id] = new
        overlay.move(WORDS.ordered_ids, old.keys(WORDS), new.keys(WORDS))
        before[number] = new
    return overlay


def in_order(documents: dict[int, Document]) -> list[tuple[bytes, str]]:
    return sorted((doc.keys(WORDS)[1], doc.id) for doc in documents.values() if doc.raw is not None)


@given(words, changes, st.sampled_from(BOUNDS), st.sampled_from(BOUNDS), st.booleans(), st.integers(0, 7))
async def test_a_scan_shows_all_layers(
    first: Words, changes: list[Words], lower: bytes, upper: bytes, reverse: bool, limit: int
) -> None:
    documents = made(first)
    base = snapshot(documents.values())
    layers = [changed(documents, change) for change in changes]
    expected = [(key, id) for key, id in in_order(documents) if lower <= key < upper]
    found = await scan(base, layers, BY_WORD.id, lower, upper, reverse=reverse, limit=limit)
    assert found == (expected[::-1] if reverse else expected)[:limit]


@given(words, changes, st.integers(0, 6), st.integers(0, 6), st.booleans(), st.integers(0, 7))
async def test_a_scan_of_ids_shows_all_layers(
    first: Words, changes: list[Words], lower: int, upper: int, reverse: bool, limit: int
) -> None:
    documents = made(first)
    base = snapshot(documents.values())
    layers = [changed(documents, change) for change in changes]
    expected = sorted(document.id for document in documents.values() if document.raw is not None)
    expected = [id for id in expected if id_of(lower) <= id < id_of(upper)]
    found = await scan_ids(base, layers, id_of(lower), id_of(upper), reverse=reverse, limit=limit)
    assert found == (expected[::-1] if reverse else expected)[:limit]


@given(words, changes)
async def test_absorbed_layers_are_the_same_as_layers(first: Words, changes: list[Words]) -> None:
    documents = made(first)
    base = snapshot(documents.values())
    one = Overlay()
    for change in changes:
        # Between two changes the entries are put in order, which must not be forgotten.
        await scan(base, [one], BY_WORD.id, b"", b"\xff", reverse=False, limit=100)
        one.absorb(changed(documents, change))
    found = await scan(base, [one], BY_WORD.id, b"", b"\xff", reverse=False, limit=100)
    assert found == in_order(documents)


async def test_many_changes_at_once_and_one_by_one() -> None:
    documents: dict[int, Document] = {}
    overlay = changed(documents, dict.fromkeys(range(100), "a"))
    for number in range(100, 120):
        overlay.absorb(changed(documents, {number: "b", number - 50: None}))
        found = await scan(MemorySnapshot(), [overlay], BY_WORD.id, b"", b"\xff", reverse=False, limit=1000)
        assert found == in_order(documents)


def test_tables_and_outcomes_are_absorbed_too() -> None:
    lower, upper = Overlay(), Overlay()
    upper.tables["t"] = TableRecord("t", 1, 2, 3)
    upper.outcomes[b"s", 1] = Outcome(b"s", 1, b"null", [])
    lower.absorb(upper)
    assert (lower.tables, lower.outcomes) == (upper.tables, upper.outcomes)


def test_a_document_that_came_and_went_leaves_no_entries() -> None:
    overlay = Overlay()
    overlay.move(WORDS.ordered_ids, (), ())
    into: dict[bytes, bool] = {}
    overlay.changes(BY_WORD.id, b"", b"\xff", into)
    assert into == {}
