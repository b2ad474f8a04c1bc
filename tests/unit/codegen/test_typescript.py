"""TypeScript from validators, schemas and functions."""

from typing import Any

import pytest

from reactor import Id, define_schema, define_table, internal_query, query, v
from reactor.codegen.typescript_api import api
from reactor.codegen.typescript_data_model import data_model
from reactor.codegen.typescript_types import key, type_of
from reactor.errors import LoadError
from reactor.runtime.registry import AnyFunction
from reactor.values import Int64
from reactor.values.validators import Validator


@pytest.mark.parametrize(
    ("validator", "expected"),
    [
        (None, "any"),
        (v.any(), "any"),
        (v.null(), "null"),
        (v.number(), "number"),
        (v.int64(), "bigint"),
        (v.boolean(), "boolean"),
        (v.string(), "string"),
        (v.bytes(), "ArrayBuffer"),
        (v.commit_ts(), 'bigint | import("convex/values").CommitTsPlaceholder'),
        (v.id("users"), 'GenericId<"users">'),
        (v.literal('say "hi"\n'), '"say \\"hi\\"\\n"'),
        (v.literal(2.5), "2.5"),
        (v.literal(3.0), "3"),
        (v.literal(False), "false"),
        (v.literal(Int64(5)), "5n"),
        (v.array(v.union(v.string(), v.null())), "Array<string | null>"),
        (v.record(v.string(), v.number()), "Record<string, number>"),
        (v.union(), "never"),
        (v.union(v.string(), v.string()), "string"),
        (v.object({}), "{}"),
        (v.object({"b": v.optional(v.number()), "a": v.string()}), "{ a: string; b?: number }"),
    ],
)
def test_a_validator_is_a_type(validator: Validator | None, expected: str) -> None:
    assert type_of(validator) == expected


def test_names_that_are_no_identifiers_stand_in_quotes() -> None:
    assert [key("a_b"), key("odd-name"), key("")] == ["a_b", '"odd-name"', '""']


def placed(function: AnyFunction, module: str, name: str) -> AnyFunction:
    function.place(module, name)
    return function


async def handler(ctx: Any, user_id: Id["users"], many: int = 1) -> str:  # noqa: F821 - a table
    return user_id * many


def test_paths_and_arguments_are_in_camel_case_and_sorted() -> None:
    functions = [placed(query(handler), "my_folder/my_file", "get_it"), placed(query(handler), "a", "default")]
    text = api(functions)
    assert text == api(reversed(functions))
    assert text.index("  a: {") < text.index("  myFolder: {")
    takes = '{ many?: number; userId: GenericId<"users"> }'
    assert f'      getIt: FunctionReference<"query", "public", {takes}, string>;' in text
    assert "export declare const internal: {};" in text


def test_internal_functions_are_apart() -> None:
    public, internal = api([placed(internal_query(handler), "a", "b")]).split("internal:")
    assert "b:" not in public
    assert '"internal"' in internal


def test_a_comment_cannot_be_ended_by_its_text() -> None:
    async def sly(ctx: Any) -> None:
        """Ends */ here."""

    assert r"/** Ends *\/ here. */" in api([placed(query(sly), "a", "sly")])


def test_a_function_with_the_name_of_a_module_beside_it_is_refused() -> None:
    functions = [placed(query(handler), "a", "b"), placed(query(handler), "a/b", "c")]
    for order in (functions, functions[::-1]):
        with pytest.raises(LoadError, match=r"a:b|a/b:c.*rename one"):
            api(order)


def test_paths_lead_into_unions_and_records_but_not_into_arrays() -> None:
    table = define_table(
        v.union(
            v.object({"a": v.optional(v.object({"b": v.number()})), "list": v.array(v.object({"x": v.number()}))}),
            v.object({"r": v.record(v.string(), v.any())}),
        )
    )
    text = data_model(define_schema({"things": table}))
    assert 'fieldPaths: "_creationTime" | "_id" | `r.${string}` | "a" | "a.b" | "list" | "r";' in text


def test_an_aggregate_is_no_index() -> None:
    table = define_table({"n": v.number()}).index("by_n", ["n"]).aggregate("sums", ["n"])
    text = data_model(define_schema({"things": table}))
    assert 'by_n: ["n", "_creationTime"];' in text
    assert "sums" not in text


def test_without_a_schema_everything_is_allowed() -> None:
    assert "export type DataModel = AnyDataModel;" in data_model(define_schema({}))


def test_a_schema_that_is_not_enforced_allows_other_tables() -> None:
    schema = define_schema({"things": define_table({"n": v.number()})}, schema_validation=False)
    assert "} & AnyDataModel;" in data_model(schema)
