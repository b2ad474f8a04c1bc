"""Conversations as the official clients have them: what mutations start from.

None of the functions does more for a larger argument: a query that is asked for 2^32 letters makes them, and meanwhile
the server serves nobody, which is the function's fault.
"""

import copy
from typing import Any

__all__ = ["conversations"]

Message = dict[str, Any]

_SESSION = "9b6ef3a0-7f0c-4a5e-9d3c-0a2b4c6d8e10"


def _connect(**more: Any) -> Message:
    return {
        "type": "Connect",
        "sessionId": _SESSION,
        "connectionCount": 0,
        "lastCloseReason": "InitialConnect",
        "clientTs": 1_764_000_000_000,
        **more,
    }


def _add(query: int, path: str, **args: Any) -> Message:
    return {"type": "Add", "queryId": query, "udfPath": path, "args": [args]}


def _remove(query: int) -> Message:
    return {"type": "Remove", "queryId": query}


def _modify(base: int, *changes: Message) -> Message:
    return {"type": "ModifyQuerySet", "baseVersion": base, "newVersion": base + 1, "modifications": list(changes)}


def _call(kind: str, request: int, path: str, **args: Any) -> Message:
    return {"type": kind, "requestId": request, "udfPath": path, "args": [args], "componentPath": None}


def _authenticate(base: int, kind: str, **more: Any) -> Message:
    return {"type": "Authenticate", "baseVersion": base, "tokenType": kind, **more}


_EVERYTHING = {
    "integer": {"$integer": "AQAAAAAAAAA="},
    "bytes": {"$bytes": "AAEC"},
    "float": {"$float": "AAAAAAAA+H8="},
    "list": [None, True, 1.5, "text", {"nested": [{}]}],
}

_CONVERSATIONS: list[list[Message]] = [
    [
        _connect(),
        _modify(0, _add(0, "faults:healthy"), _add(1, "faults:turns")),
        _call("Mutation", 0, "faults:turn"),
        _call("Action", 1, "faults:echo", text="hello"),
        _modify(1, _remove(0)),
        _call("Mutation", 2, "faults:turn"),
        _modify(2, _add(2, "faults:anything", **_EVERYTHING), _remove(1)),
        {
            "type": "Event",
            "eventType": "ClientConnect",
            "event": [{"name": "convexClientConstructed", "sessionId": "x"}],
        },
    ],
    [
        _authenticate(0, "User", value="eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"),
        _connect(connectionCount=3, lastCloseReason="WebSocketClosed", maxObservedTimestamp="AAAAAAAAAAA="),
        _authenticate(0, "None"),
        _modify(0, _add(0, "faults:healthy", text="again"), _add(1, "faults:hidden"), _add(2, "faults:raises_data")),
        _call("Mutation", 5, "faults:nope", text="x"),
        _authenticate(1, "Admin", value="reactor|0123456789abcdef", impersonating={"subject": "a", "issuer": "b"}),
    ],
    [
        _connect(),
        _modify(0, *(_add(number, "faults:anything", number=number) for number in range(8))),
        _modify(1, *(_remove(number) for number in range(8))),
        _modify(2, {**_add(0, "faults:healthy"), "journal": '{"endCursor":null}'}),
        _call("Action", 0, "faults:echo", text="x" * 300),
        _call("Action", 1, "faults:action_raises_data"),
        _call("Mutation", 2, "faults:writes_then_raises_data", text="y"),
    ],
]


def conversations() -> list[list[Message]]:
    """Copies that may be changed."""
    return copy.deepcopy(_CONVERSATIONS)
