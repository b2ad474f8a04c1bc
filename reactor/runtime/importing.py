"""A second, fresh set of an application's modules beside the ones already loaded.

Python keeps one module per name. To build the next version of an application while the old one goes on serving, its
modules are taken out of `sys.modules`, imported again from their sources, and put back if anything fails. Functions of
the old version keep the modules they came from, because a function holds its globals.
"""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from reactor.errors import LoadError
from reactor.runtime.frames import is_own
from reactor.runtime.functions import Function, creations, is_creating

__all__ = ["FreshModules", "InPlace", "fresh_modules", "is_user_file"]

APPLICATION_NAMES = frozenset({"functions", "schema"})
_NEVER = frozenset({"reactor", "__main__", "__mp_main__"})
_FOREIGN_FOLDERS = frozenset({"node_modules", "site-packages", "dist-packages"})

_OURS = "reactor"
"""Marks the specs of folders, which have no loader to tell them by."""

_one_at_a_time = threading.Lock()


def is_user_file(file: str, root: str) -> bool:
    """Whether a file is the application's own: inside its folder, but in no environment, hidden folder or library.

    Reactor's own package is never part of an application, even when that lies in the same folder.
    """
    if not file.startswith(root + os.sep) or is_own(file):
        return False
    folders = file[len(root) + 1 :].split(os.sep)[:-1]
    return not any(folder.startswith(".") or folder in _FOREIGN_FOLDERS for folder in folders)


class FreshModules:
    """What one load has imported: sources by file with the digest of their bytes, and functions by module name."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.digests: dict[str, bytes] = {}
        self.created: dict[str, list[Function[..., Any]]] = {}
        self.names: set[str] = set()


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles from source every time and leaves no bytecode behind.

    A cached .pyc is trusted when time and size of the source match, which misses an edit of equal length within the
    same second.
    """

    def __init__(self, name: str, path: str, fresh: FreshModules) -> None:
        super().__init__(name, path)
        self.fresh = fresh

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        self.fresh.digests[path] = hashlib.sha256(source).digest()
        try:
            return self.source_to_code(source, path)
        except (SyntaxError, ValueError) as error:
            if isinstance(error, SyntaxError) and error.filename:
                raise
            # Bytes that are no text at all are reported without the file, in different ways by different Pythons.
            raise SyntaxError(str(error), (path, 1, None, None)) from error

    def exec_module(self, module: ModuleType) -> None:
        self.fresh.names.add(module.__name__)
        with creations() as created:
            super().exec_module(module)
        self.fresh.created[module.__name__] = created


class _Finder(MetaPathFinder):
    """Finds an application's modules in its folder, before everything else.

    A folder without `__init__.py` at the top counts only as `functions`: a data folder that has the name of an
    installed package must not hide it. `_PlainFolders` takes those at the end of the search.
    """

    def __init__(self, fresh: FreshModules) -> None:
        self.fresh = fresh

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in _NEVER:
            return None
        if path is None:
            return self.search(self.fresh.root, fullname, plain_folders=fullname in APPLICATION_NAMES)
        if _is_foreign(fullname.rpartition(".")[0]):
            return None
        for folder in path:
            if is_user_file(os.path.join(folder, "x"), self.fresh.root):
                spec = self.search(folder, fullname, plain_folders=True)
                if spec is not None:
                    return spec
        return None

    def search(self, folder: str, fullname: str, *, plain_folders: bool) -> ModuleSpec | None:
        """The spec of a package, a module or (if wanted) a folder of modules of this name in `folder`."""
        place = os.path.join(folder, fullname.rpartition(".")[2])
        package = os.path.join(place, "__init__.py")
        if os.path.isfile(package):
            return self._spec(fullname, package, [place])
        if os.path.isfile(place + ".py"):
            return self._spec(fullname, place + ".py", None)
        if plain_folders and os.path.isdir(place):
            spec = ModuleSpec(fullname, None, loader_state=_OURS, is_package=True)
            spec.submodule_search_locations = [place]
            self.fresh.names.add(fullname)
            return spec
        return None

    def _spec(self, fullname: str, file: str, locations: list[str] | None) -> ModuleSpec | None:
        loader = _SourceLoader(fullname, file, self.fresh)
        return importlib.util.spec_from_file_location(
            fullname, file, loader=loader, submodule_search_locations=locations
        )


class _PlainFolders(MetaPathFinder):
    def __init__(self, finder: _Finder) -> None:
        self._finder, self.fresh = finder, finder.fresh

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname in _NEVER:
            return None
        return self._finder.search(self._finder.fresh.root, fullname, plain_folders=True)


