"""`@migration` and the migrations of one version of the code."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from reactor import migration
from reactor.errors import DeveloperError, LoadError
from reactor.runtime.functions import Kind
from reactor.runtime.migrations import Migration, Migrations
from reactor.runtime.registry import Registry


def made(name: str, module: str = "migrations") -> Migration:
    async def migrate(ctx: Any, document: Any) -> None: ...

    migrate.__name__ = name
    made = migration(table="users")(migrate)
    made.place(module, name)
    return made


def test_a_migration_is_an_internal_mutation() -> None:
    one = made("give_names")
    assert (one.kind, one.internal, one.path) == (Kind.MUTATION, True, "migrations:give_names")
    assert one.args is not None
    assert set(one.accept({"next": ["x"], "catchUp": True}, None)) == {"next", "catch_up"}  # type: ignore[arg-type]


def test_called_in_python_it_is_what_was_decorated() -> None:
    @migration(table="users")
    def double(ctx: Any, document: dict[str, Any]) -> dict[str, Any]:
        return {"n": document["n"] * 2}

    assert double(None, {"n": 4}) == {"n": 8}


def test_they_come_in_the_order_of_their_declaration() -> None:
    first, second, third = made("zebra", "b"), made("ant", "c"), made("mole", "a")
    assert list(Registry([third, second, first]).migrations) == [first, second, third]
    assert list(Migrations([third.copy(), second, first]))[-1].number == third.number


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(LoadError, match="Two migrations are called `give_names`"):
        Registry([made("give_names", "a"), made("give_names", "b")])


def test_a_migration_is_found_by_its_name_and_by_its_path() -> None:
    known = Migrations([one := made("give_names"), made("other")])
    assert known.named("give_names") is known.named("migrations:give_names") is one
    for text in ("give", "x:give_names"):
        with pytest.raises(DeveloperError, match=re.escape(f"no migration `{text}`. There are: give_names, other.")):
            known.named(text)
    with pytest.raises(DeveloperError, match="none yet; write one"):
        Migrations().named("x")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"table": ""}, "needs the name of a table of yours"),
        ({"table": "_storage"}, "needs the name of a table of yours"),
        ({"table": 1}, "needs the name of a table of yours"),
        ({"table": "users", "batch_size": 0}, "`batch_size` is a whole number"),
        ({"table": "users", "batch_size": 1001}, "1 to 1000, not 1001"),
        ({"table": "users", "batch_size": True}, "`batch_size` is a whole number"),
        ({"table": "users", "range": lambda q: q}, "`range` narrows an index, so name it"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(LoadError, match=text):
        migration(**options)


def one_argument(ctx: Any) -> None: ...


def generator(ctx: Any, document: Any) -> Any:
    yield


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (one_argument, "has to take two arguments"),
        (generator, "uses `yield`"),
        (made("x"), "stands on"),
        (1, "stands on"),
    ],
)
def test_what_is_no_migration_is_refused(function: Callable[..., Any], text: str) -> None:
    with pytest.raises(LoadError, match=text):
        migration(table="users")(function)


def test_the_version_tells_code_apart_and_not_its_place() -> None:
    def function(body: str, lines: int = 0) -> Migration:
        space: dict[str, Any] = {"__name__": "migrations"}
        exec("\n" * lines + f"def migrate(ctx, document):\n    return {body}\n", space)
        return migration(table="users")(space["migrate"])

    assert function("{'a': 1}").version == function("{'a': 1}", lines=3).version
    assert function("{'a': 1}").version != function("{'a': 2}").version
