"""Which code all nodes are to serve: who decides it, and what a node makes of code that was replaced.

A node that begins with code that nobody has served yet brings it, and all others follow. One that begins with code that
was replaced has most likely only been restarted before it got the new files; so it brings nothing while another node
serves the newest. Who wants to go back says so.
"""

import hashlib
from collections.abc import Iterable

from reactor.errors import ReactorError
from reactor.nodes.rows import CodeRow, NodeRow
from reactor.version import VERSION

__all__ = ["CodeSuperseded", "code_hash", "decide", "is_refused"]

_REMEMBERED = 64
"""Hashes of replaced code that are kept."""


class CodeSuperseded(ReactorError):
    """Other nodes serve newer code than that in the folder of this one."""

    def __init__(self) -> None:
        super().__init__(
            "Other servers of this database serve newer code than this folder has. Put their version into it; or, if "
            "this is what all shall go back to, start one server with --set roll_back=on."
        )


def code_hash(sources: str) -> str:
    """What tells code from other code: a hash of its sources, and the version of Reactor that serves it."""
    return hashlib.sha256(f"{VERSION} {sources}".encode()).hexdigest()


def decide(known: CodeRow | None, code: str) -> CodeRow:
    """What all are to serve after a node has brought code, as a hash."""
    if known is None:
        return CodeRow(1, code)
    if known.code == code:
        return known
    past = [*(old for old in known.past if old != code), known.code]
    return CodeRow(known.version + 1, code, past[-_REMEMBERED:])


def is_refused(known: CodeRow | None, code: str, nodes: Iterable[NodeRow]) -> bool:
    """Whether a node that begins with this code has to leave it to these others."""
    if known is None or code not in known.past:
        return False
    return any(node.version == known.version for node in nodes)
