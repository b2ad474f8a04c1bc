"""What is particular to a bucket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reactor.errors import StoreError
from reactor.files.bucket import BucketFiles
from tests.integration.files.conftest import Service
from tests.integration.files.test_contract import anything, name, names, put, whole
from tests.support.server import free_port

PART = 5 * 2**20


@pytest.fixture
def bucket(service: Service) -> str:
    return service.bucket()


async def test_a_large_file_comes_in_parts(service: Service, bucket: str, tmp_path: Path) -> None:
    files = service.files(f"s3://{bucket}/a/b", tmp_path)
    await files.open()
    content = bytes(range(256)) * (PART // 256 * 3 + 5)
    assert (await put(files, 1, content[: PART * 2], content[PART * 2 :])).size == len(content)
    assert await whole(files, 1) == content
    etag = service.client.head_object(Bucket=bucket, Key=f"a/b/{name(1)}")["ETag"]
    assert etag.strip('"').endswith("-4")
    await files.close()


@pytest.mark.parametrize("size", [PART // 2, PART * 4])
async def test_an_upload_that_is_cut_off_leaves_no_parts(
    service: Service, bucket: str, tmp_path: Path, size: int
) -> None:
    files = service.files(f"s3://{bucket}", tmp_path)
    await files.open()
    taken = asyncio.Event()

    async def waits() -> AsyncIterator[bytes]:
        yield b"x" * size
        taken.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(files.put(name(1), waits(), anything))
    await taken.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    def refuse(_: object) -> None:
        raise ValueError("not this one")

    async def large() -> AsyncIterator[bytes]:
        yield b"x" * size

    with pytest.raises(ValueError, match="not this one"):
        await files.put(name(2), large(), refuse)
    assert service.unfinished(bucket) == []
    assert service.objects(bucket) == {"owner"}
    await files.close()


async def test_a_file_that_goes_while_it_is_read_is_an_error(service: Service, bucket: str, tmp_path: Path) -> None:
    files = service.files(f"s3://{bucket}", tmp_path)
    await files.open()
    await put(files, 1, b"x")
    opened = await files.read(name(1))
    assert opened is not None
    await files.delete([name(1)])
    with pytest.raises(StoreError, match="not there any more"):
        await anext(opened.pieces(0, 1))
    await files.close()


async def test_places_of_one_bucket_do_not_see_each_other(service: Service, bucket: str, tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    one, two = (service.files(f"s3://{bucket}/{place}", tmp_path / place) for place in ("one", "two"))
    await one.open()
    await two.open()
    await put(one, 1, b"x")
    assert await names(two) == set()
    await one.close()
    await two.close()


async def test_a_place_has_one_owner_and_never_its_key(service: Service, bucket: str, tmp_path: Path) -> None:
    ours, others = service.files(f"s3://{bucket}/p", tmp_path / "a"), service.files(f"s3://{bucket}/p", tmp_path / "b")
    await ours.open()
    with pytest.raises(StoreError, match="holds the files of another deployment"):
        await others.open()
    mark = service.client.get_object(Bucket=bucket, Key="p/owner")["Body"].read()
    assert ours.key not in mark
    assert ours.key.hex().encode() not in mark
    await ours.close()


async def test_a_missing_bucket_is_told_with_the_remedy_and_no_secret(service: Service, tmp_path: Path) -> None:
    files = service.files("s3://no-such-bucket", tmp_path)
    with pytest.raises(StoreError, match="create it, or correct the setting files") as caught:
        await files.open()
    assert "a-secret-key" not in str(caught.value)


async def test_refused_credentials_are_told_with_the_remedy_and_no_secret(service: Service, tmp_path: Path) -> None:
    files = service.files(f"s3://{service.bucket()}", tmp_path)
    service.demand_rights(True)
    try:
        with pytest.raises(StoreError, match="refuses the credentials; check AWS_ACCESS_KEY_ID") as caught:
            await files.open()
    finally:
        service.demand_rights(False)
    assert "a-secret-key" not in str(caught.value)
    await files.open()
    await files.close()


@pytest.mark.usefixtures("service")
async def test_a_service_that_does_not_answer_is_told_with_the_remedy(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    files = BucketFiles("s3://a-bucket/x", tmp_path / "key", endpoint=nobody, region="us-east-1", max_bytes=2**30)
    with pytest.raises(StoreError, match="check that files_endpoint and files_region are right"):
        await files.open()


@pytest.mark.parametrize("size", [10, PART * 3])
async def test_what_went_wrong_first_is_what_is_told(service: Service, bucket: str, tmp_path: Path, size: int) -> None:
    files = service.files(f"s3://{bucket}", tmp_path)
    await files.open()

    async def breaks_off() -> AsyncIterator[bytes]:
        yield b"x" * size
        # From here on nothing can be removed either.
        service.demand_rights(True)
        raise ValueError("the client went away")

    try:
        with pytest.raises(ValueError, match="the client went away"):
            await files.put(name(1), breaks_off(), anything)
    finally:
        service.demand_rights(False)
    assert await files.read(name(1)) is None
    await files.close()


async def test_a_store_that_is_closed_says_so(service: Service, bucket: str, tmp_path: Path) -> None:
    files = service.files(f"s3://{bucket}", tmp_path)
    await files.open()
    await files.close()
    with pytest.raises(StoreError, match="the server is stopping"):
        await files.read(name(1))


@pytest.mark.parametrize("bad", ["../owner", "owner", "", "a/b", f"{name(1)}/x", f"{name(1)}\n"])
async def test_a_name_that_is_no_id_is_never_a_path(service: Service, bucket: str, tmp_path: Path, bad: str) -> None:
    files = service.files(f"s3://{bucket}", tmp_path)
    await files.open()
    with pytest.raises(ValueError, match="no name of a file"):
        await files.read(bad)
    with pytest.raises(ValueError, match="no name of a file"):
        await files.delete([bad])
    await files.close()
