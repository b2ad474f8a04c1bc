"""Which store the settings choose."""

import secrets
from pathlib import Path

from reactor.errors import SettingsError
from reactor.settings import Secret, Settings
from reactor.store.seam import Store
from reactor.store.sqlite import SqliteStore

__all__ = ["place_of", "shared_store_of", "store_of"]


def store_of(settings: Settings) -> Store:
    """The store to open. Raises SettingsError when it needs what is not installed."""
    if settings.database is None:
        return SqliteStore(settings.data, page_cache=settings.page_cache_bytes)
    return _postgres(settings, settings.database, settings.data)


def shared_store_of(settings: Settings) -> Store:
    """The store of one of several processes that have a data folder together, which whoever started them has locked.

    Raises SettingsError as `store_of`.
    """
    if settings.database is not None:
        return _postgres(settings, settings.database, folder=None)
    # One process alone need not wait for it.
    from reactor.store.sharing.store import SharedSqliteStore

    return SharedSqliteStore(settings.data, node=secrets.token_hex(8), page_cache=settings.page_cache_bytes)


def place_of(store: Store) -> str | None:
    """Where a store keeps its data if that is not the data folder, without a password."""
    return getattr(store, "place", None)


def _postgres(settings: Settings, database: Secret, folder: Path | None) -> Store:
    try:
        from reactor.store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The setting database names PostgreSQL, and the package {error.name} is not installed: "
            "pip install 'reactor[postgres]'."
        ) from error
    return PostgresStore(
        database.reveal(),
        folder=folder,
        connections=settings.postgres_connections,
        poll_seconds=settings.postgres_poll_seconds,
    )
