"""npm `convex`: usePaginatedQuery over pages that are live, split, stale, and older than the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.script import node
from tests.support.server import Server


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


def check(shown: list[dict[str, Any]]) -> None:
    """What a render shows is in order, shows nothing twice, and leaves out none of those that stay."""
    ids = [item["id"] for item in shown]
    assert len(ids) == len(set(ids)), "no message is shown twice"
    positions = [item["position"] for item in shown]
    assert positions == sorted(positions), "pages stand in their order"
    staying = [item["position"] for item in shown if item["body"] == "stays"]
    assert staying == [10 * number for number in range(len(staying))], "there is no gap"


@pytest.mark.parametrize("query", ["page", "small_pages"])
def test_pages_are_whole_while_others_write(chat: Server, query: str):
    channel = f"walk {query}"
    chat.mutation("pages:fill", channel=channel, count=40)
    with node("pages_client.mjs", chat.url, scene="walk", channel=channel, most=400, query=query) as script:
        script.finish()
    renders = script.of("render")
    for event in renders:
        check(event["items"])
    end = script.of("end")[0]
    assert renders[-1]["status"] == "Exhausted"
    assert len(renders[-1]["items"]) == end["count"] > 40
    longest = max(len(event["items"]) for event in renders if event["status"] == "CanLoadMore")
    assert longest > 5
    assert end["live"] > end["count"] / 10, "pages that grew have been split"


def test_a_range_that_changed_begins_again(chat: Server):
    with node("pages_client.mjs", chat.url, scene="stale") as script:
        script.finish()
    assert script.of("end") == [{"event": "end", "channel": "two"}]
    assert "InvalidCursor: the cursor is of another query" in chat.log


@pytest.mark.timeout(180)
def test_pages_are_whole_after_the_server_was_killed(tmp_path: Path):
    with Server("chat", tmp_path / "data") as server:
        server.mutation("pages:fill", channel="c", count=12)
        with node("pages_client.mjs", server.url, scene="staying", channel="c") as script:
            assert script.next("loaded")["count"] == 12
            server.kill()
            server.start()
            for position in (3, 45, 46, 1000):
                server.mutation("pages:put", channel="c", position=position)
            script.order(count=16)
            shown = script.next("shown")["positions"]
            assert shown == sorted([*range(0, 120, 10), 3, 45, 46, 1000])
            script.order(done=True)
            script.finish()
    for event in script.of("render"):
        check(event["items"])
