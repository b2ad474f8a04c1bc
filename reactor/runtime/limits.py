"""What one function may take and give."""

from functools import lru_cache

import msgspec
from msgspec.structs import replace

from reactor.runtime.logs import LogLimits
from reactor.values import ARGS, Limits

__all__ = ["NEAR", "FunctionLimits"]

NEAR = 0.8
"""The part of a limit beyond which a run's log has a warning."""


class FunctionLimits(msgspec.Struct, frozen=True):
    """Bytes are counted as values are; seconds of queries and mutations, then of actions."""

    args_bytes: int = 16 * 2**20
    result_bytes: int = 16 * 2**20
    value_depth: int = 64
    nested_calls: int = 8
    cpu_seconds: float = 1.0
    system_seconds: float = 15.0
    action_seconds: float = 1800.0
    actions: int = 64
    log: LogLimits = LogLimits()

    @property
    def args(self) -> Limits:
        """What arguments are decoded with. Their size is checked apart, in words that name the function."""
        return _decoding(self.value_depth)


@lru_cache(maxsize=8)
def _decoding(depth: int) -> Limits:
    return replace(ARGS, max_bytes=2**40, max_depth=depth)
