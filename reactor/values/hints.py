"""Type hints as validators: the second way, beside `v`, to declare arguments and results.

Which hints there are, and what a handler gets for each, stands in `hint_kinds`; how parameter names are spelled on the
wire, in `signatures`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .argument_names import ArgumentsValidator
from .hint_classes import to_plain
from .hint_kinds import Converter, DocumentId, Id, read_hint
from .kinds import Value
from .signatures import Binder, Signature, read_signature
from .validator_kinds import TableNames, Validator
from .validators import ObjectValidator

__all__ = [
    "ArgumentsValidator",
    "Binder",
    "Converter",
    "DocumentId",
    "Id",
    "Signature",
    "convert",
    "converter_from_hint",
    "read_signature",
    "returns_from_signature",
    "to_plain",
    "validator_from_hint",
    "validator_from_signature",
]


def validator_from_hint(hint: Any, where: str = "hint") -> Validator:
    """The validator for a type hint; raises LoadError, which begins with `where`, for one that describes no values."""
    return read_hint(hint, where).validator


def converter_from_hint(hint: Any, where: str = "hint") -> Converter | None:
    """How to make what the hint promises from a checked value; None when the value is that already."""
    return read_hint(hint, where).convert


def convert(hint: Any, value: Value, tables: TableNames) -> Any:
    """`value`, which matches the hint's validator, as the hint promises it: instances built, whole floats as int.

    `tables` decides between members of a union that differ by the table of an id. For calls that repeat, keep the
    result of `converter_from_hint`.
    """
    converter = converter_from_hint(hint)
    return value if converter is None else converter(value, tables)


def validator_from_signature(handler: Callable[..., Any]) -> tuple[ObjectValidator | None, dict[str, tuple[str, ...]]]:
    """The validator of a handler's arguments by its hints, and the spellings of each parameter on the wire.

    The validator is None when anything goes (`**args`). The first spelling is the canonical one, in camelCase. Raises
    LoadError as `read_signature` does, which also tells how to bind the arguments.
    """
    signature = read_signature(handler)
    validator = signature.validator
    return validator if isinstance(validator, ObjectValidator) else None, signature.names


def returns_from_signature(handler: Callable[..., Any]) -> Validator | None:
    """The validator of a handler's result by its hint; None without a hint. `-> None` accepts null only."""
    return read_signature(handler).returns
