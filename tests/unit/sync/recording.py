"""The server as a session sees it: it writes down what it is asked, and a test answers."""

import json
from typing import Any

from reactor.errors import DeveloperError
from reactor.live.live_query import LiveQuery, Result, Subscription
from reactor.runtime.calls import Call
from reactor.runtime.failures import Failure
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.query_run import QueryRun, RunResult
from reactor.sync import messages as wire
from reactor.sync.moment import Moment
from reactor.sync.session import Session
from reactor.values.timestamps import encode_ts

__all__ = ["SESSION", "Limits", "RecordingHost", "failed", "result", "ts_text", "updated"]

SESSION = "00000000-0000-4000-8000-000000000001"


class Limits:
    max_queued_mutations = 3
    max_socket_queries = 20
    max_socket_actions = 2


class RecordingHost:
    """One session with its host. Client messages go in by `say`; what the client got comes out of `heard`."""

    def __init__(self, *, chunks: bool = False) -> None:
        self.limits = Limits()
        self.ts = 100
        self.clock_ns = 1_700_000_000_000_000_000
        self.session = Session(self, chunks=chunks)
        self.watched: dict[int, Subscription] = {}
        self.journals: list[str | None] = []
        self.unwatched: list[Subscription] = []
        self.moved: list[Subscription] = []
        self.mutations: list[tuple[int, Call]] = []
        self.actions: list[tuple[int, Call]] = []
        self.asked: list[str] = []
        self.reaching: list[int] = []
        self.updates = 0

    # The host

    def newest(self) -> int:
        return self.ts

    def reach(self, session: Session, ts: int) -> None:
        self.reaching.append(ts)

    def now_ns(self) -> int:
        return self.clock_ns

    def watch(self, session: Session, query_id: int, path: str, args: bytes, journal: str | None) -> Subscription:
        live = LiveQuery((path, args, journal, None), path, args, journal, session.identity)
        self.journals.append(journal)
        self.watched[query_id] = Subscription(session, query_id, live)
        return self.watched[query_id]

    def identity_changed(self, subscription: Subscription) -> None:
        self.moved.append(subscription)

    def unwatch(self, subscription: Subscription) -> None:
        self.unwatched.append(subscription)

    def mutate(self, session: Session, request: int, call: Call) -> None:
        self.mutations.append((request, call))

    def act(self, session: Session, request: int, call: Call) -> None:
        self.actions.append((request, call))

    def update(self, session: Session) -> None:
        self.updates += 1

    def authenticate(self, session: Session, message: wire.Authenticate) -> None:
        if message.tokenType == "User":
            self.asked.append(message.value or "")  # a test answers, when it likes
        elif message.tokenType == "None":
            session.answer_authentication(ANONYMOUS, None)
        elif message.value != "the key":
            session.answer_authentication(None, DeveloperError("a wrong key", code="BadAdminKey"))
        else:
            session.answer_authentication(Identity.admin(message.impersonating or message.acting_as or None), None)

    # The client

    def say(self, type: str, **fields: Any) -> None:
        self.session.receive(json.dumps({"type": type, **fields}).encode())

    def connect(self, **fields: Any) -> None:
        self.say("Connect", sessionId=SESSION, connectionCount=0, lastCloseReason="InitialConnect", **fields)

    def modify(self, base: int, *modifications: dict[str, Any], new: int | None = None) -> None:
        new = base + 1 if new is None else new
        self.say("ModifyQuerySet", baseVersion=base, newVersion=new, modifications=list(modifications))

    def add(self, query_id: int, path: str = "rooms:list", **fields: Any) -> dict[str, Any]:
        return {"type": "Add", "queryId": query_id, "udfPath": path, "args": [{}], **fields}

    def remove(self, query_id: int) -> dict[str, Any]:
        return {"type": "Remove", "queryId": query_id}

    def mutate_with(self, request: int, path: str = "rooms:add", args: Any = None) -> None:
        self.say("Mutation", requestId=request, udfPath=path, args=[args or {}])

    def heard(self) -> list[dict[str, Any]]:
        """What the session has sent since the last call."""
        messages, self.session.outbox = self.session.outbox, []
        return [json.loads(message.payload) for message in messages]

    @property
    def closed(self) -> tuple[int | None, str] | None:
        """Code and reason, None while the session goes on."""
        closing = self.session.closing
        return None if closing is None else (closing.code, closing.reason)

    # Time

    def gives(self, query_id: int, value: Result) -> None:
        """The query's result from now on, as a round finds it."""
        subscription = self.watched[query_id]
        subscription.live.result = value
        self.session.changed(subscription)

    def advance(self, ts: int | None = None, moment: Moment | None = None) -> list[dict[str, Any]]:
        """A round at `ts`; what the client gets."""
        self.ts = self.ts if ts is None else ts
        self.session.advance(moment or Moment(self.ts))
        return self.heard()


def ts_text(ts: int) -> str:
    return encode_ts(ts).decode()


def result(value: bytes, *, ts: int = 0, logs: list[str] | None = None) -> RunResult:
    """A success."""
    return RunResult(value, None, logs or [], ts)


def failed(text: str, data: bytes | None = None, *, id: str = "1") -> RunResult:
    """A failure of a function."""
    return RunResult(b"null", Failure(f"[Request ID: {id}] {text}", data, id, text, ValueError(text)), [])


def updated(run: RunResult | bytes, *, journal: str | None = None) -> Result:
    """A query's result as rounds make it."""
    done = QueryRun(result(run) if isinstance(run, bytes) else run, [], False, journal)
    kind = b"QueryUpdated" if done.failure is None else b"QueryFailed"
    return Result(kind, done.tail(), done.shown(done.tail()), journal)
