"""Two user tables and a system table, for validators that ask which table an id belongs to."""

from __future__ import annotations

from reactor.values.ids import encode_id


class Tables:
    """A fixed answer to both questions."""

    _numbers = {"users": 10001, "posts": 10002, "_storage": 513}  # noqa: RUF012

    def number_of(self, name: str) -> int | None:
        return self._numbers.get(name)

    def name_of(self, number: int) -> str | None:
        return next((name for name, other in self._numbers.items() if other == number), None)


TABLES = Tables()
USER = encode_id(10001, bytes(16))
POST = encode_id(10002, bytes(16))
FILE = encode_id(513, bytes(16))
STRANGER = encode_id(10099, bytes(16))
"""An id of a table that does not exist."""
