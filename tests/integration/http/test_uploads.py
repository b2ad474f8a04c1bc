"""`POST /api/storage/upload`."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.http.api import Api, open_api, refused

HELLO = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[Api]:
    async with gallery_with(tmp_path) as api:
        yield api


def gallery_with(folder: Path, **settings: Any) -> AbstractAsyncContextManager[Api]:
    return open_api(folder / "data", "gallery", **settings)


async def upload_url(api: Api) -> str:
    url = await api.value("mutation", "pictures:upload_url")
    assert url.startswith("http://127.0.0.1:3210/api/storage/upload?token=")
    return url


async def uploaded(api: Api, content: Any, **headers: str) -> str:
    response = await api.http.post(await upload_url(api), content=content, headers=headers)
    assert response.status_code == 200, response.text
    assert response.json().keys() == {"storageId"}
    return response.json()["storageId"]


def left(api: Api) -> list[str]:
    """Everything in the folder of files, but for the key and the folder of what arrives."""
    folder = api.parts.settings.data / "files"
    paths = [*folder.iterdir(), *(folder / "arriving").iterdir()]
    return [path.name for path in paths if path.name not in ("key", "arriving")]


async def nothing_is_left(api: Api) -> None:
    assert left(api) == []
    assert await api.value("query", "pictures:rows") == []


# What is stored


async def test_an_upload_is_a_file_with_a_row(gallery: Api):
    id = await uploaded(gallery, b"hello", **{"Content-Type": "text/plain; charset=utf-8"})
    row = await gallery.value("query", "pictures:row", {"file": id})
    assert row.pop("_creationTime") > 1_700_000_000_000
    assert row == {"_id": id, "sha256": HELLO, "size": 5, "contentType": "text/plain; charset=utf-8"}
    assert await gallery.value("query", "pictures:metadata", {"file": id}) == {
        "storageId": id,
        "sha256": hashlib.sha256(b"hello").hexdigest(),
        "size": 5,
        "contentType": "text/plain; charset=utf-8",
    }
    assert left(gallery) == [id]


async def test_a_type_that_was_not_said_is_null_and_an_empty_file_is_one(gallery: Api):
    id = await uploaded(gallery, b"")
    row = await gallery.value("query", "pictures:row", {"file": id})
    assert (row["contentType"], row["size"]) == (None, 0)
    assert row["sha256"] == base64.b64encode(hashlib.sha256().digest()).decode()


async def test_documents_refer_to_files(gallery: Api):
    id = await uploaded(gallery, b"x")
    picture = await gallery.value("mutation", "pictures:add", {"caption": "A", "file": id})
    failure = await gallery.failure("mutation", "pictures:add", {"caption": "B", "file": picture})
    assert f'Found ID "{picture}" from table `pictures`' in failure


async def test_a_url_takes_several_files(gallery: Api):
    url = await upload_url(gallery)
    first, second = [(await gallery.http.post(url, content=b"same")).json()["storageId"] for _ in range(2)]
    assert first != second


async def test_actions_make_upload_urls_too(gallery: Api):
    url = await gallery.value("action", "pictures:upload_url_apart")
    assert (await gallery.http.post(url, content=b"x")).status_code == 200


async def test_many_at_once(gallery: Api):
    contents = [bytes([number]) * (number * 40_000 + 1) for number in range(20)]
    ids = await asyncio.gather(*(uploaded(gallery, content) for content in contents))
    for id, content in zip(ids, contents, strict=True):
        url = await gallery.value("query", "pictures:url", {"file": id})
        assert (await gallery.http.get(url)).content == content


# Digests


async def test_a_digest_is_checked(gallery: Api):
    await uploaded(gallery, b"hello", Digest=f"sha-256={HELLO}")
    response = await gallery.http.post(
        await upload_url(gallery), content=b"hallo", headers={"Digest": f"sha-256={HELLO}"}
    )
    message = refused(response, 400, "Sha256Mismatch")
    assert hashlib.sha256(b"hello").hexdigest() in message
    assert hashlib.sha256(b"hallo").hexdigest() in message
    assert len(left(gallery)) == 1


@pytest.mark.parametrize(
    "headers", [{"Digest": "sha-256=short"}, {"Digest": "x"}, {"Content-Type": "x" * 1025}], ids=str
)
async def test_malformed_headers(gallery: Api, headers: dict[str, str]):
    response = await gallery.http.post(await upload_url(gallery), content=b"x", headers=headers)
    refused(response, 400, "BadHeader")
    await nothing_is_left(gallery)


# Tokens


async def test_no_upload_without_a_good_token(gallery: Api):
    links, now = gallery.parts.files.links, gallery.parts.files.now()
    post = gallery.http.post
    refused(await post("/api/storage/upload", content=b"x"), 400, "BadQueryArgs")
    refused(await post("/api/storage/upload?token=", content=b"x"), 401, "StorageTokenInvalid")
    refused(await post("/api/storage/upload?token=abc", content=b"x"), 401, "StorageTokenInvalid")
    forged = await upload_url(gallery)
    forged = forged[:-10] + ("A" if forged[-10] != "A" else "B") + forged[-9:]
    refused(await post(forged, content=b"x"), 401, "StorageTokenInvalid")
    refused(await post(links.upload(now - 1), content=b"x"), 401, "StorageTokenExpired")
    await nothing_is_left(gallery)


async def test_a_url_is_good_for_as_long_as_set(tmp_path: Path):
    async with gallery_with(tmp_path, upload_url_seconds=60) as api:
        now = api.parts.files.now()
        token = (await upload_url(api)).partition("token=")[2]
        check = api.parts.files.links.check_upload
        assert check(token, now + 59_000).value == "good"
        assert check(token, api.parts.files.now() + 60_000).value == "expired"


async def test_a_url_of_another_deployment_is_worth_nothing_here(gallery: Api, tmp_path: Path):
    async with gallery_with(tmp_path / "other") as other:
        refused(await gallery.http.post(await upload_url(other), content=b"x"), 401, "StorageTokenInvalid")


async def test_a_url_of_before_the_restart_is_good(tmp_path: Path):
    async with gallery_with(tmp_path) as api:
        url = await upload_url(api)
    async with gallery_with(tmp_path) as api:
        assert (await api.http.post(url, content=b"x")).status_code == 200


async def test_urls_begin_with_the_address_that_is_set(tmp_path: Path):
    async with gallery_with(tmp_path, cloud_url="https://files.example/pre") as api:
        url = await api.value("mutation", "pictures:upload_url")
        assert url.startswith("https://files.example/pre/api/storage/upload?token=")
        id = await api.value("action", "pictures:store", {"content": {"$bytes": "AAAA"}})
        shown = await api.value("query", "pictures:url", {"file": id})
        assert shown.startswith("https://files.example/pre/api/storage/")


# Limits


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path):
    async with gallery_with(tmp_path, max_file_bytes=1024) as api:
        await uploaded(api, b"x" * 1024)
        refused(await api.http.post(await upload_url(api), content=b"x" * 1025), 413, "FileTooLarge")
        assert api.parts.files.bytes_received == 1024


async def test_a_file_of_unknown_length_is_cut_off_at_the_limit(tmp_path: Path):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    async with gallery_with(tmp_path, max_file_bytes=1024) as api:
        refused(await api.http.post(await upload_url(api), content=endless()), 413, "FileTooLarge")
        await nothing_is_left(api)


class Stuck:
    """A body that begins and does not go on until told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        yield b"begun"
        self.begun.set()
        await self.go_on.wait()


