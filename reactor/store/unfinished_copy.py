"""The mark of a database that is being filled by `reactor copy`: a table, which is there until the copy is complete."""

from reactor.errors import StoreError

__all__ = ["MARK", "unfinished"]

MARK = "unfinished_copy"
"""The table's name. Its row says how far the copy is."""


def unfinished(place: str) -> StoreError:
    """What a server that is started on it hears."""
    return StoreError(
        f"{place} is a copy that is not complete: give the same `reactor copy` again, which goes on with it, or start "
        "on what it is copied from"
    )
