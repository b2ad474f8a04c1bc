"""Rows of servers that share a store.

    _nodes    node, beat, began, version    one for each living node; `node` says where it runs, for people
    _code     version, code, past           one: the hash of the code that all are to serve, and earlier ones

`beat` grows while the node lives. `began` orders nodes: it is above that of all who were there before, whatever the
clocks of their machines say. `version` counts what all are to serve, and the highest wins.
"""

from typing import Any

import msgspec

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.system_tables import CODE, NODES, SYSTEM_TABLES
from reactor.database.transaction import Transaction
from reactor.values import encode, encode_id

__all__ = [
    "SOURCE",
    "CodeRow",
    "NodeRow",
    "add_node",
    "delete_node",
    "find_code",
    "find_node",
    "read_nodes",
    "replace_node",
    "write_code",
]

SOURCE = "_system/nodes"
"""Who writes, as the log of commits has it."""

_ID_OF_CODE = encode_id(SYSTEM_TABLES[CODE], bytes(16))
_MOST = 4_096


class NodeRow(msgspec.Struct, frozen=True):
    """A living node. `id` is that of its document, and of the node for as long as it counts as living."""

    id: str
    node: str
    beat: float
    began: float
    version: int


class CodeRow(msgspec.Struct, frozen=True):
    """What all nodes are to serve: a number that grows with each change, and a hash. `past` has replaced ones."""

    version: int
    code: str
    past: list[str] = []


# Nodes


async def read_nodes(tx: Transaction) -> dict[str, NodeRow]:
    """All nodes by id. They count as read, also that there are no others."""
    table = _table(tx, NODES)
    index = table.ordered[0]
    scan = tx.open_scan(index, b"", b"\xff", reverse=False)
    assert scan is not None
    scan.exhausted = True
    entries = await tx.entries(table, index, b"", b"\xff", reverse=False, limit=_MOST)
    return {document.id: _node(document) for document in await tx.load([id for _, id in entries])}


async def find_node(tx: Transaction, id: str) -> NodeRow | None:
    """A node, None when it does not live any more. It counts as read."""
    document = await tx.get(_table(tx, NODES), id, counted=False)
    return None if document is None else _node(document)


def add_node(tx: Transaction, node: str, began: float, version: int) -> str:
    """A node lives from now on; gives its id."""
    table = _table(tx, NODES)
    fields = {"_id": tx.new_id(table), "_creationTime": tx.take_creation(), "node": node, "beat": 0.0}
    document = _document(table, {**fields, "began": began, "version": version})
    tx.record(table, None, document)
    return document.id


async def replace_node(tx: Transaction, row: NodeRow) -> None:
    """Other values for a node that was found in this transaction."""
    table = _table(tx, NODES)
    old = await tx.get(table, row.id, counted=False)
    assert old is not None
    fields = {**old.value(), "beat": row.beat, "began": row.began, "version": row.version}
    tx.record(table, old, _document(table, fields))


async def delete_node(tx: Transaction, id: str) -> None:
    """A node does not live any more."""
    table = _table(tx, NODES)
    old = await tx.get(table, id, counted=False)
    if old is not None:
        tx.record(table, old, Document(id, None))


def _node(document: Document) -> NodeRow:
    fields = document.value()
    return NodeRow(document.id, fields["node"], fields["beat"], fields["began"], int(fields["version"]))


# The code


async def find_code(tx: Transaction) -> CodeRow | None:
    """What all are to serve, None when nothing is known yet. It counts as read."""
    table = tx.table(CODE)
    document = None if table is None else await tx.get(table, _ID_OF_CODE, counted=False)
    if document is None:
        return None
    fields = document.value()
    return CodeRow(int(fields["version"]), fields["code"], fields["past"])


async def write_code(tx: Transaction, row: CodeRow) -> None:
    """From now on all are to serve this."""
    table = _table(tx, CODE)
    old = await tx.get(table, _ID_OF_CODE, counted=False)
    creation = tx.take_creation() if old is None else old.value()["_creationTime"]
    fields = {"_id": _ID_OF_CODE, "_creationTime": creation, **msgspec.to_builtins(row)}
    tx.record(table, old, _document(table, fields))


# Both


def _table(tx: Transaction, name: str) -> TableInfo:
    table = tx.table(name)
    assert table is not None, "it is made when the database is opened"
    return table


def _document(table: TableInfo, fields: dict[str, Any]) -> Document:
    document = Document(fields["_id"], encode(fields))
    document.set_keys(table, table.keys_of(fields))
    return document
