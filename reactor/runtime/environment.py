"""`ctx.env`: the environment variables of the deployment, read like `os.environ`."""

from collections.abc import Callable, Iterator, Mapping

from reactor.database.environment import BUILT_IN, variable, variables
from reactor.database.transaction import Transaction
from reactor.runtime.origins import Origins

__all__ = ["Environment", "of_action", "of_transaction"]


class Environment(Mapping[str, str]):
    """Names to values, both text. `ctx.env["NAME"]` raises KeyError where nothing is set, `ctx.env.get("NAME")` gives
    None.

    CONVEX_CLOUD_URL and CONVEX_SITE_URL are always there. In queries and mutations reading one is a read like any
    other: a live query runs again when a variable that it asked for changes, comes or goes. An action sees the
    variables as they were when it first asked.
    """

    __slots__ = ("_all", "_built_in", "_one")

    def __init__(
        self, origins: Origins, one: Callable[[str], str | None], everything: Callable[[], Mapping[str, str]]
    ) -> None:
        self._built_in: dict[str, str] = dict(zip(BUILT_IN, (origins.cloud, origins.site), strict=True))
        self._one, self._all = one, everything

    def __getitem__(self, name: str) -> str:
        found = self._built_in.get(name)
        if found is None and isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            found = self._one(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter({**self._built_in, **self._all()})

    def __len__(self) -> int:
        return len(self._built_in) + len(self._all())

    def __repr__(self) -> str:
        # Values are secrets as often as not, and what is shown ends in logs.
        return f"<environment with {', '.join(self)}>"


def of_transaction(origins: Origins, tx: Transaction) -> Environment:
    """What a query or mutation sees."""
    return Environment(origins, lambda name: variable(tx, name), lambda: variables(tx))


def of_action(origins: Origins, known: Mapping[str, str]) -> Environment:
    """What an action sees."""
    return Environment(origins, known.get, lambda: known)
