from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.catalog import FIRST_USER_TABLE, Catalog, Numbering, TableInfo, index_of
from reactor.errors import DeveloperError
from reactor.schema import define_schema, define_table
from reactor.store.seam import IndexRecord, TableRecord
from reactor.values import UNSET, Int64, decode_trusted, encode, encode_key, encode_value, v
from tests.unit.database.rows import BY_WORD, RECORD, WORDS

SCHEMA = define_schema({"words": define_table(v.any()).index("by_word", ["word"])})


def test_numbers_are_given_out_once() -> None:
    numbering = Numbering([], [], 0)
    first, second = numbering.new_table("a"), numbering.new_table("b")
    index = numbering.new_index(first, "by_x", ("x",))
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
    index = numbering.new_index(table, "by_x", ("x",))
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
    assert [(i.id, i.name, i.fields) for i in (words.by_id, *words.ordered)] == [
        (1, "by_id", ("_id",)),
        (2, "by_creation_time", ("_creationTime", "_id")),
        (3, "by_word", ("word", "_creationTime", "_id")),
    ]
    assert words.ordered_ids == (2, 3)
    assert words.definition is SCHEMA.table("words") and loose.definition is None
    assert loose.ordered_ids == (7,)
    assert (catalog.number_of("words"), catalog.name_of(10_002)) == (10_001, "loose")
    assert (catalog.table("ghosts"), catalog.by_number(5), catalog.number_of("ghosts"), catalog.name_of(5)) == (
        None,
    ) * 4


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
