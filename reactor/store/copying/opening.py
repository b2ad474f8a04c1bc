"""The ends of a copy by their places."""

from reactor.errors import SettingsError
from reactor.store.copying.ends import PAGE_ROWS, Source, Target
from reactor.store.copying.places import Place
from reactor.store.copying.sqlite_ends import SqliteSource, SqliteTarget

__all__ = ["source_at", "target_at"]


def source_at(place: Place, *, page_rows: int = PAGE_ROWS) -> Source:
    """The end that is copied. Raises SettingsError when it needs what is not installed."""
    if place.folder is not None:
        return SqliteSource(place.folder, page_rows=page_rows)
    try:
        from reactor.store.copying.postgres_ends import PostgresSource
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return PostgresSource(place.url, page_rows=page_rows)


def target_at(place: Place, *, page_rows: int = PAGE_ROWS) -> Target:
    """The end that is filled. Raises SettingsError when it needs what is not installed."""
    if place.folder is not None:
        return SqliteTarget(place.folder, page_rows=page_rows)
    try:
        from reactor.store.copying.postgres_ends import PostgresTarget
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return PostgresTarget(place.url, page_rows=page_rows)


def _missing(error: ModuleNotFoundError) -> SettingsError:
    return SettingsError(
        f"A copy from or to PostgreSQL needs the package {error.name}, which is not installed: "
        "pip install 'reactor[postgres]'."
    )
