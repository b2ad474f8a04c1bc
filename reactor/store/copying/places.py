"""Where a copy comes from and goes to, as it is written on a command line."""

import re
from pathlib import Path
from typing import NamedTuple

from reactor.errors import SettingsError
from reactor.store.postgres.shown import shown

__all__ = ["Place", "place_at"]

_POSTGRES = re.compile(r"postgres(?:ql)?://[!-~]{1,2000}")


class Place(NamedTuple):
    """A data folder, or else the URL of a PostgreSQL database, which may hold a password."""

    folder: Path | None
    url: str = ""

    def __str__(self) -> str:
        return shown(self.url) if self.folder is None else f"sqlite:{self.folder}"

    def __repr__(self) -> str:
        return f"Place({self})"


def place_at(address: str, option: str) -> Place:
    """Read `sqlite:FOLDER` or `postgresql://...`. Raises SettingsError that names the option but not what it says."""
    address = address.strip()
    if address.startswith("sqlite:") and address != "sqlite:":
        return Place(Path(address.removeprefix("sqlite:")).expanduser().absolute())
    if _POSTGRES.fullmatch(address):
        return Place(None, address)
    raise SettingsError(
        f"{option} is no address of a database. Write it like sqlite:/var/lib/chat, which names a data folder, or "
        "postgresql://USER:PASSWORD@HOST:PORT/NAME, with special characters as %40 and the like."
    )
