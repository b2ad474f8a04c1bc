"""What a worker and whoever looks after it tell each other."""

from typing import Any

import msgspec

from reactor.app.measured import Metrics

__all__ = [
    "Admit",
    "AskedForCounts",
    "Begin",
    "Counted",
    "Event",
    "Failed",
    "FromWorker",
    "Opened",
    "Ready",
    "SendCounts",
    "Stop",
    "Summed",
    "ToWorker",
]


# To a worker


class Begin(msgspec.Struct, tag=True):
    """The first message: serve. `settings` are pickled; `main`, `site` (-1: none), `lock` are inherited descriptors."""

    number: int
    settings: bytes
    directory: str
    main: int
    site: int
    lock: int


class Admit(msgspec.Struct, tag=True):
    """The answer to `Opened`: let clients in."""


class Stop(msgspec.Struct, tag=True):
    """End; `at_once`: without waiting for what is under way."""

    at_once: bool


class SendCounts(msgspec.Struct, tag=True):
    """Tell what you have counted."""

    request: int


class Summed(msgspec.Struct, tag=True):
    """The answer to `AskedForCounts`: what all have counted together."""

    request: int
    metrics: Metrics


# From a worker


class Opened(msgspec.Struct, tag=True):
    """It could serve, and waits until it may."""


class Ready(msgspec.Struct, tag=True):
    """It serves; the fields are those of the event `ready`."""

    fields: dict[str, Any]


class Event(msgspec.Struct, tag=True):
    """An event for the terminal."""

    kind: str
    fields: dict[str, Any]


class Failed(msgspec.Struct, tag=True):
    """It cannot serve, and ends. `error` is for the one who started it."""

    error: str


class Counted(msgspec.Struct, tag=True):
    """The answer to `SendCounts`."""

    request: int
    metrics: Metrics


class AskedForCounts(msgspec.Struct, tag=True):
    """Somebody asked this worker for what all have counted. `metrics` are its own."""

    request: int
    metrics: Metrics


ToWorker = Begin | Admit | Stop | SendCounts | Summed
FromWorker = Opened | Ready | Event | Failed | Counted | AskedForCounts
