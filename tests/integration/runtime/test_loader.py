"""Loading applications from real folders, and loading them again."""

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from reactor.errors import LoadError
from reactor.runtime.loader import Application, load

HEADER = """
from typing import Any
from reactor.runtime.functions import internal_query, mutation, query
from reactor.schema import define_schema, define_table
from reactor.values.validators import v
"""


@pytest.fixture(autouse=True)
def modules_as_before() -> Iterator[None]:
    """Each test starts and ends with the interpreter's modules as they were."""
    modules, meta_path, path = dict(sys.modules), sys.meta_path[:], sys.path[:]
    yield
    sys.modules.clear()
    sys.modules.update(modules)
    sys.meta_path[:], sys.path[:] = meta_path, path


def put(root: Path, file: str, source: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + dedent(source))


def query_giving(expression: str, name: str = "get") -> str:
    return f"\n\n@query\nasync def {name}(ctx: Any) -> Any:\n    return {expression}\n"


def answer(application: Application, path: str) -> Any:
    function = application.registry.find(path)
    assert function is not None, f"{path} is not among {list(application.registry)}"
    return asyncio.run(function.handler(None))


def paths(application: Application) -> list[str]:
    return [function.path for function in application.registry]


def error_of(root: Path) -> str:
    with pytest.raises(LoadError) as caught:
        load(root)
    return str(caught.value)


def test_functions_of_all_modules_are_found(tmp_path: Path) -> None:
    put(tmp_path, "functions/rooms.py", query_giving("'rooms'"))
    put(tmp_path, "functions/admin/user_rooms.py", query_giving("'nested'", "list_all"))
    put(tmp_path, "functions/admin/deep/er.py", query_giving("'deep'"))
    application = load(tmp_path)
    assert paths(application) == ["admin/deep/er:get", "admin/user_rooms:list_all", "rooms:get"]
    assert answer(application, "rooms:get") == "rooms"
    assert answer(application, "admin/userRooms:listAll") == "nested"
    assert application.directory == tmp_path.resolve()


@pytest.mark.parametrize("package", [True, False])
def test_modules_import_each_other_and_the_schema(tmp_path: Path, package: bool) -> None:
    if package:
        put(tmp_path, "functions/__init__.py", "WHERE = 'package'\n")
    put(tmp_path, "schema.py", "schema = define_schema({'rooms': define_table(name=v.string())})\n")
    put(tmp_path, "functions/a.py", "from functions.b import B\n" + query_giving("B"))
    put(tmp_path, "functions/b.py", "from . import c\nfrom .sub import d\nB = [c.C, d.D]\n")
    put(tmp_path, "functions/c.py", "from schema import schema\nC = len(schema.tables)\n")
    put(tmp_path, "functions/sub/d.py", "from ..c import C\nimport lib.names\nD = (C, lib.names.NAME)\n")
    put(tmp_path, "lib/names.py", "NAME = 'helper'\n")
    application = load(tmp_path)
    assert answer(application, "a:get") == [1, (1, "helper")]
    assert list(application.schema.tables) == ["rooms"]


def test_sources_and_modules_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "schema.py", "schema = define_schema({})\n")
    put(tmp_path, "functions/a.py", "import helper\n")
    put(tmp_path, "helper.py", "")
    application = load(tmp_path)
    root = tmp_path.resolve()
    assert application.sources == (root / "functions/a.py", root / "helper.py", root / "schema.py")
    assert list(application.modules) == ["a"]
    assert application.modules["a"].__name__ == "functions.a"


def test_no_bytecode_is_left_behind(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "from . import b\n")
    put(tmp_path, "functions/b.py", "")
    load(tmp_path)
    assert not list(tmp_path.rglob("__pycache__"))


def test_what_is_no_module_of_functions_is_skipped(tmp_path: Path) -> None:
    put(tmp_path, "functions/good.py", query_giving("1"))
    for file in (
        "_private.py",
        "_generated/api.py",
        "_folder/x.py",
        ".hidden/x.py",
        "rooms.test.py",
        "test_rooms.py",
        "rooms_test.py",
        "conftest.py",
        "tests/x.py",
    ):
        put(tmp_path, f"functions/{file}", "raise AssertionError('must not be imported')\n")
    (tmp_path / "functions/notes.txt").write_text("no module")
    (tmp_path / "functions/empty").mkdir()
    assert paths(load(tmp_path)) == ["good:get"]


