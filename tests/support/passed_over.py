"""Which tests a run on another store passes over, and why.

They are skips that nothing is to be done about: such a test runs where it belongs, in the run on SQLite.
"""

from __future__ import annotations

import pytest

__all__ = ["SAYS", "passed_over"]

SAYS = "not on this store: "
"""How the reason of such a skip begins."""

_ROOMS = {
    "tests/integration/store/": "tests the stores themselves, each of them by its name",
    "tests/integration/nodes/": "chooses its store itself",
    "tests/browser/": "tests pages",
}
_OWN = {"memory", "postgres"}
_FIXTURES = {"postgres", "postgres_url", "own_postgres", "sharing"}


def passed_over(item: pytest.Item, store: str) -> str | None:
    """Why this test does not run on this store, beginning with `SAYS`; None when it does."""
    why = None if store == "sqlite" else _mark(item, store) or _room(item) or _choice(item)
    return why and SAYS + why


def _mark(item: pytest.Item, store: str) -> str | None:
    """`@pytest.mark.stores("sqlite", because="...")`, on a test or a module, names all the stores it is for."""
    missing = (mark for mark in item.iter_markers("stores") if store not in mark.args)
    return next((mark.kwargs["because"] for mark in missing), None)


def _room(item: pytest.Item) -> str | None:
    return next((why for room, why in _ROOMS.items() if item.nodeid.startswith(room)), None)


def _choice(item: pytest.Item) -> str | None:
    """Tests whose parameter is another store, and those that have asked for a PostgreSQL themselves."""
    params = getattr(item, "callspec").params.values() if hasattr(item, "callspec") else ()  # noqa: B009
    chosen = any(isinstance(each, str) and each in _OWN for each in params)
    asks = isinstance(item, pytest.Function) and _FIXTURES & {*item.fixturenames}
    return "chooses its store itself" if chosen or asks else None
