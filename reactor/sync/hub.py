"""The hub: all sessions of a server, and what they ask for.

It accepts sockets, hands calls on to queries, mutations and actions, and brings sessions up to date in rounds.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from reactor.database.driving import drive
from reactor.errors import DeveloperError, InvalidValue, ReactorError
from reactor.live.directory import Directory
from reactor.live.held import Held
from reactor.live.live_query import Subscriber, Subscription
from reactor.live.rounds import Rounds, Yielding
from reactor.runtime.actions import Actions
from reactor.runtime.calls import LONGEST_AGENT, Call, Origin, args_key
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.mutations import Mutations
from reactor.runtime.query_run import RunResult
from reactor.sync import messages as wire
from reactor.sync.client_version import check_version, understands_chunks
from reactor.sync.connection import Connection, Refusal, Welcome
from reactor.sync.forwarded import Proxies
from reactor.sync.host import SessionLimits
from reactor.sync.moment import Moment
from reactor.sync.peer import SocketPeer
from reactor.sync.session import Session

__all__ = ["Hub"]

_log = logging.getLogger("reactor.sync")

Verify = Callable[[str], Coroutine[Any, Any, Identity]]

_PATH = re.compile(r"/+api/(?:([^/]+)/)?sync/?")


class Hub:
    """Sessions of one server. `canonical` turns a function path, however spelled, into the one it is known by.

    `verify` gives the user whom a token names, or raises; `clock` gives nanoseconds since 1970.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        mutations: Mutations,
        actions: Actions,
        limits: SessionLimits,
        admin: Callable[[str], bool],
        verify: Verify,
        canonical: Callable[[str], str],
        newest: Callable[[], int],
        reach: Callable[[int], Coroutine[Any, Any, bool]],
        clock: Callable[[], int] = time.time_ns,
        proxies: Proxies | None = None,
    ) -> None:
        self._directory, self._mutations, self._actions = directory, mutations, actions
        self.limits, self._admin, self._verify = limits, admin, verify
        self.canonical, self.newest, self.now_ns = canonical, newest, clock
        self._reach = reach
        self._proxies = proxies or Proxies("off")
        self.rounds: Rounds
        self.held: Held
        self.sessions: dict[Session, SocketPeer] = {}
        self._unsent: dict[SocketPeer, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.transitions = self.connects = 0
        self.refusal: Refusal | None = None
        """What all who want in are answered, None when they may come."""

    # Sockets

    def accept(self, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
        """A socket wants in (see `Listener`)."""
        match = _PATH.fullmatch(path)
        if match is None:
            return Refusal(404, {"code": "NotFound", "message": f"No WebSocket here: use /api/sync, not {path[:100]}."})
        told = check_version(headers.get("convex-client"), match[1])
        if isinstance(told, Refusal):
            return told
        if self.refusal is not None:
            return self.refusal
        chunks = understands_chunks(headers.get("convex-client"), match[1])
        address = self._proxies.client(connection.address, headers.get("x-forwarded-for"))
        session = Session(self, chunks=chunks, origin=_origin(headers, address))
        peer = SocketPeer(self, session, connection)
        self.sessions[session] = peer
        self.connects += 1
        return Welcome(peer, told)

    def forget(self, peer: SocketPeer) -> None:
        """A socket is gone."""
        self.sessions.pop(peer.session, None)
        self._unsent.pop(peer, None)
        self.rounds.requested.pop(peer.session, None)
        peer.session.ended()

    def turn_away(self, refusal: Refusal, code: int) -> None:
        """End every session with a code, and let nobody in until `refusal` is None again."""
        self.refusal = refusal
        self._close_sessions(code, refusal.body["code"])

    def close_all(self, code: int, reason: str) -> None:
        """End every session, and hold no more rounds."""
        self.rounds.close()
        self.held.close()
        self._close_sessions(code, reason)

    def _close_sessions(self, code: int, reason: str) -> None:
        for peer in list(self.sessions.values()):
            peer.session.close(code, reason)
            peer.flush()

    # What sessions ask (see `Host`)

    def watch(self, session: Session, query_id: int, path: str, args: bytes, journal: str | None) -> Subscription:
        """Subscribe a session to a query."""
        try:
            key = args_key(args)
        except InvalidValue:
            key = b"!" + args  # the run will say what is wrong; no value's key begins like this
        call = Call(self.canonical(path), args, session.identity, origin=session.origin)
        return self.held.subscribe(session, query_id, key, journal, call)

    def identity_changed(self, subscription: Subscription) -> None:
        """A subscriber is somebody else now."""
        self._directory.identity_changed(subscription)

    def unwatch(self, subscription: Subscription) -> None:
        """End a subscription."""
        self.held.unsubscribe(subscription)

    def mutate(self, session: Session, request: int, call: Call) -> None:
        """Run a mutation for a session."""

        def answer(result: RunResult) -> None:
            if session.broken:
                self._break_off(session)
            elif session in self.rounds.due:
                # The step that it is about to get is older than this, and clients take the first step after a
                # response for one that has its effects.
                self.rounds.after(lambda: self._tell(session, session.answer_mutation, request, result))
            else:
                self._tell(session, session.answer_mutation, request, result)

        self._mutations.submit(call, answer, session)

    def act(self, session: Session, request: int, call: Call) -> None:
        """Run an action for a session; it goes on if the session ends, and its answer is lost then."""

        async def run() -> None:
            try:
                result = await self._actions.run(call)
            except Exception:
                self._failed(session)
            else:
                self._tell(session, session.answer_action, request, result)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def update(self, session: Session) -> None:
        """Bring a session up to date soon."""
        if session in self.sessions:
            self.rounds.request(session)

    def reach(self, session: Session, ts: int) -> None:
        """Find out whether a session's client comes from a state that there is."""

        def answer(there: bool | None, error: BaseException | None) -> None:
            try:
                session.reached(there is True)
            except Exception:
                self._failed(session)
            peer = self.sessions.get(session)
            if peer is not None:
                peer.flush()

        drive(self._reach(ts), answer)

    def authenticate(self, session: Session, message: wire.Authenticate) -> None:
        """Find out who a session's client is: at once, unless keys have to be fetched."""

        def answer(identity: Identity | None, error: BaseException | None) -> None:
            if error is not None and not isinstance(error, ReactorError):
                _log.error("finding out who a client is failed inside of Reactor", exc_info=error)
            try:
                session.answer_authentication(identity, error)
            except Exception:
                self._failed(session)
            peer = self.sessions.get(session)
            if peer is not None:
                peer.flush()

        drive(self._identify(message), answer)

    async def _identify(self, message: wire.Authenticate) -> Identity:
        if message.tokenType == "None":
            return ANONYMOUS
        if message.tokenType == "Admin":
            if not self._admin(message.value or ""):
                raise DeveloperError("The provided admin key was invalid for this instance", code="BadAdminKey")
            return Identity.admin(message.impersonating or message.acting_as or None)
        return await self._verify(message.value or "")

    # Delivery

    async def deliver(self, ts: int, due: Iterable[Subscriber], breathe: Yielding) -> None:
        """Bring sessions to `ts` (see `Deliver`)."""
        moment = Moment(ts)
        for subscriber in due:
            peer = self.sessions.get(cast(Session, subscriber))
            if peer is not None:
                self._advance(peer, moment)
                await breathe()

    def _advance(self, peer: SocketPeer, moment: Moment) -> None:
        try:
            if not peer.may_advance():
                return
            if peer.session.advance(moment):
                self.transitions += 1
                # What it asked for while the round was under way is in this step as well.
                self.rounds.requested.pop(peer.session, None)
                peer.flush_transition()
            elif peer.session.closing is not None:
                peer.flush()
        except Exception:
            peer.failed()

    def _tell(
        self, session: Session, answer: Callable[[int, RunResult], None], request: int, result: RunResult
    ) -> None:
        """Give a session an answer; it is sent together with the transition if a round follows at once."""
        try:
            answer(request, result)
        except Exception:
            self._failed(session)
            return
        peer = self.sessions.get(session)
        if peer is not None:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent[peer] = None

    def _break_off(self, session: Session) -> None:
        peer = self.sessions.get(session)
        if peer is not None:
            session.close(1011, "InternalServerError")
            peer.flush()

    def _failed(self, session: Session) -> None:
        peer = self.sessions.get(session)
        if peer is not None:
            peer.failed()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for peer in unsent:
            peer.flush()


def _origin(headers: Mapping[str, str], address: str | None) -> Origin:
    agent = headers.get("user-agent")
    return Origin(address, None if agent is None else _shared(agent[:LONGEST_AGENT]))


@lru_cache(maxsize=64)
def _shared(agent: str) -> str:
    # Thousands of connections have the same few programs behind them.
    return agent
