"""Which handler answers an HTTP request: paths, paths with parameters, and prefixes, for each method.

    table = RouteTable()
    table.add("GET", path_pattern("/users/{id}"), handler)
    table.find("HEAD", "/users/5").params        # {"id": "5"}

A path is compared as it stands in the request, percent signs included, part by part between slashes; so an encoded
slash never makes two parts of one. Of several patterns that fit

    a whole path beats a prefix, and a longer prefix a shorter one;
    then, from the left, a part that is written out beats a parameter.

Rules for whole paths and prefixes as in get-convex/convex-backend, npm-packages/convex/src/server/router.ts; parameters
are an addition.
"""

import re
from collections.abc import Iterator
from typing import Generic, TypeVar
from urllib.parse import quote, unquote

import msgspec

from reactor.errors import LoadError

__all__ = ["METHODS", "Match", "Pattern", "RouteTable", "path_pattern", "prefix_pattern"]

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
"""What routes may be for. HEAD is answered by the route for GET."""

REST = "rest"
"""The parameter that holds what follows a prefix."""

T = TypeVar("T")

_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)
_NOT_IN_PATHS = re.compile(r"[^!-~]|[?#\\\"<>^`|]")


class Pattern(msgspec.Struct, frozen=True):
    """What a route is for. `parts` stand between slashes, None for a parameter; `names` are the parameters'."""

    text: str
    parts: tuple[str | None, ...]
    names: tuple[str, ...]
    prefix: bool

    @property
    def shown(self) -> str:
        """As lists of routes show it: a prefix with a star behind it."""
        return f"{self.text}*" if self.prefix else self.text

    def params(self, parts: list[str]) -> dict[str, str]:
        """The parameters of a path that fits: percent-decoded, but for the rest behind a prefix."""
        given = (part for part, own in zip(parts, self.parts, strict=False) if own is None)
        found = {name: unquote(part) for name, part in zip(self.names, given, strict=True)}
        if self.prefix:
            # As it came: decoded, `..%2F` would look like the way out of a folder.
            found[REST] = "/".join(parts[len(self.parts) :])
        return found


class Match(msgspec.Struct, Generic[T], frozen=True):
    """What was found for a request: the handler, its pattern, and the path's parameters."""

    handler: T
    pattern: Pattern
    params: dict[str, str]


class _Node(Generic[T]):
    """A place in the tree of parts; `whole` and `prefix` are what is routed to here."""

    __slots__ = ("parameter", "prefix", "whole", "written")

    def __init__(self) -> None:
        self.written: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.whole: tuple[Pattern, T] | None = None
        self.prefix: tuple[Pattern, T] | None = None

    def child(self, part: str | None) -> "_Node[T]":
        if part is None:
            if self.parameter is None:
                self.parameter = _Node()
            return self.parameter
        return self.written.setdefault(part, _Node())

    def children(self, part: str) -> "Iterator[_Node[T]]":
        """Where a part of a path leads, the better way first. A parameter is never empty."""
        written = self.written.get(part)
        if written is not None:
            yield written
        if part and self.parameter is not None:
            yield self.parameter