def test_reserved_modules_need_not_declare_functions(tmp_path: Path) -> None:
    for name in ("http", "crons", "auth_config"):
        put(tmp_path, f"functions/{name}.py", f"WHAT = {name!r}\n")
    put(tmp_path, "functions/rooms.py", query_giving("1"))
    application = load(tmp_path)
    assert paths(application) == ["rooms:get"]
    assert [application.modules[name].WHAT for name in ("http", "crons")] == ["http", "crons"]


# Which module exports a function


def test_an_imported_function_is_a_reference_and_not_an_export(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "from .b import get as other\n" + query_giving("other.path", "mine"))
    put(tmp_path, "functions/b.py", query_giving("1"))
    application = load(tmp_path)
    assert paths(application) == ["a:mine", "b:get"]
    assert answer(application, "a:mine") == "b:get"


def test_a_factory_exports_into_the_module_that_calls_it(tmp_path: Path) -> None:
    put(
        tmp_path,
        "functions/_factory.py",
        """
        def getter(value: Any) -> Any:
            @query
            async def get(ctx: Any) -> Any:
                return value
            return get
        """,
    )
    for name in ("a", "b"):
        put(
            tmp_path,
            f"functions/{name}.py",
            f"from ._factory import getter\none, two = getter('{name}1'), getter('{name}2')\n",
        )
    application = load(tmp_path)
    assert paths(application) == ["a:one", "a:two", "b:one", "b:two"]
    assert answer(application, "b:two") == "b2"


def test_functions_of_helpers_are_exported_where_they_are_bound(tmp_path: Path) -> None:
    put(tmp_path, "lib/shared.py", query_giving("'shared'"))
    put(tmp_path, "functions/a.py", "from lib.shared import get\n")
    put(tmp_path, "functions/b.py", "from lib.shared import get as fetch\n")
    application = load(tmp_path)
    assert paths(application) == ["a:get", "b:fetch"]
    assert answer(application, "a:get") == answer(application, "b:fetch") == "shared"


def test_a_function_may_have_two_names(tmp_path: Path) -> None:
    put(tmp_path, "functions/rooms.py", query_giving("1", "list_all") + "default = list_all\n")
    application = load(tmp_path)
    assert paths(application) == ["rooms:default", "rooms:list_all"]
    assert answer(application, "rooms") == 1


# The schema


def test_without_schema_there_are_no_tables(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "")
    assert list(load(tmp_path).schema.tables) == []


def test_the_only_schema_of_the_file_counts_whatever_its_name(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "")
    put(tmp_path, "schema.py", "tables = define_schema({'rooms': define_table(v.any())})\n")
    assert list(load(tmp_path).schema.tables) == ["rooms"]


def test_the_variable_schema_wins_over_others(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "")
    put(tmp_path, "schema.py", "old = define_schema({})\nschema = define_schema({'rooms': define_table(v.any())})\n")
    assert list(load(tmp_path).schema.tables) == ["rooms"]


def test_the_schema_may_stand_among_the_functions(tmp_path: Path) -> None:
    put(tmp_path, "functions/schema.py", "schema = define_schema({'rooms': define_table(v.any())})\n")
    assert list(load(tmp_path).schema.tables) == ["rooms"]


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"schema.py": "x = 1\n"}, "schema.py declares no schema. Write `schema = define_schema({...})` in it"),
        (
            {"schema.py": "a = define_schema({})\nb = define_schema({})\n"},
            "has 2 schemas. Call the one to use `schema`",
        ),
        (
            {"schema.py": "schema = define_schema({})\n", "functions/schema.py": "schema = define_schema({})\n"},
            "Both schema.py and functions/schema.py",
        ),
        ({"schema.py": "\nschema = define_schema({'_rooms': define_table(v.any())})\n"}, "schema.py:7: "),
    ],
)
def test_schemas_that_cannot_be_used(tmp_path: Path, files: dict[str, str], text: str) -> None:
    put(tmp_path, "functions/a.py", "")
    for file, source in files.items():
        put(tmp_path, file, source)
    assert text in error_of(tmp_path)


# What is wrong, and where


def test_a_folder_without_functions(tmp_path: Path) -> None:
    assert "has no folder `functions`. Create it" in error_of(tmp_path)


def test_a_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "from . import b\n")
    put(tmp_path, "functions/b.py", "def f(:\n    pass\n")
    assert error_of(tmp_path) == "functions/b.py:6: SyntaxError: invalid syntax\n\n    def f(:\n          ^"


