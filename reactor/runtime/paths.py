"""Function paths as clients write them.

A path names a module and what it exports: `rooms:list`, `admin/rooms.js:list`, `rooms` (its `default`).
The canonical form used everywhere inside is `dir/file:export`, without `.js` and with `:default`.
"""

import re

import msgspec

from reactor.errors import DeveloperError
from reactor.values.identifiers import camel_case

__all__ = ["DEFAULT_EXPORT", "FunctionPath", "parse"]

DEFAULT_EXPORT = "default"
_LONGEST_NAME = 64

_COMPONENT = re.compile(r"(?=[._]*[A-Za-z0-9])[A-Za-z0-9_.]+", re.ASCII)
_EXPORT = re.compile(r"(?=_*[A-Za-z0-9])[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class FunctionPath(msgspec.Struct, frozen=True):
    """A module (`admin/rooms`, no extension) and the name it exports."""

    module: str
    export: str

    @property
    def canonical(self) -> str:
        """`admin/rooms:list`: the key of a function in all our tables and logs."""
        return f"{self.module}:{self.export}"

    @property
    def short(self) -> str:
        """`admin/rooms:list`, and `admin/rooms` for the default export: how messages about visibility name it."""
        return self.module if self.export == DEFAULT_EXPORT else self.canonical

    @property
    def with_extension(self) -> str:
        """`admin/rooms.js:list`: how other messages and the function spec name it."""
        return f"{self.module}.js:{self.export}"

    @property
    def camel(self) -> "FunctionPath":
        """The same path with every component in camelCase."""
        return FunctionPath("/".join(map(camel_case, self.module.split("/"))), camel_case(self.export))

    @property
    def is_system(self) -> bool:
        """Whether it belongs to the functions under `_system/`, which only admins may call."""
        return self.module.startswith("_system/")


def parse(text: str) -> FunctionPath:
    """Read any spelling of a path.

    Raises DeveloperError with code BadConvexFunctionIdentifier when it is malformed
    (get-convex/convex-backend, crates/common and crates/sync_types: paths of modules and functions).
    """
    module, colon, export = text.rpartition(":")
    if not colon:
        module, export = text, DEFAULT_EXPORT
    if len(export) > _LONGEST_NAME or not _EXPORT.fullmatch(export):
        raise _malformed(text, "The name after the last colon is letters, digits and underscores, 64 at most.")
    return FunctionPath(_module(text, module), export)


def _module(text: str, module: str) -> str:
    *folders, file = module.split("/")
    for component in (*folders, file):
        if len(component) > _LONGEST_NAME or not _COMPONENT.fullmatch(component):
            raise _malformed(
                text,
                "A module is relative, and each part between slashes has 1 to 64 letters, digits, underscores or dots.",
            )
    stem, dot, extension = file.rpartition(".")
    if not dot:
        return module
    if extension != "js" or not _COMPONENT.fullmatch(stem):
        raise _malformed(text, "The only extension of a module is .js, and it may be left out: `folder/module:name`.")
    return "/".join((*folders, stem))


def _malformed(text: str, reason: str) -> DeveloperError:
    return DeveloperError(
        f"{text} is not a valid path to a Convex function. {reason} Example: `folder/module:name`.",
        code="BadConvexFunctionIdentifier",
    )
