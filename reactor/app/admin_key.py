"""The deployment's admin key: as set, or made once and kept beside the data."""

import os
import secrets
from pathlib import Path

from reactor.errors import SettingsError
from reactor.settings import Settings

__all__ = ["admin_key", "admin_key_file"]


def admin_key_file(settings: Settings) -> Path:
    """Where a key that nobody chose is kept, readable by its owner only."""
    return settings.data / "admin_key"


def admin_key(settings: Settings) -> str:
    """The key of this deployment; makes the file on the first start. Raises SettingsError when it is unusable."""
    if settings.admin_key is not None:
        return settings.admin_key.reveal()
    file = admin_key_file(settings)
    try:
        key = file.read_text().strip()
    except FileNotFoundError:
        return _make(file)
    if not key:
        raise SettingsError(f"The admin key file {file} is empty. Delete it to get a new key, or set admin_key.")
    return key


def _make(file: Path) -> str:
    key = f"reactor|{secrets.token_hex(32)}"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(key + "\n")
    return key
