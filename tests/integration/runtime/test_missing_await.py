"""An `await` that is missing is an error with its place, and nothing happens in silence."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apps.club.functions import forgetful
from tests.integration.http.api import Api, open_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path, "club") as api:
        yield api


def line(text: str) -> int:
    """The line of the application in which a text stands, counted from 1."""
    lines = Path(forgetful.__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


async def rooms(api: Api) -> dict[str, int]:
    """How many visits there are in each room."""
    found = {room: len(await api.value("query", "visits:list", {"room": room})) for room in ("kept", "lost")}
    return {room: count for room, count in found.items() if count}


@pytest.mark.parametrize(
    ("function", "method", "text"),
    [
        ("insert", "ctx.db.insert", 'ctx.db.insert("visits", {"room": "lost", "n": 2})'),
        ("nested", "ctx.run_mutation", 'ctx.run_mutation("visits:add", room="lost")'),
    ],
)
async def test_a_mutation_fails_and_says_where(api: Api, function: str, method: str, text: str):
    message = await api.failure("mutation", f"forgetful:{function}")
    place = f"functions/forgetful.py:{line(text)}"
    assert (
        f"`{method}(...)` was called and not awaited ({place}), and without `await` it does nothing. Write "
        f"`await {method}(...)`; of several that run together, await the gather or every task. Nothing of this "
        "mutation was kept."
    ) in message
    assert await rooms(api) == {}


async def test_a_plain_function_can_forget_it_too(api: Api):
    assert "`ctx.db.insert(...)` was called and not awaited" in await api.failure("mutation", "forgetful:plain")


async def test_several_places_are_named(api: Api):
    message = await api.failure("mutation", "forgetful:several")
    first = line("ctx.db.patch(id, {")
    places = ", ".join(f"functions/forgetful.py:{number}" for number in (first, first + 1, first + 3))
    assert f"`ctx.db.patch(...)` was called and not awaited ({places}, and 2 more)" in message
    assert await rooms(api) == {}


@pytest.mark.parametrize("function", ["in_a_gather", "nested_that_goes_on"])
async def test_tasks_that_nobody_awaits_are_forgotten_calls(api: Api, function: str):
    message = await api.failure("mutation", f"forgetful:{function}")
    assert "was called and not awaited" in message
    assert await api.value("mutation", "visits:add", {"room": "kept"}) == 1
    assert await rooms(api) == {"kept": 1}


async def test_a_nested_mutation_takes_back_its_own(api: Api):
    assert await api.value("mutation", "forgetful:caught") == "MissingAwait"
    assert await rooms(api) == {"kept": 1}


async def test_what_is_awaited_in_any_way_is_right(api: Api):
    assert await api.value("mutation", "forgetful:awaited_later") == 3
    assert await rooms(api) == {"kept": 3}


async def test_a_task_that_writes_when_all_is_over_gets_an_error(api: Api):
    await api.value("mutation", "forgetful:late")
    assert await api.value("action", "forgetful:what_came_of_it") == "MutationEnded"
    assert await rooms(api) == {}


async def test_an_action_fails_and_what_it_did_stays(api: Api):
    message = await api.failure("action", "forgetful:by_action")
    assert re.search(r"`ctx.run_mutation\(...\)` was called and not awaited \(functions/forgetful.py:\d+\)", message)
    assert "What the action had done before stays done." in message
    assert await rooms(api) == {"kept": 1}
    assert "`ctx.run_action(...)` was called" in await api.failure("action", "forgetful:by_plain_action")


async def test_a_task_of_an_action_may_outlive_it(api: Api):
    assert await api.value("action", "forgetful:fire_and_forget") is None
    while await rooms(api) != {"kept": 1}:
        await asyncio.sleep(0)  # in its own time; the test's time is limited
