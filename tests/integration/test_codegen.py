"""`reactor codegen` and what `reactor dev` does of it by itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reactor.errors import LoadError
from reactor.runtime.loader import load
from tests.support.patience import until
from tests.support.server import REPOSITORY, Server

CODE = """\
from reactor import query

@query
async def {name}(ctx, times: int) -> str: ...
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "functions").mkdir(parents=True)
    (app / "functions" / "greetings.py").write_text(CODE.format(name="say_hello"))
    return app


def codegen(app: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "reactor.cli.main", "codegen", str(app), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_types_are_written_once_and_checked(app: Path):
    code, said = codegen(app, "--check")
    assert code == 1
    assert said.startswith("error: Stale: functions/_generated/")
    assert "functions/_generated/api.js" in said
    assert not (app / "functions" / "_generated").exists()
    assert codegen(app)[0] == 0
    assert codegen(app) == (0, "up to date\n")
    assert codegen(app, "--check") == (0, "up to date\n")
    (app / "functions" / "greetings.py").write_text(CODE.format(name="say_more"))
    code, said = codegen(app, "--check")
    assert code == 1
    assert "Stale: functions/_generated/api.pyi, functions/_generated/api.d.ts. Run `reactor codegen`" in said


def test_code_that_does_not_load_leaves_the_old_files(app: Path):
    codegen(app)
    before = (app / "functions" / "_generated" / "api.d.ts").read_text()
    (app / "functions" / "greetings.py").write_text("def broken(:\n")
    code, said = codegen(app)
    assert code == 1
    assert "functions/greetings.py:1: SyntaxError" in said
    assert (app / "functions" / "_generated" / "api.d.ts").read_text() == before


def test_the_server_keeps_types_up_to_date_while_you_write(app: Path, tmp_path: Path):
    (app / "package.json").write_text("{}")
    types = app / "functions" / "_generated" / "api.d.ts"
    with Server(app, tmp_path / "data", command="dev"):
        until(lambda: types.exists() and "sayHello:" in types.read_text())
        untouched = [types.with_name(name).stat().st_mtime_ns for name in ("api.js", "dataModel.d.ts")]
        (app / "functions" / "greetings.py").write_text(CODE.format(name="say_more"))
        until(lambda: "sayMore:" in types.read_text())
        assert [types.with_name(name).stat().st_mtime_ns for name in ("api.js", "dataModel.d.ts")] == untouched


def test_an_application_without_a_web_page_gets_no_types_unasked(app: Path, tmp_path: Path):
    with Server(app, tmp_path / "data", command="dev") as server:
        (app / "functions" / "greetings.py").write_text(CODE.format(name="say_more"))
        until(lambda: "reloaded" in server.log)
    assert not (app / "functions" / "_generated").exists()


TYPED = """\
from functions._generated.data_model import {name}
from functions._generated.server import MutationCtx, QueryCtx, mutation, query

@query
async def every(ctx: QueryCtx) -> list[{name}]:
    return await ctx.db.query("{table}").collect()

@mutation
async def add(ctx: MutationCtx) -> None:
    await ctx.db.insert("{table}", {fields})
"""


def write_typed(app: Path, table: str, name: str, schema: str, fields: str) -> None:
    tables = f"{{'{table}': define_table({schema})}}"
    (app / "schema.py").write_text(
        f"from reactor import define_schema, define_table, v\n\nschema = define_schema({tables})\n"
    )
    (app / "functions" / "typed.py").write_text(TYPED.format(table=table, name=name, fields=fields))


def test_types_that_functions_import_are_written_before_these_are_loaded(app: Path):
    write_typed(app, "pens", "Pen", "{'ink': v.string()}", "{'ink': 'red'}")
    assert codegen(app, "--check")[1].startswith("error: Stale: functions/_generated/data_model.py, ")
    code, said = codegen(app)
    assert code == 0, said
    assert codegen(app, "--check") == (0, "up to date\n")


def test_code_that_needs_types_nobody_has_written_says_what_to_do(app: Path):
    write_typed(app, "pens", "Pen", "{'ink': v.string()}", "{'ink': 'red'}")
    with pytest.raises(LoadError, match=r"No module named 'functions\._generated'.* are written by `reactor codegen`"):
        load(app)


def test_the_server_serves_a_new_schema_with_its_types_at_once(app: Path, tmp_path: Path):
    write_typed(app, "pens", "Pen", "{'ink': v.string()}", "{'ink': 'red'}")
    model = app / "functions" / "_generated" / "data_model.py"
    with Server(app, tmp_path / "data", command="dev") as server:
        assert "class Pen(" in model.read_text()
        server.call("mutation", "typed:add")
        write_typed(app, "inks", "Ink", "{'tone': v.string(), 'dark': v.boolean()}", "{'tone': 'red', 'dark': True}")
        until(lambda: "class Ink(" in model.read_text() and server.log.count("reloaded") > 0)
        server.call("mutation", "typed:add")
        (row,) = server.call("query", "typed:every")
        assert (row["tone"], row["dark"]) == ("red", True)


def test_the_committed_types_of_the_school_application_are_up_to_date(tmp_path: Path):
    shutil.copy(REPOSITORY / "schema.py", tmp_path)
    shutil.copytree(REPOSITORY / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    assert codegen(tmp_path, "--check") == (0, "up to date\n")
