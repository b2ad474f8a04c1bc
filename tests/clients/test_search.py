"""npm `convex`: text search as somebody types, in pages that are live."""

from pathlib import Path

from tests.support.script import node
from tests.support.server import Server


def test_results_follow_what_is_typed_and_written(tmp_path: Path):
    with Server("texts", tmp_path / "data") as server, node("search_client.mjs", server.url) as script:
        events = script.finish()
    typed = {event["text"]: (event["bodies"], event["status"]) for event in events if event["event"] == "typed"}
    assert {text: len(bodies) for text, (bodies, _) in typed.items()} == {"f": 2, "fo": 2, "fox": 2, "fox h": 2, "": 0}
    # What the last word begins counts half, and is rarer here than the word itself.
    assert (sorted(typed["fox"][0]), typed["fox"][1]) == (["fox", "foxglove"], "CanLoadMore")
    assert typed["fox h"][0][0] == "fox and hound"
    said = {event["event"]: event["bodies"] for event in events if event["event"] in ("all", "live", "own")}
    assert sorted(said["all"]) == ["forest fire", "fox", "fox and hound", "foxglove"]
    assert said["live"][0] == "fo"
    assert said["own"] == ["hound hound", "hound", "fox and hound"]
