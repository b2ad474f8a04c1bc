"""Loads an application's folder: `functions/` with everything declared in it, and `schema.py`.

    application = load(Path("myapp"))
    application.registry.find("rooms:list")

Each load builds a complete new version beside the one before; see `importing`.
"""

import contextlib
import hashlib
import importlib
import itertools
import linecache
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import cast

import msgspec

from reactor.errors import LoadError
from reactor.runtime.crons import CRONS, Cron, declared_crons
from reactor.runtime.frames import declared_at
from reactor.runtime.functions import Function, Reference
from reactor.runtime.http_router import HttpRouter
from reactor.runtime.importing import FreshModules, fresh_modules
from reactor.runtime.load_errors import explain
from reactor.runtime.registry import AnyFunction, Registry
from reactor.schema import Schema, define_schema

__all__ = ["AUTH_CONFIG", "Application", "Version", "load", "load_schema"]

AUTH_CONFIG = "auth_config"
"""The module of `functions/` that declares auth providers. It is no part of any function's path."""

_numbers = itertools.count(1)
_HTTP = "http"
_ROUTER_NAMES = ("http", "default", "router")
_DECLARING = {AUTH_CONFIG: "providers", CRONS: "cron jobs"}
"""Modules that are read for something else than functions, and for what."""
_TESTS = re.compile(r"tests|conftest|test_.*|.*_test", re.ASCII)


class Version(msgspec.Struct, frozen=True):
    """Which version of the code: `number` counts loads in this process, `digest` tells equal sources (hex SHA-256)."""

    number: int
    digest: str


class Application(msgspec.Struct, frozen=True, eq=False):
    """One loaded version of an application. `modules` go by their path (`admin/rooms`), `sources` were read."""

    directory: Path
    registry: Registry
    schema: Schema
    version: Version
    sources: tuple[Path, ...]
    modules: Mapping[str, ModuleType]
    crons: Mapping[str, Cron] = {}


def load(directory: Path) -> Application:
    """Load the application in `directory`.

    Modules are imported as `functions.<name>` and `schema`, and may import whatever else lies in the folder. Raises
    LoadError, telling file, line and cause, when anything in it is wrong; the version loaded before then keeps working.
    """
    root = directory.resolve()
    if not (root / "functions").is_dir():
        raise LoadError(
            f"{root} has no folder `functions`. Create it and put a module with a @query in it, "
            "or name the folder of an application."
        )
    with fresh_modules(root) as fresh:
        try:
            return _load(root, fresh)
        except (Exception, SystemExit) as error:
            raise explain(error, root) from error


class _Looked(Exception):
    """The end of a look at modules that are not to stay."""


def load_schema(directory: Path) -> Schema:
    """The schema of the application in `directory`, without loading its functions. Raises LoadError.

    The modules that were read are forgotten: whatever is loaded by now stays in its place.
    """
    root = directory.resolve()
    schema = define_schema({})
    with contextlib.suppress(_Looked), fresh_modules(root):
        try:
            beside = _import_schema(root)
            within = (root / "functions" / "schema.py").is_file()
            schema = _choose_schema(beside, importlib.import_module("functions.schema") if within else None)
        except (Exception, SystemExit) as error:
            raise explain(error, root) from error
        raise _Looked
    return schema


def _load(root: Path, fresh: FreshModules) -> Application:
    schema_module = _import_schema(root)
    modules = {path: importlib.import_module(name) for path, name in _module_names(root / "functions")}
    schema = _choose_schema(schema_module, modules.get("schema"))
    registry = Registry(_functions(modules, fresh), _router(modules))
    for function in registry:
        function.complete()
    for file in fresh.digests:
        linecache.checkcache(file)
    return Application(
        directory=root,
        registry=registry,
        schema=schema,
        version=Version(next(_numbers), _digest(root, fresh)),
        sources=tuple(Path(file) for file in sorted(fresh.digests)),
        modules=modules,
        crons=declared_crons(modules, lambda reference: _served(registry, reference)),
    )


def _served(registry: Registry, reference: Reference) -> AnyFunction | None:
    """The function that a module refers to, as it is served."""
    if not isinstance(reference, Function):
        return registry.find(str(reference))
    found = registry.find(reference.path)
    return found if found is not None and found.handler is reference.handler else None


def _digest(root: Path, fresh: FreshModules) -> str:
    whole = hashlib.sha256()
    for file, digest in sorted(fresh.digests.items()):
        whole.update(os.path.relpath(file, root).encode("utf-8", "surrogateescape") + b"\0" + digest)
    return whole.hexdigest()


def _module_names(functions: Path) -> Iterator[tuple[str, str]]:
    """Each module in `functions/` as its path in function paths and its name in Python, in a fixed order."""
    for folder, folders, files in os.walk(functions):
        folders[:] = sorted(name for name in folders if _is_wanted(name) and "." not in name)
        prefix = Path(folder).relative_to(functions).parts
        names = sorted(name.removesuffix(".py") for name in files if name.endswith(".py") and name.count(".") == 1)
        for name in sorted(set(names).intersection(folders)):
            if any(Path(folder, name).rglob("*.py")):
                raise LoadError(f"{Path(folder, name)}.py and the folder beside it have one name. Rename one of them.")
        if "__init__" in names:
            yield "/".join(prefix), ".".join(("functions", *prefix))
        for name in filter(_is_wanted, names):
            for part in (*prefix, name):
                if not part.isidentifier() or not part.isascii():
                    raise LoadError(
                        f"{Path(folder, name)}.py: `{part}` cannot be part of a function's path. "
                        "Rename it with letters, digits and underscores only."
                    )
            yield "/".join((*prefix, name)), ".".join(("functions", *prefix, name))


