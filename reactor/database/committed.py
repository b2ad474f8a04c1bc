"""What is told of a commit once everybody may see it."""

import msgspec

from reactor.database.ranges import Touch

__all__ = ["Committed"]


class Committed(msgspec.Struct, frozen=True):
    """A commit that became visible: when, which function wrote, and which keys it touched."""

    ts: int
    source: str
    touches: list[Touch]
