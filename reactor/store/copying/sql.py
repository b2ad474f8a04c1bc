"""Pieces of SQL that are made from lists of columns."""

from collections.abc import Sequence

__all__ = ["listed", "marks"]


def listed(columns: Sequence[str]) -> str:
    """Columns with commas between them."""
    return ", ".join(columns)


def marks(number: int) -> str:
    """Places for so many values, as SQLite writes them."""
    return ", ".join("?" * number)