def _is_wanted(name: str) -> bool:
    return not name.startswith(("_", ".")) and not _TESTS.fullmatch(name)


def _import_schema(root: Path) -> ModuleType | None:
    if (root / "schema.py").is_file() or (root / "schema" / "__init__.py").is_file():
        return importlib.import_module("schema")
    return None


def _choose_schema(beside: ModuleType | None, inside: ModuleType | None) -> Schema:
    """The schema of `schema.py`, or of `functions/schema.py` where the official layout has it."""
    found = [schema for module in (beside, inside) if module is not None and (schema := _schema_of(module)) is not None]
    if len(found) == 2 and found[0] is not found[1]:
        raise LoadError("Both schema.py and functions/schema.py declare a schema. Keep one of them.")
    if not found and beside is not None:
        raise LoadError(
            f"{beside.__file__} declares no schema. Write `schema = define_schema({{...}})` in it, "
            "or delete the file to do without one."
        )
    return found[0] if found else define_schema({})


def _schema_of(module: ModuleType) -> Schema | None:
    named: object = getattr(module, "schema", None)
    if isinstance(named, Schema):
        return named
    schemas = {id(value): value for value in vars(module).values() if isinstance(value, Schema)}
    if len(schemas) > 1:
        raise LoadError(f"{module.__file__} has {len(schemas)} schemas. Call the one to use `schema`.")
    return next(iter(schemas.values()), None)


def _router(modules: Mapping[str, ModuleType]) -> HttpRouter | None:
    """The router of `functions/http.py`; None when there is none."""
    found = {path: routers for path, module in modules.items() if (routers := _routers_of(module))}
    served = found.pop(_HTTP, {})
    mine = {id(router) for router in served.values()}
    for path, routers in found.items():
        for name, router in routers.items():
            if id(router) not in mine:
                raise LoadError(
                    f"functions/{path}.py has an HTTP router, `{name}`, and only that of functions/{_HTTP}.py is "
                    "served. Move it there, or import it there."
                )
    if len(mine) > 1 and not any(name in served for name in _ROUTER_NAMES):
        raise LoadError(f"functions/{_HTTP}.py has {len(mine)} HTTP routers. Call the one to serve `http`.")
    return next((served[name] for name in (*_ROUTER_NAMES, *served) if name in served), None)


def _routers_of(module: ModuleType) -> dict[str, HttpRouter]:
    return {name: value for name, value in vars(module).items() if isinstance(value, HttpRouter)}


def _functions(modules: Mapping[str, ModuleType], fresh: FreshModules) -> Iterator[AnyFunction]:
    """The functions that the modules export, each placed at its path.

    A module exports what was declared while it was being imported, also by a helper that it called. What it imported
    from another module in `functions/` it only refers to; what it imported from elsewhere it exports.
    """
    exported_by = {
        id(f): name for name in (module.__name__ for module in modules.values()) for f in fresh.created.get(name, ())
    }
    placed: set[int] = set()
    for path, module in modules.items():
        if path in _DECLARING:
            _refuse_functions(module, _DECLARING[path], fresh.created.get(module.__name__, []))
            continue
        _refuse_shadowed(module, fresh.created.get(module.__name__, []))
        for name, value in list(vars(module).items()):
            if not isinstance(value, Function):
                continue
            function = cast("AnyFunction", value)
            if exported_by.get(id(function), module.__name__) != module.__name__:
                continue
            if not path:
                raise LoadError(f"functions/__init__.py: move `{name}` into a module; a path needs the module's name.")
            if id(function) in placed:
                function = function.copy()
            placed.add(id(function))
            function.place(path, name)
            yield function


def _refuse_functions(module: ModuleType, declares: str, created: list[AnyFunction]) -> None:
    """A module that is read for something else would never serve them."""
    for function in created:
        raise LoadError(
            f"`{function.handler.__name__}` ({declared_at(function.handler)}) is in {module.__name__}, which is read "
            f"for its {declares} only. Move the function into another module."
        )


def _refuse_shadowed(module: ModuleType, created: list[AnyFunction]) -> None:
    """Two `def`s of one name in a module: Python keeps the second and says nothing."""
    by_name: dict[str, AnyFunction] = {}
    for function in created:
        name = function.handler.__name__
        if function.handler.__qualname__ != name:
            continue  # made by a factory, which may make many of one name
        first = by_name.setdefault(name, function)
        if first is not function and not any(first is value for value in vars(module).values()):
            places = f"{declared_at(first.handler)} and {declared_at(function.handler)}"
            raise LoadError(f"`{name}` is declared twice: {places}. Rename one.")
