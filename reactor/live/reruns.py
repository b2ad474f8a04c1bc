"""The answer to "why did it run again?": the latest runs of live queries with their causes."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from reactor.live.live_query import Reason
from reactor.store.seam import CATALOG_INDEX, id_in_key

__all__ = ["LONGEST_ARGS", "Asked", "Reruns", "describe"]

IndexName = Callable[[int], str]
"""Gives the name of an index, as table.index."""

_KEPT = 500
LONGEST_ARGS = 500
"""Bytes of a run's arguments that are kept: they may have megabytes, and nobody reads those here."""


class Asked(Protocol):
    """A query with arguments."""

    @property
    def path(self) -> str:
        """The function's path."""
        ...

    @property
    def args(self) -> bytes:
        """The arguments' text, or its beginning."""
        ...


class Reruns:
    """The last few hundred runs, or results that were dropped, newest last. Put into words only when asked."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: deque[tuple[str, bytes, Reason]] = deque(maxlen=_KEPT)

    def add(self, query: Asked, reason: Reason) -> None:
        """A query ran, or its result was dropped, for this reason."""
        args = query.args
        self._runs.append((query.path, args if len(args) <= LONGEST_ARGS else args[:LONGEST_ARGS], reason))

    def recent(self, index_name: IndexName) -> list[dict[str, Any]]:
        """The latest runs, newest first: query, arguments (their beginning), and the fields of `describe`."""
        return [
            {"query": path, "args": args.decode("utf-8", "replace"), **describe(reason, index_name)}
            for path, args, reason in reversed(self._runs)
        ]


def describe(reason: Reason, index_name: IndexName) -> dict[str, Any]:
    """A reason as JSON-able fields: for a commit its timestamp (nanoseconds, as text), the function that wrote, the
    index and the document, and the written key with the range that it lies in, in hexadecimal.
    """
    said: dict[str, Any] = {"cause": reason.cause}
    if reason.range is not None:
        catalog = reason.range.index == CATALOG_INDEX
        said |= {
            "ts": str(reason.ts),
            "source": reason.source,
            "index": "tables" if catalog else index_name(reason.range.index),
            "document": None if catalog else id_in_key(reason.key),
            "key": reason.key.hex(),
            "range": [reason.range.lower.hex(), reason.range.upper.hex()],
        }
    return said
