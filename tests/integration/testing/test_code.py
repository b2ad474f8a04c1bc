"""The code that backends run: shared, given, and that of several applications side by side."""

import asyncio
import builtins
import importlib
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from reactor import DeveloperError, MutationCtx, define_schema, define_table, mutation, query, v
from reactor.errors import FunctionNotFound, LoadError
from reactor.testing import Backend
from tests.support.server import APPS

WriteApp = Callable[..., Path]

LATE_IMPORTS = """
import asyncio, importlib
from reactor import action, query

meetings = {{}}

@query
def names(ctx):
    from functions import names as own
    from functions.inner import deep
    import words
    return [own.NAME, deep.NAME, words.NAME, importlib.import_module("schema").NAME]

@action
async def names_after(ctx):
    import words
    await asyncio.sleep(0)
    from functions import names as own
    from functions.inner import late
    return [own.NAME, late.NAME, words.NAME]

NAME = "{0}"
"""


def write_named(write_app: WriteApp, name: str) -> Path:
    own = f'NAME = "{name}"\n'
    return write_app(
        name,
        schema=own + "from reactor import define_schema\nschema = define_schema({})\n",
        words=own,
        functions__names=LATE_IMPORTS.format(name),
        functions__inner__deep=own,
        functions__inner__late=own,
    )


@pytest.fixture
def two(write_app: WriteApp) -> list[Path]:
    return [write_named(write_app, "one"), write_named(write_app, "two")]


async def test_applications_in_turn_do_not_mix(two: list[Path]):
    for folder in (*two, *two):
        async with Backend(folder) as backend:
            assert await backend.query("names:names") == [folder.name] * 4
            assert await backend.action("names:names_after") == [folder.name] * 3


async def test_applications_at_once_do_not_mix(two: list[Path]):
    async with Backend(two[0]) as one, Backend(two[1]) as other, Backend(two[0], fresh=True) as fresh:
        calls = [b.action("names:names_after") for b in (one, other, fresh, other, one)]
        names = ["one", "two", "one", "two", "one"]
        assert await asyncio.gather(*calls) == [[name] * 3 for name in names]
        for backend, name in ((one, "one"), (other, "two"), (one, "one"), (fresh, "one")):
            assert await backend.query("names:names") == [name] * 4


async def test_nothing_is_left_of_keeping_them_apart(two: list[Path]):
    usual = builtins.__import__
    async with Backend(two[0]), Backend(two[0]):
        assert builtins.__import__ is usual
        async with Backend(two[1]):
            assert builtins.__import__ is not usual
            from json import loads

            assert loads("1") == 1
        assert builtins.__import__ is usual
    assert builtins.__import__ is usual


async def test_functions_of_another_application_are_told_apart(two: list[Path]):
    async with Backend(two[0]) as one, Backend(two[1]) as other:
        function = other.modules["names"].names
        assert await other.query(function) == ["two"] * 4
        with pytest.raises(FunctionNotFound, match=r"two.functions.names\.py.*serves .*one"):
            await one.query(function)


async def test_code_is_shared_until_a_source_changes(two: list[Path]):
    def modules() -> types.ModuleType:
        return Backend(two[0]).modules["names"]

    first = modules()
    assert modules() is first
    assert Backend(two[0], fresh=True).modules["names"] is not first
    assert modules() is first
    async with Backend(two[0]) as backend:
        await backend.query("names:names")  # which imports `words`
    for change in (
        lambda: (two[0] / "words.py").write_text('NAME = "new"\n'),
        lambda: (two[0] / "functions" / "more.py").write_text("from reactor import query\n"),
        lambda: (two[0] / "functions" / "more.py").unlink(),
    ):
        before = modules()
        change()
        assert modules() is not before
    async with Backend(two[0]) as backend:
        assert await backend.query("names:names") == ["one", "one", "new", "one"]


