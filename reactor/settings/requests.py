"""Rows of the table of settings about requests: how large they may be, and how long they may take to come."""

from dataclasses import dataclass

from reactor.settings.data import DataSettings
from reactor.settings.rows import DAY, GIB, HOUR, KIB, MIB
from reactor.settings.rows import count as _count
from reactor.settings.rows import setting as _setting
from reactor.settings.rows import size as _size
from reactor.settings.rows import time as _time

__all__ = ["CLIENTS", "SERVING", "RequestSettings"]

SERVING = "Serving"
CLIENTS = "Connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettings(DataSettings):
    """The settings of what comes from clients before a function is asked; a part of `Settings`."""

    max_body_bytes: int = _setting(
        32 * MIB,
        _size(64 * KIB, 1 * GIB),
        "Largest body of an HTTP request.",
        "16 MiB of arguments fit in it, written as JSON.",
        group=SERVING,
    )
    body_seconds: float = _setting(
        300.0,
        _time(0.05, 1 * DAY),
        "Time that the body of an HTTP request may take to come.",
        "As the official limit for requests. A client that sends a byte now and then holds memory for as long.",
        group=SERVING,
    )
    max_head_bytes: int = _setting(
        64 * KIB,
        _size(4 * KIB, 1 * MIB),
        "Largest head of an HTTP request: its method, address and headers together. A larger one is answered with 431.",
        "Tokens and cookies fit in it several times, and what is held before anybody is known stays small.",
        group=SERVING,
    )
    head_seconds: float = _setting(
        30.0,
        _time(0.05, 1 * HOUR),
        "Time that a connection may take to bring the head of its first request, a request its whole head, and a "
        "client to end a request that was answered before its end.",
        "A client that sends a byte now and then holds a socket for as long.",
        group=SERVING,
    )
    max_connections: int = _setting(
        50_000,
        _count(1, 10_000_000),
        "Connections at a time, on both ports together and WebSockets included; one more is answered with 503. Where "
        "the system lets the process open fewer files, 200 fewer than those (`ulimit -Hn`).",
        "Each takes a file descriptor and some kilobytes, and without descriptors the server could not open its own "
        "files.",
        group=CLIENTS,
    )