@contextlib.contextmanager
def fresh_modules(root: Path) -> Generator[FreshModules]:
    """Inside the block, imports of what lies in `root` (an absolute, resolved folder) load anew from source.

    When the block succeeds its modules take the place of the old ones in `sys.modules`, and later imports inside
    functions find the application's folder too. When it raises, everything is as before.
    """
    if is_creating():
        raise LoadError("A module in functions/ starts to load the application again. Import no server from there.")
    with _one_at_a_time:
        fresh = FreshModules(root)
        hidden = _hide(fresh.root)
        meta_path = sys.meta_path[:]
        finder = _Finder(fresh)
        others = [other for other in meta_path if not isinstance(other, _Finder | _PlainFolders)]
        sys.meta_path[:] = [finder, *others, _PlainFolders(finder)]
        try:
            yield fresh
        except BaseException:
            sys.meta_path[:] = meta_path
            for name in fresh.names:
                sys.modules.pop(name, None)
            sys.modules.update(hidden)
            raise
        _put_back_untouched(hidden, fresh.names)


class InPlace:
    """An application's place in this process: its modules, and what finds more of them.

    For processes with several applications, whose modules have the same names: only one has the place at a time, the
    one that was loaded or `put_back` last.
    """

    __slots__ = ("_finders", "_modules")

    def __init__(self) -> None:
        """Of the application that has just been loaded."""
        self._finders = [finder for finder in sys.meta_path if isinstance(finder, _Finder | _PlainFolders)]
        self.update()

    @property
    def digests(self) -> Mapping[str, bytes]:
        """SHA-256 of each source as it was imported, also by imports since."""
        return self._finders[0].fresh.digests

    @property
    def current(self) -> bool:
        """Whether it is this application that has the place."""
        return all(finder in sys.meta_path for finder in self._finders)

    def update(self) -> None:
        """Remember what has been imported by now. Only while it is `current`."""
        self._modules = _all_of_ours()

    def put_back(self) -> None:
        """Give this application the place, whoever has it."""
        with _one_at_a_time:
            for name in _all_of_ours():
                del sys.modules[name]
            sys.modules.update(self._modules)
            others = [finder for finder in sys.meta_path if not isinstance(finder, _Finder | _PlainFolders)]
            sys.meta_path[:] = [*self._finders[:1], *others, *self._finders[1:]]

    def owns(self, module: Mapping[str, object]) -> bool:
        """Whether a module, given by its variables, is one of this application's."""
        loader = getattr(module.get("__spec__"), "loader", None)
        return isinstance(loader, _SourceLoader) and any(finder.fresh is loader.fresh for finder in self._finders)


def _all_of_ours() -> dict[str, ModuleType]:
    # Tests may stand in the folder too. Those were imported by somebody else, and stay.
    found: dict[str, Any] = dict(sys.modules)
    return {name: module for name, module in found.items() if isinstance(module, ModuleType) and _is_ours(module)}


def _is_foreign(package: str) -> bool:
    # Tests in the folder are found by whoever runs them, who may change them on the way (pytest's assertions).
    module: Any = sys.modules.get(package)
    return isinstance(module, ModuleType) and not _is_ours(module)


def _hide(root: str) -> dict[str, ModuleType]:
    hidden = {name: module for name, module in list(sys.modules.items()) if _is_application(name, module, root)}
    for name in hidden:
        del sys.modules[name]
    return hidden


def _is_application(name: str, module: object, root: str) -> bool:
    top = name.partition(".")[0]
    # sys.modules may hold stand-ins that import things when an attribute is read; their kind tells them.
    if top in _NEVER or not isinstance(module, ModuleType):
        return False
    if top in APPLICATION_NAMES or _is_ours(module):  # another application's too, whose names may be the same
        return True
    attributes = vars(module)
    if getattr(attributes.get("__spec__"), "_initializing", False):
        return False  # it is importing us right now, for example the script that starts the server
    file = attributes.get("__file__")
    if isinstance(file, str):
        return is_user_file(file, root)
    folders: Any = attributes.get("__path__") or ()
    return any(is_user_file(os.path.join(folder, "x"), root) for folder in folders)


def _put_back_untouched(hidden: Mapping[str, ModuleType], loaded: set[str]) -> None:
    # What somebody else imported from the folder (a script that starts the server, tests) stays as it was, unless it
    # belongs to a package that is loaded anew: half a package of each version would be neither. What an earlier version
    # imported is loaded anew when somebody asks for it.
    touched = {name.partition(".")[0] for name in loaded} | APPLICATION_NAMES
    for name, module in hidden.items():
        if name.partition(".")[0] not in touched and not _is_ours(module):
            sys.modules.setdefault(name, module)


def _is_ours(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    return spec is not None and (isinstance(spec.loader, _SourceLoader) or spec.loader_state is _OURS)
