"""Timestamps on the wire: nanoseconds since 1970 as 8 bytes, little-endian, in base64."""

import base64
import struct

__all__ = ["decode_ts", "encode_ts"]


def encode_ts(ts: int) -> bytes:
    """A timestamp as on the wire, 12 characters."""
    return base64.b64encode(struct.pack("<Q", ts))


def decode_ts(text: str) -> int:
    """A timestamp from the wire. Raises ValueError when it is none."""
    try:
        (ts,) = struct.unpack("<Q", base64.b64decode(text, validate=True))
    except struct.error as error:
        raise ValueError(str(error)) from None
    return ts
