from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.catalog import FIRST_USER_TABLE, Catalog, Numbering, TableInfo, index_of
from reactor.database.system_tables import SYSTEM_TABLES
from reactor.errors import DeveloperError
from reactor.schema import Index, define_schema, define_table
from reactor.store.seam import IndexRecord, TableRecord
from reactor.values import UNSET, Int64, decode_trusted, encode, encode_key, encode_value, v
from tests.unit.database.rows import BY_WORD, RECORD, WORDS

SCHEMA = define_schema({"words": define_table(v.any()).index("by_word", ["word"])})


def test_numbers_are_given_out_once() -> None:
    numbering = Numbering([], [], 0)
    first, second = numbering.new_table("a"), numbering.new_table("b")
    index = numbering.new_index(first, Index("by_x", ("x",)))
    assert (first.number, second.number) == (FIRST_USER_TABLE, FIRST_USER_TABLE + 1)
    assert [first.by_id, first.by_creation, second.by_id, second.by_creation, index.id] == [1, 2, 3, 4, 5]
    assert (numbering.tables, numbering.numbers, numbering.indexes) == ({}, {}, {})


def test_numbers_go_on_where_the_store_stopped() -> None:
    numbering = Numbering([TableRecord("a", 10_007, 1, 2)], [IndexRecord(3, 10_007, "by_x", ("x",))], 9)
    table = numbering.new_table("b")
    assert (table.number, table.by_id, table.by_creation) == (10_008, 10, 11)


def test_what_is_durable_exists() -> None:
    numbering = Numbering([], [], 0)
    table = numbering.new_table("a")
    index = numbering.new_index(table, Index("by_x", ("x",)))
    numbering.add([table], [index])
    assert (numbering.tables, numbering.numbers) == ({"a": table}, {table.number: "a"})
    assert numbering.of_table(table.number) == [index]
    numbering.drop([index.id, 999])
    assert numbering.of_table(table.number) == []


def test_a_catalog_shows_the_tables_and_the_indexes_that_its_schema_declares() -> None:
    other = IndexRecord(4, RECORD.number, "by_other", ("other",))
    stale = IndexRecord(5, RECORD.number, "by_word", ("other",))
    catalog = Catalog(Numbering([RECORD, TableRecord("loose", 10_002, 6, 7)], [BY_WORD, other, stale], 7), SCHEMA)
    words, loose = catalog.table("words"), catalog.table("loose")
    assert words is not None and loose is not None
    assert catalog.table("words") is words is catalog.by_number(RECORD.number)
    assert [(i.id, i.name, i.fields) for i in words.indexes.values()] == [
        (1, "by_id", ("_id",)),
        (2, "by_creation_time", ("_creationTime", "_id")),
        (3, "by_word", ("word", "_creationTime", "_id")),
    ]
    # What another schema declares is kept up all the same, as long as it is recorded.
    assert words.ordered_ids == (2, 3, 4, 5)
    assert [index.id for index in words.hidden] == [4, 5]
    assert words.definition is SCHEMA.table("words") and loose.definition is None
    assert loose.ordered_ids == (7,)
    assert (catalog.number_of("words"), catalog.name_of(10_002)) == (10_001, "loose")
    assert (catalog.table("ghosts"), catalog.by_number(5), catalog.number_of("ghosts"), catalog.name_of(5)) == (
        None,
    ) * 4


def test_a_catalog_keeps_the_indexes_of_its_time() -> None:
    numbering = Numbering([RECORD], [BY_WORD], 7)
    catalog = Catalog(numbering, SCHEMA)
    numbering.drop([BY_WORD.id])
    before, after = catalog.table("words"), Catalog(numbering, SCHEMA).table("words")
    assert before is not None and after is not None
    assert (before.ordered_ids, after.ordered_ids) == ((2, 3), (2,))


