"""Actions with retries on both stores: when they run again, what is seen of it, and what is left in the end."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import DeveloperError
from reactor.testing import Backend
from tests.support.server import APPS


@pytest.fixture(params=["memory", "sqlite"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    modules = APPS / "crons"
    options: dict[str, Any] = {"data": tmp_path / "data"} if request.param == "sqlite" else {}
    async with Backend(modules, fresh=True, **options) as backend:
        await backend.run_due()
        yield backend


async def job_of(backend: Backend, id: str) -> dict[str, Any]:
    return next(job for job in await backend.query("work:jobs") if job["_id"] == id)


async def test_it_runs_again_until_it_succeeds(backend: Backend) -> None:
    backend.modules["work"].FAILS.extend(["a", "a"])
    id = await backend.mutation("work:later", path="work:insist", name="a")
    begun = backend.clock.now
    await backend.run_due()
    job = await job_of(backend, id)
    assert job["state"] == {"kind": "pending"} and "completedTime" not in job
    assert 5_000 <= job["scheduledTime"] - begun <= 10_000
    assert (job["attempts"]["failed"], job["attempts"]["retries"]) == (1, 3)
    assert "a failed" in job["attempts"]["lastError"]
    await backend.advance(seconds=60)
    assert (await job_of(backend, id))["state"] == {"kind": "success"}
    assert (await backend.query("work:texts")).count("a") == 3


async def test_without_retries_it_runs_once(backend: Backend) -> None:
    backend.modules["work"].FAILS.extend(["b"])
    id = await backend.mutation("work:later", path="work:act", name="b")
    await backend.advance(seconds=60)
    job = await job_of(backend, id)
    assert job["state"]["kind"] == "failed" and "deadLetter" not in job["state"] and "attempts" not in job
    assert (await backend.query("work:texts")).count("b") == 1


async def test_what_fails_for_good_is_a_dead_letter_and_may_run_again(backend: Backend) -> None:
    backend.modules["work"].FAILS.extend(["c"] * 4)
    id = await backend.mutation("work:later", path="work:insist", name="c")
    await backend.advance(seconds=60)
    job = await job_of(backend, id)
    assert job["state"]["kind"] == "failed" and job["state"]["deadLetter"] is True
    assert (await backend.query("work:texts")).count("c") == 4
    assert [dead["_id"] for dead in await backend.query("_system/jobs:deadLetters")] == [id]
    await backend.mutation("_system/jobs:runAgain", id=id)
    await backend.run_due()
    assert (await job_of(backend, id))["state"] == {"kind": "success"}
    assert await backend.query("_system/jobs:deadLetters", limit=5) == []
    with pytest.raises(DeveloperError, match="is no action all of whose tries have failed"):
        await backend.mutation("_system/jobs:runAgain", id=id)


async def test_a_job_that_waits_for_its_next_try_can_be_canceled(backend: Backend) -> None:
    backend.modules["work"].FAILS.extend(["d"])
    id = await backend.mutation("work:later", path="work:insist", name="d")
    await backend.run_due()
    await backend.mutation("_system/jobs:cancel", id=id)
    await backend.advance(seconds=60)
    assert (await job_of(backend, id))["state"] == {"kind": "canceled"}
    backend.modules["work"].FAILS.clear()
