"""Copies that are killed and interrupted: the source has not changed, and the next run goes on to the end."""

import asyncio
import random
from pathlib import Path

import pytest

from reactor.store.seam import Commit, Point, Write
from tests.integration.store.copies import World, everything
from tests.integration.store.rows import TABLE, commit_and_advance, doc_id, key
from tests.support.copying import Copying
from tests.support.patience import until

pytestmark = pytest.mark.stores("sqlite", because="copies from and to the stores that it names")

DOCUMENTS = 60_000
AT_ONCE = 2_000
PADDING = b"p" * 400


async def fill(folder: Path) -> None:
    """A database that takes a while to copy."""
    world = await World(f"sqlite:{folder}").open()
    for first in range(0, DOCUMENTS, AT_ONCE):
        writes = [_insert(number) for number in range(first, first + AT_ONCE)]
        world.ts += 1
        await commit_and_advance(world.store, Commit(world.ts, writes, "words:fill"))
    await world.store.close()


def _insert(number: int) -> Write:
    entry = Point(TABLE.by_creation, None, key(b"w%d" % number, number))
    return Write(doc_id(number), TABLE.number, None, PADDING, [entry])


def _wait_for_bytes(run: Copying, number: int) -> None:
    """Wait until the process has read so many bytes more."""

    def read() -> int:
        fields = dict(line.split(": ") for line in Path(f"/proc/{run.process.pid}/io").read_text().splitlines())
        return int(fields["rchar"])

    began = read()
    until(lambda: read() > began + number)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_copy_that_is_killed_again_and_again_comes_to_its_end(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    here = f"sqlite:{tmp_path / 'here'}"
    there = f"sqlite:{tmp_path / 'there'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    asyncio.run(fill(tmp_path / "here"))
    file = tmp_path / "here" / "reactor.db"
    was = file.read_bytes()
    for number in range(4):
        with Copying(tmp_path / f"{number}.log", "--from", here, "--to", there) as run:
            run.until("copying")
            _wait_for_bytes(run, random.randrange(100_000, 2_500_000))
            if number % 2:
                run.kill()
            else:
                run.interrupt()
                assert "the same command goes on" in run.end(130)
    with Copying(tmp_path / "last.log", "--from", here, "--to", there) as run:
        said = run.end()
    assert f"Both sides are equal: {DOCUMENTS:,} documents" in said
    assert file.read_bytes() == was
    assert asyncio.run(everything(there)) == asyncio.run(everything(here))
