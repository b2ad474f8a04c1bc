"""`dataModel.d.ts` and `server.d.ts`: tables, documents and indexes for TypeScript."""

import json
from typing import Any

from reactor.codegen.field_paths import paths_of
from reactor.codegen.typescript_types import key, type_of
from reactor.schema import FIELDS, Schema, Table

__all__ = ["SERVER", "data_model"]

_EMPTY = """\
import type { AnyDataModel, TableNamesInDataModel } from "convex/server";
import type { GenericId } from "convex/values";

/** The tables. There is no schema.py, so documents may hold anything. */
export type DataModel = AnyDataModel;

export type TableNames = TableNamesInDataModel<DataModel>;

export type Doc<T extends TableNames = TableNames> = any;

export type Id<T extends TableNames = TableNames> = GenericId<T>;
"""

_HEAD = """\
import type {{
{imports}}} from "convex/server";
import type {{ GenericId }} from "convex/values";

/** The tables: their documents, and what their indexes are made of. */
export type DataModel = """

_TAIL = """\

/** The names of all tables. */
export type TableNames = TableNamesInDataModel<DataModel>;

/** A document of a table, as it is read. */
export type Doc<T extends TableNames> = DocumentByName<DataModel, T>;

/** The id of a document of a table: text that fits nowhere else. */
export type Id<T extends TableNames | SystemTableNames> = GenericId<T>;
"""

SERVER = """\
import type {
  GenericActionCtx,
  GenericDatabaseReader,
  GenericDatabaseWriter,
  GenericMutationCtx,
  GenericQueryCtx,
} from "convex/server";
import type { DataModel } from "./dataModel.js";

/** The contexts as types, for code that is shared with functions in TypeScript. */
export type QueryCtx = GenericQueryCtx<DataModel>;
export type MutationCtx = GenericMutationCtx<DataModel>;
export type ActionCtx = GenericActionCtx<DataModel>;
export type DatabaseReader = GenericDatabaseReader<DataModel>;
export type DatabaseWriter = GenericDatabaseWriter<DataModel>;
"""
"""The whole of `server.d.ts` but its first lines; the same for every application."""


def data_model(schema: Schema) -> str:
    """The text of `dataModel.d.ts`, tables in the order of their names."""
    if not schema.tables:
        return _EMPTY
    names = ["DocumentByName", "SystemTableNames", "TableNamesInDataModel"]
    if not schema.schema_validation:
        names.insert(0, "AnyDataModel")
    head = _HEAD.format(imports="".join(f"  {name},\n" for name in names))
    tables = "".join(_table(table) for _name, table in sorted(schema.tables.items()))
    end = "};\n" if schema.schema_validation else "} & AnyDataModel;\n"
    return head + "{\n" + tables + end + _TAIL


def _table(table: Table) -> str:
    document, form = table.document_validator(), table.to_json()
    paths = sorted({*paths_of(document), "_id", "_creationTime"})
    indexes = {"by_creation_time": ("_creationTime",), "by_id": ("_id",)}
    indexes |= {index.name: (*index.fields, "_creationTime") for index in table.indexes if index.kind == FIELDS}
    text = "".join(f"      {key(name)}: {json.dumps(list(fields))};\n" for name, fields in sorted(indexes.items()))
    return (
        f"  {key(table.name)}: {{\n"
        f"    document: {type_of(document)};\n"
        f"    fieldPaths: {' | '.join(path if path[0] == '`' else json.dumps(path) for path in paths)};\n"
        f"    indexes: {{\n{text}    }};\n"
        f"    searchIndexes: {_others(form['searchIndexes'], 'searchField')};\n"
        f"    vectorIndexes: {_others(form['vectorIndexes'], 'vectorField', 'dimensions')};\n"
        "  };\n"
    )


def _others(indexes: list[dict[str, Any]], *members: str) -> str:
    """Indexes that are no ranges, from their serialised form: which `members` they have, and what they filter by."""
    parts: list[str] = []
    for index in sorted(indexes, key=lambda index: index["indexDescriptor"]):
        fields = " | ".join(json.dumps(field) for field in sorted(index["filterFields"])) or "never"
        kinds = {name: "number" if name == "dimensions" else json.dumps(index[name]) for name in members}
        kinds["filterFields"] = fields
        parts.append(f"{key(index['indexDescriptor'])}: {{ {'; '.join(f'{k}: {t}' for k, t in kinds.items())} }}")
    return "{ " + "; ".join(parts) + " }" if parts else "{}"
