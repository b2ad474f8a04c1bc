"""What one call from outside may use, and what it has used."""

from __future__ import annotations

from typing import NamedTuple

from tests.integration.programs.documents import Fault, developer

__all__ = ["Limits", "Usage"]


class Usage:
    """What has been used so far. What was exceeded stays spent."""

    def __init__(self) -> None:
        self.documents_read = self.documents_written = 0

    def read(self, limits: Limits) -> None:
        """A document is handed out. Raises Fault for one too many."""
        self.documents_read += 1
        if self.documents_read > limits.documents_read:
            raise limits.exceeded("documents_read", "TooManyDocumentsRead", "documents read")

    def write(self, limits: Limits) -> None:
        """A document is about to be written. Raises Fault for one too many."""
        self.documents_written += 1
        if self.documents_written > limits.documents_written:
            raise limits.exceeded("documents_written", "TooManyWrites", "writes")


class Limits(NamedTuple):
    """What one call from outside may do."""

    documents_read: int
    documents_written: int
    nested_calls: int
    granted: tuple[tuple[str, int], ...] = ()
    """What the innermost call that narrowed a budget was given of it."""

    def narrowed(self, given: dict[str, int], used: Usage) -> Limits:
        """The limits of a call that gets so much besides what is used already."""
        limits = self
        for name, amount in given.items():
            limit = getattr(used, name) + amount
            if limit < getattr(limits, name):
                limits = limits._replace(**{name: limit}, granted=(*limits.granted, (name, amount)))
        return limits

    def exceeded(self, name: str, code: str, what: str) -> Fault:
        granted = dict(self.granted)
        if name in granted:
            return developer(code, f"Too many {what} in a nested call (limit: {granted[name]}, ")
        return developer(code, f"Too many {what} in a single function execution (limit: {getattr(self, name)})")
