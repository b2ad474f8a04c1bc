"""Stores of files."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from reactor.files.bucket import BucketFiles
from reactor.files.local import LocalFiles
from reactor.files.memory import MemoryFiles
from reactor.files.seam import FileStore

Reopen = Callable[[], FileStore]


class Service:
    """An S3-like service in this process, as its owner sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        keys = {"aws_access_key_id": "name", "aws_secret_access_key": "a-secret-key", "region_name": "us-east-1"}
        self.client = boto3.client("s3", endpoint_url=url, **keys)
        self._numbers = itertools.count()

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> set[str]:
        return {each["Key"] for each in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])}

    def unfinished(self, bucket: str) -> list[str]:
        """What is being uploaded in parts."""
        return [each["Key"] for each in self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    def demand_rights(self, wanted: bool) -> None:
        """From now on, refuse whoever is not known here; nobody is. Or let everybody in again."""
        # The service counts the requests that it still answers without asking.
        answer = httpx.post(f"{self.url}/moto-api/reset-auth", content="0" if wanted else "inf")
        assert answer.status_code == 200, answer.text

    def files(self, place: str, folder: Path) -> BucketFiles:
        return BucketFiles(place, folder / "key", endpoint=self.url, region="us-east-1", max_bytes=2**30)


@pytest.fixture(scope="session")
def running_service() -> Iterator[Service]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Service(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def service(running_service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    return running_service


@pytest.fixture(params=["local", "memory", "bucket"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Gives a store that is closed, on what the last one has left."""
    if request.param == "local":
        return lambda: LocalFiles(tmp_path / "files")
    if request.param == "bucket":
        service: Service = request.getfixturevalue("service")
        place = f"s3://{service.bucket()}/some/where"
        return lambda: service.files(place, tmp_path)
    memory = MemoryFiles()
    return lambda: memory


@pytest.fixture
async def store(reopen: Reopen) -> AsyncIterator[FileStore]:
    store = reopen()
    await store.open()
    yield store
    await store.close()
