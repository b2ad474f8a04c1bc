"""What a schema needs to be done before it may serve."""

from collections.abc import Mapping

from reactor.database.catalog import Numbering
from reactor.database.document_pass import DocumentPass
from reactor.database.shapes import shape_of
from reactor.database.structure import StructurePlan
from reactor.database.system_tables import SYSTEM_TABLES, declared
from reactor.schema import Schema, Table, define_schema, define_table
from reactor.store.seam import Commit, IndexRecord, TableRecord
from reactor.values import v
from tests.unit.database.rows import BY_WORD, RECORD

SYSTEM = [TableRecord(name, number, -2 * number, -2 * number - 1) for name, number in SYSTEM_TABLES.items()]
DECLARED = [(name, index) for name in SYSTEM_TABLES if (table := declared(name)) for index in table.indexes]
OURS = [
    IndexRecord(1_000 + number, SYSTEM_TABLES[name], index.name, index.fields)
    for number, (name, index) in enumerate(DECLARED)
]


def schema(**tables: dict[str, list[str]]) -> Schema:
    made = {name: define_table(v.any()) for name in tables}
    for name, indexes in tables.items():
        for index, fields in indexes.items():
            made[name] = made[name].index(index, fields)
    return define_schema(made)


def words(table: Table, *, checked: bool = True) -> Schema:
    return define_schema({"words": table}, schema_validation=checked)


ANY = shape_of(schema(words={}).table("words"))


def numbering(*indexes: IndexRecord, shape: str | None = ANY) -> Numbering:
    return Numbering([RECORD, *SYSTEM], [*OURS, *indexes], 9, {} if shape is None else {RECORD.number: shape})


def plan_of(known: Numbering, wanted: Schema, staged: Mapping[int, DocumentPass] | None = None) -> StructurePlan:
    return StructurePlan(known, wanted, staged or {})


def commit_of(plan: StructurePlan) -> Commit:
    commit = plan.commit()
    assert commit is not None
    return commit


# Tables and indexes


def test_the_systems_tables_are_made_first() -> None:
    plan = plan_of(Numbering([RECORD], [], 9), schema())
    free = iter(range(10, 1_000))
    expected: list[TableRecord] = []
    for name, number in SYSTEM_TABLES.items():
        expected.append(TableRecord(name, number, next(free), next(free)))
        for _ in [index for table, index in DECLARED if table == name]:
            next(free)
    assert plan.tables == expected
    assert commit_of(plan).tables == plan.tables


def test_indexes_of_the_systems_tables_are_built_also_when_an_earlier_version_made_the_tables() -> None:
    plan = plan_of(Numbering([RECORD, *SYSTEM], [], 9), schema())
    assert [(index.table, index.name) for index in plan.indexes] == [(index.table, index.name) for index in OURS]
    tables = [table for table in SYSTEM if any(index.table == table.number for index in OURS)]
    assert [made.table for made in plan.passes] == tables
    assert [index for made in plan.passes for index in made.indexes] == plan.indexes
    assert {made.check for made in plan.passes} == {None}
    assert plan.dropped == []


def test_a_schema_that_is_there_needs_nothing() -> None:
    plan = plan_of(numbering(BY_WORD), schema(words={"by_word": ["word"]}))
    assert not plan.waits
    assert (plan.tables, plan.indexes, plan.dropped, plan.pending, plan.commit()) == ([], [], [], {}, None)


def test_what_is_missing_is_made() -> None:
    wanted = schema(words={"by_word": ["word"], "by_both": ["a", "b"]}, new={"by_x": ["x"]})
    plan = plan_of(numbering(BY_WORD), wanted)
    assert [(table.name, table.number, table.by_id, table.by_creation) for table in plan.tables] == [
        ("new", 10_002, 11, 12)
    ]
    by_both, by_x = IndexRecord(10, 10_001, "by_both", ("a", "b")), IndexRecord(13, 10_002, "by_x", ("x",))
    assert plan.indexes == [by_both, by_x]
    assert [(made.table, made.indexes, made.check) for made in plan.passes] == [(RECORD, [by_both], None)]
    commit = commit_of(plan)
    assert (commit.writes, commit.source, commit.outcome) == ([], "schema", None)
    assert (commit.tables, commit.indexes, commit.dropped_indexes) == (plan.tables, plan.indexes, [])
    assert commit.shapes == {10_002: ANY}


def test_a_new_table_is_not_looked_through() -> None:
    plan = plan_of(numbering(BY_WORD), schema(words={"by_word": ["word"]}, new={"by_x": ["x"]}))
    assert not plan.waits
    assert len(commit_of(plan).indexes) == 1


def test_a_table_that_was_made_meanwhile_is_not_made_again() -> None:
    known = numbering()
    plan = plan_of(known, schema(words={}, new={"by_x": ["x"]}))
    made = known.new_table("new")
    assert [made] == plan.tables
    known.add([made])
    commit = commit_of(plan)
    assert (commit.tables, commit.shapes) == ([], {made.number: ANY})
    assert [index.table for index in commit.indexes] == [made.number]


def test_what_is_declared_no_longer_is_dropped_and_the_table_stays() -> None:
    for wanted in (schema(words={}), schema()):
        plan = plan_of(numbering(BY_WORD), wanted)
        assert (plan.tables, plan.indexes, plan.dropped) == ([], [], [BY_WORD.id])
        assert not plan.waits
        assert commit_of(plan).dropped_indexes == [BY_WORD.id]


def test_other_fields_make_another_index() -> None:
    plan = plan_of(numbering(BY_WORD), schema(words={"by_word": ["word", "more"]}))
    assert plan.indexes == [IndexRecord(10, 10_001, "by_word", ("word", "more"))]
    assert plan.dropped == [BY_WORD.id]


