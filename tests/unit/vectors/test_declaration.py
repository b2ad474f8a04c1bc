"""Vector indexes in schemas: what is allowed, and how they are written down."""

from typing import Any, NotRequired, TypedDict

import pytest

from reactor.errors import LoadError
from reactor.schema import Schema, Table, define_schema, define_table
from reactor.values import v

NUMBERS = v.array(v.number())


class Book(TypedDict):
    title: str
    at: NotRequired[list[float]]


def books(**options: Any) -> Schema:
    given = {"vector_field": "at", "dimensions": 3, **options}
    return define_schema({"books": define_table(v.any()).vector_index("near", **given)})


def test_it_is_written_down_as_the_admin_api_has_it() -> None:
    schema = books(filter_fields=["genre", "by.name"])
    assert schema.to_json()["tables"][0]["vectorIndexes"] == [
        {"indexDescriptor": "near", "vectorField": "at", "dimensions": 3, "filterFields": ["genre", "by.name"]}
    ]
    assert schema.to_json()["tables"][0]["indexes"] == []


def test_other_dimensions_and_filters_are_another_index() -> None:
    assert books() == books()
    assert books() != books(dimensions=4)
    assert books() != books(filter_fields=["genre"])
    assert books() != books(staged=True)


@pytest.mark.parametrize(
    "table",
    [
        define_table(at=NUMBERS),
        define_table(at=v.optional(NUMBERS)),
        define_table(at=v.union(v.null(), NUMBERS)),
        define_table(at=v.array(v.union(v.string(), v.number()))),
        define_table(at=v.array(v.any())),
        define_table(at=v.any()),
        define_table(v.union(v.object({"at": NUMBERS}), v.object({"n": v.number()}))),
        define_table(Book),
    ],
)
def test_fields_that_can_hold_a_vector(table: Table) -> None:
    define_schema({"books": table.vector_index("near", vector_field="at", dimensions=3)})


def test_paths_into_objects_and_records() -> None:
    table = define_table(inner=v.object({"at": NUMBERS}), by_model=v.record(v.string(), NUMBERS))
    table = table.vector_index("one", vector_field="inner.at", dimensions=2)
    define_schema({"books": table.vector_index("two", vector_field="by_model.small", dimensions=2)})


@pytest.mark.parametrize("at", [v.number(), v.array(v.string()), v.array(v.int64()), v.object({"x": v.number()})])
def test_fields_that_cannot(at: Any) -> None:
    table = define_table(at=at).vector_index("near", vector_field="at", dimensions=3)
    with pytest.raises(LoadError, match=r'index "near" of table "books": the field `at` cannot hold a vector: declare'):
        define_schema({"books": table})
    define_schema(
        {"books": define_table(at=at).vector_index("n", vector_field="at", dimensions=3)}, schema_validation=False
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dimensions": 1}, "has the dimensions 1: give the length of the vectors, a whole number from 2 to 4096"),
        ({"dimensions": 4097}, "has the dimensions 4097"),
        ({"dimensions": 3.0}, r"has the dimensions 3\.0"),
        ({"dimensions": True}, "has the dimensions True"),
        ({"vector_field": 5}, "takes the name of a field as vector_field"),
        ({"filter_fields": "genre"}, "a list of such as filter_fields, not 'at' and 'genre'"),
        ({"filter_fields": [f"f{n}" for n in range(17)]}, "has 17 filter fields: at most 16"),
        ({"filter_fields": ["genre", "genre"]}, "has the field `genre` twice"),
        ({"filter_fields": ["at"]}, "has the field `at` twice"),
        ({"filter_fields": ["_id"]}, "`_id` ends every index by itself"),
        ({"vector_field": "_at"}, "the field `_at` begins with `_`"),
        ({"vector_field": "a..b"}, "in the field path"),
    ],
)
def test_what_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(LoadError, match=text):
        books(**options)


def test_names_are_shared_with_other_indexes() -> None:
    table = define_table(v.any()).index("near", ["n"]).vector_index("near", vector_field="at", dimensions=3)
    with pytest.raises(LoadError, match='two indexes of the name "near"'):
        define_schema({"books": table})


def test_a_table_has_four_at_most() -> None:
    table = define_table(v.any())
    for name in "abcde":
        table = table.vector_index(name, vector_field=name, dimensions=3)
    with pytest.raises(LoadError, match='table "books" has 5 vector indexes: at most 4 are allowed'):
        define_schema({"books": table})


def test_a_filter_field_must_be_possible() -> None:
    table = define_table(at=NUMBERS).vector_index("near", vector_field="at", dimensions=3, filter_fields=["genre"])
    with pytest.raises(LoadError, match="no document of the table can have the field `genre`"):
        define_schema({"books": table})
