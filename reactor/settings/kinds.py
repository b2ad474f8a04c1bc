"""Kinds of settings: how a value is written by a person, what is allowed, how it is shown.

A value arrives as text (flag, environment) or as a TOML value (file). Every kind reads both, so that
`port = 3210` and `REACTOR_PORT=3210` mean the same.
"""

import hmac
import ipaddress
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

__all__ = [
    "Address",
    "Amount",
    "Bucket",
    "Choice",
    "DatabaseUrl",
    "Folder",
    "Kind",
    "Networks",
    "Port",
    "Secret",
    "SecretText",
    "Switch",
    "Tables",
    "Text",
    "Unit",
    "Workers",
    "show_amount",
]

Unit = dict[str, int]
"""Names that may follow a number, with what one of them is in the setting's own unit."""

COUNT: Unit = {"": 1}
BYTES: Unit = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SECONDS: Unit = {"": 1, "s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400}

_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_SWITCH = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
_KEY = re.compile(r"[!-9;-~]{8,512}")
_DATABASE = re.compile(r"postgres(?:ql)?://[!-~]{1,2000}")
_ADDRESS = re.compile(r"https?://[\w.\-\[\]:]+(?:/[\w.\-~%/]*)?", re.ASCII)
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Secret:
    """Text that must not be shown: `repr`, `str` and f-strings give asterisks, only `reveal()` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Never hand it to a log, an error or a page."""
        return self._text

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is the secret, in a time that does not tell how much of it was right."""
        return hmac.compare_digest(self._text.encode(), candidate.encode("utf-8", "replace"))

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._text)

    def __hash__(self) -> int:
        return hash((Secret, self._text))


class Kind(Protocol):
    """What a setting's values are."""

    @property
    def name(self) -> str:
        """The word for the kind in the documents."""
        ...

    @property
    def allowed(self) -> str:
        """What may be written, as the end of the sentence "Allowed is ..."."""
        ...

    def read(self, raw: object) -> object:
        """The value that `raw` means. Raises ValueError when it means none; the caller says where it came from."""
        ...

    def show(self, value: object) -> str:
        """`value` as a person would write it."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Any text with something in it."""

    name: str = "text"
    allowed: str = "text that is not empty"

    def read(self, raw: object) -> str:
        if isinstance(raw, str) and raw.strip():
            return raw.strip()
        raise ValueError

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Networks:
    """Addresses and networks, with commas between them."""

    name: str = "networks"
    allowed: str = "`off`, or addresses and networks with commas between them, such as `127.0.0.1, 10.0.0.0/8`"

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw.strip() == "off":
            return "off"
        parts = [part.strip() for part in raw.split(",")]
        for part in parts:
            ipaddress.ip_network(part)
        return ", ".join(parts)

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that others reach this server by. A slash at its end is taken off, for paths begin with one."""

    name: str = "address"
    allowed: str = "an address that begins with http:// or https://, without a query"

    def read(self, raw: object) -> str:
        if isinstance(raw, str) and _ADDRESS.fullmatch(raw.strip()):
            return raw.strip().rstrip("/")
        raise ValueError

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in an S3-like bucket."""

    name: str = "bucket"
    allowed: str = "s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits and the characters . _ - /"

    def read(self, raw: object) -> str:
        if isinstance(raw, str) and _BUCKET.fullmatch(raw.strip().rstrip("/")):
            return raw.strip().rstrip("/")
        raise ValueError

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Port:
    """The port of a second listener: a number, `next` (the one after `port`), or `off`."""

    name: str = "port"
    allowed: str = "a whole number from 0 to 65535, next, or off"

    def read(self, raw: object) -> int | str:
        if isinstance(raw, str) and raw.strip() in ("next", "off"):
            return raw.strip()
        return int(Amount("number", COUNT, 0, 65535).read(raw))

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes serve: a number, or `auto`."""

    name: str = "number"
    allowed: str = "a whole number from 1 to 256, or auto"

    def read(self, raw: object) -> int | str:
        if isinstance(raw, str) and raw.strip() == "auto":
            return "auto"
        return int(Amount("number", COUNT, 1, 256).read(raw))

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Folder:
    """A path of a folder. Who loads the settings makes it absolute: what it is relative to depends on the source."""

    name: str = "folder"
    allowed: str = "the path of a folder"

    def read(self, raw: object) -> Path:
        if isinstance(raw, Path):
            return raw
        if isinstance(raw, str) and raw.strip() and "\0" not in raw:
            return Path(raw.strip())
        raise ValueError

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class SecretText:
    """A key. A colon would end it early in `Authorization: Convex KEY:IDENTITY`, so it may hold none."""

    name: str = "secret"
    allowed: str = "8 to 512 printable ASCII characters without spaces and colons"

    def read(self, raw: object) -> Secret:
        if isinstance(raw, Secret):
            return raw
        if isinstance(raw, str) and _KEY.fullmatch(raw):
            return Secret(raw)
        raise ValueError

    def show(self, value: object) -> str:
        return "********" if value else "none"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The URL of a PostgreSQL database. It may hold a password, so it is treated as one."""

    name: str = "secret address"
    allowed: str = (
        "`postgresql://USER:PASSWORD@HOST:PORT/NAME`, without spaces, special characters written as `%40` and the like"
    )

    def read(self, raw: object) -> Secret:
        if isinstance(raw, Secret):
            return raw
        if isinstance(raw, str) and _DATABASE.fullmatch(raw.strip()):
            return Secret(raw.strip())
        raise ValueError

    def show(self, value: object) -> str:
        return "********" if value else "none"


@dataclass(frozen=True, slots=True)
class Tables:
    """A list of objects. What may stand in them is checked by whoever uses the setting."""

    name: str = "list"
    allowed: str = "a list of tables in TOML, a JSON array of objects elsewhere"

    def read(self, raw: object) -> tuple[dict[str, Any], ...]:
        if isinstance(raw, str):
            raw = json.loads(raw)  # its error is a ValueError
        if not isinstance(raw, list | tuple):
            raise ValueError
        entries = cast("list[object]", raw)
        if not all(isinstance(entry, dict) for entry in entries):
            raise ValueError
        return tuple(cast("list[dict[str, Any]]", entries))

    def show(self, value: object) -> str:
        return json.dumps(value)


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    name: str = "switch"
    allowed: str = "true or false (also on/off, yes/no, 1/0)"

    def read(self, raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.strip().lower() in _SWITCH:
            return _SWITCH[raw.strip().lower()]
        raise ValueError

    def show(self, value: object) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]
    name: str = "choice"

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(self.options)

    def read(self, raw: object) -> str:
        if isinstance(raw, str) and raw.strip() in self.options:
            return raw.strip()
        raise ValueError

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number between two bounds, with an optional unit behind it: 3210, "16 MiB", "30 min".

    `whole`: only numbers without a fraction (counts and bytes); then the value is an int, else a float.
    """

    name: str
    unit: Unit
    low: float
    high: float
    whole: bool = True

    @property
    def allowed(self) -> str:
        low, high = self.show(self.low), self.show(self.high)
        if self.unit is COUNT:
            return f"a whole number from {low} to {high}"
        examples = "16 MiB or 16777216" if self.unit is BYTES else "15 s, 30 min, 14 days or 0.5"
        return f"{low} to {high}, written like {examples}"

    def read(self, raw: object) -> int | float:
        number = self._number(raw)
        if not math.isfinite(number) or not self.low <= number <= self.high:
            raise ValueError
        if not self.whole:
            return float(number)
        if number != int(number):
            raise ValueError
        return int(number)

    def show(self, value: object) -> str:
        if not isinstance(value, int | float):
            raise TypeError(f"an amount is a number, not {type(value).__name__}")
        return show_amount(value, self.unit)

    def _number(self, raw: object) -> int | float:
        if isinstance(raw, bool):
            raise ValueError
        if isinstance(raw, int | float):
            return raw
        match = _AMOUNT.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            raise ValueError
        digits, suffix = match.groups()
        scale = next((n for word, n in self.unit.items() if word.lower() == suffix.lower()), None)
        if scale is None:
            raise ValueError
        return (float(digits) if "." in digits else int(digits)) * scale


def show_amount(value: float, unit: Unit) -> str:
    """`value` in the largest unit that gives a whole number: 33554432 bytes is "32 MiB"."""
    for word, scale in sorted(unit.items(), key=lambda item: -item[1]):
        whole = value // scale
        if word and whole >= 1 and value % scale == 0:
            return f"{whole:.0f} {'days' if word == 'day' and whole > 1 else word}"
    text = f"{value:.0f}" if value == int(value) else f"{value:g}"
    return f"{text} s" if unit is SECONDS else text
