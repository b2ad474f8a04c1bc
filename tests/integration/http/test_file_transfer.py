"""Uploads and files over real sockets, against a server in a process of its own."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
