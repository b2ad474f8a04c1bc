"""All functions of one version of the code, found by any spelling of their path."""

from collections.abc import Iterable, Iterator
from typing import Any

from reactor.errors import DeveloperError, FunctionNotFound, LoadError
from reactor.runtime.frames import declared_at
from reactor.runtime.functions import Function, Kind
from reactor.runtime.http_router import HttpRouter
from reactor.runtime.migrations import Migrations
from reactor.runtime.paths import DEFAULT_EXPORT, FunctionPath, parse

__all__ = ["AnyFunction", "Registry"]

AnyFunction = Function[..., Any]


class Registry:
    """The functions of one version of the code.

    A function is found as `dir/file:name` and as `dir/file.js:name`, with every component in snake_case or camelCase;
    a default export also without `:default`. Raises LoadError when two functions answer to one spelling. `http` has
    the application's HTTP endpoints, None when it has none; `migrations` has those functions that are migrations.
    """

    __slots__ = ("_by_spelling", "_functions", "http", "migrations")

    def __init__(self, functions: Iterable[AnyFunction] = (), http: HttpRouter | None = None) -> None:
        self.http = http
        self._functions = sorted(functions, key=lambda function: function.path)
        self.migrations = Migrations(self._functions)
        self._by_spelling: dict[str, AnyFunction] = {}
        for function in self._functions:
            self._enter(function)

    def _enter(self, function: AnyFunction) -> None:
        path = FunctionPath(function.module, function.name)
        for spelling in (*_spellings(path), *_spellings(path.camel)):
            other = self._by_spelling.setdefault(spelling, function)
            if other is not function:
                both = f"{_place(other)} and {_place(function)}"
                raise LoadError(f"Two functions answer to the path '{spelling}': {both}. Rename one.")

    def find(self, path: str) -> AnyFunction | None:
        """The function that `path` names in any spelling, or None.

        Raises DeveloperError with code BadConvexFunctionIdentifier when `path` is malformed.
        """
        function = self._by_spelling.get(path)
        if function is not None:
            return function
        # A spelling not foreseen, such as one that mixes both styles: camelCase is where all of them meet.
        return self._by_spelling.get(parse(path).camel.canonical)

    def public(self, path: str, *, admin: bool = False) -> AnyFunction:
        """The function that a client may call by this path; with `admin` internal ones count too.

        Raises FunctionNotFound, with one text for missing and for internal functions, so that nothing is given away
        (get-convex/convex-backend, crates/udf/src/validation.rs).
        """
        function = self.find(path)
        if function is None or (function.internal and not admin):
            raise FunctionNotFound(f"Could not find public function for '{parse(path).short}'.")
        return function

    def expect(self, path: str, kind: Kind, *, admin: bool = False) -> AnyFunction:
        """As `public`, and of the given kind. Raises DeveloperError when it is of another."""
        function = self.public(path, admin=admin)
        if function.kind is not kind:
            raise DeveloperError(
                f"Trying to execute {with_extension(function)} as {kind.value}, "
                f"but it is defined as {function.kind.value}.",
                code="InvalidFunctionCall",
            )
        return function

    def canonical(self, path: str) -> str:
        """The path under which a function is known, however it is spelled; `path` itself when there is none."""
        try:
            function = self.find(path)
        except DeveloperError:
            return path
        return path if function is None else function.path

    def spec(self) -> list[dict[str, Any]]:
        """The function spec's entries, ordered by path: identifier, functionType, visibility, args, returns.

        HTTP endpoints come last: functionType, method, path.
        """
        routes = self.http.routes() if self.http is not None else []
        endpoints = [{"functionType": "HttpAction", "method": method, "path": path} for method, path in routes]
        return [_entry(function) for function in self._functions] + endpoints

    def __iter__(self) -> Iterator[AnyFunction]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


def with_extension(function: AnyFunction) -> str:
    """`rooms.js:add`: the name of a function in messages about calls."""
    return f"{function.module}.js:{function.name}"


def _spellings(path: FunctionPath) -> Iterator[str]:
    yield path.canonical
    yield path.with_extension
    if path.export == DEFAULT_EXPORT:
        yield path.module
        yield f"{path.module}.js"


def _entry(function: AnyFunction) -> dict[str, Any]:
    anything = {"type": "any"}
    return {
        "identifier": with_extension(function),
        "functionType": function.kind.value,
        "visibility": {"kind": "internal" if function.internal else "public"},
        "args": function.args.to_json() if function.args is not None else anything,
        "returns": function.returns.to_json() if function.returns is not None else anything,
    }


def _place(function: AnyFunction) -> str:
    return f"{function.name} ({declared_at(function.handler)})"
