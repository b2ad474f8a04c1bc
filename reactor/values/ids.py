"""Document ids: the text form of (table number, 16 bytes), with a checksum.

Text = base32 (Crockford's alphabet, lower case) of: table number as varint, internal id, two bytes of Fletcher-16.
(get-convex/convex-backend, crates/value/src/id_v6.rs and npm-packages/id-encoding.)
"""

import os
from collections import deque
from functools import lru_cache
from itertools import accumulate

from ..errors import InvalidId

__all__ = ["decode_id", "encode_id", "new_id", "table_of"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Ten bits at a time: half the steps of single characters, and still a small table.
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
# int(text, 32) does the reverse in C, but with its own alphabet; '!' makes it refuse all bytes that are not in ours.
_TO_PYTHON_DIGITS = bytes(
    ord("0123456789abcdefghijklmnopqrstuv"[_ALPHABET.index(chr(code))]) if chr(code) in _ALPHABET else ord("!")
    for code in range(256)
)
# Text length -> bytes of the table number. Each varint size has one length, so 33 and 35 cannot occur.
_VARINT_BYTES = {31: 1, 32: 2, 34: 3, 36: 4, 37: 5}
# Byte length -> characters, zero bits to add for an even number of characters, and where their pairs lie.
_GROUPS = {
    size: (length, -size * 8 % 10, tuple(range((size * 8 + 9) // 10 * 10 - 10, -1, -10)))
    for size, length in ((head + 18, length) for length, head in _VARINT_BYTES.items())
}
_MAX_TABLE = 2**32 - 1


def encode_id(table: int, internal: bytes) -> str:
    """The id text of a table number (1 … 2**32 - 1) and 16 bytes."""
    if not 1 <= table <= _MAX_TABLE or len(internal) != 16:
        raise InvalidId(
            f"no id for table {table} and {len(internal)} bytes: give a table number of 1 … 2**32 - 1 and 16 bytes"
        )
    return _text(_varint(table) + internal)


def decode_id(text: str) -> tuple[int, bytes]:
    """The table number and the 16 bytes of an id; raises InvalidId for any text that `encode_id` does not give."""
    parts = _parse(text)
    if parts is None:
        raise InvalidId(f"{text!r:.60} is not a document id: pass the `_id` of a document unchanged")
    return parts


def table_of(text: str) -> int | None:
    """The table number of an id, None when `text` is not an id."""
    table = _tables.get(text)
    if table is None and 31 <= len(text) <= 37 and (parts := _parse(text)) is not None:
        table = _remember(text, parts[0])
    return table


def new_id(table: int, now_ms: float, random16: bytes | None = None) -> str:
    """A fresh id: 48 bits of `now_ms` (milliseconds since 1970), then 80 random bits.

    Beginning with the time makes new documents neighbours at the end of every B-tree. `random16` gives the
    randomness (16 bytes, of which the first six give way to the time); None takes it from the system.
    """
    time = int(now_ms).to_bytes(6, "big")
    text = encode_id(table, time + (_random() if random16 is None else random16[6:]))
    _remember(text, table)  # it is about to be stored, returned and checked
    return text


# The system gives randomness in blocks for about the price of ten bytes. Taking from a deque is atomic, so threads
# never share a piece, and a child process starts without its parent's.
_pieces: deque[bytes] = deque()
os.register_at_fork(after_in_child=_pieces.clear)


def _random() -> bytes:
    """Ten random bytes of the operating system."""
    try:
        return _pieces.pop()
    except IndexError:
        block = os.urandom(10 * 256)
        _pieces.extend(block[at : at + 10] for at in range(10, len(block), 10))
        return block[:10]


# Table numbers by the ids that were met lately: looking at an id anew takes fifty times as long.
_tables: dict[str, int] = {}
_MOST_TABLES = 16_384


def _remember(text: str, table: int) -> int:
    if len(_tables) >= _MOST_TABLES:
        _tables.clear()
    _tables[text] = table
    return table


@lru_cache(maxsize=1024)
def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _checksum(raw: bytes) -> bytes:
    # Fletcher's second sum is the sum of all running totals of the first.
    return bytes((sum(raw) & 0xFF, sum(accumulate(raw)) & 0xFF))


def _text(body: bytes) -> str:
    raw = body + _checksum(body)
    length, spare, shifts = _GROUPS[len(raw)]
    bits = int.from_bytes(raw, "big") << spare
    return "".join([_PAIRS[bits >> shift & 1023] for shift in shifts])[:length]


def _parse(text: str) -> tuple[int, bytes] | None:
    head = _VARINT_BYTES.get(len(text))
    if head is None:
        return None
    try:
        bits = int(text.encode().translate(_TO_PYTHON_DIGITS), 32)
    except ValueError:
        return None
    size = head + 18
    spare = len(text) * 5 - size * 8
    raw = (bits >> spare).to_bytes(size, "big")
    if bits & (1 << spare) - 1 or _checksum(raw[:-2]) != raw[-2:]:
        return None
    table = _table_number(raw[:head])
    return None if table is None else (table, raw[head:-2])


@lru_cache(maxsize=1024)
def _table_number(head: bytes) -> int | None:
    table = 0
    for position, byte in enumerate(head):
        table |= (byte & 0x7F) << 7 * position
    # Writing it again refuses early ends, spare zero bytes and numbers beyond 32 bits in one go.
    return table if 0 < table <= _MAX_TABLE and _varint(table) == head else None
