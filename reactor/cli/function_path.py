"""How a person may name a function, and the one name that a server knows it by."""

import re

from reactor.errors import FunctionNotFound

__all__ = ["function_path"]

_EXTENSION = re.compile(r"\.(py|js)$")


def function_path(text: str) -> str:
    """`messages:send` for all of `messages:send`, `messages.py:send`, `functions/messages.py:send` and
    `api.messages.send` (also `internal.…`, and folders between).

    Raises FunctionNotFound when no function is named.
    """
    name = text.strip()
    head, _, rest = name.partition(".")
    if head in ("api", "internal") and rest and ":" not in name:
        *folders, function = rest.split(".")
        name = f"{'/'.join(folders)}:{function}"
    module, _, function = name.rpartition(":")
    module = _EXTENSION.sub("", module.removeprefix("./").removeprefix("functions/"))
    if not module or not function:
        raise FunctionNotFound(
            f"{text!r} names no function. Write FILE:FUNCTION, for example messages:send for send in "
            "functions/messages.py, or admin/users:list for list in functions/admin/users.py."
        )
    return f"{module}:{function}"
