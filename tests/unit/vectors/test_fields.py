"""What a vector index takes from documents, and the keys that it makes of it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.overlay import id_in_key
from reactor.values import UNSET, Int64, encode_id, encode_value, has_prefix
from reactor.vectors.fields import EVERYTHING, VectorFields, filter_part, numbers, value_range

ID = encode_id(10_001, bytes(range(16)))
FIELDS = VectorFields(2, ("at", "genre", "by.name"))

scalars = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=200) | st.binary(max_size=200)


def document(**fields: Any) -> dict[str, Any]:
    return {"_id": ID, "_creationTime": 1.0, **fields}


@pytest.mark.parametrize("vector", [[1.0, 2.0], [1, 2], [0.0, -0.0], [1e308, 1e308], [1, 2.5]])
def test_lists_of_numbers_are_vectors(vector: list[float]) -> None:
    found = numbers(vector, 2)
    assert found is not None
    assert list(found) == vector


@pytest.mark.parametrize(
    "value",
    [UNSET, None, "ab", b"ab", 1.0, [], [1.0], [1.0] * 3, (1.0, 2.0), [1.0, None], [1.0, "2"], [1.0, True]]
    + [[Int64(1), 2.0], [1.0, math.nan], [math.inf, 1.0], [math.inf, -math.inf], [10**400, 1.0], [[1.0], 2.0]],
)
def test_anything_else_is_none(value: Any) -> None:
    assert numbers(value, 2) is None
    assert FIELDS.keys(document(at=value)) == []


def test_a_document_has_a_key_for_all_and_one_for_each_filter_field() -> None:
    everything, genre, name = FIELDS.keys(document(at=[1.0, 2.0], genre="novel", by={"name": "Woolf"}))
    ((lower, upper),) = EVERYTHING
    assert lower <= everything < upper
    assert has_prefix(genre, b"\x01" + encode_value("novel"))
    assert has_prefix(name, b"\x02" + encode_value("Woolf"))
    assert [id_in_key(key) for key in (everything, genre, name)] == [ID] * 3


def test_keys_change_with_what_a_search_depends_on() -> None:
    before = FIELDS.keys(document(at=[1.0, 2.0], genre="novel"))
    assert FIELDS.keys(document(at=[1.0, 2.0], genre="novel", title="x")) == before
    changed = [a == b for a, b in zip(before, FIELDS.keys(document(at=[1.0, 2.0], genre="poem")), strict=True)]
    assert changed == [True, False, True]
    assert not set(before) & set(FIELDS.keys(document(at=[1.0, 2.5], genre="novel")))


@given(scalars, scalars)
def test_the_range_of_a_value_holds_the_keys_with_it_and_no_others(one: Any, other: Any) -> None:
    same = encode_value(one) == encode_value(other)
    lower, upper = value_range(0, filter_part(one))
    assert (lower <= FIELDS.keys(document(at=[1.0, 2.0], genre=other))[1] < upper) is same


def test_missing_and_null_are_two_values() -> None:
    assert filter_part(UNSET) == FIELDS.parts(document())[0] != filter_part(None)


def test_long_values_make_short_keys() -> None:
    assert len(FIELDS.keys(document(at=[1.0, 2.0], genre="x" * 100_000))[1]) < 120
