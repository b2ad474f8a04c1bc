"""Identifiers and their two spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.values.identifiers import camel_case, identifier_fault


@pytest.mark.parametrize("name", ["a", "_a", "A9", "a_b", "__1", "x" * 64])
def test_identifiers(name: str) -> None:
    assert identifier_fault(name) is None


SHAPE = "is no identifier: use ASCII letters, digits and `_`, begin with a letter or `_`, and not only underscores"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", SHAPE),
        ("_", SHAPE),
        ("___", SHAPE),
        ("1a", SHAPE),
        ("a-b", SHAPE),
        ("é", SHAPE),
        ("a\n", SHAPE),
        ("x" * 65, "has 65 characters: use at most 64"),
        (None, "is of type NoneType: write a string"),
    ],
)
def test_what_is_none_has_a_remedy(name: object, fault: str) -> None:
    assert identifier_fault(name) == fault


@pytest.mark.parametrize(
    ("snake", "camel"),
    [
        ("user_id", "userId"),
        ("userId", "userId"),
        ("pagination_opts", "paginationOpts"),
        ("a__b", "aB"),
        ("page_2", "page2"),
        ("_id", "_id"),
        ("_creation_time", "_creationTime"),
        ("from_", "from"),
        ("HTTP_code", "HTTPCode"),
        ("_", "_"),
        ("", ""),
    ],
)
def test_camel_case(snake: str, camel: str) -> None:
    assert camel_case(snake) == camel


@given(st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True))
def test_camel_case_is_reached_in_one_step(name: str) -> None:
    assert camel_case(camel_case(name)) == camel_case(name)
