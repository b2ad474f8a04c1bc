import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import CloseCode, Frame, Opcode

from reactor.sync.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    close_frame,
    parse_close,
    ping_frame,
    pong_frame,
    text_frame,
)

MIB = 1024 * 1024


def client_frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


def header(first: int, length: int, *, masked: bool = True) -> bytes:
    """A frame's header by hand, for those the library refuses to write; the mask is zero."""
    bit = 0x80 if masked else 0
    mask = bytes(4) if masked else b""
    if length < 126:
        return bytes((first, bit | length)) + mask
    if length < 0x10000:
        return bytes((first, bit | 126)) + length.to_bytes(2, "big") + mask
    return bytes((first, bit | 127)) + length.to_bytes(8, "big") + mask


def read(data: bytes, *, max_message: int = MIB) -> list[tuple[int, bytes]]:
    return list(FrameReader(max_message).feed(data))


def fault_of(data: bytes, *, max_message: int = MIB) -> FrameError:
    with pytest.raises(FrameError) as caught:
        read(data, max_message=max_message)
    return caught.value


# What a server writes


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 70000])
def test_text_frame_is_what_the_library_writes(length: int) -> None:
    payload = b"x" * length
    assert text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_control_frames_are_what_the_library_writes() -> None:
    assert ping_frame() == Frame(Opcode.PING, b"").serialize(mask=False)
    assert pong_frame(b"abc") == Frame(Opcode.PONG, b"abc").serialize(mask=False)
    assert close_frame(None) == b"\x88\x00"
    assert close_frame(1013, "Overloaded") == b"\x88\x0c\x03\xf5Overloaded"


def test_long_close_reason_is_cut_between_characters() -> None:
    frame = close_frame(1000, "€" * 50)
    assert frame[1] == 2 + 123
    assert parse_close(frame[2:]) == (1000, "€" * 41)
    assert parse_close(close_frame(1000, "x" + "€" * 50)[2:]) == (1000, "x" + "€" * 40)


# What a client wrote


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_reads_one_message_of_each_length_form(length: int) -> None:
    payload = bytes(i % 251 for i in range(length))
    assert read(client_frame(TEXT, payload)) == [(TEXT, payload)]


def test_reads_several_frames_of_one_read() -> None:
    data = client_frame(TEXT, b"a") + client_frame(PING, b"p") + client_frame(BINARY, b"b") + client_frame(PONG)
    assert read(data) == [(TEXT, b"a"), (PING, b"p"), (BINARY, b"b"), (PONG, b"")]


def test_ping_between_fragments_comes_first() -> None:
    data = client_frame(TEXT, b"hel", fin=False) + client_frame(PING, b"?") + client_frame(0, b"lo")
    assert read(data) == [(PING, b"?"), (TEXT, b"hello")]


def test_fragmented_binary_stays_binary() -> None:
    assert read(client_frame(BINARY, b"a", fin=False) + client_frame(0, b"b")) == [(BINARY, b"ab")]


fragments = st.lists(st.binary(max_size=300), min_size=1, max_size=4)
messages = st.lists(st.tuples(fragments, st.booleans()), max_size=6)


@given(messages=messages, cuts=st.lists(st.integers(min_value=1, max_value=400), max_size=30))
def test_any_cut_gives_the_same_messages(messages: list[tuple[list[bytes], bool]], cuts: list[int]) -> None:
    stream, expected = bytearray(), list[tuple[int, bytes]]()
    for parts, with_pings in messages:
        for index, part in enumerate(parts):
            stream += client_frame(0 if index else TEXT, part, fin=index == len(parts) - 1)
            if with_pings:
                stream += client_frame(PING, b"%d" % index)
        if with_pings:  # the last ping stands behind the message's end
            expected += [(PING, b"%d" % index) for index in range(len(parts) - 1)]
        expected.append((TEXT, b"".join(parts)))
        if with_pings:
            expected.append((PING, b"%d" % (len(parts) - 1)))

    reader, got, rest = FrameReader(), list[tuple[int, bytes]](), bytes(stream)
    for cut in cuts:
        chunk, rest = rest[:cut], rest[cut:]
        got += reader.feed(chunk)
    got += reader.feed(rest)
    assert got == expected


