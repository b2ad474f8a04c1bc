"""Whether one validator accepts all that another does, told from the validators alone."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta

from reactor.values import COMMIT_TS, Int64, Value, validator_from_hint
from reactor.values.subsets import is_subset
from reactor.values.validator_json import validator_from_json
from reactor.values.validators import ObjectValidator, OptionalValidator, UnionValidator, Validator, v

from .tables import POST, TABLES, USER


def hint(of: Any) -> Validator:
    return validator_from_hint(of, "tests")


POSITIVE = hint(Annotated[float, Meta(gt=0)])
PERCENT = hint(Annotated[float, Meta(gt=0, le=100)])
WORD = hint(Annotated[str, Meta(min_length=1)])


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (v.string(), v.any()),
        (v.string(), v.string()),
        (v.id("users"), v.string()),
        (v.literal("a"), v.string()),
        (v.literal("a"), v.union(v.literal("a"), v.literal("b"))),
        (v.literal(1), v.literal(1.0)),
        (v.literal(Int64(1)), v.int64()),
        (v.literal(Int64(1)), v.commit_ts()),
        (v.int64(), v.commit_ts()),
        (v.union(), v.null()),
        (v.union(v.literal("a"), v.null()), v.nullable(v.string())),
        (v.boolean(), v.union(v.literal(True), v.null(), v.literal(False))),
        (v.array(v.literal(1)), v.array(v.number())),
        (v.record(v.id("users"), v.null()), v.record(v.string(), v.any())),
        (v.object({"a": v.null()}), v.object({"a": v.optional(v.null()), "b": v.optional(v.string())})),
        (v.object({"a": v.optional(v.literal(1))}), v.object({"a": v.optional(v.number())})),
        (v.object({"a": v.null(), "b": v.optional(v.number())}), v.record(v.string(), v.nullable(v.number()))),
        (v.object({"a": v.null()}), v.union(v.object({}), v.object({"a": v.any()}))),
        (PERCENT, v.number()),
        (PERCENT, POSITIVE),
        (v.literal("a"), WORD),
        (v.literal(5), v.nullable(PERCENT)),
    ],
)
def test_what_is_certain(narrow: Validator, wide: Validator) -> None:
    assert is_subset(narrow, wide)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (v.any(), v.string()),
        (v.string(), v.literal("a")),
        (v.string(), v.id("users")),
        (v.literal(USER), v.id("users")),
        (v.id("users"), v.id("posts")),
        (v.literal(0.0), v.literal(-0.0)),
        (v.literal(1), v.literal(True)),
        (v.literal(True), v.number()),
        (v.number(), v.int64()),
        (v.commit_ts(), v.int64()),
        (v.boolean(), v.union(v.literal(True), v.null())),
        (v.nullable(v.string()), v.string()),
        (v.array(v.any()), v.array(v.string())),
        (v.object({"a": v.null()}), v.object({})),
        (v.object({}), v.object({"a": v.null()})),
        (v.object({"a": v.optional(v.null())}), v.object({"a": v.null()})),
        (v.object({"a": v.optional(v.null())}), v.object({"a": v.any()})),
        (v.record(v.string(), v.null()), v.object({})),
        (v.object({"a": v.null()}), v.record(v.id("users"), v.null())),
        (v.number(), POSITIVE),
        (POSITIVE, PERCENT),
        (v.literal(""), WORD),
        (v.array(v.null()), v.record(v.string(), v.null())),
    ],
)
def test_what_is_not(narrow: Validator, wide: Validator) -> None:
    assert not is_subset(narrow, wide)


scalars: st.SearchStrategy[Value] = st.sampled_from(
    [None, True, False, 0, 1, -0.0, 1.5, Int64(0), Int64(1), "", "a", b"", USER, POST]
)
leaves: st.SearchStrategy[Validator] = st.sampled_from(
    [
        v.any(), v.null(), v.number(), v.int64(), v.commit_ts(), v.boolean(), v.string(), v.bytes(), v.union(),
        v.id("users"), v.id("posts"), v.literal("a"), v.literal(USER), v.literal(1), v.literal(-0.0), v.literal(True),
        v.literal(False), v.literal(Int64(1)), POSITIVE, PERCENT, WORD, hint(int),
    ]
)  # fmt: skip
keys = st.sampled_from([v.string(), v.id("users"), v.union(v.id("users"), v.id("posts"))])
names = st.sampled_from(["a", "b", "c"])


def containers(inner: st.SearchStrategy[Validator]) -> st.SearchStrategy[Validator]:
    fields = st.dictionaries(names, st.builds(lambda f, o: v.optional(f) if o else f, inner, st.booleans()), max_size=3)
    return (
        st.builds(v.array, inner)
        | st.builds(v.record, keys, inner)
        | st.builds(v.object, fields)
        | st.lists(inner, max_size=3).map(lambda members: v.union(*members))
    )


validators = st.recursive(leaves, containers, max_leaves=6)


@st.composite
def wider(draw: st.DrawFn, of: Validator) -> Validator:
    """A validator that is somewhat like another: often wider, at times not."""
    match draw(st.integers(0, 4)), of:
        case 0, _:
            return of
        case 1, _:
            return v.union(*draw(st.permutations([of, draw(leaves)])))
        case 2, UnionValidator() if of.members:
            return v.union(*draw(st.permutations([draw(wider(member)) for member in of.members])))
        case ((2 | 3), ObjectValidator()):
            fields = {name: draw(changed(field)) for name, field in of.fields.items()}
            if draw(st.booleans()):
                fields[draw(names)] = draw(changed(draw(leaves)))
            return v.object(fields)
        case _:
            return draw(leaves)


@st.composite
def changed(draw: st.DrawFn, field: Validator) -> Validator:
    optional = isinstance(field, OptionalValidator)
    inner = draw(wider(field.inner if isinstance(field, OptionalValidator) else field))
    return v.optional(inner) if optional or draw(st.booleans()) else inner


@st.composite
def accepted(draw: st.DrawFn, by: Validator) -> Value:
    """A value; mostly one that the validator accepts."""
    match by:
        case ObjectValidator():
            kept = {n: f for n, f in by.fields.items() if not isinstance(f, OptionalValidator) or draw(st.booleans())}
            return {n: draw(accepted(f.inner if isinstance(f, OptionalValidator) else f)) for n, f in kept.items()}
        case UnionValidator() if by.members:
            return draw(accepted(draw(st.sampled_from(by.members))))
        case _ if by.kind == "array":
            return [draw(accepted(by.element)) for _ in range(draw(st.integers(0, 2)))]  # pyright: ignore[reportAttributeAccessIssue]
        case _ if by.kind == "record":
            chosen = draw(st.lists(st.sampled_from(["a", "b", USER, POST]), max_size=2))
            return {name: draw(accepted(by.value)) for name in chosen}  # pyright: ignore[reportAttributeAccessIssue]
        case _:
            fitting = [value for value in EXAMPLES if by.accepts(value, TABLES)]
            return draw(st.sampled_from(fitting or EXAMPLES))


EXAMPLES: list[Value] = [
    None, True, False, 0, 1, -0.0, 1.5, 200, Int64(0), Int64(1), COMMIT_TS, "", "a", b"", USER, POST, [], [1], {},
    {"a": 1},
]  # fmt: skip


@given(st.data())
def test_whatever_the_narrow_one_accepts_the_wide_one_accepts(data: st.DataObject) -> None:
    narrow = data.draw(validators, "narrow")
    wide = data.draw(wider(narrow) | validators, "wide")
    value = data.draw(accepted(narrow), "value")
    if is_subset(narrow, wide) and narrow.accepts(value, TABLES):
        assert wide.accepts(value, TABLES)


@given(validators)
def test_every_validator_is_a_subset_of_itself_and_of_unions_with_it(validator: Validator) -> None:
    assert is_subset(validator, validator)
    assert is_subset(validator, v.union(v.null(), validator))
    assert is_subset(v.array(validator), v.array(v.union(validator, v.bytes())))


@given(validators)
@example(v.literal(-0.0))
@example(v.literal(Int64(-(2**63))))
def test_the_serialised_form_reads_back(validator: Validator) -> None:
    again = validator_from_json(validator.to_json())
    assert again.to_json() == validator.to_json()
    assert is_subset(validator, again)
    assert again.render() == validator.render() or "/*" in validator.render()


@pytest.mark.parametrize("form", [None, [], {}, {"type": "email"}, {"type": "array"}, {"type": "object", "value": 1}])
def test_what_is_no_serialised_form_is_refused(form: Any) -> None:
    with pytest.raises(ValueError, match="no serialised validator"):
        validator_from_json(form)
