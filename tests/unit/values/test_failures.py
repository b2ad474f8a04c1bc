"""The texts of failed checks, whole."""

from __future__ import annotations

import pytest

from reactor.errors import ArgumentValidationError, DeveloperError
from reactor.values import Int64, Value
from reactor.values.validators import ValidationFailure, Validator, only_argument, v

from .tables import FILE, POST, STRANGER, TABLES, USER


def told(validator: Validator, value: Value) -> str:
    with pytest.raises(ValidationFailure) as caught:
        validator.check(value, TABLES)
    return str(caught.value)


def test_a_wrong_kind_at_the_root_has_an_empty_context_line() -> None:
    assert told(v.string(), 1) == "Value does not match validator.\n\nValue: 1.0\nValidator: v.string()"


def test_a_wrong_kind_inside_has_a_path_and_shows_only_what_is_wrong() -> None:
    validator = v.object({"a": v.object({"b": v.array(v.int64())})})
    assert told(validator, {"a": {"b": [Int64(1), 2]}}) == (
        "Value does not match validator.\nPath: .a.b[1]\nValue: 2.0\nValidator: v.int64()"
    )


def test_a_missing_field() -> None:
    assert told(v.object({"b": v.string(), "a": v.any()}), {"b": "x"}) == (
        "Object is missing the required field `a`. "
        "Consider wrapping the field validator in `v.optional(...)` if this is expected."
        '\n\nObject: {b: "x"}\nValidator: v.object({a: v.any(), b: v.string()})'
    )


def test_an_extra_field() -> None:
    assert told(v.array(v.object({"a": v.optional(v.boolean())})), [{}, {"z": 1, "c": None}]) == (
        "Object contains extra field `c` that is not in the validator."
        "\nPath: [1]\nObject: {c: null, z: 1.0}\nValidator: v.object({a: v.optional(v.boolean())})"
    )


def test_fields_are_looked_at_by_name_and_before_extra_ones() -> None:
    validator = v.object({"b": v.string(), "c": v.string(), "a": v.string()})
    assert told(validator, {"x": 1, "c": 1, "a": "a"}).startswith("Object is missing the required field `b`.")
    assert told(validator, {"x": 1, "b": 1, "c": 1, "a": ""}).startswith(
        "Value does not match validator.\nPath: .b\nValue: 1.0\n"
    )


def test_something_else_than_an_object() -> None:
    assert told(v.object({}), [1]) == "Value does not match validator.\n\nValue: [1.0]\nValidator: v.object({})"


def test_a_literal() -> None:
    assert told(v.literal(2), 1) == "`1.0` does not match literal validator `v.literal(2.0)`."
    assert told(v.object({"kind": v.literal('"a"')}), {"kind": [True]}) == (
        '`[true]` does not match literal validator `v.literal("\\"a\\"")`.Path: .kind'
    )


def test_an_id_of_another_table() -> None:
    assert told(v.id("users"), POST) == (
        f'Found ID "{POST}" from table `posts`, which does not match the table name in validator `v.id("users")`.'
    )
    assert told(v.array(v.id("users")), [USER, POST]) == (
        f'Found ID "{POST}" from table `posts`, '
        'which does not match the table name in validator `v.id("users")`.Path: [1]'
    )


def test_an_id_of_a_system_table() -> None:
    assert told(v.id("users"), FILE) == (
        f'Found ID "{FILE}" from a system table, which does not match the table name in validator `v.id("users")`.'
    )


@pytest.mark.parametrize("value", ["garbage", USER[:-1], STRANGER, None])
def test_what_is_no_known_id_is_a_plain_mismatch(value: Value) -> None:
    assert told(v.id("users"), value).startswith("Value does not match validator.\n\nValue: ")


def test_a_union_shows_only_itself() -> None:
    validator = v.object({"u": v.union(v.object({"a": v.string()}), v.null(), v.literal("x"))})
    assert told(validator, {"u": {"a": 1}}) == (
        "Value does not match validator.\nPath: .u\nValue: {a: 1.0}\n"
        'Validator: v.union(v.object({a: v.string()}), v.null(), v.literal("x"))'
    )


def test_a_union_of_one_speaks_as_its_member() -> None:
    assert told(v.union(v.object({"a": v.string()})), {"a": 1}) == (
        "Value does not match validator.\nPath: .a\nValue: 1.0\nValidator: v.string()"
    )


def test_a_union_of_none_matches_nothing() -> None:
    assert told(v.union(), None) == "Value does not match validator.\n\nValue: null\nValidator: v.union()"


def test_keys_and_values_of_records() -> None:
    validator = v.record(v.id("users"), v.array(v.number()))
    assert told(validator, {"bob": []}) == (
        'Value does not match validator.\nPath: .keys()\nValue: "bob"\nValidator: v.id("users")'
    )
    assert told(validator, {USER: [1, "2"]}) == (
        'Value does not match validator.\nPath: .values()[1]\nValue: "2"\nValidator: v.float64()'
    )
    assert told(validator, []).endswith('Validator: v.record(v.id("users"), v.array(v.float64()))')


def test_a_failure_is_a_developers_error_with_a_code() -> None:
    with pytest.raises(DeveloperError) as caught:
        v.null().check(1, TABLES)
    assert caught.value.code == "ValidationFailure"


def test_a_call_has_one_argument() -> None:
    argument: dict[str, Value] = {"a": 1}
    assert only_argument([argument]) is argument
    with pytest.raises(ArgumentValidationError) as caught:
        only_argument([{}, 1])
    assert str(caught.value) == (
        "ArgumentValidationError: Expected to receive a single object as the function's argument. "
        "Instead received 2 arguments: [{}, 1.0]"
    )


def test_the_argument_is_an_object() -> None:
    with pytest.raises(ArgumentValidationError) as caught:
        only_argument(["a"])
    assert str(caught.value) == (
        'ArgumentValidationError: Expected to receive an object as the function\'s argument. Instead received: "a"'
    )
