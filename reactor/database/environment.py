"""Environment variables of a deployment: documents of a system table, so that they belong to transactions.

A read looks at the entries of one name, present or not: so a change of a variable runs those live queries again that
read it. Rules and codes match get-convex/convex-backend, crates/model/src/environment_variables and
crates/common/src/types/environment_variables.rs.
"""

import re
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from reactor.database.catalog import Catalog, IndexInfo, TableInfo, system_index
from reactor.database.documents import Document
from reactor.database.system_tables import BY_NAME, ENVIRONMENT
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.values import encode, encode_value, prefix_end

__all__ = ["BUILT_IN", "change", "documents", "resident", "variable", "variables"]

BUILT_IN = ("CONVEX_CLOUD_URL", "CONVEX_SITE_URL")
"""What the system sets itself."""

_MOST = 512
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME, _LONGEST_VALUE, _LARGEST = 256, 8 * 1024, 512 * 1024

T = TypeVar("T")


def variable(tx: Transaction, name: str) -> str | None:
    """A variable's value, None when there is none. Recorded as read, and no budget counts it."""
    found = _read(tx, encode_value(name))
    return found[0].value()["value"] if found else None


def variables(tx: Transaction) -> dict[str, str]:
    """All variables by name, in its order. Recorded as read."""
    return {row["name"]: row["value"] for row in documents(tx)}


def documents(tx: Transaction) -> list[dict[str, Any]]:
    """The documents of all variables, by name: `_id`, `_creationTime`, `name`, `value`."""
    return [document.copy() for document in _read(tx, b"")]


def resident(catalog: Catalog) -> tuple[int, int]:
    """The numbers of the table and of the index in which variables are read, for `Store.keep_resident`."""
    table = catalog.table(ENVIRONMENT)
    assert table is not None, "it is made when the database is opened"
    return table.number, system_index(table, BY_NAME).id


async def change(tx: Transaction, changes: Mapping[str, str | None]) -> None:
    """Set variables, or remove them (None). Raises DeveloperError, and then nothing has changed."""
    table, _ = _table(tx)
    for name, value in changes.items():
        _check(name, value)
    after = {**variables(tx), **{name: value for name, value in changes.items() if value is not None}}
    _check_all({name: value for name, value in after.items() if changes.get(name, value) is not None})
    for name, value in changes.items():
        found = _read(tx, encode_value(name))
        old = found[0] if found else None
        if value is None:
            if old is not None:
                tx.record(table, old, Document(old.id, None))
        elif old is None or old.value()["value"] != value:
            tx.record(table, old, _document(tx, table, old, name, value))


def _read(tx: Transaction, prefix: bytes) -> list[Document]:
    table, index = _table(tx)
    tx.reads.look_up(index.id, prefix, prefix_end(prefix))
    entries = _at_once(tx.entries(table, index, prefix, prefix_end(prefix), reverse=False, limit=_MOST))
    return _at_once(tx.load([id for _, id in entries])) if entries else []


def _table(tx: Transaction) -> tuple[TableInfo, IndexInfo]:
    table = tx.table(ENVIRONMENT)
    assert table is not None, "it is made when the database is opened"
    return table, system_index(table, BY_NAME)


def _at_once(reading: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never waits, as readings of what a store holds in memory do.

    `ctx.env` is a mapping, as `os.environ` is, and whoever asks it cannot wait.
    """
    try:
        reading.send(None)
    except StopIteration as done:
        return done.value
    reading.close()
    raise RuntimeError("the store cannot be read without waiting")


def _document(tx: Transaction, table: TableInfo, old: Document | None, name: str, value: str) -> Document:
    if old is None:
        fields: dict[str, Any] = {"_id": tx.new_id(table), "_creationTime": tx.take_creation(), "name": name}
    else:
        fields = old.copy()
    fields["value"] = value
    document = Document(fields["_id"], encode(fields))
    document.set_keys(table, table.keys_of(fields))
    return document


def _check(name: str, value: str | None) -> None:
    if len(name) > _LONGEST_NAME:
        raise DeveloperError(
            f'The name of an environment variable has at most {_LONGEST_NAME} characters: "{name[:40]}…" has '
            f"{len(name)}.",
            code="EnvironmentVariableNameTooLong",
        )
    if not _NAME.fullmatch(name):
        raise DeveloperError(
            f'"{name[:40]}" cannot be the name of an environment variable: use letters, digits and underscores, and '
            "begin with none of the digits.",
            code="EnvironmentVariableNameInvalid",
        )
    if name in BUILT_IN:
        raise DeveloperError(
            f"{name} is set by the system: choose another name. What it says follows from the settings cloud_url and "
            "site_url.",
            code="EnvironmentVariableNameForbidden",
        )
    if value is not None and len(value.encode()) > _LONGEST_VALUE:
        raise DeveloperError(
            f"The value of {name} has {len(value.encode()):,} bytes, and an environment variable at most "
            f"{_LONGEST_VALUE:,}. Store a file instead, and its id in the variable.",
            code="EnvironmentVariableValueTooLarge",
        )


def _check_all(after: Mapping[str, str]) -> None:
    if len(after) > _MOST:
        raise DeveloperError(
            f"There would be {len(after)} environment variables, and there can be {_MOST}. Remove some.",
            code="EnvVarLimitMet",
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in after.items())
    if size > _LARGEST:
        raise DeveloperError(
            f"The environment variables would have {size:,} bytes, and all together have at most {_LARGEST:,}.",
            code="EnvVarTotalSizeLimitMet",
        )
