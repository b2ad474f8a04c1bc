"""Declaring tables and indexes, and checking documents against them."""

# ruff: noqa: F821 - the text in Id["users"] is no forward reference

import re
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import LoadError
from reactor.schema import Index, Schema, SchemaMismatch, Table, define_schema, define_table
from reactor.values import Value
from reactor.values.hints import Id
from reactor.values.validators import ValidationFailure, Validator, v

from .values.tables import POST, TABLES, USER

MESSAGE = {"body": v.string(), "author": v.optional(v.id("users"))}
SYSTEM: dict[str, Value] = {"_id": POST, "_creationTime": 1.5}


class Message(TypedDict):
    _id: Id["messages"]
    _creationTime: float
    body: str
    author: NotRequired[Id["users"]]


@dataclass
class Person:
    name: str


def table_of(schema: Schema, name: str = "messages") -> Table:
    table = schema.table(name)
    assert table is not None
    return table


def declared(table: Table, **options: Any) -> Table:
    return table_of(define_schema({"messages": table}, **options))


@pytest.mark.parametrize(
    "table",
    [
        define_table(MESSAGE),
        define_table(v.object(MESSAGE)),
        define_table(**MESSAGE),
        define_table(Message),
        define_table({**MESSAGE, "_id": v.id("messages"), "_creationTime": v.number()}),
    ],
)
def test_all_ways_to_declare_fields_are_one(table: Table) -> None:
    assert declared(table) == declared(define_table(MESSAGE))
    assert repr(table.validator) == 'v.object({author: v.optional(v.id("users")), body: v.string()})'


def test_a_field_may_have_any_name() -> None:
    names = {"fields": v.null(), "self": v.null(), "named": v.null()}
    assert define_table(**names).validator == v.object(names)


def test_a_schema_knows_its_tables() -> None:
    schema = define_schema({"messages": define_table(MESSAGE).index("by_author", ["author"]), "empty": define_table()})
    assert table_of(schema).name == "messages"
    assert table_of(schema).indexes == (Index("by_author", ("author",)),)
    assert [table.name for table in schema.tables.values()] == ["messages", "empty"]
    assert schema.table("absent") is None
    assert schema.schema_validation


def test_schemas_are_equal_when_they_declare_the_same() -> None:
    def schema(index: str = "by_body", **options: Any) -> Schema:
        return define_schema({"messages": define_table(MESSAGE).index(index, ["body"])}, **options)

    assert schema() == schema()
    assert hash(schema()) == hash(schema())
    assert schema() != schema("other")
    assert schema() != schema(schema_validation=False)
    assert repr(schema("by_b")) == (
        "Schema([Table('messages', v.object({author: v.optional(v.id(\"users\")), body: v.string()}), "
        "[Index('by_b', ['body'])])], schema_validation=True)"
    )


def test_the_serialised_form() -> None:
    schema = define_schema(
        {"b": define_table(v.any()), "a": define_table(n=v.number()).index("by_n", ["n"])}, schema_validation=False
    )
    fields = {"n": {"fieldType": {"type": "number"}, "optional": False}}
    other: dict[str, Any] = {"searchIndexes": [], "vectorIndexes": []}
    assert schema.to_json() == {
        "tables": [
            {
                "tableName": "a",
                "indexes": [{"indexDescriptor": "by_n", "fields": ["n"]}],
                "documentType": {"type": "object", "value": fields},
                **other,
            },
            {"tableName": "b", "indexes": [], "documentType": {"type": "any"}, **other},
        ],
        "schemaValidation": False,
    }


@pytest.mark.parametrize(
    ("shape", "document", "fits"),
    [
        (v.object(MESSAGE), {"body": "a"}, True),
        (v.object(MESSAGE), {"body": "a", "author": USER}, True),
        (v.object(MESSAGE), {"body": 1}, False),
        (v.object(MESSAGE), {"body": "a", "x": 1}, False),
        (v.object(MESSAGE), {}, False),
        (v.any(), {"whatever": None}, True),
        (v.union(v.object({"a": v.null()}), v.object({"b": v.null()})), {"b": None}, True),
        (v.union(v.object({"a": v.null()}), v.object({"b": v.null()})), {"a": None, "b": None}, False),
        (v.object({}), {}, True),
    ],
)
def test_documents_are_checked_with_and_without_system_fields(
    shape: Validator, document: dict[str, Value], fits: bool
) -> None:
    for whole in (document, {**document, **SYSTEM}):
        unchecked = declared(define_table(shape), schema_validation=False)
        unchecked.check(whole, TABLES)
        if fits:
            declared(define_table(shape)).check(whole, TABLES)
        else:
            with pytest.raises(ValidationFailure):
                declared(define_table(shape)).check(whole, TABLES)


