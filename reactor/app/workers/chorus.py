"""Events of several workers, told as those of one server."""

from collections import Counter
from collections.abc import Callable
from typing import Any

__all__ = ["Chorus"]

_IN_UNISON = frozenset({"loaded", "reload_failed", "reload_overtaken", "sign_in", "sign_in_failed"})
"""Told by every worker of the same thing."""
_OF_ALL = frozenset({"migration", "schema_progress"})
"""Told by one of them, of what they have in common."""


class Chorus:
    """Passes events of workers on to the terminal: what all tell once, and the rest with the worker's number."""

    def __init__(self, events: Callable[..., None]) -> None:
        self._events = events
        self._told: dict[str, Counter[int]] = {kind: Counter() for kind in _IN_UNISON}

    def tell(self, number: int, kind: str, fields: dict[str, Any]) -> None:
        """A worker has something to tell."""
        if kind in _OF_ALL or (kind in _IN_UNISON and self._is_news(number, kind)):
            self._events(kind, **fields)
        elif kind not in _IN_UNISON:
            self._events(kind, **{**fields, "worker": number})

    def begins(self, number: int) -> None:
        """A worker starts; what it tells from now on is not what others have told before."""
        for told in self._told.values():
            told[number] = max(told.values(), default=0)

    def _is_news(self, number: int, kind: str) -> bool:
        # The first to tell something for the n-th time is heard. Those who tell it after him are at most as far as he.
        told = self._told[kind]
        before = max(told.values(), default=0)
        told[number] += 1
        return told[number] > before
