"""How long a test waits for something to become true before it calls that a failure.

Nothing is asserted about time: these limits only end a wait that would never end by itself. Slow
machines stretch them with REACTOR_TEST_PATIENCE (a factor, 1 when not set).
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["PATIENCE", "until"]

T = TypeVar("T")

PATIENCE = 20.0 * float(os.environ.get("REACTOR_TEST_PATIENCE", "1"))


def until(
    condition: Callable[[], T], what: str | Callable[[], str] = "the condition", *, within: float = PATIENCE
) -> T:
    """Ask `condition` again and again; give its first true value. Raises TimeoutError, saying `what` did not happen."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise TimeoutError(f"{said} did not happen within {within:.0f} s")
        time.sleep(0.01)
    return value
