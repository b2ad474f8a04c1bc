"""Files in an S3-like bucket.

`PREFIX/<id>` is a file that is there as a whole: a service shows an object only when all of it has come. The secret of
links stays in the data folder; `PREFIX/owner` is its digest, so that no other deployment takes this one's files for
bytes that nobody needs.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from reactor.errors import StoreError
from reactor.files.bucket_upload import BucketUpload
from reactor.files.link_key import link_key
from reactor.files.seam import LARGEST_PIECE, Measure, OpenFile, Pieces, Stored, blocks
from reactor.files.threads import shut_down, threads

__all__ = ["BucketFiles"]

_NAME = re.compile(r"[0-9a-z]{31,37}")
_OWNER = "owner"
_LISTED = 500
_ASKED_AT_ONCE = 16
_FETCHED = 2 * 2**20
"""Bytes of one request: a request per piece would wait for the network each time."""
_SMALLEST_PART = 5 * 2**20
_MOST_PARTS = 10_000
"""Limits of S3 on what is uploaded in parts."""
_RIGHTS = "get, put, list and delete objects, and abort uploads in parts"
_REFUSED = re.compile(r"status code: 40[13]\b")
_LONGEST_DETAIL = 500

_log = logging.getLogger("reactor.files")


class BucketFiles:
    """A place in a bucket that belongs to one deployment. The data folder's lock keeps its other servers away."""

    reached_by_all = True

    def __init__(self, place: str, key_file: Path, *, endpoint: str | None, region: str | None, max_bytes: int) -> None:
        """`place`: s3://BUCKET/PREFIX; `key_file` holds the secret of links; no file is larger than `max_bytes`."""
        self._place, self._key_file = place, key_file
        self._endpoint, self._region = endpoint, region
        self._part = max(_SMALLEST_PART, -(-max_bytes // _MOST_PARTS))
        self._bucket: S3Store | None = None
        self._pool: ThreadPoolExecutor | None = None
        self.key = b""

    async def open(self) -> None:
        # Digests take time that queries should have; shared threads may be full of actions.
        self._pool = threads(2)
        try:
            self.key = await asyncio.get_running_loop().run_in_executor(self._pool, self._local_key)
            with self._errors("opening it"):
                self._bucket = self._connect()
                await self._claim(self._bucket)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        pool, self._pool, self._bucket = self._pool, None, None
        if pool is not None:
            await shut_down(pool)

    async def put(self, name: str, pieces: Pieces, accept: Callable[[Stored], None]) -> Stored:
        upload, measure = BucketUpload(self._opened(), _path(name), self._part), Measure()
        try:
            async for block in blocks(pieces):
                await asyncio.get_running_loop().run_in_executor(self._pool, measure.update, block)
                with self._errors("storing a file"):
                    await upload.write(block)
            stored = measure.stored()
            accept(stored)
            with self._errors("storing a file"):
                await upload.keep()
        except BaseException:
            await self._discard(upload)
            raise
        return stored

    async def read(self, name: str) -> OpenFile | None:
        bucket, path = self._opened(), _path(name)
        with self._errors("opening a file"):
            size = await _size(bucket, path)
        return None if size is None else _BucketFile(name, size, self._fetch)

    async def delete(self, names: Iterable[str]) -> None:
        paths = [_path(name) for name in names]
        if paths:
            with self._errors("deleting files"):
                await obstore.delete_async(self._opened(), paths)

    async def missing(self, names: Sequence[str]) -> list[str]:
        bucket, gone = self._opened(), list[str]()
        for start in range(0, len(names), _ASKED_AT_ONCE):
            some = names[start : start + _ASKED_AT_ONCE]
            with self._errors("looking for files"):
                sizes = await asyncio.gather(*(_size(bucket, _path(name)) for name in some))
            gone += [name for name, size in zip(some, sizes, strict=True) if size is None]
        return gone

    async def names(self) -> AsyncIterator[list[str]]:
        pages = obstore.list(self._opened(), chunk_size=_LISTED)  # pyright: ignore[reportUnknownMemberType]
        while True:
            with self._errors("listing files"):
                page = await anext(pages, None)
            if page is None:
                return
            if found := [each["path"] for each in page if _NAME.fullmatch(each["path"])]:
                yield found

    async def _discard(self, upload: BucketUpload) -> None:
        try:
            with self._errors("removing what had come of a file"):
                await upload.discard()
        except StoreError as error:
            # Why the file is not stored is what the caller has to know.
            _log.warning("%s. Whole files that are left go with the next sweep, parts by a rule of the bucket.", error)

    async def _fetch(self, name: str, start: int, length: int) -> bytes:
        with self._errors("reading a file"):
            return bytes(await obstore.get_range_async(self._opened(), _path(name), start=start, length=length))

    def _local_key(self) -> bytes:
        try:
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return link_key(self._key_file)
        except OSError as error:
            raise StoreError(f"{self._key_file} cannot be read or made: {error}; check the data folder") from error

    def _connect(self) -> S3Store:
        bucket, _, prefix = self._place.removeprefix("s3://").partition("/")
        given = {"endpoint": self._endpoint, "region": self._region}
        return S3Store(
            bucket,
            prefix=prefix or None,
            config={key: value for key, value in given.items() if value is not None},  # pyright: ignore[reportArgumentType]
            client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "30s"},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )

    async def _claim(self, bucket: S3Store) -> None:
        """Make the place this deployment's own, or see that it is; this asks for all rights but deleting."""
        ours = hashlib.sha256(b"reactor files owner" + self.key).hexdigest().encode()
        await anext(obstore.list(bucket, chunk_size=1), None)  # pyright: ignore[reportUnknownMemberType]
        try:
            await obstore.put_async(bucket, _OWNER, ours, mode="create")
        except AlreadyExistsError:
            found = bytes(await (await obstore.get_async(bucket, _OWNER)).bytes_async())
            if found != ours:
                raise StoreError(
                    f"{self._place} holds the files of another deployment, or {self._key_file} is not the one that "
                    "they were stored with. Choose another prefix in the setting files, or put the key back; servers "
                    "that share a database need the same one, so copy that of the first. If no other server uses the "
                    f"place, delete the object {_OWNER} there; addresses of files change then."
                ) from None

    def _opened(self) -> S3Store:
        if self._bucket is None:
            raise StoreError("files cannot be reached: the server is stopping; try again when it serves")
        return self._bucket

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Generator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(f"files in {self._place}: {doing} failed: {_remedy(error)} ({_detail(error)})") from error


class _BucketFile:
    """See `OpenFile`."""

    def __init__(self, name: str, size: int, fetch: Callable[[str, int, int], Awaitable[bytes]]) -> None:
        self._name, self.size, self._fetch = name, size, fetch

    async def pieces(self, start: int, length: int) -> Pieces:
        end = start + length
        for at in range(start, end, _FETCHED):
            wanted = min(_FETCHED, end - at)
            content = await self._fetch(self._name, at, wanted)
            if len(content) != wanted:
                raise StoreError("a file is shorter than it was: something else has changed it")
            for cut in range(0, wanted, LARGEST_PIECE):
                yield content[cut : cut + LARGEST_PIECE]

    def close(self) -> None:
        return None


async def _size(bucket: S3Store, path: str) -> int | None:
    try:
        return (await obstore.head_async(bucket, path))["size"]
    except FileNotFoundError:
        return None


def _path(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r:.60} is no name of a file: names are document ids")
    return name


def _remedy(error: Exception) -> str:
    # The library has kinds for refusals, and does not use them for all requests.
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(str(error)):
        return f"the service refuses the credentials; check AWS_ACCESS_KEY_ID and that they may {_RIGHTS}"
    if "NoSuchBucket" in str(error):
        return "there is no such bucket; create it, or correct the setting files"
    if isinstance(error, FileNotFoundError):
        return "the bytes are not there any more"
    return "check that files_endpoint and files_region are right, that the service answers, and the credentials"


def _detail(error: Exception) -> str:
    return str(error).split("\n\nDebug source")[0].strip()[:_LONGEST_DETAIL]
