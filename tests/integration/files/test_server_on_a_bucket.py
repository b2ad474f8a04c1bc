"""A whole server whose files lie in a bucket."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reactor.files.links import STORAGE
from reactor.values.ids import new_id
from tests.integration.files.conftest import Service
from tests.integration.http.test_file_transfer import Content, download, upload
from tests.support.patience import PATIENCE, until
from tests.support.server import Server

MIB = 2**20


@pytest.fixture
def bucket(service: Service) -> str:
    return service.bucket()


@pytest.fixture
def gallery(service: Service, bucket: str, tmp_path: Path) -> Iterator[Server]:
    environment = {"REACTOR_FILES": f"s3://{bucket}/gallery", "REACTOR_FILES_ENDPOINT": service.url}
    with Server("gallery", tmp_path / "data", environment=environment) as server:
        yield server


def test_files_go_to_the_bucket_and_come_back(gallery: Server, service: Service, bucket: str):
    content = b"a picture " * 1000
    id = upload_bytes(gallery, content, "image/png")
    assert service.objects(bucket) == {"gallery/owner", f"gallery/{id}"}
    assert [path.name for path in (gallery.data / "files").iterdir()] == ["key"]
    url = gallery.query("pictures:url", file=id)
    shown = httpx.get(url)
    assert (shown.content, shown.headers["content-type"]) == (content, "image/png")
    part = httpx.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, b"a picture ")
    refused = httpx.post(
        gallery.mutation("pictures:upload_url"), content=content, headers={"Digest": "sha-256=" + "A" * 43 + "="}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "Sha256Mismatch")
    assert gallery.query("pictures:rows") == [id]
    assert service.objects(bucket) == {"gallery/owner", f"gallery/{id}"}


@pytest.mark.stores("sqlite", because="one of several servers first suspects, and removes later")
def test_files_outlive_a_kill_and_their_addresses_do(gallery: Server, service: Service, bucket: str):
    content = Content(12 * MIB, b"in parts")
    id = upload(gallery, content)
    url = gallery.query("pictures:url", file=id)
    service.client.put_object(
        Bucket=bucket,
        Key=f"gallery/{new_id(STORAGE, time.time() * 1000)}",
        Body=b"of an upload that was never answered",
    )
    gallery.kill()
    gallery.start()
    assert gallery.query("pictures:url", file=id) == url
    assert download(gallery, id) == content.digest.hexdigest()
    until(lambda: service.objects(bucket) == {"gallery/owner", f"gallery/{id}"}, "the sweep at the start")
    gallery.mutation("pictures:delete", file=id)
    assert httpx.get(url).status_code == 404


def test_large_files_pass_through_little_memory(gallery: Server):
    small = Content(6 * MIB, b"small")
    assert download(gallery, upload(gallery, small)) == small.digest.hexdigest()
    before = gallery.most_memory()
    content = Content(96 * MIB, b"large")
    assert download(gallery, upload(gallery, content)) == content.digest.hexdigest()
    assert gallery.most_memory() - before < 40 * MIB, "parts of 5 MiB, some of them at a time"


def test_a_service_that_is_gone_for_a_while_is_told_and_forgotten(gallery: Server, service: Service):
    service.demand_rights(True)
    try:
        answer = httpx.post(gallery.mutation("pictures:upload_url"), content=b"x", timeout=PATIENCE)
    finally:
        service.demand_rights(False)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalServerError")
    assert "refuses the credentials" in gallery.log
    assert "a-secret-key" not in gallery.log
    assert gallery.query("pictures:rows") == []
    upload_bytes(gallery, b"x", "text/plain")


def test_a_wrong_place_is_told_at_the_start(service: Service, tmp_path: Path):
    environment = {"REACTOR_FILES": "s3://no-such-bucket/x", "REACTOR_FILES_ENDPOINT": service.url}
    server = Server("gallery", tmp_path / "data", environment=environment)
    assert server.launch().wait(PATIENCE) == 1
    assert "there is no such bucket; create it, or correct the setting files" in server.log
    assert "Traceback" not in server.log


def upload_bytes(server: Server, content: bytes, content_type: str) -> str:
    url = server.mutation("pictures:upload_url")
    response = httpx.post(url, content=content, headers={"Content-Type": content_type}, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()["storageId"]
