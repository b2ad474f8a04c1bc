"""What a session asks of the server around it, and how it says that it is over."""

from typing import TYPE_CHECKING, Protocol

from reactor.live.live_query import Subscription
from reactor.runtime.calls import Call
from reactor.sync import messages as wire

if TYPE_CHECKING:
    from reactor.sync.session import Session

__all__ = ["Closing", "Host", "SessionLimits"]


class SessionLimits(Protocol):
    """What one socket may have under way."""

    @property
    def max_queued_mutations(self) -> int:
        """Mutations without an answer."""
        ...

    @property
    def max_socket_queries(self) -> int:
        """Subscriptions."""
        ...

    @property
    def max_socket_actions(self) -> int:
        """Actions without an answer."""
        ...


class Closing:
    """The session is over: close the socket with this code (None: without one) and reason."""

    __slots__ = ("code", "reason")

    def __init__(self, code: int | None, reason: str = "") -> None:
        self.code, self.reason = code, reason


class Host(Protocol):
    """What a session needs from the server."""

    @property
    def limits(self) -> SessionLimits:
        """What a session may have under way."""
        ...

    def newest(self) -> int:
        """The newest visible timestamp."""
        ...

    def reach(self, session: "Session", ts: int) -> None:
        """Find out whether there is a commit at `ts`, then call `reached`, perhaps before this returns."""
        ...

    def now_ns(self) -> int:
        """The wall clock."""
        ...

    def watch(self, session: "Session", query_id: int, path: str, args: bytes, journal: str | None) -> Subscription:
        """Subscribe the session to a query."""
        ...

    def identity_changed(self, subscription: Subscription) -> None:
        """The session has another identity now: its subscription moves to the query that answers that one."""
        ...

    def unwatch(self, subscription: Subscription) -> None:
        """End a subscription."""
        ...

    def mutate(self, session: "Session", request: int, call: Call) -> None:
        """Run a mutation, then call `answer_mutation`; never before this returns."""
        ...

    def act(self, session: "Session", request: int, call: Call) -> None:
        """Run an action, then call `answer_action`; never before this returns."""
        ...

    def update(self, session: "Session") -> None:
        """Call `advance` soon."""
        ...

    def authenticate(self, session: "Session", message: wire.Authenticate) -> None:
        """Find out who the client is, then call `answer_authentication`, perhaps before this returns."""
        ...
