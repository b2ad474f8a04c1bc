"""What a schema may say of a text index.

The rules are those of get-convex/convex-backend, crates/common/src/schemas/mod.rs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from ..errors import LoadError
from .postings import KIND, LENGTHS

__all__ = ["check_count", "check_fields", "companion", "is_companion", "is_search", "lengths_kind", "to_json"]

_MOST_FILTERS = 16
_MOST_INDEXES = 4


class Declared(Protocol):
    """An index as a schema has it."""

    name: str
    fields: tuple[str, ...]
    kind: str


def is_search(kind: str) -> bool:
    """Whether an index of this kind is one over texts."""
    return kind == KIND


def companion(name: str) -> str:
    """The name of the aggregate that goes with a text index: how many texts there are, and of how many words."""
    return name + LENGTHS


def is_companion(name: str) -> bool:
    """Whether this is the name of such an aggregate, which nobody declares or reads by himself."""
    return name.endswith(LENGTHS)


def lengths_kind(aggregate: str, name: str, field: str) -> str:
    """The kind of that aggregate. It has the index's name in it, so that two indexes over one field have two."""
    return f"{aggregate} {LENGTHS}{field} {name}"


def to_json(index: Declared) -> dict[str, Any]:
    """The serialised form that the admin API gives of an index over texts."""
    field, *filters = index.fields
    return {"indexDescriptor": index.name, "searchField": field, "filterFields": filters}


def check_count(count: int, table: str) -> None:
    """Raises LoadError when a table has too many of them."""
    if count > _MOST_INDEXES:
        raise LoadError(f'table "{table}" has {count} search indexes: at most {_MOST_INDEXES} are allowed')


def check_fields(fields: Sequence[str], where: str) -> None:
    """Raises LoadError for fields, that of the text first, that an index cannot have together."""
    _, *filters = fields
    if len(filters) > _MOST_FILTERS:
        raise LoadError(f"{where} has {len(filters)} filter fields: at most {_MOST_FILTERS} are allowed")
    for position, field in enumerate(filters):
        if field in filters[:position]:
            raise LoadError(f"{where} has the filter field `{field}` twice: name it once")
