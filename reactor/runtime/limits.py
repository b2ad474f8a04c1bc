"""What one function may take and give."""

import msgspec

__all__ = ["FunctionLimits"]


class FunctionLimits(msgspec.Struct, frozen=True):
    """Bytes are counted as values are; seconds of queries and mutations, then of actions."""

    args_bytes: int = 16 * 2**20
    result_bytes: int = 16 * 2**20
    nested_calls: int = 8
    cpu_seconds: float = 1.0
    system_seconds: float = 15.0
    action_seconds: float = 1800.0
    actions: int = 64
