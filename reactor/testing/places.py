"""Several applications in one process, each with modules called `functions.…` and `schema`.

Python has one table of modules by name, in which the application that was loaded last has the place. What the others
import at their top they hold already; but an `import` inside a function is looked up when it runs, and would find a
module of another application. So a backend takes the place back when it is called. While backends of several
applications are open, they may run in turns, and then each `import` statement looks into the place of its own module.
"""

import builtins
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from reactor.runtime.importing import InPlace

__all__ = ["Place"]

_lock = threading.RLock()
_open: Counter["Place"] = Counter()
_newest: "Place | None" = None
_import = builtins.__import__


class Place:
    """The place of the application that has just been loaded."""

    def __init__(self) -> None:
        global _newest  # noqa: PLW0603 - there is one table of modules in a process
        self._modules = InPlace()
        _newest = self

    @staticmethod
    def remember() -> None:
        """Another application is about to be loaded: keep what this one has imported since."""
        if _newest is not None and _newest._modules.current:
            _newest._modules.update()

    def take(self) -> None:
        """Have the place from here on."""
        global _newest  # noqa: PLW0603
        if not self._modules.current:
            with _lock:
                self.remember()
                self._modules.put_back()
                _newest = self

    def opened(self) -> None:
        """A backend that runs this application begins. Of each `opened` there is one `closed`."""
        global _import
        with _lock:
            _open[self] += 1
            if len(_open) > 1 and builtins.__import__ is not _import_in_place:
                _import, builtins.__import__ = builtins.__import__, _import_in_place
        self.take()

    def closed(self) -> None:
        """It has ended."""
        with _lock:
            _open[self] -= 1
            if not _open[self]:
                del _open[self]
            if len(_open) < 2 and builtins.__import__ is _import_in_place:
                builtins.__import__ = _import

    def owns(self, module: Mapping[str, object]) -> bool:
        """Whether a module, given by its variables, is this application's."""
        return self._modules.owns(module)

    @property
    def digests(self) -> Mapping[str, bytes]:
        """SHA-256 of each source that it has imported by now."""
        return self._modules.digests

    @property
    def current(self) -> bool:
        """Whether this application has the place now."""
        return self._modules.current


def _import_in_place(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` for as long as several applications are open."""
    owner = None if globals is None else next((place for place in list(_open) if place.owns(globals)), None)
    if owner is None or owner.current:
        return _import(name, globals, locals, fromlist or (), level)
    with _lock:
        before = _newest
        owner.take()
        try:
            return _import(name, globals, locals, fromlist or (), level)
        finally:
            if before is not None:
                before.take()
