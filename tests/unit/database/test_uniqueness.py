"""The part of a key that no other document may share."""

from reactor.database.catalog import Catalog, Numbering, TableInfo
from reactor.database.uniqueness import unique_part
from reactor.schema import Schema, define_schema, define_table
from reactor.values import encode_value, has_prefix, v
from tests.unit.database.rows import BY_WORD, RECORD, document


def table(schema: Schema) -> TableInfo:
    info = Catalog(Numbering([RECORD], [BY_WORD], 3), schema).table("words")
    assert info is not None
    return info


UNIQUE = table(define_schema({"words": define_table(v.any()).unique("by_word", ["word"])}))


def test_a_table_knows_its_unique_indexes() -> None:
    assert table(define_schema({"words": define_table(v.any()).index("by_word", ["word"])})).unique == ()
    assert table(define_schema({})).unique == ()
    (index,) = UNIQUE.unique
    assert UNIQUE.ordered[index.position] is index.info is UNIQUE.indexes["by_word"]
    assert [get({"word": "a"}) for get in index.getters] == ["a"]


def test_an_index_that_is_not_there_yet_refuses_nothing() -> None:
    schema = define_schema({"words": define_table(v.any()).unique("by_length", ["length"])})
    assert table(schema).unique == ()


def test_twins_and_nobody_else_share_it() -> None:
    (index,) = UNIQUE.unique
    one, two, other = document(1, word="a"), document(2, word="a"), document(3, word="a\x00")
    part = unique_part(UNIQUE, index, one)
    assert part == encode_value("a") == unique_part(UNIQUE, index, two)
    assert part is not None
    shared = [has_prefix(each.keys(UNIQUE)[index.position], part) for each in (one, two, other)]
    assert shared == [True, True, False]


def test_what_is_missing_or_none_has_none() -> None:
    (index,) = UNIQUE.unique
    assert unique_part(UNIQUE, index, document(1)) is None
    assert unique_part(UNIQUE, index, document(1, word=None)) is None
    assert unique_part(UNIQUE, index, document(1, word="")) == encode_value("")
