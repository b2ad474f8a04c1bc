"""Files of a backend."""

from pathlib import Path

import pytest

from reactor import DeveloperError
from reactor.testing import Backend, MemoryStore
from tests.support.server import APPS

GALLERY = APPS / "gallery"


@pytest.fixture(params=["memory", "sqlite"])
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return Backend(GALLERY, determinism="error", data=tmp_path / "data" if request.param == "sqlite" else None)


async def test_a_test_uploads_and_downloads_as_a_client(gallery: Backend):
    async with gallery, gallery.subscribe("pictures:rows") as rows:
        file = await gallery.upload(await gallery.mutation("pictures:upload_url"), b"hello", content_type="text/plain")
        assert rows.current == [file]
        assert (await gallery.query("pictures:row", file=file))["contentType"] == "text/plain"
        assert await gallery.download(await gallery.query("pictures:url", file=file)) == b"hello"
        assert await gallery.action("pictures:read", file=file) == b"hello"


async def test_a_file_of_many_pieces_comes_whole(gallery: Backend):
    content = bytes(range(256)) * 12_000
    async with gallery:
        file = await gallery.upload(await gallery.mutation("pictures:upload_url"), content)
        assert await gallery.download(await gallery.query("pictures:url", file=file)) == content


async def test_the_clock_decides_what_has_expired(gallery: Backend):
    async with gallery:
        upload_url = await gallery.mutation("pictures:upload_url")
        file = await gallery.upload(upload_url, b"x")
        url = await gallery.query("pictures:short_url", file=file, seconds=60)
        gallery.clock.advance(seconds=59)
        assert await gallery.download(url) == b"x"
        gallery.clock.advance(seconds=1)
        with pytest.raises(DeveloperError) as caught:
            await gallery.download(url)
        assert caught.value.code == "StorageTokenExpired"
        gallery.clock.advance(hours=1)
        with pytest.raises(DeveloperError) as caught:
            await gallery.upload(upload_url, b"x")
        assert caught.value.code == "StorageTokenExpired"


async def test_addresses_of_nothing(gallery: Backend):
    async with gallery:
        for url, code in (("http://x/y", "InvalidStoragePath"), ("http://x/api/storage/y", "InvalidStoragePath")):
            with pytest.raises(DeveloperError) as caught:
                await gallery.download(url)
            assert caught.value.code == code


async def test_a_second_backend_on_the_data_finds_the_files():
    store = MemoryStore()
    async with Backend(GALLERY, store=store) as first:
        file = await first.action("pictures:store", content=b"here")
        url = await first.query("pictures:url", file=file)
    async with Backend(GALLERY, store=store) as second:
        assert await second.download(url) == b"here"


async def test_limits_hold(gallery: Backend):
    async with Backend(GALLERY, max_file_bytes=1024) as small:
        with pytest.raises(DeveloperError) as caught:
            await small.action("pictures:store", content=b"x" * 1025)
        assert caught.value.code == "FileTooLarge"
