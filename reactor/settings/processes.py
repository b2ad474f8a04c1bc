"""Rows of the table of settings about the processes of a server."""

from dataclasses import dataclass
from typing import Literal

from reactor.settings.kinds import Workers
from reactor.settings.requests import SERVING, RequestSettings
from reactor.settings.rows import setting as _setting

__all__ = ["ProcessSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings(RequestSettings):
    """How many processes serve, with the settings of requests; a part of `Settings`."""

    workers: int | Literal["auto"] = _setting(
        1,
        Workers(),
        "Processes that serve, for `reactor start`; `auto` is one for each core. Limits of connections, calls, "
        "uploads, downloads and memory are for each of them. See [how to deploy](../how-to/deploy.md#several-workers).",
        "One process has all there is in its caches, and is enough for most. More use more cores, and each of them "
        "has to apply what all write.",
        group=SERVING,
        flag="--workers",
    )