def test_byte_by_byte() -> None:
    reader = FrameReader()
    data = client_frame(TEXT, b"x" * 70000) + client_frame(PING) + client_frame(TEXT, b"end")
    got = [event for i in range(len(data)) for event in reader.feed(data[i : i + 1])]
    assert got == [(TEXT, b"x" * 70000), (PING, b""), (TEXT, b"end")]


# What a client must not write


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header(0x81, 2, masked=False) + b"{}", "must be masked"),
        (header(0xC1, 2) + b"{}", "reserved bits"),
        (header(0xA1, 2) + b"{}", "reserved bits"),
        (header(0x91, 2) + b"{}", "reserved bits"),
        (header(0x83, 0), "unknown opcode 3"),
        (header(0x8B, 0), "unknown opcode 11"),
        (header(0x09, 0), "must not be fragmented"),
        (header(0x89, 126) + bytes(126), "at most 125 bytes"),
        (header(0x88, 70000), "at most 125 bytes"),
        (client_frame(0, b"x"), "continuation without a beginning"),
        (client_frame(0, b"x", fin=False), "continuation without a beginning"),
        (client_frame(TEXT, b"x", fin=False) + client_frame(TEXT, b"y"), "inside a fragmented one"),
        (client_frame(TEXT, b"x", fin=False) + client_frame(BINARY, b"y", fin=False), "inside a fragmented one"),
    ],
    ids=lambda value: value if isinstance(value, str) else "frames",  # masks are random, and names must not be
)
def test_forbidden_frames(data: bytes, reason: str) -> None:
    fault = fault_of(data)
    assert fault.code == CloseCode.PROTOCOL_ERROR
    assert reason in fault.reason


def test_what_came_before_a_fault_is_still_yielded() -> None:
    events = FrameReader().feed(client_frame(TEXT, b"fine") + header(0xF1, 0))
    assert next(events) == (TEXT, b"fine")
    with pytest.raises(FrameError):
        next(events)


# Limits


def test_the_limit_is_inclusive() -> None:
    assert read(client_frame(TEXT, b"x" * 1000), max_message=1000) == [(TEXT, b"x" * 1000)]


@pytest.mark.parametrize(
    "data",
    [
        header(0x81, 1001),
        header(0x81, 2**63 + 5),
        client_frame(TEXT, b"x" * 600, fin=False) + header(0x80, 401),
        client_frame(TEXT, b"x" * 100, fin=False) + client_frame(0, b"x" * 100, fin=False) * 9 + client_frame(0, b"x"),
    ],
    ids=["one frame", "64 bits", "two fragments", "many small fragments"],
)
def test_a_message_over_the_limit_is_refused_by_its_header(data: bytes) -> None:
    assert fault_of(data, max_message=1000).code == CloseCode.MESSAGE_TOO_BIG


def test_control_frames_do_not_count() -> None:
    data = client_frame(TEXT, b"x" * 10, fin=False) + client_frame(PING, b"p" * 125) + client_frame(0)
    assert read(data, max_message=10) == [(PING, b"p" * 125), (TEXT, b"x" * 10)]


def test_an_announced_length_reserves_nothing_and_small_packets_cost_their_bytes() -> None:
    reader, packet = FrameReader(32 * MIB), b"xy"
    list(reader.feed(header(0x81, 32 * MIB)))
    tracemalloc.start()
    try:
        for _ in range(20_000):
            list(reader.feed(packet))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 40_000 * 1.5


# Close frames


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1013, 1014, 3000, 4999])
def test_close_codes_a_client_may_send(code: int) -> None:
    [(opcode, payload)] = read(client_frame(CLOSE, code.to_bytes(2, "big") + b"bye"))
    assert (opcode, parse_close(payload)) == (CLOSE, (code, "bye"))


def test_close_without_code() -> None:
    assert parse_close(b"") == (None, "")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xe8\xff", 1007),
        *((code.to_bytes(2, "big"), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
    ],
)
def test_broken_close_frames(payload: bytes, code: int) -> None:
    with pytest.raises(FrameError) as caught:
        parse_close(payload)
    assert caught.value.code == code
