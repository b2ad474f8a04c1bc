from reactor.database.catalog import Numbering
from reactor.database.structure import StructurePlan
from reactor.schema import Schema, define_schema, define_table
from reactor.store.seam import IndexRecord, TableRecord
from reactor.values import v
from tests.unit.database.rows import BY_WORD, RECORD

SYSTEM = [TableRecord("_storage", 1, 6, 7), TableRecord("_scheduled_functions", 2, 8, 9)]


def schema(**tables: dict[str, list[str]]) -> Schema:
    made = {name: define_table(v.any()) for name in tables}
    for name, indexes in tables.items():
        for index, fields in indexes.items():
            made[name] = made[name].index(index, fields)
    return define_schema(made)


def numbering(*indexes: IndexRecord) -> Numbering:
    return Numbering([RECORD, *SYSTEM], indexes, 9)


def test_the_systems_tables_are_made_first() -> None:
    plan = StructurePlan(Numbering([RECORD], [], 9), schema())
    assert plan.tables == [TableRecord("_storage", 1, 10, 11), TableRecord("_scheduled_functions", 2, 12, 13)]


def test_a_schema_that_is_there_needs_nothing() -> None:
    plan = StructurePlan(numbering(BY_WORD), schema(words={"by_word": ["word"]}))
    assert not plan
    assert (plan.tables, plan.indexes, plan.dropped) == ([], [], [])


def test_what_is_missing_is_made() -> None:
    plan = StructurePlan(
        numbering(BY_WORD), schema(words={"by_word": ["word"], "by_both": ["a", "b"]}, new={"by_x": ["x"]})
    )
    assert plan
    assert [(table.name, table.number, table.by_id, table.by_creation) for table in plan.tables] == [
        ("new", 10_002, 11, 12)
    ]
    assert plan.indexes == [IndexRecord(10, 10_001, "by_both", ("a", "b")), IndexRecord(13, 10_002, "by_x", ("x",))]
    commit = plan.commit()
    assert (commit.writes, commit.source, commit.outcome) == ([], "schema", None)
    assert (commit.tables, commit.indexes, commit.dropped_indexes) == (plan.tables, plan.indexes, [])


def test_what_is_declared_no_longer_is_dropped_and_the_table_stays() -> None:
    plan = StructurePlan(numbering(BY_WORD), schema(words={}))
    assert (plan.tables, plan.indexes, plan.dropped) == ([], [], [BY_WORD.id])
    plan = StructurePlan(numbering(BY_WORD), schema())
    assert (plan.tables, plan.indexes, plan.dropped) == ([], [], [BY_WORD.id])


def test_other_fields_make_another_index() -> None:
    plan = StructurePlan(numbering(BY_WORD), schema(words={"by_word": ["word", "more"]}))
    assert plan.indexes == [IndexRecord(10, 10_001, "by_word", ("word", "more"))]
    assert plan.dropped == [BY_WORD.id]


def test_of_two_indexes_with_one_name_the_one_with_the_right_fields_stays() -> None:
    other = IndexRecord(4, RECORD.number, "by_word", ("other",))
    for indexes in ((BY_WORD, other), (other, BY_WORD)):
        plan = StructurePlan(numbering(*indexes), schema(words={"by_word": ["word"]}))
        assert (plan.indexes, plan.dropped) == ([], [other.id])
