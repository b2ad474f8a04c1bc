"""Promise and fact: every module says what is public in it, and has what it says."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import reactor

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(reactor.__path__, "reactor.")
    if not module.name.rpartition(".")[2].startswith("_")
)


def own_public_names(module: ModuleType) -> set[str]:
    """Functions and classes that the module itself defines under a public name."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_what_it_promises(name: str) -> None:
    module = importlib.import_module(name)
    promised = getattr(module, "__all__", None)
    if promised is None:
        assert own_public_names(module) == set(), f"{name} needs an __all__, or an underscore before these names"
    else:
        assert [word for word in promised if not hasattr(module, word)] == []
        assert len(set(promised)) == len(promised)


def test_the_package_by_itself_is_cheap_to_import() -> None:
    program = (
        "import sys, reactor, reactor.testing; print(*(n for n in ('asyncio', 'msgspec', 'anyio') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_name_that_does_not_exist_is_told_as_usual() -> None:
    with pytest.raises(AttributeError, match="module 'reactor' has no attribute 'querry'"):
        _ = reactor.querry  # pyright: ignore[reportAttributeAccessIssue] - the mistake to be told
    with pytest.raises(ImportError, match="cannot import name 'querry' from 'reactor'"):
        exec("from reactor import querry")
