"""A client's session: the sync protocol as a state machine without I/O.

Messages go in by `receive`, results by `answer_mutation`, `answer_action` and `advance`; messages to send collect in
`outbox`. What is to be done outside (run a function, watch a query, hold a round) is asked of the host.

    received      the newest query set and identity that the client asked for
    sent          the version that the client has once it has read the outbox

Rules follow the official server (get-convex/convex-backend, crates/sync/src/state.rs and worker.rs).
"""

import uuid
from collections.abc import Sequence

from reactor.errors import DeveloperError, KeysUnavailable, ProtocolError
from reactor.live.live_query import Subscription
from reactor.runtime.calls import UNKNOWN, Call, Origin
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.query_run import RunResult
from reactor.sync import messages as wire
from reactor.sync.connection import OutMessage
from reactor.sync.host import Closing, Host
from reactor.sync.moment import Moment, News

__all__ = ["MOST_HELD_BYTES", "Session"]

MOST_HELD_BYTES = 32 * 2**20
"""Messages that may wait for an authentication. Official clients send little before they know that it succeeded."""

_HELD_OVERHEAD = 64
"""What a message takes beside its bytes, so that empty ones are not free."""


class Session:
    """One socket's state. `closing` is set when the session is over."""

    __slots__ = (
        "_actions",
        "_base_identity",
        "_changed",
        "_chunked",
        "_clock_due",
        "_held",
        "_held_bytes",
        "_host",
        "_id",
        "_id_text",
        "_mutations",
        "_received_identity",
        "_received_queries",
        "_removed",
        "_sent_identity",
        "_sent_queries",
        "_sent_ts",
        "_skew_ms",
        "_subscriptions",
        "_told_ts",
        "broken",
        "closing",
        "identity",
        "origin",
        "outbox",
    )

    def __init__(self, host: Host, *, chunks: bool = False, origin: Origin = UNKNOWN) -> None:
        """`chunks`: the client takes a large transition in pieces. `origin`: where it is."""
        self._host, self._chunked, self.origin = host, chunks, origin
        self.outbox: list[OutMessage] = []
        self.closing: Closing | None = None
        self.broken = False  # see `Line`
        self.identity: Identity = ANONYMOUS
        self._id: bytes | None = None
        self._id_text = ""
        self._skew_ms: float | None = None
        self._clock_due = False
        self._received_queries = self._received_identity = 0
        self._sent_queries = self._sent_identity = self._sent_ts = 0
        self._told_ts = 0  # the newest commit that the client knows of from responses, or from before
        self._subscriptions: dict[int, Subscription] = {}
        self._changed: dict[Subscription, None] = {}  # may have results that the client does not have
        self._removed: dict[int, None] = {}
        self._mutations: list[_Waiting] = []
        self._actions = 0
        self._base_identity = 0  # of the authentication under way
        self._held: list[bytes] | None = None  # what came since that, or since a state is waited for; or None
        self._held_bytes = 0

    # What the client says

    def receive(self, payload: bytes) -> None:
        """One message from the client. What comes behind an authentication is handled when that is decided."""
        if self.closing is not None:
            return
        if self._held is not None:
            self._hold(self._held, payload)
            return
        try:
            self._handle(wire.parse(payload))
        except ProtocolError as error:
            self._send(wire.fatal_error(str(error)))
            self.close(None)

    def close(self, code: int | None, reason: str = "") -> None:
        """End the session; of several reasons the first counts."""
        if self.closing is None:
            self.closing = Closing(code, reason)

    def ended(self) -> None:
        """The socket is gone: forget everything. Mutations and actions that run go on."""
        self.close(None)
        for subscription in self._subscriptions.values():
            self._host.unwatch(subscription)
        self._subscriptions = {}
        self._changed = {}

    def _handle(self, message: wire.ClientMessage) -> None:
        match message:
            case wire.Mutation():
                self._mutate(message)
            case wire.ModifyQuerySet():
                self._modify(message)
            case wire.Action():
                self._act(message)
            case wire.Authenticate():
                self._authenticate(message)
            case wire.Connect():
                self._connect(message)
            case wire.Event():
                pass  # clients report timings; nobody here reads them

    def _connect(self, message: wire.Connect) -> None:
        try:
            session = uuid.UUID(message.sessionId)
        except ValueError:
            raise ProtocolError("Received Invalid JSON on websocket: sessionId is not a UUID") from None
        self._id, self._id_text = session.bytes, str(session)
        if message.clientTs:  # Rust and Python clients always send 0
            self._skew_ms = message.clientTs - self._host.now_ns() / 1e6
            self._clock_due = True
        if message.maxObservedTimestamp is not None:
            self._told_ts = wire.decode_ts(message.maxObservedTimestamp)
            if self._told_ts > self._host.newest():
                self._held = []
                self._host.reach(self, self._told_ts)

    def _modify(self, message: wire.ModifyQuerySet) -> None:
        if message.baseVersion != self._received_queries:
            raise ProtocolError(
                f"Base version {message.baseVersion} passed up doesn't match the current version "
                f"{self._received_queries}"
            )
        if message.newVersion <= message.baseVersion:
            self._fail()
            return
        for change in message.modifications:
            if not (self._add(change) if isinstance(change, wire.Add) else self._remove(change.queryId)):
                self._fail()
                return
        self._received_queries = message.newVersion
        self._host.update(self)

    def _add(self, add: wire.Add) -> bool:
        if add.queryId in self._subscriptions:
            return False
        if len(self._subscriptions) >= self._host.limits.max_socket_queries:
            self.close(1013, "TooManyConcurrentRequests")
            return True
        subscription = self._host.watch(self, add.queryId, _path(add), bytes(add.args), add.journal)
        self._subscriptions[add.queryId] = subscription
        self._changed[subscription] = None
        return True

    def _remove(self, query_id: int) -> bool:
        subscription = self._subscriptions.pop(query_id, None)
        if subscription is None:
            return False
        self._changed.pop(subscription, None)
        self._host.unwatch(subscription)
        self._removed[query_id] = None
        return True

    def _authenticate(self, message: wire.Authenticate) -> None:
        if message.baseVersion != self._received_identity:
            self._fail()
            return
        self._base_identity = message.baseVersion
        self._held, self._held_bytes = [], 0
        self._host.authenticate(self, message)

    def _hold(self, held: list[bytes], payload: bytes) -> None:
        if self._held_bytes > MOST_HELD_BYTES:
            self.close(1013, "TooManyConcurrentRequests")
            return
        held.append(payload)
        self._held_bytes += len(payload) + _HELD_OVERHEAD

    def _become(self, identity: Identity) -> None:
        self.identity = identity
        self._received_identity += 1
        self._clock_due = self._skew_ms is not None  # clients judge a token's life by it when it is confirmed
        for subscription in self._subscriptions.values():
            # Another identity may see other results. What it sees alike is not sent again.
            self._host.identity_changed(subscription)
            self._changed[subscription] = None
        self._host.update(self)

    def _expired(self) -> bool:
        """Whether the client has to prove again who it is; then it is told so, and comes back with a new token."""
        if not self._is_past():
            return False
        self._send(wire.auth_error("Convex token identity expired", self._received_identity, attempted=False))
        self.close(None)
        return True

    def _is_past(self) -> bool:
        expires = self.identity.expires
        return expires is not None and self._host.now_ns() / 1e9 >= expires

    def _mutate(self, message: wire.Mutation) -> None:
        if self._expired():
            return
        if len(self._mutations) >= self._host.limits.max_queued_mutations:
            self.close(1013, "TooManyConcurrentMutations")
            return
        call = self._call(message)
        call.session = self._id
        self._mutations.append(_Waiting(message.requestId))
        self._host.mutate(self, message.requestId, call)

    def _act(self, message: wire.Action) -> None:
        if self._expired():
            return
        if self._actions >= self._host.limits.max_socket_actions:
            self.close(1013, "TooManyInflightActionsForSingleClient")
            return
        self._actions += 1
        self._host.act(self, message.requestId, self._call(message))

    def _call(self, message: wire.Mutation | wire.Action) -> Call:
        call = Call(_path(message), bytes(message.args), self.identity, origin=self.origin)
        if self._id is not None:
            call.client, call.request = self._id_text, message.requestId
        return call

    def _fail(self) -> None:
        """The client asks for what cannot be; as the official server, say nothing more than that."""
        self.close(1011, "InternalServerError")

    # What it gets

    def answer_authentication(self, identity: Identity | None, error: BaseException | None) -> None:
        """It is decided who the client is, or the error says why not. Then what came meanwhile is handled."""
        held, self._held = self._held or (), None
        if self.closing is not None:
            return
        if isinstance(error, DeveloperError):
            self._send(wire.auth_error(str(error), self._base_identity, attempted=True))
            self.close(None)
        elif isinstance(error, KeysUnavailable):
            self.close(1013, "AuthProviderDiscoveryFailed")
        elif identity is None:
            self._fail()
        else:
            self._become(identity)
        for payload in held:
            self.receive(payload)

    def reached(self, there: bool) -> None:
        """Whether the state that the client has seen is here too. Then what came meanwhile is handled."""
        held, self._held = self._held or (), None
        if not there:
            self._fail()  # never pretend that it did not happen
        for payload in held:
            self.receive(payload)

    def answer_mutation(self, request: int, result: RunResult) -> None:
        """A mutation has ended. Answers leave in the order in which the mutations came."""
        for waiting in self._mutations:
            if waiting.request == request and waiting.result is None:
                waiting.result = result
                break
        while self._mutations and (done := self._mutations[0].result) is not None:
            self._send(wire.mutation_response(self._mutations.pop(0).request, done))
            if done.failure is None and done.ts > self._told_ts:
                self._told_ts = done.ts
        self._host.update(self)

    def answer_action(self, request: int, result: RunResult) -> None:
        """An action has ended."""
        self._actions -= 1
        self._send(wire.action_response(request, result))
        self._host.update(self)

    def changed(self, subscription: Subscription) -> None:
        """A query of this session has a new result."""
        self._changed[subscription] = None

    def advance(self, moment: Moment) -> bool:
        """Live queries are at `moment`: send the step from what the client has to there.

        False, and nothing is sent, when that cannot be yet: a query has no result because it began during the round,
        or the client was told of a commit after `moment`, by a response or by another server. The first transition
        after a response has its effects. Nor is anything sent to a client whose token has expired.
        """
        if self.identity.expires is not None and self._must_not_see():
            return False
        news = None if self._told_ts > moment.ts else self._news()
        if news is None:
            return False
        for subscription in self._changed:
            subscription.sent = subscription.live.result
        self._changed = {}  # a new one, since a dict never shrinks
        self.outbox += self._step(moment, news)
        self._sent_queries, self._sent_identity = self._received_queries, self._received_identity
        self._sent_ts = moment.ts
        return True

    def _must_not_see(self) -> bool:
        # A client that is just proving again who it is shall not be cut off for its old token.
        return self._expired() if self._held is None else self._is_past()

    def _news(self) -> News | None:
        news: News = []
        for subscription in self._changed:
            result = subscription.live.result
            if result is None:
                return None
            if not result.same_as(subscription.sent):
                news.append((subscription.query_id, result))
        if len(news) > 1:
            news.sort(key=_query_id)
        return news

    def _step(self, moment: Moment, news: News) -> Sequence[OutMessage]:
        start = (self._sent_queries, self._sent_identity, self._sent_ts)
        end = (self._received_queries, self._received_identity)
        if not self._removed and not self._clock_due:
            return moment.transition(start, end, news, chunked=self._chunked)
        removed = [id for id in self._removed if id not in self._subscriptions]
        self._removed = {}
        return moment.transition(start, end, news, removed=removed, clock=self._clock(), chunked=self._chunked)

    def _clock(self) -> bytes:
        if not self._clock_due or self._skew_ms is None:
            return b""
        self._clock_due = False
        return wire.clock_members(self._skew_ms, self._host.now_ns())

    def _send(self, payload: bytes) -> None:
        self.outbox.append(OutMessage(payload))


class _Waiting:
    """A mutation whose answer has not left yet."""

    __slots__ = ("request", "result")

    def __init__(self, request: int) -> None:
        self.request = request
        self.result: RunResult | None = None


def _path(message: wire.Add | wire.Mutation | wire.Action) -> str:
    # There are no components here; a function of one is refused as what it is, a path that leads nowhere.
    if message.componentPath:
        return f"{message.udfPath} in '{message.componentPath}'"
    return message.udfPath


def _query_id(news: tuple[int, object]) -> int:
    return news[0]