class RouteTable(Generic[T]):
    """Patterns with their handlers. A look-up visits each node of the tree once at most, however long the path."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node[T]] = {}
        self._listed: list[tuple[str, Pattern]] = []

    def add(self, method: str, pattern: Pattern, handler: T) -> None:
        """Route requests to `handler`. Raises LoadError when another has the same method and pattern."""
        node = self._roots.setdefault(method, _Node())
        for part in pattern.parts:
            node = node.child(part)
        former = node.prefix if pattern.prefix else node.whole
        if former is not None:
            raise LoadError(
                f"{method} {pattern.shown} is routed twice"
                + (f" (first as {former[0].shown})" if former[0].text != pattern.text else "")
                + ". Remove one of the routes, or give it another method."
            )
        if pattern.prefix:
            node.prefix = pattern, handler
        else:
            node.whole = pattern, handler
        self._listed.append((method, pattern))

    def find(self, method: str, path: str) -> Match[T] | None:
        """The route for a request's path (raw, without query), None when there is none."""
        root = self._roots.get("GET" if method == "HEAD" else method)
        if root is None or not path.startswith("/"):
            return None
        parts = path.split("/")[1:]
        found = _whole(root, parts, 0) or _longest_prefix(root, parts, 0)
        if found is None:
            return None
        pattern, handler = found
        return Match(handler, pattern, pattern.params(parts))

    def __iter__(self) -> Iterator[tuple[str, Pattern]]:
        """Methods with their patterns: whole paths by path and method, then prefixes by method and prefix."""
        whole = [(method, pattern) for method, pattern in self._listed if not pattern.prefix]
        prefixes = [(method, pattern) for method, pattern in self._listed if pattern.prefix]
        yield from sorted(whole, key=lambda route: (route[1].text, route[0]))
        yield from sorted(prefixes, key=lambda route: (route[0], route[1].text))

    def __len__(self) -> int:
        return len(self._listed)


def _whole(node: _Node[T], parts: list[str], at: int) -> tuple[Pattern, T] | None:
    if at == len(parts):
        return node.whole
    for child in node.children(parts[at]):
        found = _whole(child, parts, at + 1)
        if found is not None:
            return found
    return None


def _longest_prefix(node: _Node[T], parts: list[str], at: int) -> tuple[Pattern, T] | None:
    if at == len(parts):
        return None  # `/a/` does not stand before `/a`
    longest = node.prefix
    for child in node.children(parts[at]):
        found = _longest_prefix(child, parts, at + 1)
        if found is not None and (longest is None or len(found[0].parts) > len(longest[0].parts)):
            longest = found
    return longest


def path_pattern(path: str) -> Pattern:
    """The pattern of a whole path. Raises LoadError when it cannot be one."""
    _check("path", path)
    return _pattern("path", path, path.split("/")[1:], prefix=False)


def prefix_pattern(prefix: str) -> Pattern:
    """The pattern of a prefix, which ends in a slash. Raises LoadError when it cannot be one."""
    _check("path_prefix", prefix)
    if not prefix.endswith("/"):
        raise LoadError(f"path_prefix {prefix!r} must end with a slash: write {prefix + '/'!r}.")
    pattern = _pattern("path_prefix", prefix, prefix.split("/")[1:-1], prefix=True)
    if REST in pattern.names:
        raise LoadError(f"path_prefix {prefix!r}: `{REST}` is the name of what follows a prefix. Choose another.")
    return pattern


def _check(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise LoadError(f"{what} is text that begins with a slash, not {type(text).__name__}.")
    if not text.startswith("/"):
        raise LoadError(f"{what} {text!r} must begin with a slash: write {'/' + text!r}.")
    if _NOT_IN_PATHS.search(text):
        written = quote(text, safe="/{}%!$&'()*+,;=:@-._~")
        raise LoadError(
            f"{what} {text!r} has characters that do not stand in a request's path as they are: write {written!r}."
        )
    if text == "/.files" or text.startswith("/.files/"):
        raise LoadError(f"{what} {text!r}: what begins with /.files/ is reserved for stored files. Choose another.")


def _pattern(what: str, text: str, parts: list[str], *, prefix: bool) -> Pattern:
    names: list[str] = []
    for part in parts:
        parameter = _PARAMETER.fullmatch(part)
        if parameter is not None:
            names.append(parameter[1])
        elif "{" in part or "}" in part:
            raise LoadError(
                f"{what} {text!r}: a parameter is all that stands between two slashes, and is named like a variable, "
                "as in /users/{user_id}."
            )
    if len(set(names)) < len(names):
        raise LoadError(f"{what} {text!r} uses a name for two parameters. Rename one.")
    return Pattern(text, tuple(None if part.startswith("{") else part for part in parts), tuple(names), prefix)
