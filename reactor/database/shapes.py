"""What all documents of a table are known to match, as the store remembers it.

A shape is recorded when every document was checked and every write from then on is. A new schema that accepts whatever
the recorded shape accepts needs no look at the documents.
"""

from typing import Any

import msgspec

from reactor.schema import Table
from reactor.values.subsets import is_subset
from reactor.values.validator_json import validator_from_json
from reactor.values.validators import v

__all__ = ["covers", "shape_of"]


class _Shape(msgspec.Struct):
    """`text`: the validator rendered, which tells constraints too; `type`: its serialised form, which can be read."""

    text: str
    type: Any


def shape_of(table: Table | None) -> str | None:
    """The shape that a declaration enforces. None when it checks nothing, or a table is not declared."""
    if table is None or not table.checked:
        return None
    return msgspec.json.encode(_Shape(table.validator.render(), table.validator.to_json())).decode()


def covers(shape: str | None, table: Table) -> bool:
    """Whether all documents of this shape certainly match the table's declaration. Of shape None nothing is known."""
    if not table.checked or table.validator == v.any():
        return True
    if shape is None:
        return False
    try:
        recorded = msgspec.json.decode(shape, type=_Shape)
        return recorded.text == table.validator.render() or is_subset(
            validator_from_json(recorded.type), table.validator
        )
    except ValueError:  # recorded by a version that knew other validators
        return False
