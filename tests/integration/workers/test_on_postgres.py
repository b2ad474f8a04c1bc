"""Several workers whose documents are in PostgreSQL."""

from pathlib import Path

import pytest

from tests.support.crew import Crew
from tests.support.patience import until
from tests.support.sync_client import SyncClient

pytestmark = pytest.mark.timeout(180)


async def test_they_share_a_database_and_one_that_dies_is_replaced(postgres_url: str, tmp_path: Path):
    with Crew(tmp_path / "data", 2, environment={"REACTOR_DATABASE": postgres_url}) as crew:
        one, other = sorted(crew.workers())
        async with SyncClient(crew.url) as client:
            query, mine = await client.add("crew:texts"), await client.add("crew:worker")
            reader = client.results[mine]
            until(lambda: crew.mutation("crew:add", text="heard") != reader, "a mutation on the other worker")
            await client.until(lambda: "heard" in client.results[query])
        crew.kill_worker(one)
        crew.until_all_serve()
        for worker in crew.workers():
            crew.until_answered_by(worker)
        assert other in crew.workers()
        assert "database   postgresql://" in crew.log
        assert not (crew.data / "reactor.db").exists()
        assert crew.stop() == 0
