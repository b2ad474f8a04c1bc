"""Which fields filters and indexes may name."""

from collections.abc import Iterator

from reactor.values.validators import (
    ConstrainedValidator,
    ObjectValidator,
    OptionalValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)

__all__ = ["paths_of"]


def paths_of(validator: Validator, prefix: str = "") -> Iterator[str]:
    """Paths to what can be inside of a document, not into arrays; a record's keys as a template in backquotes."""
    if isinstance(validator, OptionalValidator | ConstrainedValidator):
        yield from paths_of(validator.inner, prefix)
    elif isinstance(validator, UnionValidator):
        for member in validator.members:
            yield from paths_of(member, prefix)
    elif isinstance(validator, ObjectValidator):
        for name, field in validator.fields.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from paths_of(field, path)
    elif isinstance(validator, RecordValidator):
        yield f"`{prefix}.${{string}}`"
