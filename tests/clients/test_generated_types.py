"""The generated TypeScript, read by the compiler together with the official npm client's types."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor import Int64, define_schema, define_table, v
from reactor.codegen.files import write
from reactor.codegen.generate import typescript_of
from reactor.codegen.typescript_data_model import data_model
from reactor.runtime.loader import load
from reactor.schema import Table
from reactor.values.validators import Validator
from tests.support.server import APPS, REPOSITORY

MODULES = REPOSITORY / "tests" / "clients" / "node_modules"

COMPILER = {
    "noEmit": True,
    "strict": True,
    "skipLibCheck": True,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
}

pytestmark = pytest.mark.skipif(
    not (MODULES / "typescript" / "bin" / "tsc").is_file(), reason="the npm packages of tests/clients are not installed"
)

HEAD = """\
import { ConvexHttpClient } from "convex/browser";
import { usePaginatedQuery, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api, internal } from "./_generated/api";
import type { DataModel, Doc, Id } from "./_generated/dataModel";
import type { QueryCtx } from "./_generated/server";

declare const client: ConvexHttpClient;
declare const order: Doc<"orders">;
declare const shape: Doc<"shapes">;
declare const user: Id<"users">;
declare const ctx: QueryCtx;
const book = api.shop.orderBook;
"""

GOOD = """\
const count: number = await client.query(book.count);
type Receipt = { cents: bigint; picture: ArrayBuffer };
const receipt: Receipt | null = await client.query(book.oneOrder, { orderId: order._id });
const placed: Record<string, number> = await client.mutation(book.place, {
  lines: [{ name: "pen" }, { name: "ink", many: 2 }],
  address: { city: "Ulm", zip: null },
  state: "paid",
});
await client.mutation(book.place, { lines: [], address: { city: "Ulm" } });
const nothing: null = await client.mutation(book.refund, { from: "a", cents: 5n });
await client.action(book.anything, { whatever: 1 });
const watched: number | undefined = useQuery(book.count);
const paged = usePaginatedQuery(book.pages, {}, { initialNumItems: 5 });
paged.results.length;
const state: "open" | "paid" | 7 | true = order.state;
const city: string = order.address.city;
const zip: string | null = order.address.zip;
const many: number | undefined = order.lines[0].many;
const klass: string = order.lines[0].class;
const cents: bigint = order.cents;
const picture: ArrayBuffer | undefined = order.picture;
const counts: Record<string, number> = order.counts;
const size: number = shape.kind === "circle" ? shape.radius : shape.side;
const purge: FunctionReturnType<typeof internal.shop.orderBook.purge> = null;
const found: Doc<"orders"> | null = await ctx.db
  .query("orders")
  .withIndex("by_user", (q) => q.eq("userId", user).eq("state", "open"))
  .first();
