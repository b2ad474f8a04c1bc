"""The code that a backend under test runs: an application's folder, or modules that the test has imported."""

import hashlib
import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec

from reactor.errors import DeveloperError, FunctionNotFound, LoadError
from reactor.runtime.contexts import Reference
from reactor.runtime.crons import CRONS, declared_crons
from reactor.runtime.frames import declared_at
from reactor.runtime.functions import Function
from reactor.runtime.loader import Application, Version, load
from reactor.runtime.path_names import PathName
from reactor.runtime.registry import AnyFunction, Registry
from reactor.schema import Schema, define_schema
from reactor.testing.places import Place

__all__ = ["Code", "Given", "from_modules", "load_folder", "shared_folder"]

Given = ModuleType | AnyFunction | Iterable[ModuleType | AnyFunction] | Mapping[str, ModuleType]
"""Modules and single functions, one or several, or modules by the path that their functions shall have."""

Signature = tuple[tuple[str, int, int], ...]

_lock = threading.Lock()
_shared: dict[Path, tuple[Signature, "Code"]] = {}


class Code(msgspec.Struct, frozen=True, eq=False):
    """An application, and its place among the modules of this process (None: it was imported by others).

    `aliases` has the paths under which functions are served, by those that the functions themselves know.
    """

    application: Application
    place: Place | None = None
    aliases: Mapping[str, str] = {}

    def path_of(self, reference: Reference) -> str:
        """The path that a reference names. Raises DeveloperError for what is none, FunctionNotFound for functions of
        other applications.

        A function may come from another import of the same file than the one that is served.
        """
        if isinstance(reference, str | PathName):
            return str(reference)
        if not isinstance(reference, Function):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(
                f"A function reference is the decorated function or its path as text, not {reference!r}. "
                "Is a decorator such as @query missing? For a function that is written in the test, use run()."
            )
        path = self.aliases.get(reference.path, reference.path)
        served = self.application.registry.find(path)
        if served is None or _file(served) != _file(reference):
            raise FunctionNotFound(
                f"{reference.path} ({declared_at(reference.handler)}) is no function of this backend, which serves "
                f"{self.application.directory}. Give a function of that application, or a path as text."
            )
        return path


def shared_folder(directory: Path) -> Code:
    """The application in a folder, loaded once for all who ask, and anew when a source file has changed.

    Raises LoadError.
    """
    root = directory.resolve()
    with _lock:
        known = _shared.get(root)
        if known is not None and _is_current(*known):
            return known[1]
        code = load_folder(root)
        _shared[root] = (_signature(code.application), code)
        return code


def load_folder(directory: Path) -> Code:
    """The application in a folder, loaded for whoever asks. Raises LoadError."""
    Place.remember()
    application = load(directory)
    return Code(application, Place())


def from_modules(given: Given, schema: Schema | None) -> Code:
    """An application of modules and functions that exist already. Raises LoadError for what is neither."""
    modules, single = _sorted(given)
    served: list[AnyFunction] = []
    aliases: dict[str, str] = {}
    for original, module, name in itertools.chain(_exported(modules), _placed(single)):
        if module == CRONS:
            continue  # as in a folder, where it is read for something else
        # A copy, because the same function may stand at another path in another backend.
        function = original.copy()
        function.place(module, name)
        function.complete()
        served.append(function)
        aliases.setdefault(original.path, function.path)
    registry = Registry(served)
    application = Application(
        directory=Path("(given functions)"),
        registry=registry,
        schema=schema or define_schema({}),
        version=Version(0, ""),
        sources=(),
        modules=modules,
        crons=declared_crons(modules, lambda reference: registry.find(_aliased(reference, aliases))),
    )
    return Code(application, aliases=aliases)


def _aliased(reference: Reference, aliases: Mapping[str, str]) -> str:
    path = reference.path if isinstance(reference, Function) else str(reference)
    return aliases.get(path, path)


def _is_current(signature: Signature, code: Code) -> bool:
    if signature != _signature(code.application):
        return False
    # What was imported since by functions that ran is not in the signature: few files, so they are read again.
    early = {os.fspath(source) for source in code.application.sources}
    late = {} if code.place is None else {file: seen for file, seen in code.place.digests.items() if file not in early}
    return all(_digest(file) == seen for file, seen in late.items())


def _digest(file: str) -> bytes:
    try:
        return hashlib.sha256(Path(file).read_bytes()).digest()
    except OSError:
        return b""


def _signature(application: Application) -> Signature:
    """What changes when a source does, in all likelihood: time and size of each, new and lost ones included."""
    files = {os.fspath(source) for source in application.sources}
    files.add(os.path.join(application.directory, "schema.py"))
    for folder, _, names in os.walk(application.directory / "functions"):
        files.update(os.path.join(folder, name) for name in names if name.endswith(".py"))
    return tuple((file, *_times(file)) for file in sorted(files))


def _times(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return 0, -1
    return found.st_mtime_ns, found.st_size


def _file(function: AnyFunction) -> str:
    return declared_at(function.handler).rpartition(":")[0]


def _sorted(given: Given) -> tuple[dict[str, ModuleType], list[AnyFunction]]:
    """Modules by path, and single functions."""
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, ModuleType]", given)), []
    modules: dict[str, ModuleType] = {}
    functions: list[AnyFunction] = []
    items: Iterable[Any] = [given] if isinstance(given, ModuleType | Function) else given
    for item in items:
        if isinstance(item, Function):
            functions.append(cast("AnyFunction", item))
        elif not isinstance(item, ModuleType):
            raise LoadError(f"functions= takes modules and decorated functions, not {item!r}.")
        elif modules.setdefault(_path_of(item.__name__), item) is not item:
            raise LoadError(
                f"Two modules are called {_path_of(item.__name__)}. Give them as a dict, with a path for each."
            )
    return modules, functions


def _path_of(module: str) -> str:
    """`functions.admin.rooms` is `admin/rooms`; of a module that stands elsewhere the last name counts."""
    parts = module.split(".")
    if "functions" in parts[:-1]:
        return "/".join(parts[parts.index("functions") + 1 :])
    return parts[-1]


def _exported(modules: Mapping[str, ModuleType]) -> Iterator[tuple[AnyFunction, str, str]]:
    """As the loader has it: what a module imported from another one of these, it only refers to."""
    homes = {module.__name__ for module in modules.values()}
    for path, module in modules.items():
        for name, value in vars(module).items():
            if isinstance(value, Function):
                function = cast("AnyFunction", value)
                home = function.handler.__module__
                if home == module.__name__ or home not in homes:
                    yield function, path, name


def _placed(functions: Iterable[AnyFunction]) -> Iterator[tuple[AnyFunction, str, str]]:
    return ((function, _path_of(function.handler.__module__), function.name) for function in functions)
