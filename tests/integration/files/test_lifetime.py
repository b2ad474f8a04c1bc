"""A file from its upload to the removal of its bytes, with crashes in between."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.errors import DeveloperError
from reactor.files.links import STORAGE
from reactor.runtime import logs
from reactor.settings import Settings
from reactor.values.ids import new_id
from tests.integration.runtime.stage import Stage
from tests.integration.sync.engine import Client
from tests.support.server import APPS

HOUR = 3600 * 10**9
START = 1_700_000_000 * 10**9

ALONE = pytest.mark.stores("sqlite", because="one of several servers first suspects, and removes later")


class Life:
    """The gallery with a clock to turn."""

    def __init__(self, parts: Parts, clock: list[int]) -> None:
        self.parts, self._clock, self.stage = parts, clock, Stage(parts)

    async def call(self, kind: str, name: str, **args: Any) -> Any:
        return await self.stage.value(kind, f"pictures:{name}", **args)

    async def store(self, content: bytes = b"x") -> str:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        return await self.parts.files.add(pieces(), None)

    async def later(self, ns: int) -> None:
        self._clock[0] += ns
        await self.parts.files.upkeep.collect()

    def bytes_of(self, id: str) -> bytes | None:
        path = self.folder / id
        return path.read_bytes() if path.exists() else None

    @property
    def folder(self) -> Path:
        return self.parts.settings.data / "files"


@asynccontextmanager
async def living(data: Path, clock: list[int], app: str = "gallery") -> AsyncIterator[Life]:
    parts = Parts(Settings(data=data), APPS / app, lambda kind, /, **fields: None, clock=lambda: clock[0])
    restore = logs.install()
    try:
        await parts.open()
        yield Life(parts, clock)
    finally:
        await parts.close()
        restore()


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path / "data", [START]) as life:
        yield life


async def test_a_deletion_that_is_taken_back_deletes_nothing(life: Life):
    id = await life.store()
    await life.stage.failure("mutation", "pictures:delete_and_fail", file=id)
    assert await life.call("query", "url", file=id) is not None
    await life.later(2 * HOUR)
    assert life.bytes_of(id) == b"x"


async def test_bytes_go_when_the_history_no_longer_shows_the_file(life: Life):
    id, kept = await life.store(b"goes"), await life.store(b"stays")
    before = life.parts.database.committer.visible
    await life.call("mutation", "delete", file=id)
    assert await life.call("query", "url", file=id) is None
    await life.later(HOUR - 1_000_000)
    assert life.bytes_of(id) == b"goes"
    snapshot = life.parts.store.acquire()
    past = await life.parts.database.read_past(snapshot, before)
    table = past.table("_storage")
    assert table is not None
    assert await past.get(table, id) is not None, "the state of before shows the file, and its bytes are there"
    snapshot.release()
    await life.later(2_000_000)
    assert (life.bytes_of(id), life.bytes_of(kept)) == (None, b"stays")
    assert life.parts.files.upkeep.removed == 1


async def test_nothing_is_left_of_many_deletions(life: Life):
    ids = [await life.store() for _ in range(450)]
    for id in ids:
        await life.call("mutation", "delete", file=id)
    await life.later(2 * HOUR)
    assert [id for id in ids if life.bytes_of(id)] == []
    await life.later(2 * HOUR)
    assert life.parts.files.upkeep.removed == 450, "each is removed once"


async def test_a_restart_forgets_no_deletion(tmp_path: Path):
    clock = [START]
    async with living(tmp_path / "data", clock) as life:
        id = await life.store()
        await life.call("mutation", "delete", file=id)
    async with living(tmp_path / "data", clock) as life:
        await life.parts.files.upkeep.sweep()
        assert life.bytes_of(id) == b"x"
        await life.later(2 * HOUR)
        assert life.bytes_of(id) is None


@ALONE
async def test_a_sweep_removes_bytes_without_a_row_and_nothing_else(life: Life):
    known = [await life.store(b"%d" % number) for number in range(5)]
    deleted = await life.store(b"deleted")
    await life.call("mutation", "delete", file=deleted)
    orphan = new_id(STORAGE, 1e12)
    (life.folder / orphan).write_bytes(b"a crash came before the row")
    (life.folder / "notes.txt").write_bytes(b"somebody's own")
    await life.parts.files.upkeep.sweep()
    assert life.bytes_of(orphan) is None
    assert all(life.bytes_of(id) is not None for id in (*known, deleted, "notes.txt", "key"))
    assert life.parts.files.upkeep.orphans == 1


@ALONE
async def test_a_sweep_spares_what_is_being_stored(life: Life):
    id = new_id(STORAGE, 1e12)
    (life.folder / id).write_bytes(b"its row is on the way")
    with life.parts.files.upkeep.spare(id):
        await life.parts.files.upkeep.sweep()
        assert life.bytes_of(id) is not None
    await life.parts.files.upkeep.sweep()
    assert life.bytes_of(id) is None


async def test_rows_without_bytes_are_reported(life: Life, caplog: pytest.LogCaptureFixture):
    ids = [await life.store() for _ in range(3)]
    await life.parts.files.upkeep.sweep()
    assert life.parts.files.upkeep.without_bytes == []
    (life.folder / ids[1]).unlink()
    await life.parts.files.upkeep.sweep()
    assert life.parts.files.upkeep.without_bytes == [ids[1]]
    assert ids[1] in caplog.text


async def test_live_queries_see_a_file_come_and_go(life: Life):
    client = Client(life.parts)
    id = await life.store()
    await life.call("mutation", "add", caption="A", file=id)
    await client.add(0, "pictures:captions")
    url = await client.add(1, "pictures:url", file=id)
    assert client.value(0) == [{"caption": "A", "url": url}]
    await life.call("mutation", "delete", file=id)
    await client.until(lambda: client.value(1) is None)
    assert client.value(0) == [{"caption": "A", "url": None}]


async def test_actions_delete_in_a_transaction_of_their_own(life: Life):
    id = await life.store()
    before, after = await life.call("action", "delete_apart", file=id)
    assert before.endswith(life.parts.files.links.lasting(id)[-36:])
    assert after is None
    failure = await life.stage.failure("action", "pictures:delete_apart", file=id)
    assert f"storage id {id} not found" in failure.text


async def test_a_digest_may_be_given_in_any_form(life: Life):
    hexadecimal = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    coded = "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="
    content = {"$bytes": "eA=="}
    for sha256 in (hexadecimal, coded):
        await life.call("action", "store", content=content, sha256=sha256)
    for wrong in ("00" * 32, "short", "?"):
        failure = await life.stage.failure("action", "pictures:store", content=content, sha256=wrong)
        assert isinstance(failure.error, DeveloperError)
    assert len(await life.call("query", "rows")) == 2


@pytest.mark.parametrize("awaiting", [False, True])
async def test_files_are_stored_from_pieces_and_read_in_pieces(life: Life, awaiting: bool):
    pieces = [{"$bytes": "AAAA"}, {"$bytes": ""}, {"$bytes": "/w=="}]
    id = await life.call("action", "store_pieces", pieces=pieces, awaiting=awaiting)
    assert await life.call("action", "read", file=id) == {"$bytes": "AAAA/w=="}
    assert await life.call("action", "count_streamed", file=id) == 4
    await life.call("mutation", "delete", file=id)
    assert await life.call("action", "read", file=id) is None
    failure = await life.stage.failure("action", "pictures:count_streamed", file=id)
    assert f"storage id {id} not found" in failure.text


async def test_the_key_is_not_in_the_database_and_the_row_has_no_secret(life: Life):
    id = await life.store()
    row = await life.call("query", "row", file=id)
    assert life.parts.files.links.lasting(id)[-36:] not in json.dumps(row)
