"""`data_model.py`: documents and ids of each table as types, which hints of functions may name as well."""

import re

from reactor.codegen.python_names import table_names
from reactor.codegen.python_types import Declarations, member_names, typed_dict
from reactor.schema import Schema, Table
from reactor.values.validators import ObjectValidator, OptionalValidator, UnionValidator

__all__ = ["DataModel", "imports", "objects_of"]

_SYSTEM_IDS = {"_storage": "StorageId", "_scheduled_functions": "ScheduledFunctionId"}

_SOURCES = {
    "typing": ("TYPE_CHECKING", "Any", "Literal", "Never", "NotRequired", "TypeAlias", "TypedDict"),
    "collections.abc": ("Mapping",),
    "reactor": ("CommitTs", "DocumentId", "Id", "Int64"),
    "reactor.values": ("UnsetType",),
}
_ORDER = ("collections.abc", "typing", "reactor", "reactor.values")
_RESERVED = {name for names in _SOURCES.values() for name in names} | {"TableName", *_SYSTEM_IDS.values()}


class DataModel:
    """The types of a schema. `names` are those of one document by table."""

    def __init__(self, schema: Schema) -> None:
        self.tables = [table for _name, table in sorted(schema.tables.items())]
        self.names = table_names(schema.tables, _RESERVED)
        ids = {table: f"{name}Id" for table, name in self.names.items()} | _SYSTEM_IDS
        own = {name + end for name in self.names.values() for end in ("", "Id", "Fields", "Patch")}
        self.declared = Declarations(ids, own | _RESERVED)
        self._texts = [text for table in self.tables for text in self._table(table)]

    def text(self) -> str:
        """The module that declares the types."""
        body = "\n\n".join([self._ids(), *self._texts, self._table_name()])
        return f"{imports(body)}\n\n{body}"

    def _ids(self) -> str:
        # To a type checker they are classes, so that one is not the other; when the program runs, hints.
        names = [self.names[table.name] for table in self.tables]
        known = [f'    class {name}Id(DocumentId["{name}", "{name}Fields", "{name}Patch"]): ...\n' for name in names]
        known += [f"    class {name}(str): ...\n" for name in _SYSTEM_IDS.values()]
        run = [f'    {self.names[table.name]}Id = Id["{table.name}"]\n' for table in self.tables]
        run += [f'    {name} = Id["{table}"]\n' for table, name in _SYSTEM_IDS.items()]
        return f"if TYPE_CHECKING:\n\n{chr(10).join(known)}\nelse:\n{''.join(run)}"

    def _table_name(self) -> str:
        if not self.tables:
            return "TableName: TypeAlias = str\n"
        members = "".join(f'    "{table.name}",\n' for table in self.tables)
        return f"TableName: TypeAlias = Literal[\n{members}]\n"

    def _table(self, table: Table) -> list[str]:
        """The declarations of a table: what its fields need, then the fields, the document, and the changes."""
        name, objects = self.names[table.name], objects_of(table)
        if not objects:
            return [
                f"{name}: TypeAlias = dict[str, Any]\n{name}Fields: TypeAlias = Mapping[str, Any]\n"
                f"{name}Patch: TypeAlias = Mapping[str, Any]\n"
            ]
        begun = len(self.declared.texts)
        called = member_names(objects, name) if len(objects) > 1 else [name]
        texts = [text for each, own in zip(objects, called, strict=True) for text in self._document(table, each, own)]
        if len(objects) > 1:
            texts.append(f"{name}Fields: TypeAlias = {' | '.join(f'{each}Fields' for each in called)}\n")
            texts.append(f"{name}: TypeAlias = {' | '.join(called)}\n")
        texts.append(self._patch(table, objects, called))
        return self.declared.texts[begun:] + texts

    def _document(self, table: Table, fields: ObjectValidator, name: str) -> list[str]:
        hints = self.declared.fields(fields, name)
        system = {"_id": f"{self.names[table.name]}Id", "_creationTime": "float"}
        stored = typed_dict(f"{name}Fields", hints, about=f"What is stored for a document of `{table.name}`.")
        about = f"A document of `{table.name}`, as it is read."
        if stored.startswith("class "):
            return [stored, typed_dict(name, system, base=f"{name}Fields", about=about)]
        return [stored, typed_dict(name, hints | system)]

    def _patch(self, table: Table, objects: list[ObjectValidator], called: list[str]) -> str:
        hints: dict[str, list[str]] = {}
        for each, own in zip(objects, called, strict=True):
            for field, hint in self.declared.fields(each, own).items():
                removable = isinstance(each.fields[field], OptionalValidator) or len(objects) > 1
                plain = hint.removeprefix("NotRequired[").removesuffix("]") if hint.startswith("NotRequired[") else hint
                hints.setdefault(field, []).extend([plain, "UnsetType"] if removable else [plain])
        joined = {field: " | ".join(_last_unset(each)) for field, each in hints.items()}
        about = f"Changes of a document of `{table.name}`."
        return typed_dict(f"{self.names[table.name]}Patch", joined, total=False, about=about)


def objects_of(table: Table) -> list[ObjectValidator]:
    """The objects of which every document of a table is one; none where a document may hold anything."""
    validator = table.validator
    members = validator.members if isinstance(validator, UnionValidator) else (validator,)
    objects = [each for each in members if isinstance(each, ObjectValidator)]
    return objects if len(objects) == len(members) else []


def _last_unset(hints: list[str]) -> list[str]:
    if "Any" in hints:
        return ["Any"]
    return sorted(dict.fromkeys(hints), key=lambda hint: hint == "UnsetType")


def imports(body: str) -> str:
    """The imports that the text of a generated module needs, and no others."""
    lines: list[str] = []
    for module in _ORDER:
        names = [name for name in sorted(_SOURCES[module]) if re.search(rf"(?<![\w`\"]){name}\b", body)]
        if names:
            lines.append(f"from {module} import {', '.join(names)}\n")
    return "".join(lines)