def test_a_failure_does_not_speak_of_system_fields() -> None:
    with pytest.raises(ValidationFailure) as caught:
        declared(define_table(body=v.string())).check({**SYSTEM, "x": 1}, TABLES)
    assert str(caught.value) == (
        "Object is missing the required field `body`. "
        "Consider wrapping the field validator in `v.optional(...)` if this is expected."
        "\n\nObject: {x: 1.0}\nValidator: v.object({body: v.string()})"
    )


def test_a_mismatch_names_the_table_and_for_stored_documents_the_id() -> None:
    failure = ValidationFailure("Value does not match validator.")
    written, stored = SchemaMismatch.on_write("t", failure), SchemaMismatch.of_stored("t", POST, failure)
    assert str(written) == (
        'Failed to insert or update a document in table "t" because it does not match the schema: '
        "Value does not match validator."
    )
    fact, remedy = str(stored).split("\n\n")
    assert fact == f'Document with ID "{POST}" in table "t" does not match the schema: Value does not match validator.'
    assert remedy.startswith("Nothing was changed.") and "v.optional" in remedy
    assert written.code == stored.code == "SchemaEnforcementError"


def test_twins_are_both_named() -> None:
    index = Index("by_a_b", ("a", "b"), unique=True)
    assert str(SchemaMismatch.of_twins("t", index, USER, POST)).partition("\n\n")[0] == (
        f'Documents with IDs "{USER}" and "{POST}" in table "t" have the same values in `a`, `b`, but the index '
        '"by_a_b" over them is unique.'
    )


def test_a_document_as_it_is_read_has_system_fields() -> None:
    assert repr(declared(define_table(a=v.null())).document_validator()) == (
        'v.object({_creationTime: v.float64(), _id: v.id("messages"), a: v.null()})'
    )
    assert repr(declared(define_table(v.union(v.object({})))).document_validator()) == (
        'v.union(v.object({_creationTime: v.float64(), _id: v.id("messages")}))'
    )
    assert declared(define_table(v.any())).document_validator() == v.any()


def refused(tables: dict[str, Any], **options: Any) -> str:
    with pytest.raises(LoadError) as caught:
        define_schema(tables, **options)
    return str(caught.value)


