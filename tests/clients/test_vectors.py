"""npm `convex`: vector search."""

from pathlib import Path

import pytest

from tests.support.script import node
from tests.support.server import Server


def test_vectors_of_clients_are_found(tmp_path: Path):
    with Server("shelf", tmp_path / "data", command="dev") as server, node("vectors.mjs", server.url) as script:
        events = script.finish()
    said = {event["event"]: event for event in events}
    first, second = said["found"]["matches"]
    assert first == {"_id": said["found"]["first"], "_score": 1}
    assert second["_score"] == pytest.approx(5**-0.5)
    assert said["filtered"]["matches"] == [second]
    assert said["over http"]["matches"] == [first, second]
    assert "Expected a vector with dimensions 3" in said["refused"]["message"]
    assert [event["titles"] for event in events if event["event"] == "near"] == [
        [],
        ["first"],
        ["first", "second"],
        ["nearest", "first"],
    ]
