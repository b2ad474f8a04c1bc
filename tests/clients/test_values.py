"""Values that JSON cannot say, both ways, and results of several megabytes."""

from collections.abc import Iterator

import pytest

from tests.support.script import node, python
from tests.support.server import Server
from tests.support.sync_client import SyncClient

PAGES, SIZE = 7, 450_000  # two-byte letters: 6.3 MB of text in one result, each page a document below 1 MiB


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("values", tmp_path_factory.mktemp("values") / "data") as server:
        yield server


@pytest.fixture
def book(values: Server, request: pytest.FixtureRequest) -> str:
    """A book of its own for each test."""
    name = request.node.name
    for number in range(PAGES):
        values.mutation("books:write_page", book=name, number=number, letter="é", size=SIZE)
    return name


MADE = {
    "integer": "int64 9223372036854775807",
    "negative": "int64 -9223372036854775808",
    "bytes": "bytes " + bytes(range(256)).hex(),
    "nan": "float64 NaN",
    "infinity": "float64 Infinity",
    "minusInfinity": "float64 -Infinity",
    "minusZero": "float64 -0",
    "tenth": "float64 0.1",
    "whole": "float64 3",
    "text": "naïve 😀 \0 end",
    "nested": [[None, True], {"deep": ["int64 0"]}],
}


def test_npm_client_sends_and_gets_every_kind(values: Server):
    with node("values.mjs", values.url) as script:
        script.finish()
    sent = script.of("sent")[0]["value"]
    for place in ("returned", "subscribed", "http"):
        assert script.of(place)[0]["value"] == sent, place
    assert script.of("made")[0]["value"] == MADE
    seen = script.of("seen")[0]["values"]
    assert seen[:3] == ["Int64 9223372036854775807", "Int64 -9223372036854775808", "Int64 0"] or all(
        text.startswith("Int64") for text in seen[:3]
    )
    assert seen[3:7] == ["float nan", "float inf", "float -inf", "float -0.0"]
    assert "bytes b'\\x00\\xff\\x80'" in seen


def test_python_client_sends_and_gets_every_kind(values: Server):
    with python("python_client.py", values.url, scene="values") as script:
        script.finish()
    returned = script.of("returned")[0]
    assert returned["same"], returned["value"]
    made = script.of("made")[0]["values"]
    assert made["integer"] == "ConvexInt64(9223372036854775807)"
    assert made["bytes"] == repr(bytes(range(256)))
    assert (made["nan"], made["minusInfinity"], made["minusZero"]) == ("nan", "-inf", "-0.0")
    assert made["nested"] == "[[None, True], {'deep': [ConvexInt64(0)]}]"


def test_large_results_come_to_npm_in_chunks(values: Server, book: str):
    with node("large.mjs", values.url, book=book, pages=PAGES, letter="é", size=SIZE) as script:
        script.finish()
    assert [(event["pages"], event["letters"], event["pure"]) for event in script.of("book")] == [
        (PAGES, PAGES * SIZE, True),
        (PAGES, PAGES * SIZE + 1, True),
    ]
    assert script.of("done")[0]["kinds"]["TransitionChunk"] == 4, "two results of two chunks each"
    chunks = [event["length"] for event in script.of("message") if event["kind"] == "TransitionChunk"]
    assert max(chunks) < 5_100_000


def test_large_results_come_to_python_whole(values: Server, book: str):
    with python("python_client.py", values.url, scene="large", book=book, pages=PAGES, letter="é", size=SIZE) as script:
        script.finish()
    assert [(event["pages"], event["letters"]) for event in script.of("book")] == [
        (PAGES, PAGES * SIZE),
        (PAGES, PAGES * SIZE + 1),
    ]


@pytest.mark.parametrize(
    ("path", "headers", "chunked"),
    [
        ("/api/1.48.0/sync", None, True),
        ("/api/1.28.0/sync", None, True),
        ("/api/1.27.3/sync", None, False),
        ("/api/sync", {"Convex-Client": "python-0.8.1"}, False),
        ("/api/sync", {"Convex-Client": "npm-1.48.0"}, True),
        ("/api/sync", None, False),
    ],
)
async def test_only_clients_that_know_chunks_get_them(
    values: Server, book: str, path: str, headers: dict[str, str] | None, chunked: bool
):
    async with SyncClient(values.url, path=path, headers=headers) as client:
        query = await client.add("books:read", book=book)
        assert client.results[query] == ["é" * SIZE] * PAGES
        assert (client.chunks > 0) == chunked
