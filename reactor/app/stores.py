"""Which store the settings choose."""

from reactor.errors import SettingsError
from reactor.settings import Settings
from reactor.store.seam import Store
from reactor.store.sqlite import SqliteStore

__all__ = ["place_of", "store_of"]


def store_of(settings: Settings) -> Store:
    """The store to open. Raises SettingsError when it needs what is not installed."""
    if settings.database is None:
        return SqliteStore(settings.data, page_cache=settings.page_cache_bytes)
    try:
        from reactor.store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The setting database names PostgreSQL, and the package {error.name} is not installed: "
            "pip install 'reactor[postgres]'."
        ) from error
    return PostgresStore(
        settings.database.reveal(),
        folder=settings.data,
        connections=settings.postgres_connections,
        poll_seconds=settings.postgres_poll_seconds,
    )


def place_of(store: Store) -> str | None:
    """Where a store keeps its data if that is not the data folder, without a password."""
    return getattr(store, "place", None)