def test_an_exception_at_import_is_shown_with_the_frames_that_led_there(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "from .b import pick\nSHADE = pick('grren')\n")
    put(tmp_path, "functions/b.py", "def pick(name: str) -> str:\n    raise ValueError('no such colour')\n")
    assert error_of(tmp_path) == dedent(
        """\
        functions/b.py:7: ValueError: no such colour

          functions/a.py:7, in <module>
            SHADE = pick('grren')
          functions/b.py:7, in pick
            raise ValueError('no such colour')"""
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import no_such_package\n", "No module named 'no_such_package'. Check the spelling, or install"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3. Modules of an application must not end the process"),
        ("raise KeyboardInterrupt2\n", "NameError: name 'KeyboardInterrupt2' is not defined"),
        ("raise RuntimeError\n", "functions/a.py:6: RuntimeError\n"),
        ("x = '\0'\n", "functions/a.py:1: SyntaxError: source code string cannot contain null bytes"),
        ("@query(args={'a': v.any()})\nasync def f(ctx, a: int): ...\n", "@query f has both `args=` and a type hint"),
        ("@query\nasync def f(ctx, a: object()): ...\n", "functions/a.py:6: "),
        ("@query\nasync def f(): ...\n", "functions/a.py:6: `f` takes no `ctx`"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, source: str, text: str) -> None:
    put(tmp_path, "functions/a.py", source)
    message = error_of(tmp_path)
    assert message.startswith("functions/a.py:")
    assert text in message
    assert str(tmp_path) not in message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions/a.py").write_bytes(b"x = '\xff'\n")
    assert error_of(tmp_path).startswith("functions/a.py:1: SyntaxError: ")


def test_only_the_last_frames_of_many_are_shown(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "def dig(n: int) -> int:\n    return dig(n - 1) if n else 1 // 0\ndig(20)\n")
    message = error_of(tmp_path)
    assert "(16 outer frames left out)" in message
    assert message.count(", in dig") == 6


def test_a_function_declared_twice_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", query_giving("1") + query_giving("2"))
    assert "`get` is declared twice: functions/a.py:" in error_of(tmp_path)


def test_names_that_differ_only_in_style_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", query_giving("1", "list_all") + query_giving("2", "listAll"))
    assert "Two functions answer to the path 'a:listAll': listAll (functions/a.py:" in error_of(tmp_path)


def test_a_module_and_a_package_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", query_giving("1"))
    (tmp_path / "functions/a").mkdir()
    (tmp_path / "functions/a/prompt.txt").write_text("no code, so no conflict")
    assert paths(load(tmp_path)) == ["a:get"]
    put(tmp_path, "functions/a/b.py", query_giving("2"))
    assert "functions/a.py and the folder beside it have one name" in error_of(tmp_path)


def test_a_file_that_cannot_be_in_a_path_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/my-rooms.py", "")
    assert "my-rooms.py: `my-rooms` cannot be part of a function's path. Rename it" in error_of(tmp_path)


def test_functions_directly_in_the_package_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/__init__.py", query_giving("1"))
    assert "functions/__init__.py: move `get` into a module" in error_of(tmp_path)


def test_an_application_that_loads_itself_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "import server\n")
    put(
        tmp_path,
        "server.py",
        "from pathlib import Path\nfrom reactor.runtime.loader import load\nload(Path(__file__).parent)\n",
    )
    assert "starts to load the application again" in error_of(tmp_path)


# Loading again


def test_a_reload_sees_a_change_of_equal_size_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "functions/a.py"
    put(tmp_path, "functions/a.py", query_giving("1"))
    os.utime(file, (1_000_000_000, 1_000_000_000))
    first = load(tmp_path)
    put(tmp_path, "functions/a.py", query_giving("2"))
    os.utime(file, (1_000_000_000, 1_000_000_000))
    second = load(tmp_path)
    assert (answer(first, "a:get"), answer(second, "a:get")) == (1, 2)


def test_bytecode_of_others_is_not_trusted(tmp_path: Path) -> None:
    import py_compile

    file = tmp_path / "functions/a.py"
    put(tmp_path, "functions/a.py", query_giving("1"))
    py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    put(tmp_path, "functions/a.py", query_giving("2"))
    assert answer(load(tmp_path), "a:get") == 2


