"""A backend for tests: the real engine in memory, with a clock to turn."""

import asyncio
import datetime as dt
import itertools
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from reactor.errors import DeveloperError, ReactorError
from reactor.files.memory import MemoryFiles
from reactor.runtime.contexts import Reference
from reactor.runtime.identity import Identity
from reactor.schema import Schema
from reactor.settings import Settings, load_settings
from reactor.store.memory import MemoryStore
from reactor.store.seam import Store
from reactor.testing.caller import Caller
from reactor.testing.clock import Clock
from reactor.testing.code import Code, Given, from_modules, load_folder, shared_folder
from reactor.testing.engine import Engine
from reactor.testing.log_lines import Logs

__all__ = ["Backend"]


class Backend(Caller):
    """An application with data of its own, open inside of `async with`.

        async with Backend("path/to/app") as backend:
            ada = backend.as_user(name="Ada")
            await ada.mutation("messages:send", channel="general", text="Hello")
            assert len(await backend.query("messages:newest", channel="general")) == 1

    Everything is as on a server: transactions, validators, the schema, live queries, and the limits. Three things are
    not: the clock stands still, a query that is called runs (a server may know its result from before), and whoever
    calls without saying as whom is trusted, and may call internal functions.
    """

    def __init__(
        self,
        app: str | Path | None = None,
        *,
        functions: Given | None = None,
        schema: Schema | None = None,
        data: str | Path | None = None,
        store: Store | None = None,
        now: dt.datetime | float | None = None,
        fresh: bool = False,
        env: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        """`app`: the application's folder, the current one if nothing is said. Or `functions`: modules and decorated
        functions (or a dict of modules by path), with their `schema`.

        `data`: a folder for a real database on the disk; `store`: a store to use, for two backends in turn on the same
        data, for example. Without either the data is in memory and gone at the end. `now`: what the clock shows first,
        a datetime with a zone or milliseconds since 1970; None means the time of this machine. `fresh`: load the
        folder's modules for this backend alone. Else they are loaded once, and again when a source has changed, so what
        they keep in global variables outlives a test.

        `env`: environment variables to begin with, as `set_env` sets them.

        Other names are settings, such as `max_documents_read=100`. They go before those of `[tool.reactor]` in the
        folder's pyproject.toml; the environment does not count. Raises TypeError for what excludes each other, and
        SettingsError.
        """
        super().__init__(self._opened, itertools.count(1), Identity(is_admin=True))
        if functions is None and schema is not None:
            raise TypeError("schema= belongs to functions=; a folder has its own schema.py.")
        if app is not None and functions is not None:
            raise TypeError("Give a folder, or functions= and schema=, not both.")
        if data is not None and store is not None:
            raise TypeError("Give data= for a database on the disk, or store=, not both.")
        self._folder = Path(app or ".")
        self._functions, self._schema, self._fresh = functions, schema, fresh
        self._settings = _settings(self._folder, data, settings)
        self._store = store or (MemoryStore() if data is None else None)
        # With the store, so that a second backend on it finds the files, too.
        self._files = None if self._store is None else _files_of.setdefault(self._store, MemoryFiles())
        self._code: Code | None = None
        self._engine: Engine | None = None
        self._env = dict(env or {})
        self.clock = Clock(now)
        """What `ctx.now` and creation times follow."""
        self.logs = Logs()
        """What functions printed and logged."""

    @property
    def modules(self) -> Mapping[str, ModuleType]:
        """The application's modules by their path in function paths, for replacing what they use from outside:
        `monkeypatch.setattr(backend.modules["messages"], "ask_model", fake)`. Raises LoadError.
        """
        return self._loaded().application.modules

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Begin; `async with` does it. A backend that was closed may be opened again, and finds its data.

        Raises LoadError when the application cannot be loaded, and StoreError.
        """
        if self._engine is not None:
            raise ReactorError("This backend is open already.")
        _check_loop()
        engine = Engine(self._loaded(), self._settings, self._store, self._files, self.clock, self.logs)
        await engine.open()
        self._engine = engine
        if self._env:
            await self.set_env(**self._env)

    async def set_env(self, **variables: str | None) -> None:
        """Set environment variables, or remove them (None). Raises DeveloperError for what cannot be one."""
        await self.mutation("_system/environment:change", changes=variables)

    async def close(self) -> None:
        """Let what runs end, and end all subscriptions. Harmless when it is closed."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def upload(self, url: str, content: bytes, /, *, content_type: str | None = None) -> str:
        """POST a file to an upload URL, as a client does, and give its id.

        Raises DeveloperError with the code of the answer when it is refused: `StorageTokenExpired`, for example.
        """
        return await (await self._opened()).upload(url, content, content_type)

    async def download(self, url: str, /) -> bytes:
        """The content of the file that a URL shows. Raises DeveloperError when it shows none (`FileNotFound`)."""
        return await (await self._opened()).download(url)

    async def run_due(self) -> int:
        """Run the scheduled functions whose time has come, earliest first, and those that are due by what these do.

        They do not run by themselves here. A failure is recorded with the job, as on a server, and not raised. Gives
        how many were run.
        """
        return await (await self._opened()).run_due()

    async def advance(
        self,
        by: dt.timedelta | None = None,
        /,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> int:
        """Turn the clock forward, as `clock.advance`, and run what is scheduled on the way, each when it is its time.

        Gives how many scheduled functions were run. Raises ValueError for a step back.
        """
        engine = await self._opened()
        target = Clock(self.clock.now)
        target.advance(by, days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        count = await engine.run_due()
        while (due := await engine.next_due()) is not None and due <= target.now:
            self._turn_to(due)
            ran = await engine.run_due()
            if not ran:
                break  # it cannot be run, and the log says why
            count += ran
        self.clock.set(target.now)
        return count + await engine.run_due()

    async def migrate(self, *migrations: Reference, reset: bool = False) -> list[dict[str, Any]]:
        """Run migrations to their ends: those given, by themselves or by name, or all that have not succeeded yet.

        With `reset` also those that have, from the beginning. Migrations that functions asked for are run as well; none
        runs by itself here. Gives how those stand, as `reactor migrate --status --json` does. Raises DeveloperError
        when one does not succeed (`MigrationFailed`), with the document and what its function raised, and for a name
        that no migration has.
        """
        engine = await self._opened()
        names = [each if isinstance(each, str) else each.name for each in migrations]
        asked = await self.mutation("_system/migrations:start", {"names": names or None, "reset": reset})
        await engine.run_migrations()
        wanted = {each["name"] for each in asked}
        told = [row for row in await self.query("_system/migrations:status") if row["name"] in wanted]
        for row in told:
            if row["state"] == "failed":
                raise _migration_failed(row)
        return told

    async def dry_run(self, migration: Reference, /, *, limit: int = 100) -> dict[str, Any]:
        """What a migration would do to the first `limit` documents of its table. Nothing is written.

        Gives `processed`, `changed`, `examples` (up to five, each with `before` and `after`) and `error`: None, or
        `document` and `message`. Raises DeveloperError for a name that no migration has.
        """
        name = migration if isinstance(migration, str) else migration.name
        return await self.mutation("_system/migrations:dryRun", name=name, most=limit)

    def _turn_to(self, due: float) -> None:
        if due > self.clock.now:
            self.clock.set(due)
        if due > self.clock.now:  # the clock counts whole nanoseconds
            self.clock.set(math.nextafter(due, math.inf))

    def _loaded(self) -> Code:
        if self._code is None:
            if self._functions is not None:
                self._code = from_modules(self._functions, self._schema)
            else:
                self._code = load_folder(self._folder) if self._fresh else shared_folder(self._folder)
        return self._code

    async def _opened(self) -> Engine:
        if self._engine is None:
            raise ReactorError("The backend is not open. Use it inside of `async with Backend(...) as backend`.")
        if self._engine.loop is not asyncio.get_running_loop():
            raise ReactorError(
                "The backend was opened on another event loop. Give its fixture the scope of the loop that the test "
                "runs on; with pytest-asyncio that is `loop_scope`."
            )
        return self._engine


_files_of: WeakKeyDictionary[Store, MemoryFiles] = WeakKeyDictionary()

_OTHERWISE = {
    "redact_errors": False,
    # What a test has replaced, and the time that it has turned, shall show in the next call of a query.
    "result_cache_bytes": 0,
    "result_clock_seconds": 0,
}


def _settings(folder: Path, data: str | Path | None, given: Mapping[str, object]) -> Settings:
    flags = {**_OTHERWISE, "admin_key": f"test|{secrets.token_hex(16)}", **given}
    return load_settings(folder, flags={**flags, "data": None if data is None else str(data)}, environ={})


def _migration_failed(row: dict[str, Any]) -> DeveloperError:
    document = row["error"]["document"]
    where = "" if document is None else f' at document "{document}"'
    return DeveloperError(f"Migration `{row['name']}` failed{where}: {row['error']['message']}", code="MigrationFailed")


def _check_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ReactorError(
            "Reactor runs on asyncio, and here is no event loop of it. With the pytest plugin of anyio, define a "
            "fixture `anyio_backend` that gives 'asyncio'."
        ) from None
