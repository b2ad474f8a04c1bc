"""Names of a package that are imported when somebody asks for them.

pytest imports `reactor.testing.plugin` at every start, in every project beside which Reactor is installed, and with it
the packages around. So those must be cheap to import.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["on_demand"]


def on_demand(namespace: dict[str, Any], homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package with these variables; `homes` has the module of each name."""

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            package = namespace["__name__"]
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value = namespace[name] = getattr(import_module(home), name)
        return value

    return get
