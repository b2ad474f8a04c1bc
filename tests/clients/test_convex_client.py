"""npm `convex`: ConvexClient against a server on a real file."""

from collections.abc import Iterator

import pytest

from tests.support.script import node
from tests.support.server import Server


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("faults", tmp_path_factory.mktemp("faults") / "data", command="dev") as server:
        yield server


def test_subscribes_mutates_and_acts(chat: Server):
    with node("convex_client.mjs", chat.url, scene="conversation", channel="conversation") as script:
        script.finish()
    assert [event["bodies"] for event in script.of("bodies")] == [
        [],
        ["one"],
        ["one", "two"],
        ["one", "two", "THREE"],
    ]
    assert script.of("asked")[0]["bodies"] == ["one", "two", "THREE"]
    assert script.of("shouted")[0]["count"] == 3
    assert len({event["id"] for event in script.of("sent")}) == 2
    assert script.of("console") == []


def test_reads_its_own_writes_and_keeps_their_order(chat: Server):
    with node("convex_client.mjs", chat.url, scene="haste", channel="haste") as script:
        script.finish()
    hasty = script.of("hasty")[0]
    assert hasty["readOwnWrites"] == [True] * 30
    assert hasty["shown"] == [str(number) for number in range(30)]


def test_errors_carry_text_and_data(faults: Server):
    with node("convex_client.mjs", faults.url, scene="failures") as script:
        script.finish()
    said = {event["event"]: event for event in script.seen}
    for kind, letter, path in (("query", "Q", "raises"), ("mutation", "M", "writes_then_raises")):
        assert said[kind]["name"] == "Error"
        assert said[kind]["message"].startswith(f"[CONVEX {letter}(faults:{path})]")
        assert f"Uncaught ValueError: the {kind} failed" in said[kind]["message"]
    assert "Uncaught ValueError: the action failed" in said["action"]["message"]
    assert (said["queryData"]["name"], said["queryData"]["data"]) == ("ConvexError", {"code": "FULL", "seats": 30})
    assert said["mutationData"]["data"] == {"code": "REFUSED", "text": "x"}
    assert said["actionData"]["data"] == ["no", 1]
    assert "ArgumentValidationError: Value does not match validator." in said["arguments"]["message"]
    assert "Path: .text" in said["arguments"]["message"]
    assert "Could not find public function for 'faults:nope'." in said["missing"]["message"]
    assert said["healthy"]["value"] == {"text": "well", "notes": 0}


def test_a_subscription_turns_into_an_error(faults: Server):
    with node("convex_client.mjs", faults.url, scene="turning") as script:
        script.finish()
    assert [event["value"] for event in script.of("value")] == ["fine"]
    assert [(event["name"], event["data"]) for event in script.of("error")] == [("ConvexError", "noted")]


def test_log_lines_reach_the_clients_console(faults: Server):
    with node("convex_client.mjs", faults.url, scene="speech") as script:
        script.finish()
    lines = [event["text"] for event in script.of("console")]
    assert lines == [
        "%c[CONVEX Q(faults:speaks)] [LOG] color:rgb(0, 145, 255) printed 1",
        "%c[CONVEX Q(faults:speaks)] [WARN] color:rgb(0, 145, 255) logged twice",
        "%c[CONVEX M(faults:speaks_in_mutation)] [LOG] color:rgb(0, 145, 255) from the mutation",
        "%c[CONVEX A(faults:speaks_in_action)] [LOG] color:rgb(0, 145, 255) from the action",
    ]
