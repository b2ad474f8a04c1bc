"""Why an application could not be loaded, for a person at a terminal.

functions/rooms.py:3: ValueError: no such colour

  functions/rooms.py:3, in <module>
    SHADE = pick("grren")
  functions/colours.py:8, in pick
    raise ValueError("no such colour")
"""

import os
import traceback
from pathlib import Path

from reactor.errors import DeveloperError, LoadError
from reactor.runtime.importing import is_user_file

__all__ = ["explain"]

_MOST_FRAMES = 6


def explain(error: BaseException, root: Path) -> LoadError:
    """A LoadError that says where in the application's own files `error` comes from, what it is and what to do."""
    if isinstance(error, SyntaxError) and error.filename:
        return LoadError(_syntax(error, str(root)))
    frames = _user_frames(error, str(root))
    what = _what(error).replace(f"{root}{os.sep}", "")
    if not frames:
        return LoadError(what)
    last = frames[-1]
    lines = [f"{_relative(last.filename, str(root))}:{last.lineno}: {what}", ""]
    if len(frames) > _MOST_FRAMES:
        lines.append(f"  ({len(frames) - _MOST_FRAMES} outer frames left out)")
    for frame in frames[-_MOST_FRAMES:]:
        lines.append(f"  {_relative(frame.filename, str(root))}:{frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    return LoadError("\n".join(lines))


def _user_frames(error: BaseException, root: str) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_user_file(frame.filename, root)]


def _relative(file: str, root: str) -> str:
    return os.path.relpath(file, root) if file.startswith(root + os.sep) else file


def _syntax(error: SyntaxError, root: str) -> str:
    lines = [f"{_relative(error.filename or '', root)}:{error.lineno}: {type(error).__name__}: {error.msg}"]
    if error.text:
        text = error.text.rstrip("\n")
        code = text.lstrip()
        lines += ["", f"    {code}"]
        if error.offset:
            lines.append(" " * (4 + max(0, error.offset - 1 - (len(text) - len(code)))) + "^")
    return "\n".join(lines)


def _what(error: BaseException) -> str:
    if isinstance(error, DeveloperError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"SystemExit: {error.code}. Modules of an application must not end the process when they are imported."
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("functions._generated"):
        text += ". Types that functions import are written by `reactor codegen`: run it, and commit what it writes."
    elif isinstance(error, ModuleNotFoundError):
        text += ". Check the spelling, or install the package into the environment that runs the server."
    return text
