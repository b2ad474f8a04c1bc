"""Following the newest code: a node takes it up as soon as its folder has it, and after a while serves nothing else.

When another node has brought newer code, this one looks into its own folder until that has the same. Meanwhile it goes
on with what it has, for as long as is set. After that it would be wrong for clients to meet it: it closes their
connections, and refuses them until its folder fits.

Newer code often has another schema. That is seen a moment before the code is named, and mutations wait from then on.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from reactor.app.parts import Parts
from reactor.errors import ReactorError
from reactor.sync.connection import Refusal

__all__ = ["Following"]

_LOOK_SECONDS = 1.0
_NAMED_SECONDS = 5.0
"""Within so much time, at least, whoever changes the schema names the code that needs it, unless it has died."""
_TRY_AGAIN_LATER = 1013
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})

_REFUSAL = Refusal(
    503,
    {
        "code": "CodeSuperseded",
        "message": "This server has older code than the others, and serves none until it has theirs. Try again.",
    },
)

_log = logging.getLogger("reactor.nodes")

Sources = frozenset[tuple[str, int, int]]


class Following:
    """`start` it on an open engine; it does nothing where no other server shares the database."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._since: float | None = None
        self._looked_at: Sources | None = None
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        if self._parts.members.shared:
            self._parts.members.on_change.append(self._bell.set)
            self._parts.database.on_outdated = self._bell.set
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """End. Safe without a `start`."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """See whether this node serves the newest code, and if not, whether its folder has it."""
        if self._parts.is_outdated:
            now = self._parts.monotonic()
            self._since = now if self._since is None else self._since
            named, grace = self._parts.members.is_outdated, self._parts.settings.code_grace_seconds
            is_late = now - self._since >= (grace if named else max(grace, _NAMED_SECONDS))
            # A schema whose code nobody names belongs to a server that has died: the one of the named code comes back.
            if named or is_late:
                await self._take_up()
            if self._parts.is_outdated and is_late:
                self._refuse()
        if not self._parts.is_outdated:
            self._fits()

    async def _follow(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.look()
            except Exception:
                _log.exception("following the newest code failed, and is tried again")
            pause = _LOOK_SECONDS if self._parts.is_outdated else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()

    async def _take_up(self) -> None:
        """Load the folder, if it has changed since the last look and then is what all are to serve."""
        newest = self._parts.members.newest
        sources = await asyncio.to_thread(_sources, self._parts.directory)
        if newest is None or sources == self._looked_at:
            return
        self._looked_at = sources
        began = time.perf_counter()
        try:
            taken = await self._parts.reload(expected=newest)
        except ReactorError as error:
            _log.warning("newer code of another server could not be taken up: %s", error)
            return
        if taken:
            functions = [function.path for function in self._parts.application.registry]
            self._parts.events("loaded", functions=functions, seconds=time.perf_counter() - began, changed=[])

    def _fits(self) -> None:
        self._since = self._looked_at = self._parts.unfit = None
        if self._parts.hub.refusal is not None:
            _log.warning("this server has the newest code, and serves again")
        self._parts.hub.refusal = None

    def _refuse(self) -> None:
        members = self._parts.members
        others = f"others have brought version {members.newest_version}"
        if not members.is_outdated:
            others = "the database has the schema of another, which nobody has brought to its end"
        self._parts.unfit = (
            f"this server has version {members.version} of the code, and {others}. Put the newest files into its "
            "folder, and it serves again; or, if all are to serve what its folder has, send it SIGHUP"
        )
        if self._parts.hub.refusal is None:
            _log.error("no client is served any more: %s", self._parts.unfit)
            self._parts.hub.turn_away(_REFUSAL, _TRY_AGAIN_LATER)
            self._parts.database.refuse(_REFUSAL.body["message"])


def _sources(directory: Path) -> Sources:
    """What tells whether a folder has changed: its Python files, with their times and sizes."""
    return frozenset(_files(directory))


def _files(directory: Path) -> Iterator[tuple[str, int, int]]:
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    status = os.stat(path)
                    yield path, status.st_mtime_ns, status.st_size
