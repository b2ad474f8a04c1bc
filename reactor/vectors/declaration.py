"""What a schema may say of a vector index.

The rules are those of get-convex/convex-backend, crates/common/src/schemas/mod.rs and
crates/common/src/bootstrap_model/index.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ..errors import LoadError
from ..values.validators import (
    AnyValidator,
    ArrayValidator,
    ConstrainedValidator,
    NumberValidator,
    ObjectValidator,
    OptionalValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)
from .fields import KIND

__all__ = ["Declared", "check_count", "check_fields", "check_shape", "is_vector", "kind_of", "to_json"]

_LEAST_DIMENSIONS, _MOST_DIMENSIONS = 2, 4096
_MOST_FILTERS = 16
_MOST_INDEXES = 4


class Declared(Protocol):
    """An index as a schema has it."""

    name: str
    fields: tuple[str, ...]
    kind: str


def kind_of(name: str, dimensions: Any) -> str:
    """The kind of an index over vectors of so many numbers. Raises LoadError when there cannot be so many."""
    if type(dimensions) is not int or not _LEAST_DIMENSIONS <= dimensions <= _MOST_DIMENSIONS:
        raise LoadError(
            f'vector index "{name}" has the dimensions {dimensions!r:.40}: give the length of the vectors, a whole '
            f"number from {_LEAST_DIMENSIONS} to {_MOST_DIMENSIONS}"
        )
    return f"{KIND} {dimensions}"


def is_vector(kind: str) -> bool:
    """Whether an index of this kind is one over vectors."""
    return kind.partition(" ")[0] == KIND


def to_json(index: Declared) -> dict[str, Any]:
    """The serialised form that the admin API gives of an index over vectors."""
    field, *filters = index.fields
    dimensions = int(index.kind.partition(" ")[2])
    return {
        "indexDescriptor": index.name,
        "vectorField": field,
        "dimensions": dimensions,
        "filterFields": filters,
    }


def check_count(count: int, table: str) -> None:
    """Raises LoadError when a table has too many of them."""
    if count > _MOST_INDEXES:
        raise LoadError(f'table "{table}" has {count} vector indexes: at most {_MOST_INDEXES} are allowed')


def check_fields(fields: Sequence[str], where: str) -> None:
    """Raises LoadError for fields, that of the vector first, that an index cannot have together."""
    _, *filters = fields
    if len(filters) > _MOST_FILTERS:
        raise LoadError(f"{where} has {len(filters)} filter fields: at most {_MOST_FILTERS} are allowed")
    for position, field in enumerate(fields):
        if field in fields[:position]:
            raise LoadError(f"{where} has the field `{field}` twice: name it once")


def check_shape(validator: Validator, path: Sequence[str], where: str) -> None:
    """Raises LoadError when no document of the table can have a vector there."""
    if not any(_is_list_of_numbers(found) for found in _at(validator, path)):
        raise LoadError(
            f"{where}: the field `{'.'.join(path)}` cannot hold a vector: declare it as v.array(v.number()), or in a "
            "hint as list[float]"
        )


def _at(validator: Validator, path: Sequence[str]) -> Iterator[Validator]:
    """The shapes that a value may have at a path, none of them optional or a union."""
    if isinstance(validator, OptionalValidator | ConstrainedValidator):
        yield from _at(validator.inner, path)
    elif isinstance(validator, UnionValidator):
        for member in validator.members:
            yield from _at(member, path)
    elif not path or isinstance(validator, AnyValidator):
        yield validator
    elif isinstance(validator, RecordValidator):
        yield from _at(validator.value, path[1:])
    elif isinstance(validator, ObjectValidator) and path[0] in validator.fields:
        yield from _at(validator.fields[path[0]], path[1:])


def _is_list_of_numbers(validator: Validator) -> bool:
    if isinstance(validator, ArrayValidator):
        return any(isinstance(element, AnyValidator | NumberValidator) for element in _at(validator.element, ()))
    return isinstance(validator, AnyValidator)
