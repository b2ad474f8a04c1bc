"""All parts of one application on one data folder."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from reactor.app.admin_key import admin_key
from reactor.app.measured import Metrics, processes
from reactor.app.schema_progress import SchemaProgress
from reactor.app.sign_in import SignIn
from reactor.app.stores import store_of
from reactor.auth.configuration import Declared, declared_providers
from reactor.auth.verifier import Verifier
from reactor.database.backlog import Backlog
from reactor.database.committed import Committed
from reactor.database.cursors import Cursors
from reactor.database.database import Database
from reactor.database.limits import TransactionLimits
from reactor.database.migration_rows import State
from reactor.database.overlay import Overlay
from reactor.errors import StoreError
from reactor.files.files import FileLimits, Files
from reactor.files.local import LocalFiles
from reactor.files.seam import FileStore
from reactor.http.authorization import AdminKey
from reactor.http.file_api import FileApi
from reactor.http.traffic import Traffic
from reactor.jobs.crons import Crons
from reactor.jobs.due import Jobs
from reactor.jobs.executor import Executor
from reactor.jobs.migration_runs import MigrationRuns
from reactor.jobs.migrator import Migrator
from reactor.jobs.runs import Runs
from reactor.live.ahead import Ahead
from reactor.live.directory import Directory
from reactor.live.held import Held
from reactor.live.live_query import LiveQuery
from reactor.live.queries import Queries
from reactor.live.result_cache import ResultCache
from reactor.live.rounds import Rounds
from reactor.nodes.code import code_hash
from reactor.nodes.membership import Membership, NotLeading
from reactor.nodes.rows import CodeRow
from reactor.runtime.actions import Actions
from reactor.runtime.calls import Call
from reactor.runtime.determinism import Determinism
from reactor.runtime.entrance import Entrance
from reactor.runtime.failures import Failure
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.loader import Application, load
from reactor.runtime.logs import LogLimits
from reactor.runtime.mutations import Mutations
from reactor.runtime.offspring import task_factory
from reactor.runtime.query_run import QueryRun, RunResult
from reactor.runtime.runner import Runner
from reactor.runtime.stepping import Steps
from reactor.runtime.watchdog import Watchdog
from reactor.settings import Settings
from reactor.store.seam import Snapshot, Store
from reactor.sync.forwarded import Proxies
from reactor.sync.hub import Hub
from reactor.values import DOCUMENT

__all__ = ["Events", "Parts"]

_log = logging.getLogger(__name__)

_PRUNE_SECONDS = 60.0
_PRUNE_ROWS = 2_000


class Events(Protocol):
    """Is told what happens, for the terminal: a kind, and fields that depend on it."""

    def __call__(self, kind: str, /, **fields: object) -> None:
        """Show one event."""
        ...


class Parts:
    """Everything behind the sockets. `open` it on the event loop that will use it."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        events: Events,
        *,
        store: Store | None = None,
        files: FileStore | None = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        load: Callable[[Path], Application] = load,
    ) -> None:
        """`store` and `files` take the place of the data folder's; `clock` gives nanoseconds since 1970, and
        `monotonic` seconds by which other servers are watched; `load` makes the application of `directory`."""
        self.settings, self.directory, self.events = settings, directory, events
        self._clock, self.monotonic, self._load = clock, monotonic, load
        self.unfit: str | None = None
        """Why this server serves nobody, for those who run it; None: it does."""
        self.store: Store = store or store_of(settings)
        self.database = self._make_database()
        self.members = self._make_members()
        self.files = self._make_files(files or _file_store(settings))
        self.backlog = Backlog(settings.max_pending_jobs)
        self.watchdog = Watchdog()
        self._determinism = None if settings.strictness == "off" else Determinism(settings.strictness)
        self._look_away: Callable[[], None] = _nothing
        self.runner = self._make_runner()
        self.mutations = Mutations(self.database, self.runner)
        self.actions = self._make_actions()
        self.tokens = Verifier((), settings, redact=settings.redacts, clock=clock)
        self.sign_in = SignIn(self.database, self.tokens, lambda: self.runner.origins, events)
        self.live = Directory()
        self.traffic = Traffic()
        self.queries = self._make_queries()
        self.file_api = _file_api(self.files, settings)
        self._make_jobs()
        self.port = settings.port
        self.together: Callable[[Metrics], Awaitable[Metrics]] = _alone
        """Adds what the other processes of this server have counted."""
        self._upkeep: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()

    def _make_database(self) -> Database:
        settings = self.settings
        return Database(
            self.store,
            limits=_transaction_limits(settings),
            cache_bytes=settings.document_cache_bytes,
            vector_bytes=settings.vector_memory_bytes,
            clock=self._clock,
        )

    def _make_members(self) -> Membership:
        return Membership(
            self.database,
            shared=self.store.shared,
            silent_seconds=self.settings.node_silent_seconds,
            clock=self.monotonic,
            folder=self.settings.data / "nodes",
        )

    def _make_files(self, store: FileStore) -> Files:
        return Files(self.database, store, _file_limits(self.settings), self._origin, self.members)

    def _make_runner(self) -> Runner:
        settings = self.settings
        return Runner(
            lambda: self.application,
            Steps(self.watchdog, cpu_seconds=settings.function_cpu_seconds, seconds=settings.function_system_seconds),
            _function_limits(settings),
            redact=settings.redacts,
            cursors=lambda: self.cursors,
            backlog=self.backlog,
            files=self.files,
            entrance=Entrance(self._clock, settings.max_caller_calls),
            sink=lambda path, line: self.events("log", function=path, line=line),
            on_failure=self._function_failed,
            watcher=self._determinism,
        )

    def _make_actions(self) -> Actions:
        settings = self.settings
        steps = Steps(self.watchdog, cpu_seconds=settings.action_cpu_seconds, seconds=settings.action_seconds)
        return Actions(self.database, self.runner, self.mutations, steps, ask=self._ask)

    def _make_queries(self) -> Queries:
        return Queries(
            self.database,
            self.runner,
            self.live,
            ResultCache(self.settings.result_cache_bytes),
            fresh=self._fresh,
            clock_seconds=self.settings.result_clock_seconds,
        )

    def _make_jobs(self) -> None:
        database, runner, members = self.database, self.runner, self.members
        self.jobs, self.job_runs = Jobs(database, members), Runs(database, runner, self.actions, members)
        self.crons = Crons(database, runner, self.actions, members)
        places = self.settings.max_jobs
        self.executor = Executor(database, self.jobs, self.job_runs, self.crons, members, places=places)
        self.migration_runs = MigrationRuns(database, runner, members, self._tell_of_migration)
        self.migrator = Migrator(database, runner, self.migration_runs, members)

    async def open(self) -> None:
        """Load the application and open its data. Raises LoadError, SchemaMismatch, StoreError and its kinds."""
        if self._determinism is not None:
            # Before the modules are loaded, so that they find the wrappers whatever way they import.
            self._look_away = self._determinism.install()
        self.application = self._load(self.directory)
        declared = declared_providers(self.application, self.settings.auth_providers)
        self.watchdog.start()
        loop = asyncio.get_running_loop()
        if loop.get_task_factory() is None:  # whoever set another one knows why
            loop.set_task_factory(task_factory)
        await self._open_database()
        self.sign_in.adopt(declared)
        await self.files.open()
        key = admin_key(self.settings)
        self.admin, self.cursors = AdminKey(key), Cursors(key.encode())
        self.hub = Hub(
            directory=self.live,
            mutations=self.mutations,
            actions=self.actions,
            limits=self.settings,
            admin=self.admin,
            verify=self.tokens.verify,
            canonical=self._canonical,
            newest=lambda: self.database.committer.visible,
            reach=self.database.committer.reach,
            clock=self._clock,
            proxies=Proxies(self.settings.trusted_proxies),
        )
        ahead = Ahead(self.store, self.live, self._run_ahead)
        self.rounds = self.hub.rounds = Rounds(
            self.store, self.live, self._run_live, self.hub.deliver, ahead=ahead, ran=self.queries.ran
        )
        self.held = self.hub.held = Held(self.live, self.runner, self.rounds)
        self.database.warm()
        self.crons.declare(self.application.crons)
        self.database.on_the_way = self.rounds.on_the_way
        self.database.on_visible = self._visible
        self.database.is_read = self._is_read
        self.database.on_forgotten = self._start_anew
        self.database.after_group = self.rounds.now
        await self.backlog.open(self.database)
        self.backlog.on_new = self.executor.wake
        self.members.start()
        self._upkeep = asyncio.get_running_loop().create_task(self._keep_up())

    async def _open_database(self) -> None:
        """Raises CodeSuperseded, before anything is changed, when other servers serve newer code."""
        code = code_hash(self.application.version.digest)
        going_back = self.settings.roll_back or not self.settings.production

        async def check() -> None:
            if not going_back:
                await self.members.check(code)

        await self.database.open(self.application.schema, SchemaProgress(self.events), before=check)
        await self.members.join(code, roll_back=going_back)

    async def reload(self, *, expected: CodeRow | None = None) -> bool:
        """Load the code anew, bring the data under its schema, and serve both from the same moment on. Servers that
        share the database are to follow.

        With `expected`, which another server has brought, nothing happens if the folder has other code than that; gives
        whether it had that. Raises LoadError, SchemaMismatch, StoreError, and SchemaOvertaken when another call has
        loaded newer code before this one's could serve; then the old code serves on.
        """
        async with self._loading:
            fresh = await asyncio.to_thread(self._load, self.directory)
            declared = declared_providers(fresh, self.settings.auth_providers)
        code = code_hash(fresh.version.digest)
        if expected is not None and expected.code != code:
            return False
        await self.database.adopt(fresh.schema, SchemaProgress(self.events), swap=lambda: self._swap(fresh, declared))
        if expected is None:
            await self.members.bring(code)
        else:
            await self.members.follow(expected.version)
        return True

    @property
    def is_outdated(self) -> bool:
        """Whether all servers of the database are to serve something else than this one does."""
        return self.members.is_outdated or self.database.outdated

    async def forget_jobs(self) -> None:
        """Delete the records of scheduled functions that ended longer ago than these are kept. Raises StoreError."""
        await self.jobs.forget(self.database.now() - self.settings.finished_job_seconds * 1000)

    async def close(self) -> None:
        """Let what was submitted end, and close everything. Safe after a failed `open`."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._upkeep
            await self.migrator.close()
            await self.executor.close()
            self.hub.close_all(1001, "")
        self.tokens.close()
        await self.files.close()
        await self.members.close()
        await self.database.close()
        self.watchdog.stop()
        self._look_away()

    def _origin(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        return self.settings.cloud_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _swap(self, fresh: Application, declared: Declared) -> None:
        self.application = fresh
        self.sign_in.adopt(declared)
        self.queries.code_changed()
        self.crons.declare(fresh.crons)
        self.executor.wake()
        self.held.look()
        self.live.all_dirty("code")
        self.rounds.soon()
        if self._determinism is not None:
            self._determinism.forget()

    def _start_anew(self) -> None:
        """Anything may have changed: nothing that was found before holds any more."""
        self.queries.code_changed()
        self.live.all_dirty("code")
        self.rounds.soon()

    def _visible(self, commits: list[Committed]) -> None:
        try:
            self.queries.news(commits)
            self.backlog.news(commits)
            self.migrator.news(commits)
            self.members.news(commits)
            if self.crons.news(commits):
                self.executor.wake()
            self.sign_in.news(commits)
        finally:
            self.rounds.news(commits)

    def _is_read(self, index: int) -> bool:
        return self.live.reads(index) or self.queries.cache.reads(index)

    async def _ask(self, call: Call) -> RunResult:
        return await self.queries.answer(call)

    def _fresh(self, query: LiveQuery) -> bool:
        return self.rounds.fresh(query)

    def _canonical(self, path: str) -> str:
        return self.application.registry.canonical(path)

    async def _run_live(self, query: LiveQuery, snapshot: Snapshot) -> QueryRun:
        known = self.queries.first_run(query, snapshot)
        if known is not None:
            return known
        call = Call(query.path, query.args, query.identity, shared=True)
        return await self.runner.query(call, self.database.read(snapshot), query.journal)

    async def _run_ahead(self, query: LiveQuery, snapshot: Snapshot, overlay: Overlay) -> QueryRun:
        call = Call(query.path, query.args, query.identity, shared=True)
        return await self.runner.query(call, self.database.read(snapshot, (overlay,)), query.journal)

    def _tell_of_migration(self, name: str, state: State, documents: int) -> None:
        self.events("migration", name=name, state=state.value, documents=documents)

    def _function_failed(self, path: str, failure: Failure) -> None:
        self.events("function_failed", function=path, error=failure.text, request=failure.request_id)

    async def _keep_up(self) -> None:
        """Forget now and then what is older than it is kept."""
        while True:
            await asyncio.sleep(_PRUNE_SECONDS)
            try:
                if self.members.leads:
                    await self._forget()
            except NotLeading:
                _log.debug("another server leads, and forgets what is old")
            except StoreError as error:
                _log.warning("What is older than it is kept could not be removed; it is tried again: %s", error)

    async def _forget(self) -> None:
        """Forget old history, outcomes and jobs, a little at a time. Raises StoreError."""
        now = self._clock()
        pruned = _PRUNE_ROWS
        while pruned >= _PRUNE_ROWS:
            pruned = await self.store.prune(
                log_before=now - int(self.settings.history_seconds * 1e9),
                outcomes_before=now - int(self.settings.outcome_seconds * 1e9),
                limit=_PRUNE_ROWS,
            )
        await self.forget_jobs()


async def _alone(metrics: Metrics) -> Metrics:
    return [*metrics, *processes(1, 0)]


def _nothing() -> None:
    """What ends a watch that has not begun."""


def _transaction_limits(settings: Settings) -> TransactionLimits:
    return TransactionLimits(
        documents_read=settings.max_documents_read,
        bytes_read=settings.max_bytes_read,
        read_ranges=settings.max_read_ranges,
        documents_written=settings.max_documents_written,
        bytes_written=settings.max_bytes_written,
        functions_scheduled=settings.max_functions_scheduled,
        scheduled_args_bytes=settings.max_scheduled_args_bytes,
        query_operators=settings.max_query_operators,
        document=replace(DOCUMENT, max_bytes=settings.max_document_bytes, max_depth=settings.max_document_depth),
    )


def _file_store(settings: Settings) -> FileStore:
    folder = settings.data / "files"
    if settings.files is None:
        # Who shares a SQLite file has its folder, and these files with it.
        return LocalFiles(folder, reached_by_all=settings.database is None)
    # Who has no bucket need not wait for its library.
    from reactor.files.bucket import BucketFiles

    return BucketFiles(
        settings.files,
        folder / "key",
        endpoint=settings.files_endpoint,
        region=settings.files_region,
        max_bytes=settings.max_file_bytes,
    )


def _file_api(files: Files, settings: Settings) -> FileApi:
    uploads, downloads = settings.max_uploads, settings.max_downloads
    return FileApi(files, seconds=settings.upload_seconds, most=uploads, most_downloads=downloads)


def _file_limits(settings: Settings) -> FileLimits:
    return FileLimits(
        max_bytes=settings.max_file_bytes,
        upload_url_seconds=settings.upload_url_seconds,
        kept_seconds=settings.history_seconds,
    )


def _function_limits(settings: Settings) -> FunctionLimits:
    return FunctionLimits(
        args_bytes=settings.max_args_bytes,
        result_bytes=settings.max_result_bytes,
        value_depth=settings.max_value_depth,
        nested_calls=settings.max_nested_calls,
        cpu_seconds=settings.function_cpu_seconds,
        system_seconds=settings.function_system_seconds,
        action_seconds=settings.action_seconds,
        actions=settings.max_actions,
        log=LogLimits(settings.max_log_lines, settings.max_log_line_bytes),
    )
