"""Connections that a well-behaved client library would not make: they stop reading, or go without a word."""

import asyncio
import base64
import json
import os
import socket
import struct
from typing import Any

__all__ = ["deaf_client", "drop_by"]


def _upgrade(port: int) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /api/1.48.0/sync HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _frame(message: dict[str, Any]) -> bytes:
    """A client's text frame; its mask is zero, which is legal and saves the masking."""
    payload = json.dumps(message).encode()
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return head + bytes(4) + payload


def _subscription(path: str, args: dict[str, Any]) -> bytes:
    session = "00000000-0000-4000-8000-" + os.urandom(6).hex()
    add = {"type": "Add", "queryId": 0, "udfPath": path, "args": [args]}
    return _frame({"type": "Connect", "sessionId": session, "connectionCount": 0, "clientTs": 0}) + _frame(
        {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [add]}
    )


def deaf_client(port: int, path: str, **args: Any) -> socket.socket:
    """Subscribe to a query and never read a byte of what the server says about it."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(_upgrade(port) + _subscription(path, args))
    return client


async def drop_by(port: int, *, subscription: tuple[str, dict[str, Any]] | None) -> None:
    """Connect, perhaps subscribe, and go without a farewell."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_upgrade(port))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    if subscription is not None:
        path, args = subscription
        writer.write(_subscription(path, args))
        await writer.drain()
    writer.transport.abort()