async def test_one_upload_too_many_is_told_to_come_again(tmp_path: Path):
    async with gallery_with(tmp_path, max_uploads=1) as api:
        stuck = Stuck()
        first = asyncio.create_task(uploaded(api, stuck.body()))
        await stuck.begun.wait()
        refused(await api.http.post(await upload_url(api), content=b"x"), 503, "TooManyUploads")
        assert "reactor_uploads 1.0" in (await api.http.get("/metrics")).text
        stuck.go_on.set()
        await first
        await uploaded(api, b"x")


async def test_an_upload_that_takes_too_long_is_given_up(tmp_path: Path):
    async with gallery_with(tmp_path, upload_seconds=0.1) as api:
        response = await api.http.post(await upload_url(api), content=Stuck().body())
        assert "within 0.1 s" in refused(response, 408, "UploadTimeout")
        await nothing_is_left(api)


async def test_a_failed_commit_leaves_no_bytes(gallery: Api, monkeypatch: pytest.MonkeyPatch):
    url = await upload_url(gallery)

    async def full(*_: Any, **__: Any) -> None:
        from reactor.errors import StoreFull

        raise StoreFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(gallery.parts.store, "commit", full)
        refused(await gallery.http.post(url, content=b"x"), 507, "StoreFull")
    await nothing_is_left(gallery)
    assert (await gallery.http.post(url, content=b"x")).status_code == 200


# The endpoint


async def test_browsers_may_upload_from_any_page(gallery: Api):
    url = await upload_url(gallery)
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,digest",
    }
    preflight = await gallery.http.request("OPTIONS", url, headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert preflight.headers["access-control-allow-headers"] == "content-type,digest"
    for address in (url, "/api/storage/upload"):
        response = await gallery.http.post(address, content=b"x", headers={"Origin": "https://app.example"})
        assert response.headers["access-control-allow-origin"] == "https://app.example"


async def test_other_methods(gallery: Api):
    assert "POST" in refused(await gallery.http.get(await upload_url(gallery)), 405, "MethodNotAllowed")


async def test_an_address_with_two_slashes(gallery: Api):
    url = (await upload_url(gallery)).replace("/api/", "//api/")
    assert (await gallery.http.post(url, content=b"x")).status_code == 200
