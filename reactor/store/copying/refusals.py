"""Why a copy does not begin, in words that both kinds of targets share."""

from reactor.errors import StoreError

__all__ = ["has_data", "other_source"]


def has_data(place: str, kind: str) -> StoreError:
    """The target is in use already; `kind` is what to choose another of."""
    return StoreError(f"{place} has data, and a copy is made only where there are none: choose another {kind}")


def other_source(place: str, source: str) -> StoreError:
    """The target has the beginning of another copy."""
    return StoreError(
        f"{place} has an unfinished copy of {source}: copy that one to its end, or give --again to forget it"
    )
