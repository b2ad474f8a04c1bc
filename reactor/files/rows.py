"""What the database knows of files: a document of `_storage` for each, and one of `_deleted_files` for some time after.

Both are written by ordinary transactions, so a deletion is undone with its mutation, and live queries see it. The
fields of `_storage` are as in Convex (get-convex/convex-backend, crates/model/src/file_storage).
"""

import base64
from typing import Any

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.system_tables import SYSTEM_TABLES
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.files.seam import Stored
from reactor.values import encode, table_of
from reactor.values.ids import decode_id, encode_id

__all__ = [
    "check_id",
    "deletion_of",
    "enter_deletion",
    "find",
    "insert",
    "is_deleted",
    "metadata",
    "not_found",
    "remove",
    "table",
]

_DELETED = SYSTEM_TABLES["_deleted_files"]


def table(tx: Transaction, name: str) -> TableInfo:
    """One of the two tables."""
    info = tx.table(name)
    assert info is not None, f"{name} is made when the database is opened"
    return info


def check_id(id: Any, method: str) -> str:
    """`id`, if it is one of a file. Raises DeveloperError when it is not, which says what it is.

    Texts as in get-convex/convex-backend, npm-packages/convex/src/server/impl/storage_impl.ts.
    """
    call = f"Invalid argument `id` for `storage.{method}`"
    if not isinstance(id, str):
        raise DeveloperError(f"{call}: ids are text, not {type(id).__name__}.", code="TypeError")
    number = table_of(id)
    if number is None:
        raise DeveloperError(
            f'{call}: Unable to decode ID "{id[:64]}". Ids of files come from uploads (`storageId` of the answer), '
            "from store(), or from `_id` of a document of `_storage`.",
            code="InvalidId",
        )
    if number != SYSTEM_TABLES["_storage"]:
        raise DeveloperError(
            f"{call}: \"{id}\" cannot be an ID on any table other than '_storage'. Give the id of the file, which a "
            "document of yours may hold in one of its fields.",
            code="InvalidStorageId",
        )
    return id


async def find(tx: Transaction, id: str) -> Document | None:
    """The row of a file, None when there is no such file."""
    return await tx.get(table(tx, "_storage"), id)


def metadata(row: Document) -> dict[str, Any]:
    """What the older way of asking gives: the digest is hexadecimal there."""
    value = row.value()
    return {
        "storageId": row.id,
        "sha256": base64.b64decode(value["sha256"]).hex(),
        "size": value["size"],
        "contentType": value["contentType"],
    }


def insert(tx: Transaction, id: str, stored: Stored, content_type: str | None) -> None:
    """A file exists."""
    sha256 = base64.b64encode(stored.sha256).decode()
    fields = {"sha256": sha256, "size": stored.size, "contentType": content_type}
    tx.write(table(tx, "_storage"), None, _document(tx, id, fields))


async def remove(tx: Transaction, id: str) -> None:
    """A file does not exist any more; remember that its bytes are to go. Raises DeveloperError when there is none."""
    row = await find(tx, id)
    if row is None:
        raise not_found(id)
    tx.write(table(tx, "_storage"), row, Document(id, None))
    enter_deletion(tx, id)


def enter_deletion(tx: Transaction, id: str) -> None:
    """Remember that the bytes of a file are to go."""
    tx.write(table(tx, "_deleted_files"), None, _document(tx, deletion_of(id), {"file": id}))


async def is_deleted(tx: Transaction, id: str) -> bool:
    """Whether the bytes of a file are to go."""
    return await tx.get(table(tx, "_deleted_files"), deletion_of(id)) is not None


def not_found(id: str) -> DeveloperError:
    """The error for a file that does not exist."""
    return DeveloperError(
        f"storage id {id} not found: the file was deleted already. Ask get_url() first, which gives None then.",
        code="StorageIdNotFound",
    )


def deletion_of(id: str) -> str:
    """The id of the document that remembers the deletion of a file."""
    return encode_id(_DELETED, decode_id(id)[1])


def _document(tx: Transaction, id: str, fields: dict[str, Any]) -> Document:
    return Document(id, encode({"_id": id, "_creationTime": tx.take_creation(), **fields}))
