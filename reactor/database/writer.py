"""`ctx.db` of a mutation: reading and writing documents.

Behaviour and error texts match Convex (get-convex/convex-backend, crates/database/src/bootstrap_model/user_facing.rs).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CoroutineType
from typing import Any, ClassVar, LiteralString, TypeAlias, TypeVar, cast, overload

from reactor.database.aggregates import keep_totals
from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.made_calls import MadeCall, frame
from reactor.database.pages import Pager
from reactor.database.reader import ABSENT, DatabaseReader, check_table
from reactor.database.transaction import Transaction
from reactor.database.uniqueness import refuse_twin
from reactor.errors import DeveloperError
from reactor.schema import SchemaMismatch
from reactor.values import COMMIT_TS, UNSET, CommitTs, Limits, ValidationFailure, encode, is_identifier, same, table_of

__all__ = ["DatabaseWriter", "TransactionVars"]

_SYSTEM_FIELDS = ("_id", "_creationTime")

Table = TypeVar("Table", bound=LiteralString)
"""To type checkers `Id["users"]` is the literal "users": the id type of a table is the type of its name."""

T = TypeVar("T")
Writing: TypeAlias = "CoroutineType[Any, Any, T]"
"""What a method that writes gives: it writes when it is awaited."""


class TransactionVars:
    """`ctx.db.vars`: what becomes known of a transaction by its commit."""

    __slots__ = ()

    commit_ts: ClassVar[CommitTs] = COMMIT_TS
    """The time of the commit, nanoseconds since 1970, as a placeholder that becomes an Int64.

    It may stand anywhere in a document, in indexed fields too, in arguments of nested calls, and in the result. All
    uses in one transaction get the same time, later commits a later one. Until then it reads back as the placeholder
    and sorts as the largest Int64.
    (get-convex/convex-backend, npm-packages/docs/docs/database/advanced/commit-timestamp.mdx.)
    """


class DatabaseWriter(DatabaseReader):
    """Reads and writes documents in one transaction: all of it commits, or nothing."""

    __slots__ = ("made_calls",)

    vars: ClassVar[TransactionVars] = TransactionVars()
    """What becomes known by the commit: `vars.commit_ts`."""

    def __init__(self, tx: Transaction, pager: Pager | None = None) -> None:
        super().__init__(tx, pager)
        self.made_calls: list[MadeCall] = []

    @overload
    def insert(self, table: Table, value: Mapping[str, Any], /) -> Writing[Table]: ...

    @overload
    def insert(self, table: str, value: Mapping[str, Any], /) -> Writing[str]: ...

    def insert(self, table: str, value: Mapping[str, Any], /) -> Writing[str]:
        """Store a new document and return its id. A table that does not exist comes to exist with the commit.

        Raises DeveloperError (also InvalidValue) when the value is none, does not fit the schema, or has fields
        of the system's, and UniqueViolation when a unique index has its values already.
        """
        call = self._insert(table, value)
        caller = frame(1)
        self.made_calls.append((call, caller.f_code, caller.f_lasti))
        return call

    async def _insert(self, table: str, value: Mapping[str, Any]) -> str:
        info = self._tx.table(_writable(table))
        fresh = info is None
        if info is None:
            info = self._new_table(table)
        fields = _fields(value, f'db.insert("{table}", ...)')
        if "_id" in fields or "_creationTime" in fields:
            raise _not_chosen(table, fields)
        self._check(info, fields)
        id = self._tx.new_id(info)
        fields["_id"], fields["_creationTime"] = id, self._tx.take_creation()
        document = _document(info, id, fields, self._tx.limits.document)
        if info.unique:
            await refuse_twin(self._tx, info, None, document, fields)
        self._tx.write(info, None, document)
        if info.totals:
            await keep_totals(self._tx, info, None, document)
        if fresh:  # after what may yet refuse the document: without one there is no new table
            self._tx.add_table(info)
        return id

    @overload
    def patch(self, id: str, changes: Mapping[str, Any], /) -> Writing[None]: ...

    @overload
    def patch(self, table: str, id: str, changes: Mapping[str, Any], /) -> Writing[None]: ...

    def patch(self, table_or_id: str, id_or_changes: Any, changes: Any = ABSENT, /) -> Writing[None]:
        """Set some fields of a document; UNSET removes a field, nested objects are replaced whole.

        `patch(id, changes)` or `patch("table", id, changes)`. A patch that changes nothing writes nothing.
        Raises DeveloperError when there is no such document, or the result does not fit the schema, and
        UniqueViolation when another document has its values in a unique index.
        """
        call = self._patch(table_or_id, id_or_changes, changes)
        caller = frame(1)
        self.made_calls.append((call, caller.f_code, caller.f_lasti))
        return call

    async def _patch(self, table_or_id: str, id_or_changes: Any, changes: Any) -> None:
        name, id, changed = _target(table_or_id, id_or_changes, changes)
        info, old = await self._existing(name, id, "patch", "Update")
        changed = _fields(changed, "db.patch(id, ...)", keep_unset=True)
        fields = old.value().copy()
        _keep_system_fields(changed, fields)
        for key, value in changed.items():
            if value is UNSET:
                fields.pop(key, None)
            else:
                fields[key] = value
        new = self._changed(info, old, fields)
        if new is not None:
            if info.unique:
                await refuse_twin(self._tx, info, old, new, fields)
            self._tx.write(info, old, new)
            if info.totals:
                await keep_totals(self._tx, info, old, new)

    @overload
    def replace(self, id: str, value: Mapping[str, Any], /) -> Writing[None]: ...

    @overload
    def replace(self, table: str, id: str, value: Mapping[str, Any], /) -> Writing[None]: ...

    def replace(self, table_or_id: str, id_or_value: Any, value: Any = ABSENT, /) -> Writing[None]:
        """Store exactly these fields, besides the system's, in place of the document's.

        `replace(id, value)` or `replace("table", id, value)`. Raises DeveloperError as `patch` does.
        """
        call = self._replace(table_or_id, id_or_value, value)
        caller = frame(1)
        self.made_calls.append((call, caller.f_code, caller.f_lasti))
        return call

    async def _replace(self, table_or_id: str, id_or_value: Any, value: Any) -> None:
        name, id, given = _target(table_or_id, id_or_value, value)
        info, old = await self._existing(name, id, "replace", "Replace")
        fields = _fields(given, "db.replace(id, ...)")
        before = old.value()
        _keep_system_fields(fields, before)
        fields.update({key: before[key] for key in _SYSTEM_FIELDS})
        new = self._changed(info, old, fields)
        if new is not None:
            if info.unique:
                await refuse_twin(self._tx, info, old, new, fields)
            self._tx.write(info, old, new)
            if info.totals:
                await keep_totals(self._tx, info, old, new)

    @overload
    def delete(self, id: str, /) -> Writing[None]: ...

    @overload
    def delete(self, table: str, id: str, /) -> Writing[None]: ...

    def delete(self, table_or_id: str, id: str = ABSENT, /) -> Writing[None]:
        """Remove a document: `delete(id)` or `delete("table", id)`. Raises DeveloperError when there is none."""
        call = self._delete(table_or_id, id)
        caller = frame(1)
        self.made_calls.append((call, caller.f_code, caller.f_lasti))
        return call

    async def _delete(self, table_or_id: str, id: str) -> None:
        name, text = (None, table_or_id) if id is ABSENT else (table_or_id, id)
        info, old = await self._existing(name, text, "delete", "Delete")
        gone = Document(text, None)
        self._tx.write(info, old, gone)
        if info.totals:
            await keep_totals(self._tx, info, old, gone)

    def _new_table(self, name: str) -> TableInfo:
        if not is_identifier(name):
            raise DeveloperError(
                f"{name!r:.80} cannot be the name of a table: use letters, digits and underscores, at most 64, "
                "beginning with a letter.",
                code="InvalidTableName",
            )
        return self._tx.new_table(name)

    async def _existing(self, name: str | None, id: Any, method: str, title: str) -> tuple[TableInfo, Document]:
        info = self._table_of(id, method)
        if name is not None:
            check_table(_writable(name), info, id)
        elif info is not None and info.name[0] == "_":
            raise _read_only(info.name)
        document = None if info is None else await self._tx.get(info, id)
        if info is None or document is None:
            raise DeveloperError(f"{title} on nonexistent document ID {id}", code="NonexistentDocument")
        return info, document

    def _check(self, info: TableInfo, fields: dict[str, Any]) -> None:
        if info.definition is None:
            return
        try:
            info.definition.check(fields, self._tx)
        except ValidationFailure as failure:
            raise SchemaMismatch.on_write(info.name, failure) from None

    def _changed(self, info: TableInfo, old: Document, fields: dict[str, Any]) -> Document | None:
        """The next version of a document, None when it is as before."""
        self._check(info, fields)
        new = _document(info, old.id, fields, self._tx.limits.document)
        return None if _unchanged(old, new, fields) else new


def _writable(table: str) -> str:
    if not isinstance(table, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DeveloperError(f"A table is given by its name, not by {type(table).__name__}.", code="TypeError")
    if table.startswith("_"):
        raise _read_only(table)
    return table


def _read_only(table: str) -> DeveloperError:
    return DeveloperError(
        f"System tables (prefixed with `_`) are read-only, so `{table}` cannot be written. Keep documents of your own "
        "in a table whose name does not begin with `_`.",
        code="SystemTable",
    )


def _document(info: TableInfo, id: str, fields: dict[str, Any], limits: Limits) -> Document:
    document = Document(id, encode(fields, limits=limits, pending=True))
    document.set_keys(info, info.keys_of(fields))
    return document


def _unchanged(old: Document, new: Document, fields: dict[str, Any]) -> bool:
    if old.raw == new.raw:
        return True
    # The same value in other bytes: 1 and 1.0 are one number. Python's comparison is quick, and lets through more (True
    # and 1, say) but for NaN, which equals nothing.
    before = old.value()
    return (before == fields or b'"$float"' in (old.raw or b"")) and same(before, fields)


def _fields(value: Any, call: str, *, keep_unset: bool = False) -> dict[str, Any]:
    """A copy of what a function gave as a document, without members that are UNSET."""
    if not isinstance(value, dict) and not isinstance(value, Mapping):
        raise DeveloperError(
            f"`{call}` needs a document, which is a dict with text as keys, not {type(value).__name__}.",
            code="TypeError",
        )
    fields = dict(cast(Mapping[Any, Any], value))
    unset = False
    for key, item in fields.items():
        if item is UNSET:
            unset = True
        elif isinstance(key, str) and key.startswith("_") and key not in _SYSTEM_FIELDS:
            raise DeveloperError(
                f"Field \"{key}\" starts with an underscore, which is only allowed for system fields like '_id'. "
                f"Rename the field in `{call}`.",
                code="InvalidDocumentError",
            )
    return {key: item for key, item in fields.items() if item is not UNSET} if unset and not keep_unset else fields


def _not_chosen(table: str, fields: dict[str, Any]) -> DeveloperError:
    name, code = ("_id", "InvalidIdError") if "_id" in fields else ("_creationTime", "InvalidCreationTimeError")
    return DeveloperError(
        f'Provided document to insert into "{table}" has `{name}`; the system gives it. Leave it out.', code=code
    )


def _keep_system_fields(changes: dict[str, Any], current: dict[str, Any]) -> None:
    """System fields may be given when they equal what is stored; they never change."""
    for key in _SYSTEM_FIELDS:
        if key in changes:
            given = changes.pop(key)
            if given is not UNSET and not same(given, current[key]):
                code = "InvalidIdError" if key == "_id" else "InvalidCreationTimeError"
                raise DeveloperError(
                    f"`{key}` of a document never changes: it is {current[key]!r}, {given!r:.80} was given. "
                    "Leave it out.",
                    code=code,
                )


def _target(table_or_id: str, second: Any, third: Any) -> tuple[str | None, Any, Any]:
    """Table (None: not named), id and document of a call in either form."""
    if third is not ABSENT:
        return table_or_id, second, third
    # Text in place of a document is wrong in either form; the error is that of the form which was meant.
    if isinstance(second, str) and isinstance(table_or_id, str) and table_of(table_or_id) is None:  # pyright: ignore[reportUnnecessaryIsInstance]
        return table_or_id, second, None
    return None, table_or_id, second
