import pytest

from reactor.database.catalog import Catalog, Numbering, TableInfo
from reactor.database.documents import Document, DocumentCache
from reactor.database.limits import TransactionLimits
from reactor.database.overlay import Overlay
from reactor.database.preparation import prepare
from reactor.database.query import Query
from reactor.database.ranges import KeyRange
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.schema import define_schema, define_table
from reactor.store.memory import MemorySnapshot
from reactor.store.seam import CATALOG_INDEX, Outcome, Point, TableRecord, Write
from reactor.values import encode, encode_value, v
from tests.unit.database.rows import BY_WORD, RECORD, WORDS, document, id_of, snapshot

SCHEMA = define_schema({"words": define_table(v.any()).index("by_word", ["word"])})


def begun(
    *documents: Document, below: list[Overlay] | None = None, now: float = 1000.0, creation: float = 0.0
) -> Transaction:
    catalog = Catalog(Numbering([RECORD], [BY_WORD], 3), SCHEMA)
    state = snapshot(documents) if documents else MemorySnapshot()
    return Transaction(
        state, catalog, DocumentCache(0), TransactionLimits(), now=now, below=below or [], creation=creation
    )


def query(tx: Transaction) -> Query:
    return DatabaseReader(tx).query("words").with_index("by_word")


async def words(tx: Transaction) -> list[str]:
    return [word["word"] for word in await query(tx).collect()]


# Layers


async def test_layers_can_be_nested_and_taken_back_one_by_one() -> None:
    tx = begun(document(1, word="m"))
    db = DatabaseWriter(tx)
    await db.insert("words", {"word": "a"})
    tx.push()
    await db.insert("words", {"word": "b"})
    tx.push()
    await db.insert("words", {"word": "c"})
    await db.patch(id_of(1), {"word": "z"})
    assert await words(tx) == ["a", "b", "c", "z"]
    tx.pop(keep=True)
    assert await words(tx) == ["a", "b", "c", "z"]
    tx.push()
    await db.delete(id_of(1))
    assert await words(tx) == ["a", "b", "c"]
    tx.pop(keep=False)
    assert await words(tx) == ["a", "b", "c", "z"]
    tx.pop(keep=False)
    assert await words(tx) == ["a", "m"]


async def test_a_commit_holds_what_was_kept_and_what_it_replaced() -> None:
    tx = begun(document(1, word="m"), document(2, word="n"))
    db = DatabaseWriter(tx)
    tx.push()
    await db.patch(id_of(1), {"word": "x"})
    await db.delete(id_of(2))
    tx.pop(keep=False)
    await db.patch(id_of(1), {"word": "y"})
    await db.patch(id_of(1), {"word": "z"})
    prepared = prepare(tx, 77, "tests", None)
    assert prepared is not None
    commit, touches = prepared
    old, new = document(1, word="m"), document(1, word="z")
    before, after = old.keys(WORDS), new.keys(WORDS)
    points = [Point(2, before[0], after[0]), Point(3, before[1], after[1])]
    assert commit.writes == [Write(id_of(1), RECORD.number, old.raw, new.raw, points)]
    assert (commit.ts, commit.source, commit.outcome, commit.tables) == (77, "tests", None, [])
    assert [touch[:2] for touch in touches] == [
        (1, encode_value(id_of(1))),
        (2, before[0]),
        (3, before[1]),
        (3, after[1]),
    ]
    versions = [[version.raw for version in touch[2] or ()] for touch in touches]
    assert versions == [[old.raw, new.raw], [old.raw, new.raw], [old.raw], [new.raw]]


async def test_nothing_written_is_no_commit() -> None:
    tx = begun(document(1, word="m"))
    assert prepare(tx, 77, "tests", None) is None
    tx.push()
    await DatabaseWriter(tx).delete(id_of(1))
    tx.pop(keep=False)
    assert prepare(tx, 77, "tests", None) is None
    outcome = Outcome(b"session", 1, b"null", [])
    assert prepare(begun(), 77, "tests", outcome) is not None
    prepared = prepare(tx, 77, "tests", outcome)
    assert prepared is not None
    assert (prepared[0].writes, prepared[0].outcome, prepared[1]) == ([], outcome, [])


async def test_an_open_nested_mutation_cannot_be_committed() -> None:
    tx = begun()
    tx.push()
    with pytest.raises(AssertionError):
        prepare(tx, 77, "tests", None)