def test_versions_are_counted_and_told_by_content(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", query_giving("1"))
    first, again = load(tmp_path), load(tmp_path)
    put(tmp_path, "functions/a.py", query_giving("2"))
    changed = load(tmp_path)
    assert first.version.digest == again.version.digest != changed.version.digest
    assert first.version.number < again.version.number < changed.version.number


def test_the_old_version_goes_on_with_its_own_modules(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "from . import b\nimport helper\n" + query_giving("[b.VALUE, helper.VALUE]"))
    put(tmp_path, "functions/b.py", "VALUE = 'b1'\n")
    put(tmp_path, "helper.py", "VALUE = 'h1'\n")
    first = load(tmp_path)
    put(tmp_path, "functions/b.py", "VALUE = 'b2'\n")
    put(tmp_path, "helper.py", "VALUE = 'h2'\n")
    second = load(tmp_path)
    assert answer(first, "a:get") == ["b1", "h1"]
    assert answer(second, "a:get") == ["b2", "h2"]
    assert sys.modules["functions.a"] is second.modules["a"] is not first.modules["a"]


def test_a_failed_load_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "import helper\n" + query_giving("helper.VALUE"))
    put(tmp_path, "helper.py", "VALUE = 1\n")
    first = load(tmp_path)
    modules, meta_path, path = dict(sys.modules), sys.meta_path[:], sys.path[:]
    put(tmp_path, "helper.py", "VALUE = 2\n")
    put(tmp_path, "functions/c.py", "import newcomer\n")
    put(tmp_path, "newcomer.py", "")
    put(tmp_path, "functions/z.py", "1 / 0\n")
    assert "ZeroDivisionError" in error_of(tmp_path)
    assert dict(sys.modules) == modules
    assert (sys.meta_path, sys.path) == (meta_path, path)
    assert answer(first, "a:get") == 1


def test_a_module_that_is_gone_cannot_be_imported_any_more(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "")
    put(tmp_path, "functions/b.py", query_giving("1"))
    load(tmp_path)
    (tmp_path / "functions/b.py").unlink()
    assert paths(load(tmp_path)) == []
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("functions.b")


def test_imports_inside_functions_work_after_loading(tmp_path: Path) -> None:
    put(
        tmp_path,
        "functions/a.py",
        """
        @query
        async def get(ctx: Any) -> Any:
            from helpers.late import VALUE
            from . import b
            return [VALUE, b.B]
        """,
    )
    put(tmp_path, "functions/b.py", "B = 'b'\n")
    put(tmp_path, "helpers/late.py", "VALUE = 'late'\n")
    assert answer(load(tmp_path), "a:get") == ["late", "b"]
    put(tmp_path, "helpers/late.py", "VALUE = 'new'\n")
    assert answer(load(tmp_path), "a:get") == ["new", "b"]


def test_two_applications_live_beside_each_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        put(tmp_path, f"{name}/functions/a.py", "from schema import NAME\n" + query_giving("NAME"))
        put(tmp_path, f"{name}/schema.py", f"NAME = '{name}'\nschema = define_schema({{}})\n")
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert (answer(one, "a:get"), answer(two, "a:get")) == ("one", "two")


# What belongs to the application, and what does not


def stranger(name: str, file: Path) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    return module


def test_modules_in_the_folder_that_the_application_does_not_import_stay(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "")
    script = stranger("start_server", tmp_path.resolve() / "start_server.py")
    load(tmp_path)
    assert sys.modules["start_server"] is script


def test_a_package_is_loaded_anew_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "import lib.x\n")
    put(tmp_path, "lib/__init__.py", "")
    put(tmp_path, "lib/x.py", "")
    put(tmp_path, "lib/y.py", "NEW = True\n")
    load(tmp_path)
    stranger("lib.y", tmp_path.resolve() / "lib/y.py")
    load(tmp_path)
    assert importlib.import_module("lib.y").NEW


@pytest.mark.parametrize("folder", [".venv/lib", "node_modules/x", "env/lib/python3/site-packages"])
def test_libraries_inside_of_the_folder_are_not_loaded_again(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/inner_library.py", "")
    put(tmp_path, "functions/a.py", "import inner_library\nLIBRARY = inner_library\n")
    sys.path.insert(0, str(tmp_path / folder))
    first, second = load(tmp_path), load(tmp_path)
    assert first.modules["a"].LIBRARY is second.modules["a"].LIBRARY
    assert len(first.sources) == 1


def test_reactor_itself_may_lie_in_the_folder() -> None:
    import reactor.runtime.functions as functions

    root = Path(functions.__file__).parents[2]
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "reactor"}
    load(root)
    assert {name: sys.modules[name] for name in before} == before


