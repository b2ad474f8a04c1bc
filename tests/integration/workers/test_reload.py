"""SIGHUP: all workers load new code in place."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crew import Crew
from tests.support.patience import until
from tests.support.server import APPS
from tests.support.sync_client import SyncClient

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path / "data", app=shutil.copytree(APPS / "crew", tmp_path / "app"))
    write(crew, 0)
    with crew:
        yield crew


def write(crew: Crew, version: int, *, more: str = "") -> None:
    """Write the code anew, with a query that tells its version."""
    code = (APPS / "crew" / "functions" / "crew.py").read_text()
    query = f"@query\nasync def version(ctx: QueryCtx) -> list[int]:\n    return [{version}, os.getpid()]\n"
    (crew.app / "functions" / "crew.py").write_text(f"{code}\n\n{query}{more}")


def load(crew: Crew, version: int, *, more: str = "") -> None:
    write(crew, version, more=more)
    assert crew.process is not None
    crew.process.send_signal(signal.SIGHUP)


def answers(crew: Crew) -> set[tuple[int, int]]:
    """The versions that some connections meet, each with its process."""
    return {tuple(map(int, crew.query("crew:version"))) for _ in range(15)}  # pyright: ignore - two each


async def test_all_load_new_code_and_nobody_is_cut_off(crew: Crew):
    workers = crew.workers()
    async with SyncClient(crew.url) as client:
        query = await client.add("crew:texts")
        load(crew, 1)
        until(lambda: "reloaded" in crew.log, lambda: crew.log)
        until(lambda: {(1, worker) for worker in workers} == answers(crew), "the new code of all")
        load(crew, 2)
        until(lambda: {(2, worker) for worker in workers} == answers(crew), "the newest code of all")
        crew.mutation("crew:add", text="x")
        await client.until_result(query, ["x"])
        assert client.ended is None
    assert crew.log.count("  reloaded  ") == 2, "once for all of them"


def test_broken_code_is_told_once_and_the_last_good_serves(crew: Crew, tmp_path: Path):
    workers, tried = crew.workers(), tmp_path / "tried"
    load(crew, 1, more=f"open({str(tried)!r}, 'a').write(f'{{os.getpid()}}\\n')\nimport nothing_of_the_kind\n")
    until(lambda: tried.exists() and workers == set(map(int, tried.read_text().split())), "that all have tried it")
    met: set[tuple[int, int]] = set()
    until(lambda: {worker for _, worker in met} == workers or met.update(answers(crew)), "an answer of each")
    assert met == {(0, worker) for worker in workers}
    crew.stop()
    assert crew.log.count("not reloaded") == 1


def test_a_worker_that_is_started_again_brings_its_code_to_all(crew: Crew):
    first, *others = sorted(crew.workers())
    write(crew, 4)
    crew.kill_worker(first)
    crew.until_all_serve()
    until(lambda: {(4, worker) for worker in crew.workers()} == answers(crew), "the code of the youngest at all")
    assert set(others) < crew.workers()
