"""Python types from validators, schemas and functions."""

from collections.abc import Mapping
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import Int64, define_schema, define_table, internal_mutation, query, v
from reactor.codegen.python_api import api
from reactor.codegen.python_data_model import DataModel
from reactor.codegen.python_names import class_name, table_names
from reactor.codegen.python_server import server
from reactor.codegen.python_types import Declarations
from reactor.errors import LoadError
from reactor.runtime.registry import AnyFunction
from reactor.schema import Schema, Table
from reactor.values import validator_from_hint
from reactor.values.validators import Validator


@pytest.mark.parametrize(
    ("validator", "expected"),
    [
        (v.any(), "Any"),
        (v.null(), "None"),
        (v.number(), "float"),
        (validator_from_hint(int), "int"),
        (v.int64(), "Int64"),
        (v.commit_ts(), "CommitTs"),
        (v.boolean(), "bool"),
        (v.string(), "str"),
        (v.bytes(), "bytes"),
        (v.id("users"), "UserId"),
        (v.id("elsewhere"), "str"),
        (v.array(v.optional(v.string()).inner), "list[str]"),
        (v.record(v.id("users"), v.number()), "dict[UserId, float]"),
        (v.nullable(v.number()), "float | None"),
        (v.union(v.literal("a"), v.null(), v.literal(2)), 'Literal["a", 2] | None'),
        (v.union(v.literal("a"), v.any()), "Any"),
        (v.literal(True), "Literal[True]"),
        (v.literal(1.5), "float"),
        (v.literal(Int64(5)), "Int64"),
        (v.literal('é "\n\U0001f600'), 'Literal["é \\"\\n\U0001f600"]'),
    ],
)
def test_hints(validator: Validator, expected: str):
    declared = Declarations({"users": "UserId"}, ())
    assert declared.hint(validator, "X") == expected
    assert declared.texts == []


def test_sets_of_literals_and_objects_get_names_once():
    declared = Declarations({}, {"TaskState"})
    state = v.union(v.literal("open"), v.literal("done"))
    assert declared.hint(state, "TaskState") == "TaskState2"
    assert declared.hint(state, "TaskState") == "TaskState2"
    assert declared.hint(v.object({"at": v.optional(v.number()), "of": v.object({})}), "TaskEnd") == "TaskEnd"
    assert declared.texts == [
        'TaskState2: TypeAlias = Literal["open", "done"]\n',
        "class TaskEndOf(TypedDict):\n    pass\n",
        "class TaskEnd(TypedDict):\n    at: NotRequired[float]\n    of: TaskEndOf\n",
    ]


def test_objects_of_a_union_are_named_by_what_tells_them_apart():
    declared = Declarations({}, ())
    shapes = v.union(*(v.object({"kind": v.literal(kind), "size": v.number()}) for kind in ("round", "square")))
    assert declared.hint(shapes, "Shape") == "ShapeRound | ShapeSquare"
    plain = v.union(v.object({"a": v.number()}), v.object({"b": v.number()}))
    assert declared.hint(plain, "Plain") == "Plain1 | Plain2"


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("users", "User"),
        ("essayRequests", "EssayRequest"),
        ("categories", "Category"),
        ("boxes", "Box"),
        ("classes", "Class"),
        ("news", "News"),
        ("dashboardAccess", "DashboardAccess"),
        ("status", "Status"),
        ("people", "People"),
        ("log_lines", "LogLine"),
        ("s", "S"),
    ],
)
def test_a_document_is_called_by_the_singular(table: str, name: str):
    assert table_names([table], ()) == {table: name}


def test_no_two_tables_have_one_name():
    names = table_names(["user", "users", "User", "ids", "anys"], {"Any", "Id"})
    assert len(set(names.values())) == 5
    assert not {"Any", "Id"} & set(names.values())


@given(st.text("abcXYZ09_", min_size=1, max_size=8))
def test_names_are_names(text: str):
    assert class_name(text).isidentifier()


def run(schema: Schema) -> dict[str, Any]:
    model = DataModel(schema)
    names: dict[str, Any] = {}
    exec(compile(model.text(), "data_model.py", "exec"), names)
    compile(server(schema, model), "server.pyi", "exec")
    return names


