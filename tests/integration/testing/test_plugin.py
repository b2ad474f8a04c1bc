"""The plugin in runs of pytest of their own."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = "pytester"

MESSAGES = """
from reactor import ActionCtx, MutationCtx, QueryCtx, action, mutation, query

def ask_model(text):
    raise NotImplementedError("calls somebody outside")

@query
async def newest(ctx: QueryCtx, channel: str):
    found = ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel))
    return [message["text"] for message in await found.collect()]

@mutation
async def send(ctx: MutationCtx, channel: str, text: str):
    return await ctx.db.insert("messages", {"channel": channel, "text": text})

@action
async def answer(ctx: ActionCtx, channel: str):
    [text] = await ctx.run_query(newest, channel=channel)
    await ctx.run_mutation(send, channel=channel, text=ask_model(text))

@action
def name_of_thread(ctx: ActionCtx):
    import threading
    return threading.current_thread().name
"""

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({
    "messages": define_table({"channel": v.string(), "text": v.string()}).index("by_channel", ["channel"]),
})
"""

PLUGINS = {"reactor": "reactor.testing.plugin", "asyncio": "pytest_asyncio.plugin", "anyio": "anyio.pytest_plugin"}

AUTO = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


class Project:
    """A project with an application and tests."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self.folder = pytester.path
        # Nothing but what a test names, whatever is installed beside; and nothing of the run around it.
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        # The current folder is not on the path, as with the command `pytest`.
        monkeypatch.setenv("PYTHONSAFEPATH", "1")
        for name in ("PYTEST_ADDOPTS", "REACTOR_TEST_STRICT"):
            monkeypatch.delenv(name, raising=False)

    def write(self, **files: str) -> None:
        """Write Python files, `__` standing for the slash."""
        for name, text in files.items():
            path = self.folder / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def application(self, folder: str = "") -> None:
        self.write(**{f"{folder}functions__messages": MESSAGES, f"{folder}schema": SCHEMA})

    def ini(self, text: str) -> None:
        (self.folder / "pytest.ini").write_text(text)

    def run(self, *arguments: str, plugins: str = "reactor asyncio") -> pytest.RunResult:
        chosen = [word for name in plugins.split() for word in ("-p", PLUGINS[name])]
        command = [sys.executable, "-m", "pytest", *chosen, "-W", "error", "-p", "no:cacheprovider", *arguments]
        return self._pytester.run(*command, timeout=50)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


def test_pytest_finds_the_plugin():
    found = [entry.value for entry in entry_points(group="pytest11") if entry.name == "reactor"]
    assert set(found) == {"reactor.testing.plugin"}, "the environment is older than pyproject.toml: run `make test`"


def test_fixtures_and_tests_share_a_backend_that_the_next_test_does_not(project: Project):
    project.application()
    project.ini(AUTO)
    project.write(
        test_it="""
import asyncio
import threading
import pytest
from functions import messages

ends = []

@pytest.fixture
async def hello(reactor):
    id = await reactor.mutation(messages.send, channel="a", text="hello")
    yield id
    ends.append(await reactor.query("messages:newest", channel="a"))

@pytest.fixture
def ada(reactor):
    return reactor.as_user(name="Ada")

async def test_one(hello, ada, reactor):
    assert await ada.query(messages.newest, channel="a") == ["hello"]
    await reactor.mutation(messages.send, channel="a", text="again")
    reactor.clock.advance(days=1)

async def test_other(reactor):
    assert ends == [["hello", "again"]]
    assert await reactor.query("messages:newest", channel="a") == []

class TestClass:
    async def test_in_a_class(self, hello, reactor):
        assert await reactor.query("messages:newest", channel="a") == ["hello"]

    async def test_at_once(self, reactor):
        await asyncio.gather(*(reactor.mutation("messages:send", channel="a", text=str(n)) for n in range(20)))
        assert len(await reactor.query("messages:newest", channel="a")) == 20

