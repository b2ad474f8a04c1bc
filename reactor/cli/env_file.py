"""Files with a variable on each line, as many tools read them."""

import re
from pathlib import Path

from reactor.errors import DeveloperError

__all__ = ["read_env_file"]

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_file(path: Path) -> dict[str, str]:
    """Names and values of lines `NAME=VALUE`.

    Empty lines and comments (`#`, also behind a space after a value without quotes) do not count, nor does `export`
    before a name. Quoted values may hold anything but their quote, and `\\n` in double ones is a line break. Raises
    DeveloperError for a file that cannot be read, and naming a line that is none of this.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeveloperError(f"{path} cannot be read: {error}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise DeveloperError(f"{path}, line {number}: not of the form NAME=VALUE")
        found[match[1]] = _value(match[2], f"{path}, line {number}")
    return found


def _value(text: str, where: str) -> str:
    quote = text[:1]
    if quote not in ("'", '"'):
        return re.sub(r"(^|\s+)#.*", "", text).strip()
    end = re.fullmatch(rf"{quote}((?:[^\\{quote}]|\\.)*){quote}\s*(?:#.*)?", text)
    if end is None:
        raise DeveloperError(f"{where}: the quote that begins the value is not closed")
    if quote == "'":
        return end[1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), end[1])