def test_hints_of_the_data_model_are_those_of_the_schema():
    schema = define_schema(
        {
            "users": define_table({"name": v.string(), "class": v.optional(v.number())}),
            "orders": define_table({"of": v.id("users"), "file": v.id("_storage"), "big": v.nullable(v.int64())}),
        }
    )
    names = run(schema)
    for table, name in (("users", "User"), ("orders", "Order")):
        document = schema.tables[table].document_validator()
        assert validator_from_hint(names[name]).to_json() == document.to_json()
        assert validator_from_hint(names[f"{name}Fields"]).to_json() == schema.tables[table].validator.to_json()
    assert validator_from_hint(names["UserPatch"]).to_json() == (
        v.object({"name": v.optional(v.string()), "class": v.optional(v.number())}).to_json()
    )
    assert get_type_hints(names["Order"])["_id"] is str


fields = st.from_regex(r"[a-z][A-Za-z0-9_]{0,6}", fullmatch=True) | st.sampled_from(["class", "def", "in_", "_A"])
plain = st.sampled_from(
    [v.number(), v.string(), v.any(), v.null(), v.int64(), v.bytes(), v.boolean(), v.id("users"), v.literal("a'\"b")]
)
validators = st.recursive(
    plain,
    lambda inner: (
        st.dictionaries(fields, inner | inner.map(v.optional), max_size=4).map(v.object)
        | inner.map(v.array)
        | inner.map(lambda each: v.record(v.string(), each))
        | st.lists(inner, min_size=1, max_size=3).map(lambda each: v.union(*each))
    ),
    max_leaves=8,
)


def is_usable(fields: Mapping[str, Validator]) -> bool:
    try:
        define_schema({"t": define_table(fields)})
    except LoadError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(fields, validators, max_size=4).filter(is_usable))
def test_whatever_a_schema_says_gives_files_that_run(fields: Mapping[str, Validator]):
    table = define_table(fields)
    names = run(define_schema({"users": table}))
    hints = get_type_hints(names["User"], include_extras=True)
    assert hints.keys() == {*fields, "_id", "_creationTime"}


def test_the_stub_has_ranges_in_the_order_of_the_index():
    table: Table = define_table({"a": v.optional(v.string()), "b": v.object({"c": v.number()})})
    schema = define_schema({"rows": table.index("by_both", ["a", "b.c"]).index("later", ["a"], staged=True)})
    text = server(schema, DataModel(schema))
    assert 'Range[Literal["a"], str | UnsetType, Range[Literal["b.c"], float, Range[Literal["_creationTime"]' in text
    assert '"later"' not in text
    assert 'RowPath: TypeAlias = Literal["_creationTime", "_id", "a", "b", "b.c"]' in text


def test_without_a_schema_any_table_may_be():
    text = server(define_schema({}), DataModel(define_schema({})))
    assert "def query(self, table: str, /) -> reader.Query: ..." in text
    run(define_schema({}))
    run(define_schema({"rows": define_table(v.any())}, schema_validation=False))


def functions(*declared: tuple[str, AnyFunction]) -> list[AnyFunction]:
    for path, function in declared:
        function.place(*path.split(":"))
    return [function for _path, function in declared]


def test_references_are_those_of_the_modules():
    @query
    async def list(ctx: Any, user_id: str) -> str: ...

    @internal_mutation
    async def purge(ctx: Any) -> None: ...

    @query
    async def unsayable(ctx: Any) -> None: ...

    given = functions(("admin/rooms:list", list), ("rooms:purge", purge), ("rooms:class", unsayable))
    assert api(given) == (
        "from functions.admin import rooms as _admin_rooms\n"
        "from functions import rooms as _rooms\n\n"
        "class _Api:\n    class admin:\n        class rooms:\n            list = _admin_rooms.list\n\n"
        "class _Internal:\n    class rooms:\n        purge = _rooms.purge\n\n"
        "api: _Api\ninternal: _Internal\n"
    )


def test_a_function_and_a_module_of_one_name_are_refused():
    @query
    async def rooms(ctx: Any) -> None: ...

    @query
    async def list(ctx: Any) -> None: ...

    given = functions(("admin:rooms", rooms), ("admin/rooms:list", list))
    with pytest.raises(LoadError, match="have one name in the generated `api`: rename one"):
        api(given)
    with pytest.raises(LoadError, match="have one name in the generated `api`: rename one"):
        api(given[::-1])
