"""Conversations changed at random: their order, the structure of their JSON, the bytes of it, and the frames around it.

The same seed makes the same bytes.
"""

import copy
import json
import random
import struct
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.fuzz.conversations import conversations

__all__ = ["Mutant", "close", "mutant", "ping"]

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10

_ODD_VALUES: list[Any] = [
    None, True, -1, 0, 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, "", "x",
    "\x00", "\ud800", "\u202e", "é" * 50, "x" * 5_000, "../../etc/passwd", "a:b", "_system/x:y", "\r\nX-Header: 1", [],
    {}, [[]], [{}], {"$integer": "AAAA"}, {"$integer": 5}, {"$float": "!"}, {"$bytes": None}, {"$unknown": 1},
    {"": 0}, {"_id": 1}, {"$": {"$": {}}}, "AAAAAAAAAAA=", "//////////8=", "AAAA", "=", "MA", "Mutation", "Connect",
]  # fmt: skip
_ODD_TEXTS = [
    b"NaN",
    b"Infinity",
    b"-",
    b"1e999999",
    b"\\u0000",
    b"\\ud800",
    b'"',
    b"{",
    b"]",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
]


class Mutant(NamedTuple):
    """`frames` is what a client sends after the handshake; `framed`: the frames themselves are sound."""

    frames: list[bytes]
    framed: bool


def mutant(seed: str) -> Mutant:
    """A conversation with one to four changes of any kind; one in ten stays as it is."""
    chance = random.Random(seed)
    messages = chance.choice(conversations())
    _give_session(messages, chance)
    if chance.random() < 0.1:
        return Mutant([_frame(_TEXT, json.dumps(message).encode(), chance) for message in messages], True)
    for _ in range(chance.randint(0, 3)):
        chance.choice(_MESSAGE_CHANGES)(messages, chance)
    texts = [json.dumps(message).encode() for message in messages]
    if chance.random() < 0.5:
        place = chance.randrange(len(texts))
        texts[place] = chance.choice(_TEXT_CHANGES)(texts[place], chance)
    frames = [frame for text in texts for frame in _framed(text, chance)]
    if chance.random() < 0.75:
        return Mutant(frames, True)
    _break_frames(frames, chance)
    return Mutant(frames, False)


def _give_session(messages: list[Any], chance: random.Random) -> None:
    session = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    for message in messages:
        if "sessionId" in message:
            message["sessionId"] = session


# Messages


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    found = [(node, key) for key, _ in pairs]
    for _, child in pairs:
        found += _places(child)
    return found


def _odd(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice(_ODD_VALUES))  # further changes are made inside of it


def _replace(messages: list[Any], chance: random.Random) -> None:
    container, key = chance.choice(_places(messages))
    container[key] = _odd(chance)


def _nudge(messages: list[Any], chance: random.Random) -> None:
    numbers = [(box, key) for box, key in _places(messages) if type(box[key]) is int]
    if numbers:
        container, key = chance.choice(numbers)
        container[key] += chance.choice([-1, 1, 2, 2**31, 2**32])


def _drop(messages: list[Any], chance: random.Random) -> None:
    container, key = chance.choice(_places(messages))
    if len(messages) > 1 or container is not messages:
        del container[key]


def _move_value(messages: list[Any], chance: random.Random) -> None:
    places = _places(messages)
    (here, key), (there, other) = chance.choice(places), chance.choice(places)
    here[key] = json.loads(json.dumps(there[other]))


def _add_member(messages: list[Any], chance: random.Random) -> None:
    objects = [box for box, _ in _places(messages) if isinstance(box, dict)]
    if objects:
        chance.choice(objects)[chance.choice(["type", "extra", "", "$integer", "componentPath"])] = _odd(chance)


def _nest(messages: list[Any], chance: random.Random) -> None:
    container, key = chance.choice(_places(messages))
    for _ in range(chance.choice([2, 15, 16, 17, 63, 64, 65, 200])):
        container[key] = chance.choice([[container[key]], {"a": container[key]}])


def _repeat(messages: list[Any], chance: random.Random) -> None:
    message = chance.choice(messages)
    messages.insert(chance.randrange(len(messages) + 1), json.loads(json.dumps(message)))


def _shuffle(messages: list[Any], chance: random.Random) -> None:
    chance.shuffle(messages)


def _swap_with_another(messages: list[Any], chance: random.Random) -> None:
    messages.insert(chance.randrange(len(messages) + 1), chance.choice(chance.choice(conversations())))


_MESSAGE_CHANGES: list[Callable[[list[Any], random.Random], None]] = [
    _replace, _replace, _nudge, _drop, _move_value, _add_member, _nest, _repeat, _shuffle, _swap_with_another,
]  # fmt: skip


# Texts


def _flip(text: bytes, chance: random.Random) -> bytes:
    changed = bytearray(text)
    for _ in range(chance.choice([1, 1, 2, 8])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(text: bytes, chance: random.Random) -> bytes:
    return text[: chance.randrange(len(text))]


def _splice(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(_ODD_TEXTS) + text[at + chance.randrange(3) :]


def _deep(text: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([100, 1_000, 5_000])
    return chance.choice([b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth])


def _long_number(text: bytes, chance: random.Random) -> bytes:
    return text.replace(b"0", b"9" * chance.choice([20, 400, 5_000]), 1)


def _again(text: bytes, chance: random.Random) -> bytes:
    return text * chance.choice([2, 10])


_TEXT_CHANGES = [_flip, _flip, _cut, _splice, _splice, _deep, _long_number, _again]


# Frames


def _frame(opcode: int, payload: bytes, chance: random.Random, *, end: bool = True) -> bytes:
    mask = chance.choice([bytes(4), chance.randbytes(4)])
    size = len(payload)
    first = opcode | (0x80 if end else 0)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def _framed(text: bytes, chance: random.Random) -> list[bytes]:
    """One message in sound frames: whole or in fragments with control frames between them, rarely as binary."""
    kind = _BINARY if chance.random() < 0.01 else _TEXT
    if chance.random() < 0.85:
        return [_frame(kind, text, chance)]
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randint(1, 4)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    frames: list[bytes] = []
    for number, piece in enumerate(pieces):
        frames.append(_frame(kind if number == 0 else 0, piece, chance, end=number == len(pieces) - 1))
        if chance.random() < 0.3:
            control = chance.choice([_PING, _PONG])
            frames.append(_frame(control, chance.randbytes(chance.choice([0, 4, 125])), chance))
    return frames


def _break_frames(frames: list[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    how = chance.randrange(6)
    if how == 0:
        frames[at] = _flip(frames[at], chance)
    elif how == 1:
        frames[at] = frames[at][: chance.randrange(len(frames[at]))]
    elif how == 2:
        frames.insert(at, bytes([0x81, 0xFF]) + struct.pack("!Q", chance.choice([2**16, 2**40, 2**63, 2**64 - 1])))
    elif how == 3:
        frames.insert(at, _frame(chance.choice([3, 7, 11, 15, 0, 0x41]), chance.randbytes(8), chance))
    elif how == 4:
        code = struct.pack("!H", chance.choice([0, 999, 1000, 1004, 1005, 1015, 3000, 65535]))
        frames.insert(at, _frame(_CLOSE, chance.choice([b"", b"\x03", code, code + b"\xff"]), chance))
    else:
        frames.insert(at, _frame(_PING, bytes(126), chance))


def ping(payload: bytes) -> bytes:
    """A ping as a client sends it."""
    return _frame(_PING, payload, random.Random(0))


def close() -> bytes:
    """A client's close frame without code."""
    return _frame(_CLOSE, b"", random.Random(0))
