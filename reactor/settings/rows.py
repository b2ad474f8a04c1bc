"""A row of the table of settings, and how a field of `Settings` carries it."""

from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from reactor.settings.kinds import BYTES, COUNT, SECONDS, Amount, Kind

__all__ = ["DAY", "GIB", "HOUR", "KIB", "MIB", "MINUTE", "Setting", "count", "setting", "size", "time"]

KIB, MIB, GIB = 2**10, 2**20, 2**30
MINUTE, HOUR, DAY = 60, 3600, 86400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default_text` replaces the default in the documents where words say it better."""

    name: str
    group: str
    kind: Kind
    default: object
    means: str
    reason: str
    flag: str | None
    default_text: str | None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "REACTOR_" + self.name.upper()

    def show_default(self) -> str:
        """The default as a person would write it, or the words that say it better."""
        return self.default_text or self.kind.show(self.default)


def setting(
    default: T,
    kind: Kind,
    means: str,
    reason: str,
    *,
    group: str,
    flag: str | None = None,
    default_text: str | None = None,
) -> T:
    """A dataclass field that carries its row; typed as its default, so that `Settings` reads as a plain class."""
    row = {"group": group, "kind": kind, "means": means, "reason": reason, "flag": flag, "default_text": default_text}
    return cast(T, field(default=cast(Any, default), repr=not kind.name.startswith("secret"), metadata=row))


def count(low: int, high: int) -> Amount:
    """A whole number."""
    return Amount("number", COUNT, low, high)


def size(low: int, high: int) -> Amount:
    """A number of bytes."""
    return Amount("size", BYTES, low, high)


def time(low: float, high: float) -> Amount:
    """A number of seconds."""
    return Amount("time", SECONDS, low, high, whole=False)
