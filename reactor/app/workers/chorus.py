"""Events of several workers, told as those of one server."""

from collections.abc import Callable
from typing import Any

__all__ = ["Chorus"]

_TOPICS = {
    "loaded": "code",
    "reload_failed": "code",
    "sign_in": "users",
    "sign_in_failed": "users",
}
"""What every worker tells of the same thing, and of which."""
_OF_ALL = frozenset({"migration", "schema_progress"})
"""Told by one of them, of what they have in common."""
_SAID_BY_OTHERS = frozenset({"reload_overtaken"})
"""A worker may be asked for new code and at the same time take up what another one has; what comes of it is told."""
_OWN = frozenset({"seconds", "changed"})
"""Fields that differ between workers who tell the same."""


class Chorus:
    """Passes events of workers on to the terminal: what all tell once, and the rest with the worker's number."""

    def __init__(self, events: Callable[..., None]) -> None:
        self._events = events
        self._newest: dict[str, object] = {}

    def tell(self, number: int, kind: str, fields: dict[str, Any]) -> None:
        """A worker has something to tell."""
        if kind in _SAID_BY_OTHERS:
            return
        topic = _TOPICS.get(kind)
        if topic is None:
            self._events(kind, **(fields if kind in _OF_ALL else {**fields, "worker": number}))
            return
        told = kind, {name: value for name, value in fields.items() if name not in _OWN}
        if told != self._newest.get(topic):
            self._newest[topic] = told
            self._events(kind, **fields)

    def reloading(self) -> None:
        """All are to load their code: what comes of it is news, also when it is the same as the last time."""
        self._newest.pop("code", None)
