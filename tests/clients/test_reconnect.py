"""Clients come back by themselves when the server was away."""

from pathlib import Path

from tests.support.script import node, python
from tests.support.server import Server


def test_npm_client_resumes_subscription_and_mutations(tmp_path: Path):
    with (
        Server("chat", tmp_path / "data") as server,
        node("convex_client.mjs", server.url, scene="staying", channel="c") as script,
    ):
        script.next("bodies")
        script.order(body="before")
        script.next("acknowledged")
        server.stop()
        script.order(body="while away")
        server.start()
        script.next("acknowledged", where=lambda event: event["body"] == "while away")
        server.mutation("messages:send", channel="c", body="by another")
        script.next("bodies", where=lambda event: event["bodies"] == ["before", "while away", "by another"])
        script.order(done=True)
        script.finish()


def test_python_client_resumes_subscription(tmp_path: Path):
    with (
        Server("chat", tmp_path / "data") as server,
        python("python_client.py", server.url, scene="staying", channel="c") as script,
    ):
        script.next("bodies")
        server.mutation("messages:send", channel="c", body="first")
        script.next("bodies", where=lambda event: event["bodies"] == ["first"])
        server.stop()
        server.start()
        server.mutation("messages:send", channel="c", body="last")
        script.next("bodies", where=lambda event: event["bodies"] == ["first", "last"])
        script.finish()
