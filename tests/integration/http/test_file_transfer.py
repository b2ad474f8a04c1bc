"""Uploads and files over real sockets, against a server in a process of its own."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.patience import PATIENCE, until
from tests.support.server import Server

MIB = 2**20
SIZE = 64 * MIB


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("gallery", tmp_path_factory.mktemp("gallery") / "data") as server:
        yield server


class Content:
    """Bytes that are made as they are sent, so that only the server's memory counts."""

    def __init__(self, size: int, seed: bytes) -> None:
        self._block, self._size = hashlib.sha512(seed).digest() * 1024, size
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._size // len(self._block)):
            self.digest.update(self._block)
            yield self._block


def upload(server: Server, content: Content) -> str:
    response = httpx.post(server.mutation("pictures:upload_url"), content=iter(content), timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()["storageId"]


def download(server: Server, id: str) -> str:
    digest = hashlib.sha256()
    with httpx.stream("GET", server.query("pictures:url", file=id), timeout=PATIENCE) as response:
        assert response.status_code == 200
        for piece in response.iter_raw():
            digest.update(piece)
    return digest.hexdigest()


def test_large_files_pass_through_little_memory(gallery: Server):
    small = Content(MIB, b"small")
    assert download(gallery, upload(gallery, small)) == small.digest.hexdigest()
    before = gallery.most_memory()
    contents = [Content(SIZE, bytes([number])) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        ids = list(pool.map(lambda content: upload(gallery, content), contents))
        digests = list(pool.map(lambda id: download(gallery, id), ids))
    assert digests == [content.digest.hexdigest() for content in contents]
    assert gallery.most_memory() - before < 24 * MIB, "three files of 64 MiB at a time, both ways"


def test_a_client_that_reads_slowly_does_not_fill_the_memory(gallery: Server):
    id = upload(gallery, Content(SIZE, b"slow"))
    sent = gallery.metrics()["reactor_file_bytes_sent_total"]
    url = urlsplit(gallery.query("pictures:url", file=id))
    with socket.create_connection((url.hostname, url.port)) as slow:
        slow.sendall(f"GET {url.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.recv(1)
        # Another request is served meanwhile, and what the slow one got is what sockets hold.
        assert gallery.query("pictures:url", file=id)
        assert gallery.metrics()["reactor_file_bytes_sent_total"] - sent < SIZE / 2


def begin_download(url: str) -> socket.socket:
    """Ask for a file, take its first byte, and none after."""
    parts = urlsplit(url)
    lazy = socket.create_connection((parts.hostname, parts.port))
    lazy.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert lazy.recv(1)
    return lazy


def test_files_are_not_read_for_who_has_gone(gallery: Server):
    id = upload(gallery, Content(SIZE, b"gone"))
    sent = gallery.metrics()["reactor_file_bytes_sent_total"]
    with begin_download(gallery.query("pictures:url", file=id)):
        until(lambda: gallery.metrics()["reactor_downloads"] == 1, "a file that is being sent")
    until(lambda: gallery.metrics()["reactor_downloads"] == 0, "its end")
    assert gallery.metrics()["reactor_file_bytes_sent_total"] - sent < SIZE / 2


def test_a_client_that_takes_nothing_loses_its_place(tmp_path: Path):
    environment = {"REACTOR_SILENT_SECONDS": "1", "REACTOR_PING_SECONDS": "0.5", "REACTOR_MAX_DOWNLOADS": "1"}
    with Server("gallery", tmp_path / "data", environment=environment) as server:
        content = Content(SIZE, b"lazy")
        id = upload(server, content)
        with begin_download(server.query("pictures:url", file=id)):
            refused = httpx.get(server.query("pictures:url", file=id))
            assert (refused.status_code, refused.json()["code"]) == (503, "TooManyDownloads")
            until(lambda: server.metrics()["reactor_downloads"] == 0, "the end of who takes nothing")
            assert download(server, id) == content.digest.hexdigest()


def test_an_upload_that_is_cut_leaves_nothing(gallery: Server):
    arriving = gallery.data / "files" / "arriving"
    rows = gallery.query("pictures:rows")
    for _ in range(3):
        url = urlsplit(gallery.mutation("pictures:upload_url"))
        with socket.create_connection((url.hostname, url.port)) as cut:
            cut.sendall(f"POST {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n".encode())
            cut.sendall(os.urandom(2 * MIB))
            until(lambda: list(arriving.iterdir()), "the beginning of a file")
        until(lambda: not list(arriving.iterdir()), "its end")
    assert gallery.query("pictures:rows") == rows
    assert {path.name for path in (gallery.data / "files").iterdir()} == {*rows, "key", "arriving"}
    assert gallery.metrics()["reactor_uploads"] == 0


def test_many_clients_upload_and_read_at_once(gallery: Server):
    def both(number: int) -> bool:
        content = Content(MIB, b"%d" % number)
        return download(gallery, upload(gallery, content)) == content.digest.hexdigest()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(both, range(32)))


def test_a_file_that_is_deleted_while_it_is_sent_arrives_whole(gallery: Server):
    content = Content(SIZE, b"deleted")
    id = upload(gallery, content)
    digest, deleted = hashlib.sha256(), threading.Event()
    with httpx.stream("GET", gallery.query("pictures:url", file=id), timeout=PATIENCE) as response:
        for piece in response.iter_raw():
            digest.update(piece)
            if not deleted.is_set():
                gallery.mutation("pictures:delete", file=id)
                deleted.set()
    assert digest.hexdigest() == content.digest.hexdigest()
    assert gallery.query("pictures:url", file=id) is None


def test_a_client_that_asks_first_is_refused_before_it_sends(gallery: Server):
    with socket.create_connection(("127.0.0.1", gallery.port)) as asking:
        asking.sendall(
            b"POST /api/storage/upload?token=x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        )
        assert asking.recv(12) == b"HTTP/1.1 401"
