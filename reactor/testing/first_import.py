"""`from functions import messages` in a test: the very modules that backends run.

Python would import such a module a second time beside the one that is served, if it found it at all. Replacing
something in that copy would replace nothing. So the first import of `functions` or `schema` in a test run loads the
application, and gives what was loaded.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

__all__ = ["FirstImport"]

_NAMES = ("functions", "schema")


class FirstImport(MetaPathFinder):
    """Finds these two once. `chosen`: somebody said that the application is in this folder; else it must look like it.

    It imports nothing of Reactor before that.
    """

    def __init__(self, folder: Path, *, chosen: bool) -> None:
        self._folder, self._chosen = folder, chosen
        self._loading = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`. Raises LoadError when the application cannot be loaded."""
        if fullname not in _NAMES or path is not None or self._loading or not self._is_there():
            return None
        self._load()
        loaded = sys.modules.get(fullname)
        if loaded is None:
            return None
        spec = ModuleSpec(fullname, _Loaded(loaded), is_package=hasattr(loaded, "__path__"))
        # Of a module that is there all of a sudden Python takes the spec that it has, and would load it again by that.
        loaded.__spec__ = spec
        return spec

    def end(self) -> None:
        """Find nothing any more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _load(self) -> None:
        from reactor.testing.code import shared_folder

        self._loading = True
        try:
            shared_folder(self._folder)
        finally:
            self._loading = False
        self.end()

    def _is_there(self) -> bool:
        functions = self._folder / "functions"
        if self._chosen or not functions.is_dir():
            return functions.is_dir()
        # Many a project has a folder of this name that has nothing to do with Reactor.
        files = [self._folder / "schema.py", *functions.rglob("*.py")]
        return any(b"reactor" in file.read_bytes() for file in files if file.is_file())


class _Loaded(Loader):
    """Gives a module that is there already, as it is."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
