"""`kill -9` while files come and go: what was acknowledged is whole, and nothing else stays."""

import hashlib
import os
import threading
from pathlib import Path

import httpx
import pytest

from tests.support.patience import PATIENCE, until
from tests.support.server import Server

ROUNDS = 8
ACKNOWLEDGED_PER_ROUND = 12


class Uploader(threading.Thread):
    """Uploads one file after another, of sizes from nothing to a megabyte, until the server is gone."""

    def __init__(self, server: Server, acknowledged: dict[str, str], enough: threading.Semaphore) -> None:
        super().__init__()
        self._url, self._acknowledged, self._enough = server.mutation("pictures:upload_url"), acknowledged, enough

    def run(self) -> None:
        try:
            with httpx.Client(timeout=PATIENCE) as http:
                while True:
                    content = os.urandom(int.from_bytes(os.urandom(2), "big") * 16)
                    response = http.post(self._url, content=content)
                    assert response.status_code == 200, response.text
                    self._acknowledged[response.json()["storageId"]] = hashlib.sha256(content).hexdigest()
                    self._enough.release()
        except httpx.TransportError:
            return


def digest_of(server: Server, id: str) -> str:
    response = httpx.get(server.query("pictures:url", file=id))
    assert response.status_code == 200
    return hashlib.sha256(response.content).hexdigest()


@pytest.mark.timeout(240)
@pytest.mark.stores("sqlite", because="one of several servers first suspects, and removes later")
def test_kills_lose_no_file_and_leave_no_pieces(tmp_path: Path):
    acknowledged: dict[str, str] = {}
    with Server("gallery", tmp_path / "data") as server:
        for _ in range(ROUNDS):
            enough = threading.Semaphore(0)
            uploaders = [Uploader(server, acknowledged, enough) for _ in range(4)]
            for uploader in uploaders:
                uploader.start()
            for _ in range(ACKNOWLEDGED_PER_ROUND):
                assert enough.acquire(timeout=PATIENCE)
            server.kill()
            for uploader in uploaders:
                uploader.join()
            server.start()
        rows = set(server.query("pictures:rows"))
        assert acknowledged.keys() <= rows
        assert {id: digest_of(server, id) for id in acknowledged} == acknowledged
        for id in rows - acknowledged.keys():
            # Durable, and its answer lost on the way: as whole as the others.
            assert digest_of(server, id) == server.query("pictures:metadata", file=id)["sha256"]
        files = tmp_path / "data" / "files"
        expected = {*rows, "key", "arriving"}
        until(lambda: {path.name for path in files.iterdir()} == expected, "the sweep at the start")
        assert list((files / "arriving").iterdir()) == []
        assert server.metrics()["reactor_files_without_bytes"] == 0
