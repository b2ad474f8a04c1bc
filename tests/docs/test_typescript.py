"""The TypeScript that the page for those who come from Convex shows is an application of npm `convex`: it compiles."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tests.support.script import CLIENTS
from tests.support.server import REPOSITORY

PAGE = REPOSITORY / "docs" / "coming-from-convex.md"

# What `npx convex codegen` makes of a schema and its functions, in the generic words of the package.
SERVER = """
import {
  actionGeneric, httpActionGeneric, internalMutationGeneric, mutationGeneric, queryGeneric,
} from "convex/server";
import type {
  ActionBuilder, DataModelFromSchemaDefinition, HttpActionBuilder, MutationBuilder, QueryBuilder,
} from "convex/server";
import schema from "../schema";
type Model = DataModelFromSchemaDefinition<typeof schema>;
export const query = queryGeneric as QueryBuilder<Model, "public">;
export const mutation = mutationGeneric as MutationBuilder<Model, "public">;
export const internalMutation = internalMutationGeneric as MutationBuilder<Model, "internal">;
export const action = actionGeneric as ActionBuilder<Model, "public">;
export const httpAction = httpActionGeneric as HttpActionBuilder;
"""
API = """
import type { ApiFromModules, FilterApi, FunctionReference } from "convex/server";
import type * as tasks from "../tasks";
import type * as upkeep from "../upkeep";
type All = ApiFromModules<{ tasks: typeof tasks; upkeep: typeof upkeep }>;
export declare const api: FilterApi<All, FunctionReference<any, "public">>;
export declare const internal: FilterApi<All, FunctionReference<any, "internal">>;
"""
OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "ES2022", "--lib", "ES2023,DOM,DOM.Iterable"]
MODULES = ["--module", "ESNext", "--moduleResolution", "Bundler"]


def compiled(folder: Path) -> str:
    """What the compiler says of the files of a folder; "" when it has nothing to complain of."""
    program = CLIENTS / "node_modules" / "typescript" / "bin" / "tsc"
    if shutil.which("node") is None:
        pytest.skip("needs Node 20 or newer: install it and run the tests again")
    if not program.is_file():
        pytest.skip("needs the npm packages of tests/clients: run `npm ci --ignore-scripts` there")
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    files = sorted(str(path) for path in folder.rglob("convex/**/*.ts"))
    words = ["node", str(program), *OPTIONS, *MODULES, *files]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120).stdout


@pytest.fixture
def application(tmp_path: Path) -> Path:
    shown = {block.file: block.text for block in blocks(PAGE) if block.language == "ts" and block.file}
    made = {**shown, "convex/_generated/server.ts": SERVER, "convex/_generated/api.ts": API}
    for path, text in made.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert {"schema.ts", "tasks.ts", "crons.ts", "http.ts", "upkeep.ts"} <= {Path(path).name for path in shown}
    return tmp_path


def test_the_typescript_of_the_page_compiles(application: Path):
    assert compiled(application) == ""


def test_a_mistake_in_it_would_be_seen(application: Path):
    tasks = application / "convex" / "tasks.ts"
    tasks.write_text(tasks.read_text().replace('state: "done"', 'state: "finished"'))
    assert '"finished"' in compiled(application)
