"""New code under the feet of live sessions: nobody is cut off, and everything runs under the new code at once."""

import asyncio
from pathlib import Path

import pytest

from reactor.errors import LoadError
from reactor.live import rounds
from tests.integration.sync.engine import Client, engine, timestamp

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({"notes": define_table({"text": v.string()})INDEX})
"""

FUNCTIONS = """
from reactor import MutationCtx, QueryCtx, mutation, query

VERSION = "one"

@query
async def list(ctx: QueryCtx):
    return [VERSION, *[note["text"] for note in await ctx.db.query("notes").collect()]]

@query
async def fixed(ctx: QueryCtx):
    return "always the same"

@mutation
async def add(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})
    return VERSION
"""

BY_TEXT = """
@query
async def among(ctx: QueryCtx, text: str):
    notes = ctx.db.query("notes").with_index("by_text", lambda q: q.eq("text", text))
    return [note["text"] for note in await notes.collect()]
"""


class Folder:
    """An application that is edited."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "functions").mkdir(parents=True)
        self.write()

    def write(self, functions: str = FUNCTIONS, *, index: str = "") -> None:
        (self.path / "schema.py").write_text(SCHEMA.replace("INDEX", index))
        (self.path / "functions" / "notes.py").write_text(functions)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "app")


async def test_sessions_stay_and_see_the_new_code(folder: Folder, tmp_path: Path):
    async with engine(tmp_path / "data", folder.path) as parts:
        clients = [Client(parts) for _ in range(5)]
        for client in clients:
            assert await client.add(0, "notes:list") == ["one"]
            await client.add(1, "notes:fixed")
        before = [client.transitions for client in clients]
        folder.write(FUNCTIONS.replace('"one"', '"two"'))
        await parts.reload()
        for client in clients:
            await client.until(lambda c=client: c.value(0) == ["two"])
            assert client.value(1) == "always the same"
        assert [client.transitions - count for client, count in zip(clients, before, strict=True)] == [1] * 5
        assert (await clients[0].mutation("notes:add", text="a"))["result"] == "two"
        causes = {run["cause"] for run in parts.rounds.reruns.recent(str)}
        assert causes == {"subscribed", "code", "commit"}
        assert all(client.closed is None for client in clients)


async def test_a_broken_edit_leaves_the_old_code_serving(folder: Folder, tmp_path: Path):
    async with engine(tmp_path / "data", folder.path) as parts:
        client = Client(parts)
        await client.add(0, "notes:list")
        for broken in ("def (", "import nothing_of_the_kind", FUNCTIONS + "\n@query\ndef list(ctx): ...\n1/0"):
            folder.write(broken)
            with pytest.raises(LoadError):
                await parts.reload()
            assert (await client.mutation("notes:add", text="a"))["result"] == "one"
        assert client.value(0) == ["one", "a", "a", "a"]


async def test_functions_that_come_and_go(folder: Folder, tmp_path: Path):
    async with engine(tmp_path / "data", folder.path) as parts:
        client = Client(parts)
        await client.add(0, "notes:later")
        await client.add(1, "notes:fixed")
        assert "Could not find public function" in client.results[0]["errorMessage"]
        folder.write(FUNCTIONS.replace("def fixed", "def later"))
        await parts.reload()
        await client.until(lambda: client.value(0) == "always the same")
        assert "Could not find public function" in client.results[1]["errorMessage"]


async def test_an_index_that_is_made_while_documents_come(folder: Folder, tmp_path: Path):
    async with engine(tmp_path / "data", folder.path) as parts:
        client, writer = Client(parts), Client(parts)
        await client.add(0, "notes:among", text="a")
        for _ in range(50):
            await writer.mutation("notes:add", text="a")
        folder.write(FUNCTIONS + BY_TEXT, index='.index("by_text", ["text"])')
        reloading = asyncio.create_task(parts.reload())
        while not reloading.done():
            await writer.mutation("notes:add", text="a")
        await reloading
        total = len([number for number in writer.responses if writer.responses[number][0]["success"]])
        await client.until(lambda: client.value(0) == ["a"] * total)
        known = [moment[0] for moment in client.moments if moment.get(0) is not None]
        assert all(len(seen) >= 50 for seen in known), "never an index that is half full"
        await writer.mutation("notes:add", text="a")
        await client.until(lambda: len(client.value(0)) == total + 1)


async def test_a_reload_during_a_round(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Results of one moment are all of one version of the code, also when it changes half way."""
    monkeypatch.setattr(rounds, "_SLICE_SECONDS", -1.0)
    versions = "\n".join(
        f"@query\nasync def v{n}(ctx):\n    await ctx.db.query('notes').collect()\n    return VERSION"
        for n in range(30)
    )
    folder.write(FUNCTIONS + versions)
    async with engine(tmp_path / "data", folder.path) as parts:
        client, writer = Client(parts), Client(parts)
        for n in range(30):
            await client.add(n, f"notes:v{n}")
        for version in ("two", "three", "four"):
            folder.write((FUNCTIONS + versions).replace('"one"', f'"{version}"'))
            reloading = asyncio.create_task(parts.reload())
            while not reloading.done():
                writer.request("Mutation", "notes:add", text="a")
                await asyncio.sleep(0)
            await reloading
        await client.until(lambda: client.value(0) == "four")
        assert all(len(set(moment.values())) == 1 for moment in client.moments)


async def test_writes_during_reloads_are_all_there(folder: Folder, tmp_path: Path):
    async with engine(tmp_path / "data", folder.path) as parts:
        clients = [Client(parts) for _ in range(10)]
        for client in clients:
            await client.add(0, "notes:list")
        for _ in range(3):
            for client in clients:
                client.request("Mutation", "notes:add", text=client.session)
            await parts.reload()
        newest = [timestamp((await client.response(2))["ts"]) for client in clients]
        for client in clients:
            await client.reach(max(newest))
            assert len(client.value(0)) == 31
            assert client.closed is None
