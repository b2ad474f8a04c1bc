"""Calls that must be awaited: without `await`, a call in Python does nothing and says so to nobody.

The methods that write, and those that call other functions, keep what they give in a list, with the place that they
were called from. When the function has ended, one that has not is a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import CodeType, CoroutineType, FrameType
from typing import Any, TypeAlias

__all__ = ["MadeCall", "frame", "note", "unended"]

_SWEEP = 256

frame = sys._getframe  # pyright: ignore[reportPrivateUsage] - as `logging` and `warnings` do to tell a place

MadeCall: TypeAlias = "tuple[CoroutineType[Any, Any, Any], CodeType, int]"
"""What a call gave, and the place that it was called from: code and instruction. A plain tuple, since every write makes
one; `ctx.db` adds them to the list by itself."""


def note(made: list[MadeCall], call: CoroutineType[Any, Any, Any], caller: FrameType) -> None:
    """Add a call to a list that may become long: those that have ended are dropped from time to time."""
    made.append((call, caller.f_code, caller.f_lasti))
    if not len(made) % _SWEEP:
        made[:] = unended(made)


def unended(made: Iterable[MadeCall]) -> list[MadeCall]:
    """Those calls that have run neither to their end nor to an error."""
    return [call for call in made if call[0].cr_frame is not None]  # pyright: ignore[reportUnnecessaryComparison]
