"""WebSocket frames (RFC 6455) as plain bytes: written for a server, read from a client. No I/O, no extensions.

The reader is our own because of what one connection costs: it keeps nothing between whole messages, and a message
that arrives in one piece is copied once, by the unmasking itself.
"""

from collections.abc import Iterator
from struct import pack
from typing import Final

from websockets.exceptions import ProtocolError as LibraryProtocolError
from websockets.frames import Close

from reactor.errors import ProtocolError

try:
    from websockets.speedups import apply_mask
except ImportError:  # a build of websockets without its C part: the same function, slower
    from websockets.utils import apply_mask

__all__ = [
    "BINARY",
    "CLOSE",
    "MAX_MESSAGE",
    "PING",
    "PONG",
    "TEXT",
    "FrameError",
    "FrameReader",
    "close_frame",
    "parse_close",
    "ping_frame",
    "pong_frame",
    "text_frame",
]

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

MAX_MESSAGE: Final = 32 * 1024 * 1024
"""Bytes of one inbound message: arguments may have 16 MiB, and JSON may escape them to more."""

_FIN: Final = 0x80
_CONTROL: Final = 0x8
_MASKED: Final = 0x80
_MAX_CONTROL: Final = 125
_MAX_REASON: Final = _MAX_CONTROL - 2

# Every first byte a client may send without extensions: FIN and opcode, reserved bits 0, control frames never in parts.
_LEGAL_FIRST: Final = frozenset({0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A})


class FrameError(ProtocolError):
    """Bytes that RFC 6455 forbids, or a message beyond the limit; `code` and `reason` are for the close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length <= _MAX_CONTROL:
        return bytes((_FIN | opcode, length)) + payload
    if length < 0x10000:
        return pack("!BBH", _FIN | opcode, 126, length) + payload
    return pack("!BBQ", _FIN | opcode, 127, length) + payload


def text_frame(payload: bytes) -> bytes:
    """One whole text message as a server sends it: unmasked, never in parts."""
    return _frame(TEXT, payload)


def ping_frame() -> bytes:
    return _frame(PING, b"")


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping; `payload` is the ping's own, at most 125 bytes."""
    return _frame(PONG, payload)


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame; `code` None sends none, and then no reason either. A long reason is cut at 123 bytes of UTF-8."""
    if code is None:
        return _frame(CLOSE, b"")
    cut = reason.encode()[:_MAX_REASON].decode(errors="ignore")
    return _frame(CLOSE, code.to_bytes(2, "big") + cut.encode())


def parse_close(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a client's close frame; code None if it carried none. Raises FrameError."""
    if not payload:
        return None, ""
    try:
        close = Close.parse(payload)
    except LibraryProtocolError as error:
        raise FrameError(1002, f"close frame: {error}") from error
    except UnicodeDecodeError as error:
        raise FrameError(1007, "close frame: the reason is not UTF-8") from error
    return int(close.code), close.reason


def _header_fault(first: int, second: int) -> FrameError:
    """What is wrong with the two first bytes of a frame, given that something is."""
    opcode = first & 0x0F
    if first & 0x70:
        return FrameError(1002, "reserved bits must be 0: no extension was agreed")
    if opcode not in (0, TEXT, BINARY, CLOSE, PING, PONG):
        return FrameError(1002, f"unknown opcode {opcode}")
    if not first & _FIN and opcode >= _CONTROL:
        return FrameError(1002, "control frames must not be fragmented")
    if not second & _MASKED:
        return FrameError(1002, "frames from a client must be masked")
    return FrameError(1002, f"a control frame carries at most {_MAX_CONTROL} bytes")


class FrameReader:
    """Makes messages and control frames of one client's bytes, however TCP cut them.

    `max_message` is the limit in bytes of one message, all its fragments together. Memory grows only with bytes that
    arrived (a length that is merely announced reserves nothing) and by no more than an eighth beyond them: chunks are
    appended to one buffer, since a list of chunks would cost twenty times its bytes if they come two at a time.
    """

    __slots__ = ("_fragments", "_held", "_max_message", "_needed", "_opcode")

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._held: bytearray | None = None  # the start of a frame that is not whole yet
        self._needed = 0  # bytes from the start of `_held` without which parsing again is pointless
        self._fragments: bytearray | None = None  # unmasked payloads of a message whose last fragment is to come
        self._opcode = TEXT  # of that message

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (opcode, payload) for each message and control frame that `data` completes, in order.

        Raises FrameError after what came before the fault was yielded; the reader is of no use afterwards. Iterate to
        the end before feeding again.
        """
        source: bytes | bytearray = data
        if self._held is not None:
            self._held += data
            if len(self._held) < self._needed:
                return
            source, self._held = self._held, None
        position, size = 0, len(source)
        while position < size:
            frame = self._frame_at(source, position)
            if frame is None:
                self._hold(source, position)
                return
            first, payload, position = frame
            opcode = first & 0x0F
            if opcode >= _CONTROL or (opcode and first & _FIN and self._fragments is None):
                yield opcode, payload
            elif (message := self._assemble(first, payload)) is not None:
                yield self._opcode, message

    def _frame_at(self, source: bytes | bytearray, start: int) -> tuple[int, bytes, int] | None:
        """First byte, unmasked payload and end of the frame at `start`; None if it is not whole yet."""
        have = len(source) - start
        if have < 2:
            return self._wait_for(2)
        first, second = source[start], source[start + 1]
        length = second & 0x7F
        if first not in _LEGAL_FIRST or second < _MASKED or (length > _MAX_CONTROL and first & _CONTROL):
            raise _header_fault(first, second)
        body = start + 6  # past two bytes and the mask
        if length > _MAX_CONTROL:
            width = 2 if length == 126 else 8
            if have < 2 + width:
                return self._wait_for(2 + width)
            length = int.from_bytes(source[start + 2 : start + 2 + width], "big")
            body += width
        if not first & _CONTROL:
            self._check_size(length)
        end = body + length
        if end > len(source):
            return self._wait_for(end - start)
        return first, apply_mask(memoryview(source)[body:end], source[body - 4 : body]), end

    def _wait_for(self, needed: int) -> None:
        self._needed = needed

    def _check_size(self, length: int) -> None:
        total = length if self._fragments is None else length + len(self._fragments)
        if total > self._max_message:
            raise FrameError(1009, f"a message may have {self._max_message} bytes")

    def _hold(self, source: bytes | bytearray, start: int) -> None:
        """Keep the bytes from `start` for the next read; a long buffer that nothing was taken from is kept as it is."""
        if start == 0 and isinstance(source, bytearray):
            self._held = source
        else:
            self._held = bytearray(memoryview(source)[start:])

    def _assemble(self, first: int, payload: bytes) -> bytes | None:
        """Add one fragment; the whole message if it was the last."""
        opcode = first & 0x0F
        if opcode:
            if self._fragments is not None:
                raise FrameError(1002, "a new message began inside a fragmented one")
            self._opcode, self._fragments = opcode, bytearray(payload)
            return None
        if self._fragments is None:
            raise FrameError(1002, "a continuation without a beginning")
        self._fragments += payload
        if not first & _FIN:
            return None
        message, self._fragments = bytes(self._fragments), None
        return message
