"""This node among those that share the store: that it lives, who else does, who leads, and what code is the newest.

The leader does what is to be done once: scheduled functions, cron jobs, migrations, and forgetting what is old. It is
the one that serves the newest code for the longest time. Each transaction of that work asks `require`, so that a node
which was declared dead, and does not know it yet, is refused by the ordinary check for conflicts.

With a store that is not shared there is no document and no work: the node is alone, and leads.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from reactor.database.committer import Committed
from reactor.database.database import Database
from reactor.database.system_tables import CODE, NODES
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.errors import StoreError
from reactor.nodes import rows
from reactor.nodes.code import CodeSuperseded, decide, is_refused
from reactor.nodes.lives import Lives
from reactor.nodes.rows import CodeRow, NodeRow
from reactor.nodes.silence import Silence

__all__ = ["Membership", "NotLeading"]

T = TypeVar("T")

_BEATS = 4
"""Beats in the time after which a silent node is dead."""

_log = logging.getLogger("reactor.nodes")


class NotLeading(Exception):
    """This node does not lead any more, so a transaction of the leader's was refused. Another does its work."""


class Membership:
    """Call `join` once the database is open, and `start`; give it the news of commits."""

    def __init__(
        self,
        database: Database,
        *,
        shared: bool,
        silent_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        folder: Path | None = None,
    ) -> None:
        """`shared`: others may use the same store. A node counts as dead when its beat stands still for
        `silent_seconds` of `clock`, and one that has the same `folder` on this machine when its process has ended."""
        self._database, self.shared = database, shared
        self._pause = silent_seconds / _BEATS
        self._silence = Silence(silent_seconds, clock)
        self._silent_seconds = silent_seconds
        self._lives = None if folder is None else Lives(folder)
        self._turn = asyncio.Lock()
        self.id: str | None = None
        """This node, as the others and records of what it runs know it; another one after it was declared dead."""
        self.nodes: dict[str, NodeRow] = {}
        """All that live, this one included."""
        self.newest: CodeRow | None = None
        """What all are to serve, as far as this node has heard."""
        self.version = 0
        """Which one of these this node serves."""
        self.leads = not shared
        self.departures = 0
        """Grows when nodes have gone, and when this one begins to lead: then something may have been left behind."""
        self.on_change: list[Callable[[], None]] = []
        """Called when nodes have come or gone, the leader has changed, or the code."""
        self._touched: frozenset[int] = frozenset()
        self._silent_at_start: frozenset[str] = frozenset()
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # Coming and going

    async def check(self, code: str) -> None:
        """See whether this code, a hash, may be brought, before anything is made of it.

        That those who serve newer code live is believed when one of them beats. Raises CodeSuperseded.
        """
        if not self.shared:
            return
        nodes, known = await self._read()
        ended = set[str]() if self._lives is None else self._lives.dead()
        if not is_refused(known, code, (node for id, node in nodes.items() if id not in ended)):
            self._silent_at_start = frozenset(ended)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._silent_seconds
        _log.info("the code in this folder was replaced by newer code; looking whether anybody serves that")
        while loop.time() < until:
            await asyncio.sleep(self._pause)
            later, known = await self._transact(_read_anew)
            if is_refused(known, code, (node for id, node in later.items() if node != nodes.get(id))):
                raise CodeSuperseded
        self._silent_at_start = frozenset(nodes)

    async def join(self, code: str, *, roll_back: bool = False) -> None:
        """Live from now on, and serve this code, a hash. Raises CodeSuperseded, StoreError.

        `roll_back`: others are to serve it too, also if it was replaced before.
        """
        if not self.shared:
            return
        by_id = [table.by_id.id for name in (NODES, CODE) if (table := self._database.catalog.table(name)) is not None]
        self._touched = frozenset(by_id)

        async def enter(tx: Transaction) -> tuple[str, int]:
            nodes, known = await rows.read_nodes(tx), await rows.find_code(tx)
            others = [node for node in nodes.values() if node.id not in self._silent_at_start]
            if not roll_back and is_refused(known, code, others):
                raise CodeSuperseded
            version = await _bring(tx, known, code)
            return rows.add_node(tx, _place(), _next(tx, nodes), version), version

        id, self.version = await self._transact(enter)
        self._live(id)
        await self.look()

    async def bring(self, code: str) -> None:
        """Serve other code from now on, a hash, and let all others follow. Raises StoreError."""
        if not self.shared:
            return

        async def bring(tx: Transaction) -> int:
            version = await _bring(tx, await rows.find_code(tx), code)
            await self._serve(tx, version)
            return version

        self.version = await self._transact(bring)
        await self.look()

    async def follow(self, version: int) -> None:
        """Serve a version that another has brought from now on. Raises StoreError."""
        await self._transact(lambda tx: self._serve(tx, version))
        self.version = version
        await self.look()

    async def _serve(self, tx: Transaction, version: int) -> None:
        node = None if self.id is None else await rows.find_node(tx, self.id)
        if node is not None and node.version != version:
            # Who has served it for longer goes on leading.
            began = _next(tx, await rows.read_nodes(tx))
            await rows.replace_node(tx, replace(node, version=version, began=began))

    def start(self) -> None:
        """Beat, and watch the others, until `close`."""
        if self.shared:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        """Leave. Safe without a `join`."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        id, self.id, self.leads = self.id, None, not self.shared
        if id is None:
            return
        try:
            await self._transact(lambda tx: rows.delete_node(tx, id))
        except StoreError as error:
            _log.warning("that this server ends is not recorded; others find out after a while: %s", error)
        else:
            if self._lives is not None:
                self._lives.end(id)

    # Leading

    async def require(self, tx: Transaction) -> None:
        """Let a transaction be refused, also later on its way, if this node was declared dead or serves older code.

        Raises NotLeading when that is known already.
        """
        if not self.shared:
            return
        node = None if self.id is None else await rows.find_node(tx, self.id)
        code = await rows.find_code(tx)
        if node is None or code is None or code.version != self.version:
            self._bell.set()
            raise NotLeading

    async def is_living(self, tx: Transaction, id: str | None) -> bool:
        """Whether a node lives that began something. Alone nobody does who came before."""
        return self.shared and id is not None and await rows.find_node(tx, id) is not None

    @property
    def is_outdated(self) -> bool:
        """Whether all are to serve newer code than this node does."""
        return self.newest_version > self.version

    @property
    def newest_version(self) -> int:
        """Which version of the code all are to serve, as far as this node has heard."""
        return 0 if self.newest is None else self.newest.version

    # Watching

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible."""
        touched = self._touched
        if touched and any(index in touched for commit in commits for index, _, _ in commit.touches):
            self._bell.set()

    async def beat(self) -> None:
        """Tell the others that this node lives; if it was declared dead, live anew. Raises StoreError."""
        id = self.id
        if id is None:
            return

        async def beat(tx: Transaction) -> str:
            node = await rows.find_node(tx, id)
            if node is None:
                return rows.add_node(tx, _place(), _next(tx, await rows.read_nodes(tx)), self.version)
            await rows.replace_node(tx, replace(node, beat=node.beat + 1, version=self.version))
            return id

        now = await self._transact(beat)
        self._silence.arrived()
        if now != id:
            self._live(now)
            _log.warning("this server was silent for so long that others took over its work; it is there again")

    async def look(self) -> None:
        """See who lives, leads, and what is the newest code; remove those that are dead. Raises StoreError."""
        async with self._turn:
            nodes, newest = await self._read()
            if self.id is not None and self.id not in nodes:
                await self.beat()
                nodes, newest = await self._read()
            for dead in self._dead(nodes):
                if await self._transact(lambda tx, dead=dead: _bury(tx, dead)):
                    _log.warning("server %s counts as dead", dead.node)
                    del nodes[dead.id]
            self._learn(nodes, newest)

    def _dead(self, nodes: Mapping[str, NodeRow]) -> list[NodeRow]:
        """Those that are silent, and those whose process has ended."""
        dead = {node.id: node for node in self._silence.look(node for node in nodes.values() if node.id != self.id)}
        for id in () if self._lives is None else self._lives.dead():
            if id in nodes:
                dead[id] = nodes[id]
            elif self._lives is not None:
                self._lives.forget(id)
        return list(dead.values())

    def _live(self, id: str) -> None:
        if self._lives is not None:
            if self.id is not None:
                self._lives.end(self.id)
            self._lives.begin(id)
        self.id = id

    def _learn(self, nodes: dict[str, NodeRow], newest: CodeRow | None) -> None:
        before = (self.nodes.keys(), self.leads, self.newest)
        leads = self.id is not None and self.id == _leader(nodes, newest)
        if before[0] - nodes.keys() or leads > self.leads:
            self.departures += 1
        self.nodes, self.newest, self.leads = nodes, newest, leads
        if before != (nodes.keys(), leads, newest):
            for tell in self.on_change:
                tell()

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pause
        while True:
            self._bell.clear()
            try:
                if loop.time() >= due:
                    due = loop.time() + self._pause
                    await self.beat()
                await self.look()
            except StoreError as error:
                _log.warning("other servers cannot be seen now: %s", error)
            except Exception:
                _log.exception("watching other servers failed, and is tried again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._bell.wait()

    async def _read(self) -> tuple[dict[str, NodeRow], CodeRow | None]:
        snapshot = self._database.store.acquire()
        try:
            tx = self._database.read(snapshot)
            known = await rows.find_code(tx)
            return ({} if known is None else await rows.read_nodes(tx)), known
        finally:
            snapshot.release()

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await transact(self._database.committer, rows.SOURCE, work, urgent=True)


async def _read_anew(tx: Transaction) -> tuple[dict[str, NodeRow], CodeRow | None]:
    """What there is, as of a commit: only a write is certain to see what others have written."""
    nodes, known = await rows.read_nodes(tx), await rows.find_code(tx)
    if known is not None:
        await rows.write_code(tx, known)
    return nodes, known


async def _bring(tx: Transaction, known: CodeRow | None, code: str) -> int:
    decided = decide(known, code)
    if decided is not known:
        await rows.write_code(tx, decided)
    return decided.version


async def _bury(tx: Transaction, dead: NodeRow) -> bool:
    """Declare a node dead, unless it has beaten meanwhile, or another node was first."""
    node = await rows.find_node(tx, dead.id)
    if node is None or node.beat != dead.beat:
        return False
    await rows.delete_node(tx, dead.id)
    return True


def _next(tx: Transaction, nodes: Mapping[str, NodeRow]) -> float:
    """A moment after all at which others began, and now if clocks agree."""
    return max([tx.now, *(node.began + 1 for node in nodes.values())])


def _leader(nodes: Mapping[str, NodeRow], newest: CodeRow | None) -> str | None:
    able = [node for node in nodes.values() if newest is not None and node.version == newest.version]
    return min(able, key=lambda node: (node.began, node.id)).id if able else None


def _place() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
