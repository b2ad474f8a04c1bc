"""What every test gets: profiles of hypothesis, and skips that are counted, explained and, on request, failures.

A test that needs something which a machine may lack skips itself, with the remedy as reason. The end of the run lists
what was skipped and how to enable it. With `--strict-skips`, or REACTOR_TEST_STRICT=1, a skipped test is a failed one.
A run on another store passes over what has no meaning there: that is listed too, and never a failure.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_timeout

from tests.support.chosen_store import CHOSEN
from tests.support.passed_over import SAYS, passed_over
from tests.support.postgres import Postgres, postgres_server
from tests.support.scratch import in_memory

# Every server and command of a test would otherwise compile all of Reactor again: a third of what its start takes.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Whoever says where temporary files lie is heeded.
_memory = in_memory()
if _memory is not None:
    os.environ.setdefault("TMPDIR", str(_memory))
    tempfile.tempdir = None  # Python has looked already

PROFILE = os.environ.get("REACTOR_TEST_PROFILE") or "default"

# How long an example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("default", deadline=None, derandomize=bool(os.environ.get("CI")))
# Other examples each night, and many more of them.
hypothesis.settings.register_profile("nightly", deadline=None, derandomize=False, max_examples=3_000)
# As many as find what is wrong in most of its places, for runs on further stores.
hypothesis.settings.register_profile("brief", deadline=None, derandomize=bool(os.environ.get("CI")), max_examples=25)
if PROFILE not in ("default", "brief", "nightly"):
    raise pytest.UsageError(f'REACTOR_TEST_PROFILE is "default", "brief" or "nightly", not {PROFILE!r}')
hypothesis.settings.load_profile(PROFILE)

# Files that take long begin first, or one process would still be at them when the others have nothing left to do.
_LONG = ("crash", "docs", "clients", "browser", "integration/jobs", "integration/openapi", "integration/workers")

_NIGHTLY_SECONDS = 3_600.0
# Statements go to another process, and commits wait for one.
_OTHER_STORE_SECONDS = 240.0


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this run's own."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database."""
    with postgres.database() as name:
        yield postgres.url(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_short)


def _is_short(item: pytest.Item) -> bool:
    return not item.nodeid.removeprefix("tests/").startswith(_LONG)


def pytest_collection_finish() -> None:
    """What was imported is there to stay: looking through it takes a quarter of a second each time. As servers do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips", action="store_true", help="a skipped test is a failed one (REACTOR_TEST_STRICT=1)"
    )
    parser.addoption(
        "--store",
        choices=("sqlite", "shared", "postgres"),
        default=os.environ.get("REACTOR_TEST_STORE") or "sqlite",
        help="where tests keep data that do not choose themselves (REACTOR_TEST_STORE)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Searching for hours, or on a slower store, needs another limit for a test; one that it gives itself stays."""
    config.addinivalue_line("markers", "stores(*names, because): the values of --store with which a test has a meaning")
    if config.option.store == "postgres":
        CHOSEN.use_postgres()
    elif config.option.store == "shared":
        CHOSEN.use_shared()
    if config.option.timeout is None and PROFILE == "nightly":
        config.option.timeout = _NIGHTLY_SECONDS
    elif config.option.timeout is None and config.option.store != "sqlite":
        config.option.timeout = _OTHER_STORE_SECONDS


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """The clock of a test that failed is stopped for those who look at it; what it has begun must end in time too."""
    if isinstance(node, pytest.Item):
        settings = pytest_timeout._get_item_settings(node)  # pyright: ignore[reportPrivateUsage]
        if settings.timeout:
            node.config.pluginmanager.hook.pytest_timeout_set_timer(item=node, settings=settings)


def pytest_unconfigure() -> None:
    CHOSEN.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    why = passed_over(item, item.config.option.store)
    if why is not None:
        pytest.skip(why)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    folder = item.funcargs.get("tmp_path") if isinstance(item, pytest.Function) else None
    try:
        return (yield)
    finally:
        if isinstance(folder, Path):
            CHOSEN.release(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _fail_if_strict(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _fail_if_strict(report, collector.config)
    return report


def _fail_if_strict(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if _reason(report).startswith(SAYS):
        return
    if config.getoption("--strict-skips") or os.environ.get("REACTOR_TEST_STRICT") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips are failures here: {_reason(report)}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, (tuple, list)) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped and how to enable it: one line per reason, with the number of tests behind it."""
    places: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        places[_reason(report)].append(report.nodeid.partition("::")[0])
    elsewhere = {reason: places.pop(reason) for reason in list(places) if reason.startswith(SAYS)}
    _list(terminalreporter, "skipped, and how to enable it", places)
    _list(terminalreporter, "passed over, for they run on SQLite", elsewhere)


def _list(terminalreporter: pytest.TerminalReporter, title: str, places: dict[str, list[str]]) -> None:
    if not places:
        return
    terminalreporter.section(title)
    for reason, files in sorted(places.items()):
        where = ", ".join(sorted(set(files)))
        terminalreporter.line(f"{len(files)} x {reason} ({where})")
