"""`api.py` and `api.pyi`: the functions by their paths, `api.essays.get`, with what calls of them take and give."""

import keyword
from collections.abc import Iterable
from typing import TypeAlias

from reactor.errors import LoadError
from reactor.runtime.registry import AnyFunction

__all__ = ["API", "api"]

API = """\
from reactor.runtime.path_names import PathName

# Names become paths when they are used, so this file is the same for every application; the types are in api.pyi.
__all__ = ["api", "internal"]

api = PathName()
internal = PathName()
"""
"""The whole of `api.py` but its first lines."""

_Tree: TypeAlias = "dict[str, _Tree | str]"


def api(functions: Iterable[AnyFunction]) -> str:
    """The text of `api.pyi`. Types come from the modules of the functions, so signatures are all there is to change.

    Raises LoadError when a function and a module would have one name in it.
    """
    every = [each for each in functions if _has_name(each)]
    modules = sorted({each.module for each in every})
    imported = "".join(f"{_import(module)}\n" for module in modules)
    public = _class("_Api", _tree(each for each in every if not each.internal), "")
    internal = _class("_Internal", _tree(each for each in every if each.internal), "")
    return f"{imported}\n{public}\n{internal}\napi: _Api\ninternal: _Internal\n"


def _has_name(function: AnyFunction) -> bool:
    """Whether Python can say the path as attributes: it cannot where a part of it is a keyword."""
    return not any(keyword.iskeyword(part) for part in (*function.module.split("/"), function.name))


def _import(module: str) -> str:
    *folders, name = module.split("/")
    return f"from {'.'.join(('functions', *folders))} import {name} as {_alias(module)}"


def _alias(module: str) -> str:
    return "_" + module.replace("_", "__").replace("/", "_")


def _tree(functions: Iterable[AnyFunction]) -> _Tree:
    root: _Tree = {}
    for function in functions:
        folder = root
        for part in function.module.split("/"):
            inner = folder.setdefault(part, {})
            if isinstance(inner, str):
                raise _ambiguous(inner)
            folder = inner
        if function.name in folder:
            raise _ambiguous(function.path)
        folder[function.name] = f"{_alias(function.module)}.{function.name}"
    return root


def _ambiguous(path: str) -> LoadError:
    return LoadError(f"The function {path} and a module have one name in the generated `api`: rename one.")


def _class(name: str, tree: _Tree, indent: str) -> str:
    inner = indent + "    "
    if not tree:
        return f"{indent}class {name}: ...\n"
    members = (
        _class(each, node, inner) if isinstance(node, dict) else f"{inner}{each} = {node}\n"
        for each, node in sorted(tree.items())
    )
    return f"{indent}class {name}:\n{''.join(members)}"
