"""Files of nodes that have folders of their own: what one took another cannot show, and says so."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.nodes import Node, Nodes
from tests.support.postgres import Postgres

pytestmark = pytest.mark.timeout(180)

KEY = bytes(range(32))


@pytest.fixture(params=[True, False], ids=["one key", "keys of their own"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Nodes]:
    if request.param:
        for number in range(2):
            folder = tmp_path / f"node{number}" / "files"
            folder.mkdir(parents=True)
            (folder / "key").write_bytes(KEY)
    with Nodes("gallery", tmp_path, postgres, 2) as nodes:
        yield nodes


def stored(node: Node, content: bytes) -> str:
    return httpx.post(node.mutation("pictures:upload_url"), content=content).json()["storageId"]


def shown_by(node: Node, url: str) -> httpx.Response:
    """What the other one has under an address of the first."""
    return httpx.get(f"{node.url}/api/{url.partition('/api/')[2]}")


def test_a_file_of_another_folder_is_not_found_and_the_log_has_the_remedy(nodes: Nodes):
    first, second = nodes[0], nodes[1]
    one_key = (first.data / "files" / "key").read_bytes() == (second.data / "files" / "key").read_bytes()
    id = stored(first, b"here")
    for url in (first.query("pictures:url", file=id), first.query("pictures:short_url", file=id, seconds=60)):
        assert shown_by(first, url).content == b"here"
        answer = shown_by(second, url)
        if one_key or "token" not in url:
            assert (answer.status_code, answer.json()["code"]) == (404, "FileNotFound")
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "StorageTokenInvalid")
    assert ("keep files in a bucket" in second.log) is one_key
    assert "Traceback" not in second.log
