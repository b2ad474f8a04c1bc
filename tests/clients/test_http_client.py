"""npm `convex`: ConvexHttpClient."""

from collections.abc import Iterator

import pytest

from tests.support.script import node
from tests.support.server import Server


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


def test_queries_mutates_and_acts(chat: Server):
    with node("http_client.mjs", chat.url, scene="calls", channel="calls") as script:
        script.finish()
    assert script.of("asked")[0]["bodies"] == ["one"]
    assert script.of("shouted")[0]["count"] == 2
    assert script.of("queued")[0]["bodies"] == ["one", "TWO", "a", "b", "c"]


def test_consistent_queries_stay_at_the_clients_first_moment(chat: Server):
    with node("http_client.mjs", chat.url, scene="consistency", channel="consistency") as script:
        script.finish()
    assert script.of("first")[0]["bodies"] == ["before"]
    assert script.of("second")[0]["bodies"] == ["before"]
    assert script.of("newest")[0]["bodies"] == ["before", "after"]
    assert script.of("later")[0]["bodies"] == ["before", "after"]


@pytest.mark.parametrize("command", ["dev", "start"])
def test_errors_tell_developers_all_and_users_only_what_is_meant_for_them(
    command: str, tmp_path_factory: pytest.TempPathFactory
):
    with Server("faults", tmp_path_factory.mktemp("faults") / "data", command=command) as server:
        with node("http_client.mjs", server.url, scene="failures") as script:
            script.finish()
        assert server.query("faults:healthy")["notes"] == 0, "failed mutations wrote nothing"
    said = {event["event"]: event for event in script.seen}
    assert said["queryData"]["data"] == {"code": "FULL", "seats": 30}
    assert said["mutationData"]["data"] == {"code": "REFUSED", "text": "x"}
    assert said["actionData"]["data"] == ["no", 1]
    assert said["query"]["name"] == "Error"
    assert "Server Error" in said["query"]["message"]
    assert ("ValueError: the query failed" in said["query"]["message"]) == (command == "dev")
    assert ("Could not find public function for 'faults:hidden'." in said["missing"]["message"]) == (command == "dev")
