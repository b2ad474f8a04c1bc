"""PyPI `convex`: subscribe, query, mutation, action, and its errors."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.support.script import python
from tests.support.server import Server


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("faults", tmp_path_factory.mktemp("faults") / "data", command="dev") as server:
        yield server


def test_subscribes_queries_mutates_and_acts(chat: Server):
    with python("python_client.py", chat.url, scene="conversation", channel="py") as script:
        script.finish()
    results = [event["bodies"] for event in script.of("bodies")]
    assert results[0] == []
    assert results[-1] == ["one", "TWO", "three"]
    assert all(earlier == later[: len(earlier)] for earlier, later in pairwise(results))
    assert script.of("asked")[0]["bodies"] == ["one"], "a client reads its own write"
    assert script.of("shouted")[0]["count"] == 2


def test_errors_carry_text_and_data(faults: Server):
    with python("python_client.py", faults.url, scene="failures") as script:
        script.finish()
    said = {event["event"]: event for event in script.seen}
    for kind in ("query", "mutation", "action"):
        assert said[kind]["name"] == "Exception"
        assert f"Uncaught ValueError: the {kind} failed" in said[kind]["message"]
    for kind in ("queryData", "subscription"):
        assert (said[kind]["name"], said[kind]["data"]) == ("ConvexError", {"code": "FULL", "seats": 30})
    assert said["mutationData"]["data"] == {"code": "REFUSED", "text": "x"}
    assert said["actionData"]["data"] == ["no", 1]
    assert "Could not find public function for 'faults:nope'." in said["missing"]["message"]
    assert said["healthy"]["value"]["notes"] == 0
