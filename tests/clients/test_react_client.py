"""npm `convex`: ConvexReactClient with useQuery and useMutation, in a window without a browser."""

from collections.abc import Iterator
from itertools import dropwhile, groupby

import pytest

from tests.support.script import node
from tests.support.server import Server


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


@pytest.fixture
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("faults", tmp_path_factory.mktemp("faults") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("bank", tmp_path_factory.mktemp("bank") / "data") as server:
        yield server


def test_optimistic_updates_are_dropped_without_flicker(chat: Server):
    with node("react_client.mjs", chat.url, scene="optimism", channel="optimism") as script:
        script.finish()
    renders = [event["bodies"] for event in script.of("render")]
    shown: list[str] = []
    for bodies in dropwhile(lambda bodies: bodies is None, renders):
        assert bodies is not None, "a result once shown does not go back to loading"
        assert len(bodies) == len(set(bodies)), f"shown twice: {bodies}"
        own = [body for body in bodies if not body.startswith("other")]
        assert own[: len(shown)] == shown, "what was shown once neither goes away nor changes places"
        shown = own
    assert shown == [f"slow {n}" for n in range(5)] + [f"fast {n}" for n in range(10)]
    page = script.of("page")[0]["items"]
    assert page == renders[-1]
    assert any(body.startswith("other") for body in page), "the other client wrote meanwhile"


def test_an_optimistic_update_of_a_failed_mutation_is_taken_back(faults: Server):
    with node("react_client.mjs", faults.url, scene="disappointment") as script:
        script.finish()
    assert [notes for notes, _ in groupby(event["notes"] for event in script.of("render"))] == [None, 0, 1, 0]
    refused = script.of("refused")[0]
    assert (refused["name"], refused["data"]) == ("ConvexError", {"code": "REFUSED", "text": "x"})


def test_use_query_throws_the_querys_error_while_rendering(faults: Server):
    with node("react_client.mjs", faults.url, scene="failure") as script:
        script.finish()
    assert script.of("caught")[0]["data"] == {"code": "FULL", "seats": 30}
    assert script.of("page")[0]["text"] == "sorry"


def test_no_render_sees_two_queries_at_different_moments(bank: Server):
    total = bank.mutation("bank:open", bank="react")
    with node("react_client.mjs", bank.url, scene="moments", bank="react") as script:
        script.finish()
    totals = script.of("totals")
    assert {event["north"] + event["south"] for event in totals} == {total}
    assert len({event["north"] for event in totals}) > 5, "money moved while it was rendered"