def test_of_two_indexes_with_one_name_the_one_with_the_right_fields_stays() -> None:
    other = IndexRecord(4, RECORD.number, "by_word", ("other",))
    for indexes in ((BY_WORD, other), (other, BY_WORD)):
        plan = plan_of(numbering(*indexes), schema(words={"by_word": ["word"]}))
        assert (plan.indexes, plan.dropped) == ([], [other.id])


# Shapes

STRICT = define_table({"word": v.string()})
LOOSE = define_table({"word": v.optional(v.string())})


def test_a_table_is_looked_through_unless_its_shape_is_known_to_fit() -> None:
    strict, loose = shape_of(words(STRICT).table("words")), shape_of(words(LOOSE).table("words"))
    for shape, wanted, looked in (
        (strict, STRICT, False),
        (strict, LOOSE, False),
        (loose, STRICT, True),
        (None, LOOSE, True),
        (None, define_table(v.any()), False),
        (ANY, LOOSE, True),
        ("of another version", LOOSE, True),
        ('{"text": "v.email()", "type": {"type": "email"}}', LOOSE, True),
    ):
        plan = plan_of(numbering(shape=shape), words(wanted))
        assert bool(plan.pending) == plan.waits == looked
        assert [made.check for made in plan.passes] == list(plan.pending.values())
        commit = plan.commit()
        assert (commit.shapes if commit else {}) in ({RECORD.number: shape_of(words(wanted).table("words"))}, {})


def test_without_validation_nothing_is_looked_through_and_no_shape_is_known() -> None:
    plan = plan_of(numbering(), words(STRICT, checked=False))
    assert not plan.waits
    assert commit_of(plan).shapes == {RECORD.number: None}
    assert plan_of(numbering(shape=None), words(STRICT, checked=False)).commit() is None


def test_a_table_that_leaves_the_schema_has_no_shape_any_more() -> None:
    assert commit_of(plan_of(numbering(), schema())).shapes == {RECORD.number: None}


def test_documents_are_checked_and_indexed_in_one_pass() -> None:
    plan = plan_of(numbering(shape=None), words(define_table({"word": v.string()}).index("by_word", ["word"])))
    (made,) = plan.passes
    assert (made.indexes, made.check) == (plan.indexes, plan.pending[RECORD.number])


# Unique indexes


def unique() -> Schema:
    return words(define_table(v.any()).unique("by_word", ["word"]))


def test_an_index_that_becomes_unique_is_looked_through_and_stays() -> None:
    plan = plan_of(numbering(BY_WORD), unique())
    assert [(each.index.name, each.number) for each in plan.uniques] == [("by_word", BY_WORD.id)]
    assert (plan.passes, plan.dropped) == ([], [])
    assert commit_of(plan).indexes == [IndexRecord(BY_WORD.id, RECORD.number, "by_word", ("word",), unique=True)]


def test_a_new_unique_index_is_built_and_looked_through() -> None:
    plan = plan_of(numbering(), unique())
    (index,) = plan.indexes
    assert [each.number for each in plan.uniques] == [index.id]
    assert commit_of(plan).indexes == [index] and index.unique


def test_an_index_that_is_known_to_be_unique_needs_nothing() -> None:
    known = IndexRecord(BY_WORD.id, RECORD.number, "by_word", ("word",), unique=True)
    plan = plan_of(numbering(known), unique())
    assert (plan.waits, plan.commit()) == (False, None)
    plan = plan_of(numbering(known), schema(words={"by_word": ["word"]}))
    assert not plan.waits
    assert commit_of(plan).indexes == [BY_WORD]


# Staged indexes


def staged(flag: bool = True) -> Schema:
    return words(define_table(v.any()).index("by_word", ["word"], staged=flag))


def test_a_staged_index_is_left_for_later() -> None:
    plan = plan_of(numbering(), staged())
    assert (plan.waits, plan.indexes, plan.commit()) == (False, [], None)
    ((number, made),) = plan.staged.items()
    assert [(index.id, index.name) for index in made.indexes] == [(number, "by_word")]


def test_a_staged_index_of_a_new_table_is_complete() -> None:
    plan = plan_of(Numbering([], [], 0), staged())
    made = [index.name for index in commit_of(plan).indexes if index.table == RECORD.number]
    assert (plan.staged, made) == ({}, ["by_word"])


def test_a_staged_index_that_is_being_built_goes_on_or_is_waited_for_or_goes() -> None:
    made = DocumentPass(RECORD, [BY_WORD])
    under_way = {BY_WORD.id: made}
    plan = plan_of(numbering(), staged(), under_way)
    assert (plan.staged, plan.waits, plan.commit()) == (under_way, False, None)
    plan = plan_of(numbering(), staged(False), under_way)
    assert (plan.staged, plan.passes, plan.indexes) == ({}, [made], [])
    assert commit_of(plan).indexes == [BY_WORD]
    plan = plan_of(numbering(), schema(words={}), under_way)
    assert (plan.staged, plan.passes, plan.dropped) == ({}, [], [BY_WORD.id])
    plan = plan_of(numbering(), unique(), under_way)
    assert (plan.passes, [each.number for each in plan.uniques]) == ([made], [BY_WORD.id])
    assert [index.unique for index in commit_of(plan).indexes] == [True]


def test_a_staged_index_that_is_complete_is_enabled_at_once() -> None:
    plan = plan_of(numbering(BY_WORD), staged(False))
    assert (plan.waits, plan.commit()) == (False, None)
    plan = plan_of(numbering(BY_WORD), staged())
    assert (plan.staged, plan.dropped, plan.commit()) == ({}, [], None)