async def test_a_broken_source_is_told_and_mended(write_app: WriteApp):
    folder = write_app(functions__a="from reactor import query\n\n@query\ndef good(ctx):\n    return 1\n")
    async with Backend(folder) as backend:
        assert await backend.query("a:good") == 1
    (folder / "functions" / "a.py").write_text("from reactor import query\n\n@query\ndef bad(ctx:\n")
    with pytest.raises(LoadError, match=r"functions/a\.py"):
        await Backend(folder).open()
    (folder / "functions" / "a.py").write_text("from reactor import query\n\n@query\ndef good(ctx):\n    return 22\n")
    async with Backend(folder) as backend:
        assert await backend.query("a:good") == 22


async def test_what_a_module_uses_can_be_replaced(two: list[Path], monkeypatch: pytest.MonkeyPatch):
    async with Backend(two[0]) as backend:
        monkeypatch.setattr(importlib.import_module("words"), "NAME", "replaced")
        monkeypatch.setattr(backend.modules["inner/deep"], "NAME", "deep")
        assert await backend.query("names:names") == ["one", "deep", "replaced", "one"]


async def test_functions_imported_later_are_those_that_run(two: list[Path]):
    async with Backend(two[0]) as backend:
        names = importlib.import_module("functions.names")
        assert names is backend.modules["names"]
        assert await backend.query(names.names) == ["one"] * 4


# Given functions

SCHEMA = define_schema({"notes": define_table({"text": v.string()}).index("by_text", ["text"])})


@mutation
async def note(ctx: MutationCtx, text: str):
    return await ctx.db.insert("notes", {"text": text})


@query
async def count(ctx: MutationCtx) -> int:
    return len(await ctx.db.query("notes").collect())


async def test_modules_can_be_given():
    here = sys.modules[__name__]
    async with Backend(functions=iter([here]), schema=SCHEMA) as backend:
        await backend.mutation(note, text="a")
        await backend.mutation("test_code:note", text="b")
        assert await backend.query(count) == 2
        assert backend.modules == {"test_code": here}
        with pytest.raises(DeveloperError, match="does not match the schema"):
            await backend.run(lambda ctx: ctx.db.insert("notes", {"body": "c"}))


async def test_modules_can_be_given_with_their_paths():
    here = sys.modules[__name__]
    async with Backend(functions={"admin/notes": here}, schema=SCHEMA) as one, Backend(functions=note) as other:
        await one.mutation("admin/notes:note", text="a")
        await one.mutation(note, text="a")
        assert await one.query(count) == 2
        assert await one.run(lambda ctx: ctx.run_query(count)) == 2
        await other.mutation(note, text="a")
        assert note.path.endswith("test_code:note")


def module(name: str, **content: object) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(content)
    return made


async def test_a_module_does_not_export_what_it_imports_from_another():
    home = module("functions.admin.notes")
    home_note = type(note)(note.handler, note.kind)
    monkey = types.FunctionType(note.handler.__code__, globals(), "write")
    monkey.__module__ = home.__name__
    vars(home)["write"] = mutation(monkey)
    user = module("functions.user", write=vars(home)["write"], note=home_note)
    async with Backend(functions=[home, user], schema=SCHEMA) as backend:
        await backend.mutation("admin/notes:write", text="x")
        await backend.mutation("user:note", text="x")
        with pytest.raises(FunctionNotFound):
            await backend.mutation("user:write", text="x")


def test_what_is_neither_module_nor_function_is_refused():
    with pytest.raises(LoadError, match="not 'rooms'"):
        _ = Backend(functions=["rooms"]).modules  # pyright: ignore[reportArgumentType] - the mistake to be told
    with pytest.raises(LoadError, match="Two modules are called a"):
        _ = Backend(functions=[module("x.a"), module("y.a")]).modules


async def test_the_folder_is_the_current_one_by_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(APPS / "club")
    async with Backend() as backend:
        assert await backend.query("members:secret") == "the secret"
