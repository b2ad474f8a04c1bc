"""The moment that a round brings sessions to, and the transitions that lead there.

Most sessions come from the same version and get the same results, so each distinct transition is written once.
"""

from collections.abc import Collection, Sequence

from reactor.live.live_query import Result
from reactor.sync import messages as wire
from reactor.sync.connection import OutMessage

__all__ = ["Moment", "News", "Version"]

Version = tuple[int, int, int]
"""What a client has: query set, identity, timestamp."""

News = list[tuple[int, Result]]
"""Results that a client does not have yet, by ascending query id."""


class Moment:
    """The state at `ts`, in nanoseconds."""

    __slots__ = ("_encoded_ts", "_written", "ts")

    def __init__(self, ts: int) -> None:
        self.ts = ts
        self._encoded_ts = wire.encode_ts(ts)
        self._written: dict[object, list[OutMessage]] = {}

    def transition(
        self,
        start: Version,
        end: tuple[int, int],
        news: News,
        *,
        removed: Collection[int] = (),
        clock: bytes = b"",
        chunked: bool = False,
    ) -> Sequence[OutMessage]:
        """The step from version `start` to query set and identity `end` at this moment.

        `removed` are queries that ended, `clock` as `wire.clock_members` gives it. Several messages only when it is
        large and the client understands chunks.
        """
        if removed or clock:
            return self._write(start, end, news, removed, clock, chunked)
        key = (start, end, tuple(news), chunked)
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = self._write(start, end, news, (), b"", chunked)
        return written

    def _write(
        self,
        start: Version,
        end: tuple[int, int],
        news: News,
        removed: Collection[int],
        clock: bytes,
        chunked: bool,
    ) -> list[OutMessage]:
        changes = [(id, wire.query_removed(id)) for id in removed]
        changes += [(id, wire.query_result(id, result.kind, result.tail)) for id, result in news]
        changes.sort()  # a query is either removed or has a result, so no two have one id
        text = wire.transition(
            wire.version(start[0], start[1], wire.encode_ts(start[2])),
            wire.version(end[0], end[1], self._encoded_ts),
            [change for _, change in changes],
            clock,
        )
        if chunked and len(text) > wire.CHUNK_BYTES:
            return [OutMessage(piece) for piece in wire.chunks(text)]
        return [OutMessage(text)]
