"""The store that the settings choose."""

import sys
from pathlib import Path

import pytest

from reactor.app.stores import place_of, store_of
from reactor.errors import SettingsError
from reactor.settings import Settings
from reactor.settings.kinds import Secret

URL = Secret("postgresql://ann:pencil@host:1/lists")


def test_postgres_is_chosen_by_its_address(tmp_path: Path) -> None:
    store = store_of(Settings(data=tmp_path / "data", database=URL))
    assert place_of(store) == "postgresql://ann@host:1/lists"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:p%40ss@[::1]:5/x?sslmode=disable", "postgresql://ann@[::1]:5/x"),
        ("postgres://a:b@one:1,two:2/x", "postgresql://a@one:1,two:2/x"),
        ("postgresql://ann:pw@/x?host=%2Frun%2Fpg&password=pw", "postgresql://ann@run/pg/x"),
        ("postgresql:///x", "postgresql://localhost/x"),
    ],
)
def test_where_it_is_is_shown_without_what_is_secret(tmp_path: Path, url: str, shown: str) -> None:
    assert place_of(store_of(Settings(data=tmp_path, database=Secret(url)))) == shown


def test_a_missing_driver_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("reactor.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(SettingsError, match=r"asyncpg is not installed: pip install 'reactor\[postgres\]'"):
        store_of(Settings(data=tmp_path, database=URL))