def test_packages_of_others_in_the_folder_keep_all_their_modules(tmp_path: Path) -> None:
    """Tests are imported while the application is there already, as soon as one of them imports it."""
    put(tmp_path, "functions/a.py", "")
    put(tmp_path, "checks/__init__.py", "")
    put(tmp_path, "checks/early.py", "")
    put(tmp_path, "checks/late.py", "")
    sys.path.append(str(tmp_path))
    early = importlib.import_module("checks.early")
    load(tmp_path)
    late = importlib.import_module("checks.late")
    load(tmp_path)
    assert sys.modules["checks.early"] is early
    assert sys.modules["checks.late"] is late
    assert type(late.__loader__) is type(early.__loader__)


def test_a_data_folder_does_not_hide_an_installed_package(tmp_path: Path) -> None:
    put(tmp_path, "functions/a.py", "import sniffio_like\nFILE = sniffio_like.__file__\n")
    (tmp_path / "sniffio_like").mkdir()
    put(tmp_path / "installed", "sniffio_like/__init__.py", "")
    sys.path.append(str(tmp_path / "installed"))
    assert str(load(tmp_path).modules["a"].FILE).startswith(str(tmp_path / "installed"))


def test_an_installed_schema_package_does_not_get_in_the_way(tmp_path: Path) -> None:
    installed = stranger("schema", Path("/usr/lib/python3/dist-packages/schema.py"))
    put(tmp_path, "functions/a.py", "")
    put(tmp_path, "schema.py", "schema = define_schema({'rooms': define_table(v.any())})\n")
    assert list(load(tmp_path).schema.tables) == ["rooms"]
    assert sys.modules["schema"] is not installed


def test_the_folder_may_be_given_by_a_link(tmp_path: Path) -> None:
    put(tmp_path, "real/functions/a.py", query_giving("1"))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert load(tmp_path / "link").directory == (tmp_path / "real").resolve()


# HTTP endpoints

ROUTER = """
from reactor.runtime.http_router import http_action, http_router

{name} = http_router()

@{name}.route(path="/a", method="GET")
@http_action
async def a(ctx, request):
    return "a"
"""


def test_the_router_of_http_py_is_found(tmp_path: Path):
    put(tmp_path, "functions/rooms.py", query_giving("1"))
    assert load(tmp_path).registry.http is None
    for name in ("http", "router", "anything"):
        put(tmp_path, "functions/http.py", ROUTER.format(name=name))
        registry = load(tmp_path).registry
        assert registry.http is not None
        assert registry.http.routes() == [("GET", "/a")]
        assert [function.path for function in registry] == ["rooms:get"], "a handler is no function that clients call"
        assert registry.spec()[-1] == {"functionType": "HttpAction", "method": "GET", "path": "/a"}


def test_a_router_may_come_from_another_module(tmp_path: Path):
    put(tmp_path, "functions/hooks.py", ROUTER.format(name="hooks"))
    put(tmp_path, "functions/http.py", "from functions.hooks import hooks as http")
    assert load(tmp_path).registry.http is not None


def test_a_router_that_would_not_be_served_is_an_error(tmp_path: Path):
    put(tmp_path, "functions/hooks.py", ROUTER.format(name="hooks"))
    assert "functions/hooks.py has an HTTP router, `hooks`" in error_of(tmp_path)
    put(tmp_path, "functions/http.py", ROUTER.format(name="http"))
    assert "import it there" in error_of(tmp_path)


def test_of_several_routers_one_must_be_named(tmp_path: Path):
    put(tmp_path, "functions/http.py", ROUTER.format(name="one") + ROUTER.format(name="two"))
    assert "has 2 HTTP routers. Call the one to serve `http`." in error_of(tmp_path)
    put(tmp_path, "functions/http.py", ROUTER.format(name="one") + ROUTER.format(name="http"))
    assert load(tmp_path).registry.http is not None


def test_a_wrong_route_is_an_error_with_its_place(tmp_path: Path):
    put(tmp_path, "functions/http.py", ROUTER.format(name="http") + ROUTER.format(name="http").replace("/a", "a"))
    error = error_of(tmp_path)
    assert "functions/http.py:" in error
    assert "must begin with a slash: write '/a'" in error
