"""npm `convex` and fetch: files."""

import hashlib
from pathlib import Path

from tests.support.script import node
from tests.support.server import Server


def test_a_browsers_way_with_files(tmp_path: Path):
    with Server("gallery", tmp_path / "data") as server, node("files.mjs", server.url) as script:
        events = script.finish()
    said = {event["event"]: event for event in events}
    assert said["uploaded"]["status"] == 200
    shown = said["shown"]
    assert (shown["status"], shown["type"], shown["size"], shown["same"]) == (200, "image/png", 300_000, True)
    assert (said["part"]["status"], said["part"]["bytes"]) == (206, [0, 1, 2, 3, 4])
    metadata = said["streamed"]["metadata"]
    assert (metadata["size"], metadata["contentType"]) == (13, None)
    assert metadata["sha256"] == hashlib.sha256(b"streamed text").hexdigest()
    assert (said["deleted"]["status"], said["deleted"]["url"]) == (404, None)
    captions = [event["pictures"] for event in events if event["event"] == "captions"]
    assert captions[0] == []
    assert any(each and each[0]["url"] for each in captions)
    assert captions[-1] == [{"caption": "From fetch", "url": None}]
