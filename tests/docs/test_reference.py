"""The reference is complete: what the code has stands there, and what stands there the code has."""

import ast
import importlib
import inspect
import pkgutil
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import reactor
import reactor.errors
import reactor.testing
from reactor.cli.main import app
from reactor.database.expressions import FilterBuilder
from reactor.database.index_range import IndexRange
from reactor.database.query import Query
from reactor.database.reader import DatabaseReader
from reactor.database.search_query import Search
from reactor.database.writer import DatabaseWriter
from reactor.errors import ConvexError, FunctionInterrupted, ReactorError
from reactor.openapi.document import describe
from reactor.runtime.registry import Registry
from reactor.settings import Settings
from reactor.settings.table import settings_table
from reactor.values.validators import ObjectValidator, ValidatorBuilder
from tests.support.server import REPOSITORY, Server

REFERENCE = REPOSITORY / "docs" / "reference"
SOURCES = sorted((REPOSITORY / "reactor").rglob("*.py"))

# Public for other parts of the house, not for developers of applications.
OURS: dict[type, set[str]] = {
    IndexRange: {"bounds", "fixed"},
    Search: {"checked", "conditions", "others", "parts", "scoped", "text"},
    DatabaseWriter: {"made_calls"},
    reactor.QueryCtx: {"finish"},
    reactor.MutationCtx: {"finish", "made_calls"},
    reactor.ActionCtx: {"finish", "made_calls"},
    reactor.testing.Clock: {"read", "written"},
    reactor.testing.Logs: {"add", "ended"},
    reactor.testing.MemoryStore: {name for name in dir(reactor.testing.MemoryStore) if not name.startswith("_")},
    reactor.testing.Results: {"changed"},
}


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def in_code(text: str) -> str:
    """Everything on a page that is set in code, but for its blocks."""
    return "\n".join(re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```$", "", text)))


def missing(names: set[str], text: str) -> list[str]:
    """Names that do not stand in a text as words; one that ends in a bracket may go on with anything."""
    words = {name: re.escape(name) + (r"(?!\w)" if name[-1].isalnum() else "") for name in names}
    return sorted(name for name, word in words.items() if not re.search(r"(?<!\w)" + word, text))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


# Settings and commands


def test_every_setting_is_in_the_reference():
    assert missing({row.name for row in settings_table()}, page("settings.md")) == []


def test_every_command_is_in_the_reference_and_the_readme():
    names = {f"reactor {name}" for name in typer.main.get_group(app).commands}
    assert missing(names, page("commands.md")) == []
    assert missing(names, (REPOSITORY / "README.md").read_text()) == []


# Metrics and endpoints


def test_metrics_and_their_page_agree(tmp_path: Path):
    with Server("web", tmp_path / "data") as server:
        server.query("notes:all")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{server.site}/fails")
        names = {name for name, _ in server.metrics().samples}
    histograms = {name.removesuffix("_bucket") for name in names if name.endswith("_bucket")}
    parts = {name + suffix for name in histograms for suffix in ("_bucket", "_count", "_sum")}
    assert set(re.findall(r"^\| `(\w+)` ", page("metrics.md"), re.MULTILINE)) == (names - parts) | histograms


def documented_endpoints() -> set[tuple[str, str]]:
    return set(re.findall(r"`(GET|POST) (/[\w/.]*)", page("http.md")))


def test_every_documented_endpoint_answers(server: Server):
    def status(method: str, path: str) -> int:
        request = urllib.request.Request(server.url + path, b"{}" if method == "POST" else None, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                return response.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert [(method, path) for method, path in documented_endpoints() if status(method, path) in (404, 405)] == []


def test_every_endpoint_is_documented():
    app = REPOSITORY / "reactor" / "app"
    paths = {
        node.value
        for file in ("asgi.py", "pages.py")
        for node in ast.walk(ast.parse((app / file).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"/[\w/]*", node.value)
    }
    documented = " ".join([*(path for _, path in documented_endpoints()), *in_code(page("http.md")).splitlines()])
    assert sorted(path for path in paths if "//" not in path and path.rstrip("/") not in documented) == []


# Errors


def error_classes() -> set[type[BaseException]]:
    """Every error that has a place in the tree of reactor/errors.py."""
    for module in pkgutil.walk_packages(reactor.__path__, "reactor."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[BaseException]] = [ReactorError, ConvexError, FunctionInterrupted]
    found: set[type[BaseException]] = set()
    while waiting:
        cls = waiting.pop()
        found.add(cls)
        waiting += [sub for sub in cls.__subclasses__() if sub.__module__.startswith("reactor.")]
    return found


def test_every_error_class_is_explained():
    rows = set(re.findall(r"^\| `(\w+)` \| [a-z]", page("errors.md"), re.MULTILINE))
    # An Insisting is a FunctionInterrupted to everybody but the watchdog.
    names = {cls.__name__ for cls in error_classes()} - {"ReactorError", "Insisting"}
    assert names | (set(reactor.errors.__all__) - {"ReactorError"}) <= rows
    assert missing({*names, "ReactorError"}, page("errors.md").partition("```")[2].partition("```")[0]) == []


def codes(file: Path) -> Iterator[tuple[str, str]]:
    """Codes that a module gives its errors ("code"), HTTP answers ("http"), closed connections ("close"), refusals."""
    for node in ast.walk(ast.parse(file.read_text())):
        for kind, value in coded(node):
            yield from ((kind, text) for text in texts(value))


def coded(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """The kind of codes that a node gives, and the expression that has them."""
    match node:
        case ast.keyword(arg="code"):
            yield "code", node.value
        case ast.Assign(targets=[ast.Name(id="code")]) | ast.AnnAssign(target=ast.Name(id="code")):
            yield "code", None if isinstance(node.value, ast.Call) else node.value
        case ast.Call(func=ast.Name(id="HttpError"), args=[_, code, *_]):
            yield "http", code
        case ast.Call(func=ast.Attribute(attr="close"), args=[_, reason]):
            yield "close", reason
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            # A dict there is a schema of codes.
            yield from (("refusal", to) for key, to in pairs if texts(key) == ["code"] and not isinstance(to, ast.Dict))
        case _:
            return


def texts(node: ast.AST | None) -> list[str]:
    constants = [] if node is None else [each for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return [each.value for each in constants if isinstance(each.value, str) and each.value]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("code", "errors.md"), ("http", "http.md"), ("close", "protocol.md"), ("refusal", "protocol.md")],
)
def test_every_code_is_explained(kind: str, name: str):
    found = {text for file in SOURCES for found, text in codes(file) if found == kind and text.isalpha()}
    assert found, "the search for codes finds nothing"
    assert missing(found, in_code(page(name))) == []


def described_codes(schema: Any) -> Iterator[str]:
    """The codes that a description of the HTTP API says may be answered."""
    if isinstance(schema, dict):
        code = schema.get("code")
        yield from code.get("enum", []) if isinstance(code, dict) else []
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []:
        yield from described_codes(part)


def test_every_code_of_the_description_is_explained():
    found = set(described_codes(describe(Registry(), Settings())))
    assert "BadJsonBody" in found
    assert missing(found, in_code(page("http.md")) + in_code(page("errors.md"))) == []


# The package


def test_every_public_name_is_explained():
    assert missing(set(reactor.__all__), in_code(page("functions.md"))) == []


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")} - OURS.get(cls, set())


@pytest.mark.parametrize("cls", [reactor.QueryCtx, reactor.MutationCtx, reactor.ActionCtx])
def test_every_member_of_ctx_is_explained(cls: type):
    assert missing({f"ctx.{name}" for name in public(cls)}, in_code(page("functions.md"))) == []


@pytest.mark.parametrize("cls", [DatabaseReader, DatabaseWriter, Query, IndexRange])
def test_every_method_of_the_database_is_explained(cls: type):
    names = {f"{name}(" if callable(getattr(cls, name)) else name for name in public(cls)}
    assert missing(names, in_code(page("functions.md"))) == []


def test_every_operation_of_a_filter_is_explained():
    assert missing({f"q.{name}" for name in public(FilterBuilder)}, in_code(page("functions.md"))) == []


@pytest.mark.parametrize("name", reactor.testing.__all__)
def test_every_name_for_tests_is_explained(name: str):
    text = in_code(page("testing.md"))
    cls: type = getattr(reactor.testing, name)
    base = cls.__base__
    assert base is not None
    members = {member for member in public(cls) if not hasattr(base, member)} - OURS.get(cls, set())
    assert missing({name, *members}, text) == []


def test_every_option_of_a_backend_is_explained():
    parameters = inspect.signature(reactor.testing.Backend).parameters.values()
    options = {each.name for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD}
    assert missing(options | {"reactor_app", "reactor_store", "--reactor-store"}, in_code(page("testing.md"))) == []


def test_every_validator_is_explained():
    text = in_code(page("functions.md"))
    assert missing({f"v.{name}" for name in public(ValidatorBuilder)}, text) == []
    helpers = {name for name in public(ObjectValidator) - public(type(reactor.v.string())) if name != "fields"}
    assert missing({f".{name}" for name in helpers}, text) == []