def test_hidden_indexes_are_kept_up_and_cannot_be_read() -> None:
    table = define_table(v.any()).index("by_word", ["word"], staged=True).index("by_size", ["size"], staged=True)
    schema = define_schema({"words": table.index("by_x", ["x"])})
    by_size, by_x = IndexRecord(4, RECORD.number, "by_size", ("size",)), IndexRecord(5, RECORD.number, "by_x", ("x",))
    elsewhere = IndexRecord(6, RECORD.number + 1, "by_x", ("x",))
    words = Catalog(Numbering([RECORD], [BY_WORD], 7), schema, [by_size, by_x, elsewhere]).table("words")
    assert words is not None
    assert [index.name for index in words.ordered] == ["by_creation_time", "by_size", "by_x", "by_word"]
    assert words.filling == {4, 5}
    keys = words.keys_of({"word": "a", "size": 2, "_id": "id", "_creationTime": 5.0})
    tail = encode_key([5.0, "id"])
    assert keys == (tail, encode_value(2) + tail, encode_value(UNSET) + tail, encode_value("a") + tail)
    for name, code, text in (
        ("by_word", "IndexStagedError", "Index words.by_word is currently staged and not available to query"),
        ("by_size", "IndexStagedError", "Remove staged=True"),
        ("by_x", "IndexBackfillingError", "Index words.by_x is currently being built and not available to query"),
        ("by_y", "IndexNotFound", "Indexes of this table: by_creation_time, by_id. "),
    ):
        with pytest.raises(DeveloperError, match=text) as caught:
            index_of(words, name)
        assert caught.value.code == code


def test_a_reserved_table_is_made_with_its_numbers_by_whoever_makes_it() -> None:
    numbering = Numbering([], [], 0)
    reserved = numbering.reserve_table("a")
    assert numbering.new_table("a") is reserved
    assert numbering.new_table("b").number == reserved.number + 1
    numbering.release_tables()
    later = numbering.new_table("a")
    assert later.number == reserved.number + 2
    kept = numbering.reserve_table("c")
    numbering.add([kept])
    assert numbering.tables["c"] is kept
    assert not {later.number, kept.number} & {reserved.number, reserved.number + 1}


def test_reserved_tables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.catalog.MAX_TABLES", 2 - len(SYSTEM_TABLES))
    numbering = Numbering([RECORD], [], 2)
    numbering.reserve_table("b")
    with pytest.raises(DeveloperError, match='"c" would be one too many'):
        numbering.reserve_table("c")


def test_shapes_come_and_go() -> None:
    numbering = Numbering([], [], 0, {1: "a", 2: "b"})
    numbering.record_shapes({1: "c", 2: None, 3: None, 4: "d"})
    assert numbering.shapes == {1: "c", 4: "d"}


def test_an_index_is_found_by_its_name_or_the_others_are_named() -> None:
    assert index_of(WORDS, "by_word").id == BY_WORD.id
    assert index_of(WORDS, "by_id") is WORDS.by_id
    with pytest.raises(
        DeveloperError, match="Index words.by_letter not found.*: by_creation_time, by_id, by_word.*schema.py"
    ):
        index_of(WORDS, "by_letter")


fields: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([UNSET, None, True, 0, 1, -0.0, 1.5, float("nan"), Int64(1), 10**16, "", "a\x00", b"x"]),
    lambda inner: (
        st.lists(inner.filter(lambda x: x is not UNSET), max_size=2)
        | st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), fields))
def test_keys_hold_each_field_then_time_and_id(document: dict[str, Any]) -> None:
    indexes = [IndexRecord(8, 10_001, "one", ("a",)), IndexRecord(9, 10_001, "two", ("b", "a.x.y", "a.x"))]
    table = TableInfo(RECORD, indexes, None)
    document = {**document, "_id": "id", "_creationTime": 5.0}
    a, b = document.get("a", UNSET), document.get("b", UNSET)
    x = a.get("x", UNSET) if isinstance(a, dict) else UNSET
    y = x.get("y", UNSET) if isinstance(x, dict) else UNSET
    tail = encode_key([5.0, "id"])
    expected = (tail, encode_value(a) + tail, encode_key([b, y, x]) + tail)
    assert table.keys_of(document) == expected
    # What a function gives and what is stored have the same place.
    assert table.keys_of(decode_trusted(encode(document))) == expected
