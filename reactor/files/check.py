"""Whether files are whole, and whether anything needs them: for whoever looks after a deployment.

Each function looks at some, and says where the next call goes on, so that none of them takes long.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from reactor.database.documents import Document
from reactor.database.id_order import id_bounds
from reactor.database.system_tables import SYSTEM_TABLES, is_system_name
from reactor.errors import StoreError
from reactor.files.files import Files
from reactor.files.links import STORAGE, Links, is_file_id
from reactor.files.seam import Measure, OpenFile

__all__ = ["Checked", "Fault", "Known", "Used", "check_bytes", "stray_bytes", "used_files"]

_PAGE = 200
_PAGE_BYTES = 64 * 2**20
"""Contents of so many bytes are read for a page, or of one file."""
_TOLD = 1000
_OURS = (SYSTEM_TABLES["_storage"], SYSTEM_TABLES["_deleted_files"])
# An id may stand in a longer text, and so may the address of a file.
_ID = re.compile(r"(?<![0-9a-z])[0-9a-z]{31,37}(?![0-9a-z])")
_ADDRESS = re.compile(r"/api/storage/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Known(msgspec.Struct, frozen=True):
    """A file: its id, its bytes, and when it came (milliseconds since 1970)."""

    id: str
    size: int
    created: float


class Fault(msgspec.Struct, frozen=True):
    """A file whose bytes are not what they should be."""

    id: str
    problem: str


class Checked(msgspec.Struct, frozen=True):
    """Some files, what is wrong with them, and `after` for the next call; None at the end."""

    files: list[Known]
    faults: list[Fault]
    next: str | None


class Used(msgspec.Struct, frozen=True):
    """How many documents of the application were looked at, the files that they and the server's own name, and `after`
    for the next call; None at the end."""

    documents: int
    files: list[str]
    next: str | None


async def check_bytes(files: Files, after: str, *, digests: bool) -> Checked:
    """Look whether files behind `after` have their bytes; with `digests`, read them, too. Raises StoreError."""
    first, last = id_bounds(STORAGE, b"", b"\xff")
    rows, more = await _documents(files, max(first, f"{after}\0"), last)
    known, faults, read = list[Known](), list[Fault](), 0
    for row in rows:
        value = row.value()
        known.append(Known(row.id, int(value["size"]), value["_creationTime"]))
        problem = await _problem(files, known[-1], base64.b64decode(value["sha256"]) if digests else None)
        if problem is not None and await files.row(row.id) is not None:
            faults.append(Fault(row.id, problem))
        read += known[-1].size if digests else 0
        if read >= _PAGE_BYTES:
            return Checked(known, faults, row.id)
    return Checked(known, faults, rows[-1].id if more else None)


async def used_files(files: Files, after: str) -> Used:
    """Which files the documents behind `after` name, by id or address, in any field. Raises StoreError."""
    number, _, last_id = after.partition(":")
    names = files.database.numbering.numbers
    for table in sorted(names):
        if table in _OURS or (number and table < int(number)):
            continue
        first, last = id_bounds(table, b"", b"\xff")
        start = f"{last_id}\0" if number and table == int(number) else first
        documents, _ = await _documents(files, start, last)
        if documents:
            named = {id for document in documents for id in _named(document.value(), files.links)}
            counted = 0 if is_system_name(names[table]) else len(documents)
            return Used(counted, sorted(named), f"{table}:{documents[-1].id}")
    return Used(0, [], None)


async def stray_bytes(files: Files) -> list[str]:
    """Names in the store that no row knows, at most a thousand of them. Raises StoreError."""
    found = list[str]()
    async for names in files.store.names():
        found += await files.upkeep.unknown(names)
        if len(found) >= _TOLD:
            break
    return found[:_TOLD]


async def _documents(files: Files, first: str, last: str) -> tuple[Sequence[Document], bool]:
    """Some documents in the order of ids, and whether there may be more."""
    snapshot = files.database.store.acquire()
    try:
        ids = await snapshot.scan_ids(first, last, reverse=False, limit=_PAGE)
        found = await snapshot.get(ids)
        return [Document(id, found[id]) for id in ids], len(ids) == _PAGE
    finally:
        snapshot.release()


async def _problem(files: Files, known: Known, digest: bytes | None) -> str | None:
    try:
        opened = await files.store.read(known.id)
        if opened is None:
            return "its bytes are not there"
        try:
            if opened.size != known.size:
                return f"it has {opened.size} bytes, and should have {known.size}"
            if digest is not None and await _digest(opened) != digest:
                return "its bytes are others than those that were stored"
        finally:
            opened.close()
    except StoreError as error:
        return f"it cannot be read: {error}"
    return None


async def _digest(opened: OpenFile) -> bytes:
    measure = Measure()
    async for piece in opened.pieces(0, opened.size):
        measure.update(piece)
    return measure.stored().sha256


def _named(value: Any, links: Links) -> Iterator[str]:
    """The ids of files in a value, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield from filter(is_file_id, _ID.findall(each))
            yield from map(links.id_of, _ADDRESS.findall(each))
        elif isinstance(each, dict):
            waiting += each.values()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        elif isinstance(each, list):
            waiting += each  # pyright: ignore[reportUnknownArgumentType]