def test_unused(reactor):
    assert reactor.logs == []

@pytest.fixture
async def watched(reactor):
    async with reactor.subscribe(messages.newest, channel="a") as results:
        yield results

async def test_subscription_in_a_fixture(watched, reactor):
    assert await watched.next() == []
    await reactor.mutation(messages.send, channel="a", text="hello")
    assert await watched.next() == ["hello"]

async def test_left_open(reactor):
    await reactor.subscribe(messages.newest, channel="a").__aenter__()

async def test_in_a_thread(reactor):
    assert await reactor.action(messages.name_of_thread) != threading.current_thread().name

def test_nothing_is_left():
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
"""
    )
    project.run().assert_outcomes(passed=9)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("scope", ["function", "session"])
def test_marked_tests_on_loops_of_any_scope(project: Project, scope: str, store: str):
    project.application()
    project.write(
        test_it=f"""
import asyncio
import pytest, pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

@pytest_asyncio.fixture(loop_scope="{scope}")
async def hello(reactor):
    return await reactor.mutation("messages:send", channel="a", text="hello")

@pytest.mark.parametrize("n", [1, 2])
async def test_it(hello, reactor, n):
    assert await reactor.query("messages:newest", channel="a") == ["hello"]
"""
    )
    outcome = project.run("-o", "asyncio_default_fixture_loop_scope=function", f"--reactor-store={store}")
    outcome.assert_outcomes(passed=2)
    assert ("data in sqlite" in outcome.stdout.str()) == (store == "sqlite")


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_anyio_runs_them_too(project: Project, store: str):
    project.application()
    project.ini(f"[pytest]\nreactor_store = {store}\n")
    project.write(
        test_it="""
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
async def hello(reactor):
    yield await reactor.mutation("messages:send", channel="a", text="hello")
    assert await reactor.query("messages:newest", channel="a") == ["hello"]

@pytest.mark.parametrize("n", [1, 2])
async def test_it(hello, reactor, n):
    assert await reactor.query("messages:newest", channel="a") == ["hello"]
"""
    )
    project.run(plugins="reactor anyio").assert_outcomes(passed=2)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_without_a_plugin_a_test_may_make_its_own_loop(project: Project, store: str):
    project.application()
    project.write(
        test_it="""
import asyncio, threading

def test_it(reactor):
    async def send():
        await reactor.mutation("messages:send", channel="a", text="hello")
        return await reactor.query("messages:newest", channel="a")

    assert asyncio.run(send()) == ["hello"]

def test_nothing_is_left():
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
"""
    )
    project.run(f"--reactor-store={store}", plugins="reactor").assert_outcomes(passed=2)


def test_what_tests_import_is_what_runs(project: Project):
    project.application("backend__")
    project.ini(AUTO + "reactor_app = backend\n")
    project.write(
        backend__schema=SCHEMA + "import os\nos.environ['LOADED'] = os.environ.get('LOADED', '') + 'once '\n",
        tests__test_it="""
import os
import functions.messages as messages
import schema

async def test_replaced(reactor, monkeypatch):
    monkeypatch.setattr(messages, "ask_model", lambda text: text.upper())
    await reactor.mutation(messages.send, channel="a", text="hello")
    await reactor.action(messages.answer, channel="a")
    assert await reactor.query(messages.newest, channel="a") == ["hello", "HELLO"]

async def test_not_replaced_any_more(reactor):
    import pytest
    await reactor.mutation(messages.send, channel="a", text="hello")
    with pytest.raises(NotImplementedError) as raised:
        await reactor.action(messages.answer, channel="a")
    assert "ask_model (functions/messages.py:5)" in raised.value.__notes__[0]

def test_modules_are_as_usual():
    import functions, importlib
    assert functions.messages is messages
    assert functions.__spec__.name == "functions"
    assert importlib.import_module("functions.messages") is messages
    assert schema.__file__.endswith("backend/schema.py")
    assert os.environ["LOADED"] == "once "
