"""`GET` and `HEAD` of files."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.files.links import STORAGE
from reactor.values.ids import encode_id
from tests.integration.http.api import Api, open_api, refused

CONTENT = b"".join(number.to_bytes(4, "big") for number in range(150_000))
DIGEST = hashlib.sha256(CONTENT)
TAG = f'"{DIGEST.hexdigest()}"'


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path / "data", "gallery") as api:
        yield api


async def store(api: Api, content: bytes = CONTENT, content_type: str | None = "image/png") -> str:
    args = {"content": {"$bytes": base64.b64encode(content).decode()}, "content_type": content_type}
    return await api.value("action", "pictures:store", args)


async def url_of(api: Api, id: str) -> str:
    return await api.value("query", "pictures:url", {"file": id})


@pytest.fixture
async def url(gallery: Api) -> str:
    return await url_of(gallery, await store(gallery))


async def test_the_whole_file(gallery: Api, url: str):
    response = await gallery.http.get(url)
    assert response.status_code == 200
    assert response.content == CONTENT
    wanted = {
        "content-length": "600000",
        "content-type": "image/png",
        "content-disposition": "inline",
        "x-content-type-options": "nosniff",
        "digest": f"sha-256={base64.b64encode(DIGEST.digest()).decode()}",
        "cache-control": "private, max-age=2592000",
        "accept-ranges": "bytes",
        "etag": TAG,
    }
    assert {name: response.headers[name] for name in wanted} == wanted


async def test_head_is_the_same_without_the_content(gallery: Api, url: str):
    whole, head = await gallery.http.get(url), await gallery.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers
    part = await gallery.http.head(url, headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.headers["content-range"]) == (206, "bytes 1-2/600000")


async def test_an_unknown_type_is_not_made_up(gallery: Api):
    response = await gallery.http.get(await url_of(gallery, await store(gallery, b"<html>", None)))
    assert "content-type" not in response.headers
    assert response.headers["content-disposition"] == "attachment"


async def test_uploaded_pages_do_not_run_as_pages_of_this_server(gallery: Api):
    response = await gallery.http.get(await url_of(gallery, await store(gallery, b"<script>", "text/html")))
    assert response.headers["content-disposition"] == "attachment"
    assert response.headers["content-security-policy"].endswith("sandbox")


# Parts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.integers(0, 600_100), st.integers(0, 600_100))
async def test_a_part_is_the_slice(gallery: Api, url: str, first: int, last: int):
    response = await gallery.http.get(url, headers={"Range": f"bytes={first}-{last}"})
    wanted = CONTENT[first : last + 1]
    if last < first:
        assert (response.status_code, len(response.content)) == (200, 600_000)
    elif not wanted:
        assert (response.status_code, response.content) == (416, b"")
    else:
        assert (response.status_code, response.content) == (206, wanted)
        assert response.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/600000"
        assert response.headers["content-length"] == str(len(wanted))
        assert "digest" not in response.headers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.integers(1, 700_000))
async def test_the_end_is_the_end(gallery: Api, url: str, count: int):
    response = await gallery.http.get(url, headers={"Range": f"bytes=-{count}"})
    assert (response.status_code, response.content) == (206, CONTENT[-count:])


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=600000-", "bytes=-0"])
async def test_parts_that_nobody_gets(gallery: Api, url: str, asked: str):
    response = await gallery.http.get(url, headers={"Range": asked})
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["content-range"] == "bytes */600000"


async def test_a_part_of_nothing_is_all_of_it(gallery: Api):
    url = await url_of(gallery, await store(gallery, b""))
    response = await gallery.http.get(url, headers={"Range": "bytes=0-5"})
    assert (response.status_code, response.content) == (200, b"")
    assert "content-range" not in response.headers


async def test_a_part_of_another_file_is_answered_with_the_whole(gallery: Api, url: str):
    part = {"Range": "bytes=0-9"}
    assert (await gallery.http.get(url, headers={**part, "If-Range": TAG})).status_code == 206
    assert (await gallery.http.get(url, headers={**part, "If-Range": '"other"'})).status_code == 200


async def test_who_has_it_does_not_get_it_again(gallery: Api, url: str):
    response = await gallery.http.get(url, headers={"If-None-Match": TAG})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == TAG
    modified = response.headers["last-modified"]
    assert (await gallery.http.get(url, headers={"If-Modified-Since": modified})).status_code == 304


# Addresses


async def test_addresses_of_nothing(gallery: Api, url: str):
    get = gallery.http.get
    for path in ("x", "", "%2e%2e%2fkey", "key", "arriving", "upload/x", encode_id(STORAGE, bytes(16)), "uploads"):
        refused(await get(f"/api/storage/{path}"), 400, "InvalidStoragePath")
    refused(await get("/api/storage/00000000-0000-4000-8000-000000000000"), 404, "FileNotFound")
    refused(await gallery.http.post(url), 405, "MethodNotAllowed")


async def test_an_id_alone_opens_nothing(gallery: Api):
    id = await store(gallery)
    refused(await gallery.http.get(f"/api/storage/{id}"), 400, "InvalidStoragePath")
    refused(await gallery.http.get(f"/api/storage/{id}?token=AAAA"), 401, "StorageTokenInvalid")


async def test_an_expiring_address_ends(gallery: Api):
    id = await store(gallery)
    url = await gallery.value("query", "pictures:short_url", {"file": id, "seconds": 60})
    response = await gallery.http.get(url)
    assert (response.status_code, response.content) == (200, CONTENT)
    assert 0 <= int(response.headers["cache-control"].removeprefix("private, max-age=")) <= 60
    links, now = gallery.parts.files.links, gallery.parts.files.now()
    refused(await gallery.http.get(links.expiring(id, now - 1)), 401, "StorageTokenExpired")
    other = await store(gallery, b"other")
    refused(await gallery.http.get(url.replace(id, other)), 401, "StorageTokenInvalid")


@pytest.mark.parametrize("seconds", [0, -1, 1e9])
async def test_an_address_expires_in_a_time_that_is_one(gallery: Api, seconds: float):
    id = await store(gallery)
    assert "expires_in" in await gallery.failure("query", "pictures:short_url", {"file": id, "seconds": seconds})


async def test_a_deleted_file_is_not_shown(gallery: Api, url: str):
    id = gallery.parts.files.links.id_of(url[-36:])
    await gallery.value("mutation", "pictures:delete", {"file": id})
    refused(await gallery.http.get(url), 404, "FileNotFound")
    assert await gallery.value("query", "pictures:url", {"file": id}) is None


async def test_other_pages_may_read_files(gallery: Api, url: str):
    response = await gallery.http.get(url, headers={"Origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert "content-range" in response.headers["access-control-expose-headers"]


@pytest.mark.stores("sqlite", "shared", because="another server of the database may have them in its folder")
async def test_bytes_that_somebody_took_away_are_a_fault_not_an_empty_file(
    gallery: Api, url: str, caplog: pytest.LogCaptureFixture
):
    id = gallery.parts.files.links.id_of(url[-36:])
    (gallery.parts.settings.data / "files" / id).unlink()
    refused(await gallery.http.get(url), 500, "InternalServerError")
    assert id in caplog.text


async def test_both_directions_are_counted(gallery: Api, url: str):
    await gallery.http.get(url, headers={"Range": "bytes=0-9"})
    text: httpx.Response = await gallery.http.get("/metrics")
    for line in (
        "reactor_files_stored_total 1.0",
        "reactor_file_bytes_received_total 600000.0",
        "reactor_file_bytes_sent_total 10.0",
        "reactor_uploads 0.0",
    ):
        assert line in text.text.splitlines()
