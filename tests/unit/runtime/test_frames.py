import asyncio
import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import reactor.errors
from reactor.runtime.frames import declared_at, is_library, is_own, stack_lines


def test_whose_file_it_is() -> None:
    files = {name: str(module.__file__) for name, module in sys.modules.items() if hasattr(module, "__file__")}
    assert is_own(files["reactor.errors"])
    assert not is_own(__file__)
    assert is_library(str(json.__file__))
    assert is_library(str(asyncio.__file__))
    assert is_library(str(msgspec.__file__))
    assert is_library("<frozen importlib._bootstrap>")
    assert not is_library(str(reactor.errors.__file__))
    assert not is_library(__file__)


def test_a_function_is_declared_where_it_is_written() -> None:
    def traced(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def wrapper() -> Any:
            return handler()

        return wrapper

    @traced
    def wrapped() -> None: ...

    def bare() -> None: ...

    first, second = (int(declared_at(function).removeprefix(f"{__file__}:")) for function in (wrapped, bare))
    assert second - first == 3


@pytest.mark.parametrize(
    ("module", "file", "shown"),
    [
        ("functions.rooms", "/srv/app/functions/rooms.py", "functions/rooms.py"),
        ("functions.admin.rooms", "/srv/app/functions/admin/rooms.py", "functions/admin/rooms.py"),
        ("functions.admin", "/srv/app/functions/admin/__init__.py", "functions/admin/__init__.py"),
        ("helper", "/srv/app/helper.py", "helper.py"),
    ],
)
def test_files_are_shown_from_the_applications_folder_on(module: str, file: str, shown: str) -> None:
    scope: dict[str, Any] = {"__name__": module, "json": json}
    exec(compile("def find():\n    json.loads('[')\n", file, "exec"), scope)
    with pytest.raises(json.JSONDecodeError) as caught:
        scope["find"]()
    lines = stack_lines(caught.value.__traceback__).splitlines()
    assert lines[0] == f"    at find ({shown}:2)"
    assert len(lines) == 2


def test_no_traceback_no_lines() -> None:
    assert stack_lines(None) == ""
