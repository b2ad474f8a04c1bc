"""What each validator accepts, how it is written, and what cannot be one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import LoadError
from reactor.values import COMMIT_TS, UNSET, Int64, Value, same
from reactor.values.validators import LiteralValidator, Validator, v

from .samples import Colour, Level
from .strategies import scalars, values
from .tables import FILE, POST, STRANGER, TABLES, USER

BAD_ID = USER[:-1]
NAN = float("nan")

# One value of each kind; every validator below says which of them it takes.
KINDS: dict[str, Value] = {
    "null": None,
    "int64": Int64(1),
    "float": 1.0,
    "int": 1,
    "boolean": True,
    "string": "a",
    "bytes": b"a",
    "array": [],
    "object": {},
    "commitTs": COMMIT_TS,
}


@pytest.mark.parametrize(
    ("validator", "accepted"),
    [
        (v.any(), set(KINDS)),
        (v.null(), {"null"}),
        (v.number(), {"float", "int"}),
        (v.float64(), {"float", "int"}),
        (v.int64(), {"int64"}),
        (v.bigint(), {"int64"}),
        (v.commit_ts(), {"int64", "commitTs"}),
        (v.boolean(), {"boolean"}),
        (v.string(), {"string"}),
        (v.bytes(), {"bytes"}),
        (v.literal("a"), {"string"}),
        (v.literal(1), {"float", "int"}),
        (v.literal(Int64(1)), {"int64"}),
        (v.literal(True), {"boolean"}),
        (v.array(v.string()), {"array"}),
        (v.object({}), {"object"}),
        (v.object({"a": v.optional(v.null())}), {"object"}),
        (v.record(v.string(), v.null()), {"object"}),
        (v.union(v.null(), v.int64()), {"null", "int64"}),
        (v.union(v.literal("a"), v.literal("b")), {"string"}),
        (v.union(v.literal("a"), v.literal(1)), {"string", "float", "int"}),
        (v.union(), set[str]()),
        (v.nullable(v.string()), {"null", "string"}),
        (v.optional(v.string()), {"string"}),
        (v.id("users"), set[str]()),
    ],
)
def test_kinds_are_kept_apart(validator: Validator, accepted: set[str]) -> None:
    assert {kind for kind, value in KINDS.items() if validator.accepts(value, TABLES)} == accepted


@pytest.mark.parametrize("value", [NAN, -NAN, float("inf"), float("-inf"), -0.0, 2**53])
def test_numbers_are_all_doubles(value: float) -> None:
    v.number().check(value, TABLES)


def test_subclasses_are_taken_for_what_they_derive_from() -> None:
    v.object({"a": v.string(), "b": v.number()}).check(OrderedDict(b=Level.HIGH, a=Colour.RED), TABLES)
    v.record(v.string(), v.literal("red")).check(OrderedDict(a=Colour.RED), TABLES)
    v.array(v.null()).check((None,), TABLES)


@pytest.mark.parametrize("value", [POST, FILE, STRANGER, BAD_ID, "", 7, None])
def test_an_id_is_of_its_table(value: Value) -> None:
    assert v.id("users").accepts(USER, TABLES)
    assert not v.id("users").accepts(value, TABLES)
    assert not v.id("absent").accepts(USER, TABLES)


def test_system_tables_have_ids_too() -> None:
    v.id("_storage").check(FILE, TABLES)


def test_missing_null_and_present_are_three_states() -> None:
    states: list[dict[str, Value]] = [{}, {"a": None}, {"a": "x"}]

    def taken(field: Validator) -> list[bool]:
        return [v.object({"a": field}).accepts(state, TABLES) for state in states]

    assert taken(v.string()) == [False, False, True]
    assert taken(v.optional(v.string())) == [True, False, True]
    assert taken(v.nullable(v.string())) == [False, True, True]
    assert taken(v.optional(v.nullable(v.string()))) == [True, True, True]
    assert taken(v.any()) == [False, True, True]
    assert taken(v.optional(v.any())) == [True, True, True]


def test_an_unset_field_is_a_missing_one() -> None:
    validator = v.object({"a": v.optional(v.any()), "b": v.string()})
    validator.check({"a": UNSET, "b": "x", "c": UNSET}, TABLES)
    v.record(v.string(), v.string()).check({"a": UNSET}, TABLES)
    assert not validator.accepts({"b": UNSET}, TABLES)
    assert not v.any().accepts(UNSET, TABLES)


def test_keys_that_are_no_strings_are_extra() -> None:
    assert not v.object({"a": v.optional(v.any())}).accepts({1: "x"}, TABLES)
    assert not v.record(v.string(), v.any()).accepts({1: "x"}, TABLES)


# Validators that accept a given value: as each kind of its own, or loosened.
def fitting(value: Value) -> Validator:
    if isinstance(value, list):
        members: list[Value] = value
        return v.array(v.union(*map(fitting, members)))
    if isinstance(value, dict):
        return v.record(v.string(), v.union(*map(fitting, value.values())))
    if isinstance(value, Int64):
        return v.int64()
    scalar: dict[type, Validator] = {bool: v.boolean(), str: v.string(), bytes: v.bytes(), type(None): v.null()}
    return scalar.get(type(value), v.number())


@given(values)
def test_a_validator_made_from_a_value_takes_it(value: Value) -> None:
    fitting(value).check(value, TABLES)
    v.any().check(value, TABLES)
    v.optional(v.nullable(fitting(value))).check(value, TABLES)


@given(values, values)
def test_the_quick_test_and_the_explanation_agree(value: Value, other: Value) -> None:
    validator = fitting(value)
    assert validator.matches(other, TABLES) == (validator.explain(other, TABLES, "") is None)


@given(scalars.filter(lambda value: isinstance(value, str | bool | int | float)), scalars)
def test_a_literal_takes_what_is_the_same_value(literal: Any, value: Value) -> None:
    if isinstance(literal, float) and not abs(literal) < float("inf"):
        return
    assert v.literal(literal).accepts(literal, TABLES)
    assert v.literal(literal).accepts(value, TABLES) == same(literal, value)


names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)


@given(st.dictionaries(names, st.booleans(), max_size=5), st.sets(names, max_size=3), st.data())
def test_objects_take_exactly_the_declared_fields(declared: dict[str, bool], extra: set[str], data: Any) -> None:
    validator = v.object({name: v.optional(v.null()) if may_miss else v.null() for name, may_miss in declared.items()})
    sent = data.draw(st.sets(st.sampled_from(sorted(declared)))) if declared else set[str]()
    required = {name for name, may_miss in declared.items() if not may_miss}
    value = dict.fromkeys(sent | extra)
    assert validator.accepts(value, TABLES) == (required <= value.keys() <= declared.keys())


@pytest.mark.parametrize(
    ("validator", "notation", "form"),
    [
        (v.any(), "v.any()", {"type": "any"}),
        (v.null(), "v.null()", {"type": "null"}),
        (v.number(), "v.float64()", {"type": "number"}),
        (v.int64(), "v.int64()", {"type": "bigint"}),
        (v.boolean(), "v.boolean()", {"type": "boolean"}),
        (v.string(), "v.string()", {"type": "string"}),
        (v.bytes(), "v.bytes()", {"type": "bytes"}),
        (v.id("users"), 'v.id("users")', {"type": "id", "tableName": "users"}),
        (v.literal("a"), 'v.literal("a")', {"type": "literal", "value": "a"}),
        (v.literal(2), "v.literal(2.0)", {"type": "literal", "value": 2}),
        (v.literal(True), "v.literal(true)", {"type": "literal", "value": True}),
        (v.literal(-0.0), "v.literal(-0.0)", {"type": "literal", "value": {"$float": "AAAAAAAAAIA="}}),
        (v.literal(Int64(1)), "v.literal(1)", {"type": "literal", "value": {"$integer": "AQAAAAAAAAA="}}),
        (v.array(v.null()), "v.array(v.null())", {"type": "array", "value": {"type": "null"}}),
        (
            v.object({"b": v.optional(v.string()), "a": v.null()}),
            "v.object({a: v.null(), b: v.optional(v.string())})",
            {
                "type": "object",
                "value": {
                    "a": {"fieldType": {"type": "null"}, "optional": False},
                    "b": {"fieldType": {"type": "string"}, "optional": True},
                },
            },
        ),
        (
            v.record(v.string(), v.any()),
            "v.record(v.string(), v.any())",
            {
                "type": "record",
                "keys": {"type": "string"},
                "values": {"fieldType": {"type": "any"}, "optional": False},
            },
        ),
        (
            v.nullable(v.string()),
            "v.union(v.string(), v.null())",
            {"type": "union", "value": [{"type": "string"}, {"type": "null"}]},
        ),
    ],
)
def test_notation_and_serialised_form(validator: Validator, notation: str, form: dict[str, Any]) -> None:
    assert (validator.render(), repr(validator), validator.to_json()) == (notation, notation, form)


def test_validators_are_equal_when_written_equally() -> None:
    assert v.object({"a": v.number(), "b": v.any()}) == v.object({"b": v.any(), "a": v.float64()})
    assert len({v.id("a"), v.id("a"), v.id("b")}) == 2
    assert v.any() != "v.any()"


def test_optional_twice_is_optional_once() -> None:
    assert v.optional(v.optional(v.string())).render() == "v.optional(v.string())"


def test_objects_can_be_cut_and_extended() -> None:
    whole = v.object({"a": v.string(), "b": v.optional(v.null())})
    assert whole.pick("a") == v.object({"a": v.string()})
    assert whole.omit("a") == v.object({"b": v.optional(v.null())})
    assert whole.partial() == v.object({"a": v.optional(v.string()), "b": v.optional(v.null())})
    assert whole.extend({"a": v.null(), "c": v.any()}) == v.object(
        {"a": v.null(), "b": v.optional(v.null()), "c": v.any()}
    )


def built_wrongly(build: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(LoadError) as caught:
        build(*arguments)
    return str(caught.value)


OPTIONAL = v.optional(v.string())
OPTIONAL_REFUSED = (
    " is v.optional(v.string()): v.optional may stand only directly at a field of an object; "
    "for a value that may be null write v.nullable(…)"
)


@pytest.mark.parametrize(
    ("message", "build", "arguments"),
    [
        (f"the element of v.array{OPTIONAL_REFUSED}", v.array, [OPTIONAL]),
        (f"the key of v.record{OPTIONAL_REFUSED}", v.record, [OPTIONAL, v.any()]),
        (f"the value of v.record{OPTIONAL_REFUSED}", v.record, [v.string(), OPTIONAL]),
        (f"a member of v.union or v.nullable{OPTIONAL_REFUSED}", v.union, [v.null(), OPTIONAL]),
        (f"a member of v.union or v.nullable{OPTIONAL_REFUSED}", v.nullable, [OPTIONAL]),
        (
            "the field `a` of v.object is str, which is no validator: write v.string()",
            v.object,
            [{"a": str}],
        ),
        (
            "the field `a` of v.object is None, which is no validator: write v.null()",
            v.object,
            [{"a": None}],
        ),
        (
            "the element of v.array is 'x', which is no validator: write v.literal('x') if it must be exactly that",
            v.array,
            ["x"],
        ),
        (
            "the argument of v.optional is {'a': 1}, which is no validator: write v.object({…})",
            v.optional,
            [{"a": 1}],
        ),
        (
            "a member of v.union or v.nullable is LiteralValidator, which is no validator: "
            "write a builder of `v`, such as v.string()",
            v.union,
            [LiteralValidator],
        ),
        ("v.object takes a dict of field names and validators, not list", v.object, [["a"]]),
        (
            "v.object: the field name 'a b' is no identifier: use ASCII letters, digits and `_`, begin with a letter "
            "or `_`, and not only underscores; for free keys use v.record(v.string(), …)",
            v.object,
            [{"a b": v.any()}],
        ),
        (
            "v.record does not take literal keys: declare them as fields of v.object({…})",
            v.record,
            [v.union(v.string(), v.literal("a")), v.any()],
        ),
        (
            "keys of v.record are strings, ids or a union of those, not v.float64()",
            v.record,
            [v.number(), v.any()],
        ),
        ("v.id: the table name 1 is of type int: write a string", v.id, [1]),
        (
            "v.literal takes a string, a number, an Int64 or a boolean, not null: "
            "for null write v.null(), for several literals v.union(v.literal(…), …)",
            v.literal,
            [None],
        ),
        ("v.literal does not take NaN: use v.number()", v.literal, [NAN]),
        (
            "v.literal: 9007199254740993 is an int that a float64 cannot hold exactly: "
            "use Int64 (up to 64 bits) or a string",
            v.literal,
            [2**53 + 1],
        ),
        (
            "pick: the object has no field `c`; its fields are `a`, `b`",
            v.object({"b": v.any(), "a": v.any()}).pick,
            ["c"],
        ),
        ("omit: the object has no field `c`; its fields are none", v.object({}).omit, ["c"]),
    ],
)
def test_what_cannot_be_a_validator_is_told_when_it_is_built(
    message: str, build: Callable[..., object], arguments: list[Any]
) -> None:
    assert built_wrongly(build, *arguments) == message


def test_a_builder_that_was_not_called() -> None:
    message = built_wrongly(v.array, v.string)
    assert message.startswith("the element of v.array is <bound method ValidatorBuilder.string of ")
    assert message.endswith(", which is no validator: call the builder: v.string(), not v.string")


def test_record_keys_may_be_ids_and_unions_of_text() -> None:
    validator = v.record(v.union(v.id("users"), v.id("posts")), v.number())
    validator.check({USER: 1, POST: 2}, TABLES)
    assert not validator.accepts({"a": 1}, TABLES)