SHAPES = "define_table: a table is v.object({…}), a v.union of such objects, v.any(), a dict of fields or a TypedDict"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (v.string(), f"{SHAPES}, not v.string()"),
        (v.optional(v.object({})), f"{SHAPES}, not v.optional(v.object({{}}))"),
        (v.union(), f"{SHAPES}, not v.union()"),
        (v.union(v.object({}), v.null()), f"{SHAPES}, not v.null()"),
        (v.record(v.string(), v.any()), f"{SHAPES}, not v.record(v.string(), v.any())"),
        (["a"], f"{SHAPES}, not ['a']"),
        (Person, "define_table: documents are dicts, so make Person a TypedDict"),
        (
            {"_own": v.any()},
            "define_table: the field `_own` begins with `_`, which is for system fields: rename it",
        ),
        ({"a": str}, "the field `a` of v.object is str, which is no validator: write v.string()"),
    ],
)
def test_other_shapes_are_refused(shape: Any, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        define_table(shape)
    assert str(caught.value) == message


def test_fields_are_given_in_one_way() -> None:
    with pytest.raises(LoadError, match="as its argument or as keywords, not both"):
        define_table({}, a=v.null())


def test_names_of_tables() -> None:
    assert refused({"_system": define_table()}) == (
        'the table name "_system" begins with `_`, which is for system tables: rename it'
    )
    assert refused({"a-b": define_table()}) == (
        "the table name 'a-b' is no identifier: use ASCII letters, digits and `_`, begin with a letter or `_`, "
        "and not only underscores"
    )
    assert refused({"x" * 65: define_table()}).endswith("has 65 characters: use at most 64")
    assert refused({"a": v.object({})}) == 'table "a" is v.object({}): write define_table(…)'


def test_at_most_ten_thousand_tables() -> None:
    table = define_table()
    assert refused({f"t{number}": table for number in range(10_001)}) == (
        "the schema has 10001 tables: at most 10000 are allowed"
    )


def test_a_table_is_immutable_once_in_a_schema() -> None:
    table = define_table(MESSAGE)
    schema = define_schema({"messages": table})
    for frozen in (table, table_of(schema)):
        with pytest.raises(LoadError, match=re.escape('table "messages" is part of a schema already: add its indexes')):
            frozen.index("by_body", ["body"])


def test_one_declaration_may_serve_two_tables() -> None:
    shape = define_table(MESSAGE).index("by_body", ["body"])
    schema = define_schema({"messages": shape, "drafts": shape})
    assert [table.name for table in schema.tables.values()] == ["messages", "drafts"]
    assert table_of(schema).indexes == table_of(schema, "drafts").indexes


INDEX = 'index "i" of table "messages"'
NESTED = v.object(
    {
        "a": v.string(),
        "b": v.optional(v.object({"c": v.null()})),
        "list": v.array(v.object({"c": v.null()})),
        "map": v.record(v.string(), v.object({"c": v.null()})),
        "free": v.any(),
        "either": v.union(v.null(), v.object({"d": v.null()})),
    }
)


@pytest.mark.parametrize("field", ["a", "b", "b.c", "list", "map", "map.x", "map.x.c", "free.x._y", "either.d"])
def test_index_paths_that_a_document_can_have(field: str) -> None:
    table = declared(define_table(NESTED).index("i", [field]))
    assert table.indexes[0].paths == (tuple(field.split(".")),)


@pytest.mark.parametrize("field", ["x", "b.d", "a.b", "list.c", "map.x.d", "either.c"])
def test_index_paths_that_no_document_can_have(field: str) -> None:
    table = define_table(NESTED).index("i", ["a", field])
    assert refused({"messages": table}) == (
        f"{INDEX}: no document of the table can have the field `{field}`: declare or correct it"
    )
    define_schema({"messages": table}, schema_validation=False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], f"{INDEX} has 0 fields: an index has 1 to 16"),
        ([f"f{number}" for number in range(17)], f"{INDEX} has 17 fields: an index has 1 to 16"),
        (["a", "b", "a"], f"{INDEX} has the field `a` twice: name it once"),
        (["_id"], f"{INDEX}: `_id` ends every index by itself: leave it out, and look up ids with ctx.db.get"),
        (
            ["a", "_creationTime"],
            f"{INDEX}: `_creationTime` is the last field of every index by itself: leave it out",
        ),
        (
            ["_x.a"],
            f"{INDEX}: the field `_x.a` begins with `_`, and no document has such a field: correct it",
        ),
        (
            ["a..b"],
            f"{INDEX}: `` in the field path `a..b` is no identifier: use ASCII letters, digits and `_`, "
            "begin with a letter or `_`, and not only underscores",
        ),
    ],
)
def test_index_fields(fields: list[str], message: str) -> None:
    assert refused({"messages": define_table(v.any()).index("i", fields)}) == message


@pytest.mark.parametrize("name", ["by_id", "by_creation_time", "_x"])
def test_reserved_index_names(name: str) -> None:
    assert refused({"messages": define_table(v.any()).index(name, ["a"])}) == (
        f'index "{name}" of table "messages": the names `by_id` and `by_creation_time`, '
        "and names that begin with `_`, are reserved: rename it"
    )


def test_index_names_are_identifiers() -> None:
    assert refused({"messages": define_table(v.any()).index("by a", ["a"])}) == (
        'index "by a" of table "messages": the name is no identifier: use ASCII letters, digits and `_`, '
        "begin with a letter or `_`, and not only underscores"
    )


def test_no_two_indexes_are_alike() -> None:
    table = define_table(v.any()).index("i", ["a"]).index("i", ["b"])
    assert refused({"messages": table}) == 'table "messages" has two indexes of the name "i": rename or remove one'
    table = define_table(v.any()).index("i", ["a", "b"]).index("j", ["a", "b"])
    assert refused({"messages": table}) == 'indexes "i" and "j" of table "messages" have the same fields: remove one'
    define_schema({"messages": define_table(v.any()).index("i", ["a", "b"]).index("j", ["b", "a"])})


def test_at_most_sixty_four_indexes() -> None:
    def table(count: int) -> Table:
        table = define_table(v.any())
        for number in range(count):
            table.index(f"i{number}", [f"f{number}"])
        return table

    assert len(declared(table(64)).indexes) == 64
    assert refused({"messages": table(65)}) == 'table "messages" has 65 indexes: at most 64 are allowed'


def test_index_fields_are_a_list() -> None:
    wrong: Any = "author"
    with pytest.raises(LoadError) as caught:
        define_table(MESSAGE).index("i", wrong)
    assert str(caught.value) == 'index "i" takes a list of field names, such as ["author"], not \'author\''


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)


@given(st.lists(paths, min_size=1, max_size=6))
def test_exactly_lists_without_repetition_are_indexes(fields: list[str]) -> None:
    table = define_table(v.any()).index("i", fields)
    if len(set(fields)) == len(fields):
        assert declared(table).indexes == (Index("i", tuple(fields)),)
    else:
        assert "twice" in refused({"messages": table})
