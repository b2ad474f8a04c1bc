"""Validators as JSON Schema."""

from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Meta

from reactor import Int64, v
from reactor.openapi.value_schemas import VALUES, argument_schema, arguments_schema, reference, result_schema
from reactor.values import encode, to_clean_json
from reactor.values.validators import Validator
from tests.unit.values.tables import TABLES
from tests.unit.values.test_subsets import accepted, hint, validators


@pytest.mark.parametrize(
    ("validator", "argument", "result"),
    [
        (v.any(), {}, {}),
        (v.null(), {"type": "null"}, {"type": "null"}),
        (v.boolean(), {"type": "boolean"}, {"type": "boolean"}),
        (v.string(), {"type": "string"}, {"type": "string"}),
        (v.number(), {"type": "number"}, reference("Number")),
        (v.int64(), reference("Int64Argument"), reference("Int64")),
        (v.bytes(), reference("BytesArgument"), reference("Bytes")),
        (v.commit_ts(), {"anyOf": [reference("Int64Argument"), reference("CommitTsArgument")]}, reference("Int64")),
        (v.literal("a"), {"const": "a"}, {"const": "a"}),
        (v.literal(True), {"const": True}, {"const": True}),
        (v.union(), {"not": {}}, {"not": {}}),
        (v.union(v.literal("a"), v.literal("b")), {"type": "string", "enum": ["a", "b"]}, None),
        (v.union(v.literal("a"), v.literal(2)), {"anyOf": [{"const": "a"}, {"const": 2}]}, None),
        (v.union(v.string(), v.string()), {"type": "string"}, None),
        (v.array(v.number()), {"type": "array", "items": {"type": "number"}}, None),
    ],
    ids=lambda each: each.render() if isinstance(each, Validator) else "",
)
def test_kinds(validator: Validator, argument: Any, result: Any):
    assert argument_schema(validator) == argument
    if result is not None:
        assert result_schema(validator) == result


@pytest.mark.parametrize(
    ("literal", "member", "encoded", "answered"),
    [(Int64(5), "$integer", "BQAAAAAAAAA=", "5"), (-0.0, "$float", "AAAAAAAAAIA=", -0.0)],
)
def test_literals_that_json_lacks(literal: Any, member: str, encoded: str, answered: Any):
    sent = argument_schema(v.literal(literal))
    assert sent["properties"] == {member: {"const": encoded}}
    assert sent["required"] == [member]
    assert result_schema(v.literal(literal)) == {"const": answered}


def test_objects_say_what_must_be_there_and_have_nothing_else():
    assert argument_schema(v.object({"b": v.optional(v.string()), "a": v.null()})) == {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }


def test_ids_name_their_table():
    assert "`users`" in argument_schema(v.id("users"))["description"]


def test_what_takes_anything_takes_an_object():
    assert arguments_schema(None) == {"type": "object"}
    assert arguments_schema(v.any()) == {"type": "object"}
    assert result_schema(None) == {}


@pytest.mark.parametrize(
    ("declared", "schema"),
    [
        (Annotated[float, Meta(ge=0, lt=1.5)], {"type": "number", "minimum": 0, "exclusiveMaximum": 1.5}),
        (Annotated[float, Meta(gt=0, le=2)], {"type": "number", "exclusiveMinimum": 0, "maximum": 2}),
        (int, {"type": "integer"}),
        (Annotated[int, Meta(multiple_of=3)], {"type": "integer", "multipleOf": 3}),
        (Annotated[str, Meta(min_length=1, max_length=9)], {"type": "string", "minLength": 1, "maxLength": 9}),
        (Annotated[str, Meta(pattern="^[a-z]+$")], {"type": "string", "pattern": "^[a-z]+$"}),
        (Annotated[list[str], Meta(max_length=2)], {"type": "array", "items": {"type": "string"}, "maxItems": 2}),
    ],
)
def test_constraints(declared: Any, schema: Any):
    assert argument_schema(hint(declared)) == schema


def test_constraints_of_an_object_with_free_keys_count_its_members():
    assert argument_schema(hint(Annotated[dict[str, str], Meta(min_length=1)]))["minProperties"] == 1


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (Annotated[Int64, Meta(ge=1)], ">= 1"),
        (Annotated[bytes, Meta(max_length=8)], "length <= 8"),
        (Annotated[str, Meta(pattern=r"(?P<first>a)\Z")], "pattern"),
    ],
)
def test_constraints_that_a_schema_cannot_have_stand_in_its_description(declared: Any, told: str):
    schema = argument_schema(hint(declared))
    assert told in schema["description"]
    assert "pattern" not in schema


def test_a_bounded_result_may_still_be_infinite():
    schema = result_schema(hint(Annotated[float, Meta(ge=0)]))
    assert schema == {
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "enum": ["Infinity", "-Infinity"]}]
    }
    assert result_schema(hint(int)) == {"type": "integer"}


def fits(schema: Any, value: Any) -> bool:
    whole = {**schema, "components": {"schemas": VALUES}}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


@given(st.data())
def test_a_value_that_is_accepted_is_described(data: st.DataObject):
    validator = data.draw(validators)
    value = data.draw(accepted(validator))
    sent = encode(value, pending=True)
    assume(validator.accepts(value, TABLES))
    if b"$float" not in sent:  # minus zero may also be sent as a number
        assert fits(argument_schema(validator), msgspec.json.decode(sent))
    if b"$commitTs" not in sent:  # no result has it: it is a time by then
        assert fits(result_schema(validator), msgspec.json.decode(msgspec.json.encode(to_clean_json(value))))
