"""A schema that changes under a running application."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.app.reloading import reload
from reactor.schema import SchemaMismatch
from reactor.store.seam import IndexRecord
from tests.integration.http.api import Api, open_api

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({"notes": define_table({"text": v.string()})INDEX})
"""

FUNCTIONS = """
import asyncio

from reactor import MutationCtx, QueryCtx, mutation, query

VERSION = "one"
REACHED, OPEN = asyncio.Event(), asyncio.Event()

@query
async def waits(ctx: QueryCtx):
    REACHED.set()
    await OPEN.wait()
    return VERSION

@query
async def among(ctx: QueryCtx, text: str):
    notes = ctx.db.query("notes").with_index("by_text", lambda q: q.eq("text", text))
    return [note["text"] for note in await notes.collect()]

@mutation
async def add(ctx: MutationCtx, text: str):
    return await ctx.db.insert("notes", {"text": text})
"""

BY_TEXT = '.index("by_text", ["text"])'


class Folder:
    """An application that is edited."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "functions").mkdir(parents=True)
        self.write()

    def write(self, functions: str = FUNCTIONS, *, schema: str = SCHEMA, index: str = "") -> None:
        (self.path / "schema.py").write_text(schema.replace("INDEX", index))
        (self.path / "functions" / "notes.py").write_text(functions)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "app")


def events(parts: Parts, name: str) -> asyncio.Event:
    """An event of the version of the module that serves."""
    function = parts.application.registry.find("notes:waits")
    assert function is not None
    return function.handler.__globals__[name]


class Fills:
    """Stops the filling of indexes until it is told to go on."""

    def __init__(self, parts: Parts) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        store: Any = parts.store
        self._fill = store.fill_index
        store.fill_index = self._stopped

    async def _stopped(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        self.reached.set()
        await self.go_on.wait()
        await self._fill(index, entries, as_of=as_of)


async def batch(api: Api, *queries: tuple[str, dict[str, Any]]) -> list[Any]:
    body = {"queries": [{"path": path, "args": args} for path, args in queries]}
    response = await api.http.post("/api/query_batch", json=body)
    assert response.status_code == 200, response.text
    return [result.get("value", result.get("errorMessage")) for result in response.json()["results"]]


async def test_a_batch_sees_one_version_of_code_and_schema(folder: Folder, tmp_path: Path):
    async with open_api(tmp_path / "data", str(folder.path)) as api:
        await api.value("mutation", "notes:add", {"text": "a"})
        asking = asyncio.create_task(batch(api, ("notes:waits", {}), ("notes:among", {"text": "a"})))
        old = events(api.parts, "OPEN")
        await events(api.parts, "REACHED").wait()
        folder.write(FUNCTIONS.replace('"one"', '"two"') + "\nOPEN.set()", index=BY_TEXT)
        await api.parts.reload()
        old.set()
        assert await asking == ["two", ["a"]]


async def test_the_old_code_serves_while_an_index_is_built(folder: Folder, tmp_path: Path):
    async with open_api(tmp_path / "data", str(folder.path)) as api:
        await api.value("mutation", "notes:add", {"text": "a"})
        events(api.parts, "OPEN").set()
        fills = Fills(api.parts)
        folder.write(FUNCTIONS.replace('"one"', '"two"') + "\nOPEN.set()", index=BY_TEXT)
        reloading = asyncio.create_task(api.parts.reload())
        await fills.reached.wait()
        assert await api.value("query", "notes:waits") == "one"
        message = await api.failure("query", "notes:among", {"text": "a"})
        assert "Index notes.by_text is currently being built and not available to query" in message
        await api.value("mutation", "notes:add", {"text": "a"})
        fills.go_on.set()
        await reloading
        assert await batch(api, ("notes:waits", {}), ("notes:among", {"text": "a"})) == ["two", ["a", "a"]]


async def test_the_newest_edit_wins(folder: Folder, tmp_path: Path):
    told: list[tuple[str, dict[str, object]]] = []
    async with open_api(tmp_path / "data", str(folder.path)) as api:
        await api.value("mutation", "notes:add", {"text": "a"})
        parts = api.parts
        parts.events = lambda kind, /, **fields: told.append((kind, fields))
        fills = Fills(parts)
        folder.write(FUNCTIONS.replace('"one"', '"two"'), index=BY_TEXT)
        first = asyncio.create_task(reload(parts, ["schema.py"]))
        await fills.reached.wait()
        folder.write("def (", index=BY_TEXT)
        await reload(parts, ["functions/notes.py"])
        assert [kind for kind, _ in told] == ["reload_failed"], "what cannot be loaded overtakes nobody"
        folder.write(FUNCTIONS.replace('"one"', '"three"'), index=BY_TEXT)
        last = asyncio.create_task(reload(parts, ["functions/notes.py"]))
        asked = parts.database._adopter
        while asked._asked < 3:
            await asyncio.sleep(0)
        fills.go_on.set()
        await asyncio.gather(first, last)
        assert [kind for kind, _ in told] == ["reload_failed", "reload_overtaken", "loaded"]
        assert (told[1][1], told[2][1]["changed"]) == ({"changed": ["schema.py"]}, ["functions/notes.py"])
        events(parts, "OPEN").set()
        assert await batch(api, ("notes:waits", {}), ("notes:among", {"text": "a"})) == ["three", ["a"]]


async def test_documents_that_do_not_match_keep_the_old_code(folder: Folder, tmp_path: Path):
    told: list[tuple[str, dict[str, object]]] = []
    async with open_api(tmp_path / "data", str(folder.path)) as api:
        id = await api.value("mutation", "notes:add", {"text": "a"})
        api.parts.events = lambda kind, /, **fields: told.append((kind, fields))
        events(api.parts, "OPEN").set()
        strict = SCHEMA.replace("v.string()", 'v.literal("b")')
        folder.write(FUNCTIONS.replace('"one"', '"two"') + "\nOPEN.set()", schema=strict)
        await reload(api.parts, ["schema.py"])
        ((kind, fields),) = told
        assert kind == "reload_failed"
        assert f'Document with ID "{id}" in table "notes" does not match the schema' in str(fields["error"])
        assert await api.value("query", "notes:waits") == "one"
        await api.value("mutation", "notes:add", {"text": "c"})
    with pytest.raises(SchemaMismatch, match=id):
        async with open_api(tmp_path / "data", str(folder.path)):
            pass
