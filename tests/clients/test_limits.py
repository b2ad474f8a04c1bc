"""Functions with rates, as the official clients meet them."""

from collections.abc import Iterator

import pytest

from tests.support.script import Script, node, python
from tests.support.server import Server


@pytest.fixture
def limits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("limits", tmp_path_factory.mktemp("limits") / "data", command="start") as server:
        yield server


def is_refused(script: Script, event: str, path: str, most: float = 1800) -> None:
    (told,) = script.of(event)
    assert told["name"] == "ConvexError"
    data = told["data"]
    assert (data["code"], data["kind"], data["name"]) == ("RateLimited", "RateLimited", path)
    assert 0 < data["retryAfter"] <= data["retryAfterSeconds"] * 1000
    assert data["retryAfterSeconds"] <= most


def test_the_npm_client_has_the_data_and_its_subscription_recovers(limits: Server):
    with node("convex_client.mjs", limits.url, scene="limits") as script:
        script.finish()
    is_refused(script, "mutation", "notes:add")
    is_refused(script, "action", "notes:ask")
    is_refused(script, "waits", "notes:slowly", most=3)
    assert [event["value"] for event in script.of("second")] == [[1, 2]]
    assert limits.query("notes:count") == 2


def test_the_npm_http_client_has_the_data(limits: Server):
    with node("http_client.mjs", limits.url, scene="limits") as script:
        script.finish()
    for event, path in (("query", "notes:seldom"), ("mutation", "notes:add"), ("action", "notes:ask")):
        is_refused(script, event, path)
    assert limits.query("notes:count") == 2


def test_the_python_client_has_the_data_and_its_subscription_recovers(limits: Server):
    with python("python_client.py", limits.url, scene="limits") as script:
        script.finish()
    is_refused(script, "mutation", "notes:add")
    is_refused(script, "action", "notes:ask")
    is_refused(script, "waits", "notes:slowly", most=3)
    assert script.of("second")[0]["value"] == [1, 2]