await ctx.db.query("orders").withIndex("by_city", (q) => q.gt("address.city", "K").lt("address.city", "L")).collect();
const path: DataModel["orders"]["fieldPaths"] = "counts.anything";
"""

MISTAKES = {
    "an unknown function": ("client.query(book.counts);", "TS2551"),
    "an unknown module": ("client.query(api.shop.orderbook.count);", "TS2551"),
    "a mutation as a query": ('client.query(book.refund, { from: "a" });', "TS2345"),
    "an internal function": ("client.mutation(internal.shop.orderBook.purge);", "TS2345"),
    "a missing argument": ("client.mutation(book.refund, {});", "TS2345"),
    "no arguments": ("client.query(book.oneOrder);", "TS2554"),
    "an unknown argument": ('client.mutation(book.refund, { from: "a", to: "b" });', "TS2353"),
    "an argument of another type": ('client.mutation(book.refund, { from: "a", cents: 5 });', "TS2322"),
    "an id of another table": ("client.query(book.oneOrder, { orderId: user });", "TS2322"),
    "text as an id": ('client.query(book.oneOrder, { orderId: "abc" });', "TS2322"),
    "a word outside of a union": (
        'client.mutation(book.place, { lines: [], address: { city: "Ulm" }, state: "shut" });',
        "TS2322",
    ),
    "a result of another type": ("const n: string = await client.query(book.count);", "TS2322"),
    "a result that may be null": ("(await client.query(book.oneOrder, { orderId: order._id })).cents;", "TS2531"),
    "an unknown field of a document": ("order.total;", "TS2339"),
    "an unknown table": ('type None = Doc<"nothing">;', "TS2344"),
    "an unknown index": ('ctx.db.query("orders").withIndex("by_cents");', "TS2345"),
    "a field that an index lacks": (
        'ctx.db.query("orders").withIndex("by_city", (q) => q.eq("cents", 5n));',
        "TS2345",
    ),
}


def compiled(folder: Path, program: str) -> list[tuple[int, str]]:
    """What the compiler says of a program beside the generated files: lines and codes of its errors."""
    (folder / "program.ts").write_text(program)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "files": ["program.ts"]}))
    if not (folder / "node_modules").exists():
        os.symlink(MODULES, folder / "node_modules")
    command = ["node", str(MODULES / "typescript" / "bin" / "tsc"), "--project", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = re.findall(r"^program\.ts\((\d+),\d+\): error (TS\d+)", done.stdout, re.MULTILINE)
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return [(int(line), code) for line, code in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "_generated", typescript_of(load(APPS / "types")))
    return tmp_path


def test_a_program_that_uses_everything_rightly_compiles(folder: Path):
    assert compiled(folder, HEAD + GOOD) == []


def test_each_mistake_is_an_error_where_it_stands(folder: Path):
    # One run of the compiler for all: each mistake has a line of its own, and every such line has to be refused.
    lines = [line for line, _code in MISTAKES.values()]
    first = HEAD.count("\n") + 1
    expected = [(first + number, code) for number, (_line, code) in enumerate(MISTAKES.values())]
    assert compiled(folder, HEAD + "\n".join(lines) + "\n") == expected


def test_the_school_applications_types_compile(tmp_path: Path):
    write(tmp_path / "_generated", typescript_of(load(REPOSITORY)))
    program = """\
    import { api } from "./_generated/api";
    import type { FunctionArgs } from "convex/server";
    import type { Doc, Id } from "./_generated/dataModel";
    const role = (user: Doc<"users">): "student" | "teacher" | "admin" => user.role;
    const args = (id: Id<"threads">): FunctionArgs<typeof api.threads.rename> => ({ threadId: id, title: "x" });
    """
    assert compiled(tmp_path, program) == []


def test_what_runs_is_the_clients_own_api(folder: Path):
    os.symlink(MODULES, folder / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    script = """
    import { getFunctionName } from "convex/server";
    import { api, internal } from "./_generated/api.js";
    console.log(getFunctionName(api.shop.orderBook.oneOrder), getFunctionName(internal.shop.orderBook.purge));
    """
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "shop/orderBook:oneOrder shop/orderBook:purge\n"


NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["class", "default", "null", "of"]
)
LITERALS = st.text(max_size=5) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False).map(float)
LEAVES = st.one_of(
    st.sampled_from([v.any(), v.null(), v.number(), v.int64(), v.boolean(), v.string(), v.bytes(), v.commit_ts()]),
    NAMES.map(v.id),
    LITERALS.map(v.literal),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: v.literal(Int64(number))),
)


def objects(inner: st.SearchStrategy[Validator]) -> st.SearchStrategy[Validator]:
    return st.dictionaries(NAMES, inner | inner.map(v.optional), max_size=3).map(v.object)


VALIDATORS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(v.array),
        inner.map(lambda value: v.record(v.string(), value)),
        st.lists(inner, max_size=3).map(lambda members: v.union(*members)),
        objects(inner),
    ),
    max_leaves=8,
)
TABLES = st.dictionaries(
    NAMES, st.dictionaries(NAMES, VALIDATORS, max_size=4).map(define_table), min_size=1, max_size=6
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=TABLES)
def test_whatever_a_schema_says_compiles(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Table]):
    folder = tmp_path_factory.mktemp("schema")
    text = data_model(define_schema(tables))
    assert text == data_model(define_schema(dict(reversed(tables.items()))))
    # Not as a declaration file, which the compiler would not look through, and with a use that needs a data model.
    use = """
    import type { GenericDataModel, GenericQueryCtx } from "convex/server";
    type Fits<T extends GenericDataModel> = GenericQueryCtx<T>;
    export type Used = [Fits<DataModel>, Doc<TableNames>, Id<TableNames>];
    """
    assert compiled(folder, text + use) == []