async def test_a_new_table_is_part_of_the_commit() -> None:
    tx = begun()
    id = await DatabaseWriter(tx).insert("ghosts", {})
    prepared = prepare(tx, 77, "tests", None)
    assert prepared is not None
    commit, touches = prepared
    assert commit.tables == [TableRecord("ghosts", 10_002, 4, 5)]
    assert [write.id for write in commit.writes] == [id]
    assert touches[-1] == (CATALOG_INDEX, b"ghosts", ())
    assert (tx.number_of("ghosts"), tx.name_of(10_002)) == (10_002, "ghosts")


async def test_an_iteration_hears_of_what_was_taken_back() -> None:
    tx = begun(*(document(number, word=word) for number, word in enumerate("abc")))
    iteration = aiter(query(tx))
    assert (await anext(iteration))["word"] == "a"
    tx.push()
    await DatabaseWriter(tx).delete(id_of(1))
    await DatabaseWriter(tx).insert("words", {"word": "bb"})
    assert (await anext(iteration))["word"] == "bb"
    tx.pop(keep=False)
    assert [word["word"] async for word in iteration] == ["c"]
    assert (await query(tx).collect())[1]["word"] == "b"


async def test_documents_of_system_tables_are_read_only() -> None:
    system = TableRecord("_storage", 7, 4, 5)
    file = Document(id_of(1, 7), encode({"_id": id_of(1, 7), "_creationTime": 1.0}))
    catalog = Catalog(Numbering([RECORD, system], [BY_WORD], 5), SCHEMA)
    state = snapshot([file], TableInfo(system, [], None))
    db = DatabaseWriter(Transaction(state, catalog, DocumentCache(0), TransactionLimits(), now=1.0))
    for call in (db.patch(file.id, {}), db.replace(file.id, {}), db.delete(file.id)):
        with pytest.raises(DeveloperError, match=r"System tables \(prefixed with `_`\) are read-only") as raised:
            await call
        assert raised.value.code == "SystemTable"


# What lies below


async def test_own_writes_lie_over_what_lies_below() -> None:
    decided, later = Overlay(), Overlay()
    for overlay, old, new in (
        (decided, document(1, word="a"), document(1, word="d")),
        (decided, Document(id_of(3), None), document(3, word="e")),
        (later, document(3, word="e"), Document(id_of(3), None)),
    ):
        overlay.documents[new.id] = new
        overlay.move(WORDS.ordered_ids, old.keys(WORDS), new.keys(WORDS))
    tx = begun(document(1, word="a"), document(2, word="b"), below=[decided, Overlay(), later])
    assert await words(tx) == ["b", "d"]
    db = DatabaseWriter(tx)
    await db.patch(id_of(1), {"word": "zz"})
    await db.delete(id_of(2))
    assert await words(tx) == ["zz"]
    prepared = prepare(tx, 77, "tests", None)
    assert prepared is not None
    assert {(write.id, write.old) for write in prepared[0].writes} == {
        (id_of(1), document(1, word="d").raw),
        (id_of(2), document(2, word="b").raw),
    }


async def test_tables_and_outcomes_below_are_seen() -> None:
    below = Overlay()
    below.tables["ghosts"] = TableRecord("ghosts", 10_009, 20, 21)
    below.outcomes[b"session", 1] = Outcome(b"session", 1, b"null", [])
    tx = begun(below=[below])
    table = tx.table("ghosts")
    assert table is not None
    assert (table.number, tx.name_of(10_009), tx.reads.ranges()) == (10_009, "ghosts", [])
    assert (tx.decided(b"session", 1), tx.decided(b"session", 2)) == (below.outcomes[b"session", 1], None)


async def test_asking_for_a_table_that_does_not_exist_is_a_read() -> None:
    tx = begun()
    assert (tx.table("ghosts"), tx.number_of("spirits"), tx.name_of(99)) == (None, None, None)
    names = [KeyRange(CATALOG_INDEX, name, name + b"\x00") for name in (b"ghosts", b"spirits")]
    assert tx.reads.ranges() == names


# Time


def test_creation_times_rise_from_the_start_or_from_the_last() -> None:
    tx = begun(now=1000.0)
    times = [tx.take_creation() for _ in range(5)]
    assert times[0] == 1000.0
    assert times == sorted(set(times))
    after = begun(now=999.0, creation=tx.next_creation)
    assert after.now == 999.0
    assert after.take_creation() > times[-1]
