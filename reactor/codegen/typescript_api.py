"""`api.d.ts` and `api.js`: the functions as clients call them, by paths in camelCase."""

import inspect
from collections.abc import Iterable
from typing import Any, TypeAlias

from reactor.codegen.typescript_types import key, type_of
from reactor.errors import LoadError
from reactor.runtime.functions import Kind
from reactor.runtime.paths import FunctionPath
from reactor.runtime.registry import AnyFunction
from reactor.values.validators import ObjectValidator

__all__ = ["API_JS", "api"]

API_JS = """\
import { anyApi, componentsGeneric } from "convex/server";

// Names become paths when they are read, so this file is the same for every application; the types are in api.d.ts.
export const api = anyApi;
export const internal = anyApi;
export const components = componentsGeneric();
"""
"""The whole of `api.js` but its first lines."""

_HEAD = """\
import type { FunctionReference } from "convex/server";
import type { GenericId } from "convex/values";
"""

_Tree: TypeAlias = "dict[str, _Tree | AnyFunction]"


def api(functions: Iterable[AnyFunction]) -> str:
    """The text of `api.d.ts`. Raises LoadError when a function and a module would have one name in it."""
    every = list(functions)
    public = _tree(function for function in every if not function.internal)
    internal = _tree(function for function in every if function.internal)
    return (
        f"{_HEAD}\n"
        f"/** The functions that clients may call. */\nexport declare const api: {_object(public, '')};\n\n"
        f"/** The functions that only other functions may call. */\n"
        f"export declare const internal: {_object(internal, '')};\n\n"
        "export declare const components: {};\n"
    )


def _tree(functions: Iterable[AnyFunction]) -> _Tree:
    root: _Tree = {}
    for function in functions:
        path = FunctionPath(function.module, function.name).camel
        folder = root
        for part in path.module.split("/"):
            inner = folder.setdefault(part, {})
            if not isinstance(inner, dict):
                raise _ambiguous(function, inner)
            folder = inner
        if path.export in folder:
            raise _ambiguous(function, folder[path.export])
        folder[path.export] = function
    return root


def _ambiguous(function: AnyFunction, other: Any) -> LoadError:
    whose = f"the function {other.path}" if not isinstance(other, dict) else "a module"
    return LoadError(f"The function {function.path} and {whose} have one name in the generated `api`: rename one.")


def _object(tree: _Tree, indent: str) -> str:
    if not tree:
        return "{}"
    inner = indent + "  "
    members = "".join(_member(name, node, inner) for name, node in sorted(tree.items()))
    return f"{{\n{members}{indent}}}"


def _member(name: str, node: "_Tree | AnyFunction", indent: str) -> str:
    if isinstance(node, dict):
        return f"{indent}{key(name)}: {_object(node, indent)};\n"
    return f"{_comment(node, indent)}{indent}{key(name)}: {_reference(node)};\n"


def _comment(function: AnyFunction, indent: str) -> str:
    text = inspect.cleandoc(function.handler.__doc__ or "").replace("*/", "*\\/")
    lines = [line.rstrip() for line in text.splitlines()]
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"


_KINDS = {Kind.QUERY: "query", Kind.MUTATION: "mutation", Kind.ACTION: "action"}


def _reference(function: AnyFunction) -> str:
    visibility = "internal" if function.internal else "public"
    takes = type_of(function.args) if isinstance(function.args, ObjectValidator) else "any"
    return f'FunctionReference<"{_KINDS[function.kind]}", "{visibility}", {takes}, {type_of(function.returns)}>'