""",
        tests__test_later="""
from functions.messages import newest

async def test_it(reactor):
    assert await reactor.query(newest, channel="a") == []
""",
    )
    project.run("tests").assert_outcomes(passed=4)


def test_the_factory_makes_others(project: Project):
    project.application()
    project.ini(AUTO)
    project.write(
        test_it="""
import pytest
from datetime import UTC, datetime
from reactor import DeveloperError, query

@query
async def one(ctx):
    return 1

@pytest.fixture
def reactor(reactor_factory):
    return reactor_factory(max_documents_read=1, now=datetime(2020, 1, 1, tzinfo=UTC))

async def test_it(reactor, reactor_factory, tmp_path):
    assert reactor.clock.datetime.year == 2020
    for _ in range(2):
        await reactor.mutation("messages:send", channel="a", text="hello")
    with pytest.raises(DeveloperError, match="limit: 1"):
        await reactor.query("messages:newest", channel="a")
    assert await reactor_factory().query("messages:newest", channel="a") == []
    assert await reactor_factory(functions=[one]).query(one) == 1
    async with reactor_factory(data=tmp_path) as other:
        await other.mutation("messages:send", channel="a", text="hello")
    assert await reactor_factory(data=tmp_path).query("messages:newest", channel="a") == ["hello"]
"""
    )
    project.run("--reactor-store=sqlite").assert_outcomes(passed=1)


def test_a_test_says_why_there_is_no_application(project: Project):
    project.ini(AUTO)
    project.write(test_it='async def test_it(reactor):\n    await reactor.query("a:b")\n')
    outcome = project.run()
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*LoadError: * has no folder `functions`*"])


def test_a_broken_application_is_told_where_it_is_imported(project: Project):
    project.write(
        functions__messages="from reactor import query\n\n@query\ndef broken(ctx:\n",
        test_a="from functions import messages\n",
        test_b="from functions import messages\n",
    )
    outcome = project.run(plugins="reactor")
    outcome.assert_outcomes(errors=2)
    assert outcome.stdout.str().count("E   reactor.errors.LoadError: functions/messages.py:4") == 2


def test_a_folder_that_is_no_application_is_left_alone(project: Project):
    project.ini(AUTO + "pythonpath = .\n")
    project.write(
        functions__shout="def shout(text):\n    return text.upper()\n",
        test_it="""
import sys
from functions.shout import shout

def test_it():
    assert shout("a") == "A"
    assert not any(name.startswith("reactor.runtime") for name in sys.modules)
""",
    )
    project.run().assert_outcomes(passed=1)


def test_it_is_used_on_asyncio_only(project: Project):
    project.application()
    project.write(
        test_it="""
import pytest
from reactor import ReactorError

def test_it(reactor):
    with pytest.raises(ReactorError, match="runs on asyncio"):
        reactor.query("messages:newest", channel="a").send(None)
"""
    )
    project.run(plugins="reactor").assert_outcomes(passed=1)


def test_a_store_that_does_not_exist_is_refused(project: Project):
    project.ini("[pytest]\nreactor_store = disk\n")
    outcome = project.run(plugins="reactor")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["*reactor_store is 'disk'; it may be memory or sqlite.*"])


def test_the_plugin_imports_nothing_of_reactor_by_itself(tmp_path: Path):
    program = (
        "import sys, reactor.testing.plugin\n"
        "heavy = {name.partition('.')[0] for name in sys.modules} & {'msgspec', 'anyio', 'asyncio', 'starlette'}\n"
        "ours = sorted(name for name in sys.modules if name.startswith('reactor'))\n"
        "print(heavy, *ours)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    names = ["reactor", "reactor.exports", "reactor.testing", "reactor.testing.first_import", "reactor.testing.plugin"]
    assert done.stdout.split() == ["set()", *names]
