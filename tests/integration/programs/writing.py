"""Writing on the naive state: what is checked, in which order, and what is stored."""

from __future__ import annotations

from typing import Any

from reactor.values import UNSET, same
from tests.integration.programs.documents import Fault, developer
from tests.integration.programs.frames import Operation
from tests.integration.programs.reading import Reading
from tests.integration.programs.refusals import (
    SYSTEM_FIELDS,
    fits,
    refuse_chosen_system_fields,
    refuse_other_system_fields,
    refuse_other_table,
    refuse_system_table,
    refuse_underscores,
)

__all__ = ["Writing"]

_WRITES = {"patch": "Update", "replace": "Replace", "delete": "Delete"}


class Writing(Reading):
    """Operations that write."""

    def insert(self, operation: Operation) -> str:
        table, fields = operation["table"], self.fields(operation["fields"])
        refuse_system_table(table)
        fresh = table not in self.state.tables
        if fresh and not table[0].isalpha():
            raise developer("InvalidTableName", "cannot be the name of a table")
        fields = {name: value for name, value in fields.items() if value is not UNSET}
        refuse_underscores(fields)
        refuse_chosen_system_fields(fields)
        self.check(table, fields)
        births = self.machine.births
        assert births is not None
        document = {**fields, "_id": "the new one", "_creationTime": float(len(self.state.homes))}
        self.refuse_twin(table, document)
        self.machine.used.write(self.machine.limits)
        id = document["_id"] = next(births, "an id that the engine did not give")
        self.machine.born.append(id)
        number = self.state.tables.setdefault(table, len(self.state.homes) + 100)
        self.state.homes[id] = table, number
        self.state.documents[id] = document
        return id

    def patch(self, operation: Operation) -> None:
        fields = self.fields(operation["fields"])
        table, old = self.existing(operation)
        refuse_underscores(fields)
        refuse_other_system_fields(fields, old)
        merged = {**old, **fields, **{name: old[name] for name in SYSTEM_FIELDS}}
        self.store(table, old, {name: value for name, value in merged.items() if value is not UNSET})

    def replace(self, operation: Operation) -> None:
        fields = self.fields(operation["fields"])
        table, old = self.existing(operation)
        fields = {name: value for name, value in fields.items() if value is not UNSET}
        refuse_underscores(fields)
        refuse_other_system_fields(fields, old)
        self.store(table, old, {**fields, **{name: old[name] for name in SYSTEM_FIELDS}})

    def delete(self, operation: Operation) -> None:
        _, old = self.existing(operation)
        self.machine.used.write(self.machine.limits)
        del self.state.documents[old["_id"]]

    def store(self, table: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.check(table, new)
        if not same(old, new):
            self.refuse_twin(table, new)
            self.machine.used.write(self.machine.limits)
            self.state.documents[new["_id"]] = new

    def existing(self, operation: Operation) -> tuple[str, dict[str, Any]]:
        do, id, named = operation["do"], self.value(operation["id"]), operation.get("table")
        table = self.home(id, do)
        if named is not None:
            refuse_system_table(named)
            refuse_other_table(named, table)
        document = None if table is None else self.look_up(table, id)
        if table is None or document is None:
            raise developer("NonexistentDocument", f"{_WRITES[do]} on nonexistent document ID {id}")
        return table, document

    def check(self, table: str, fields: dict[str, Any]) -> None:
        if not fits(table, fields, self.state):
            text = f'Failed to insert or update a document in table "{table}" because it does not match the schema'
            raise Fault("SchemaMismatch", "SchemaEnforcementError", text)

    def refuse_twin(self, table: str, document: dict[str, Any]) -> None:
        twin = self.state.twin(table, document)
        if twin is not None:
            raise Fault(
                "UniqueViolation", "UniqueViolation", f'Index {table}.{twin[0]} is unique, and document "{twin[1]}"'
            )
