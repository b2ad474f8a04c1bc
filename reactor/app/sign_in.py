"""Who may sign users in now: the application's providers, read again when an environment variable changes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from reactor.auth.configuration import ByVariables, Declared
from reactor.auth.providers import Provider
from reactor.auth.verifier import Verifier
from reactor.database.committed import Committed
from reactor.database.database import Database
from reactor.database.environment import variables
from reactor.database.system_tables import ENVIRONMENT
from reactor.errors import LoadError
from reactor.runtime.environment import of_action
from reactor.runtime.origins import Origins

__all__ = ["SignIn"]


class _Events(Protocol):
    def __call__(self, kind: str, /, **fields: object) -> None: ...


class SignIn:
    """Keeps the providers of `tokens` as the application declares them.

    Providers that cannot be made of the variables are none: whoever shows a token is told why, and so is the terminal.
    To go on with those of before would trust an issuer whose variable was just taken away.
    """

    def __init__(self, database: Database, tokens: Verifier, origins: Callable[[], Origins], events: _Events) -> None:
        self._database, self._tokens, self._origins, self._events = database, tokens, origins, events
        self._declared: Declared = ()
        self._by_id = -1
        self._fault = ""

    def adopt(self, declared: Declared) -> None:
        """Take these from now on. The database is open."""
        self._declared = declared
        self.read()

    def read(self) -> None:
        """Make the providers of the variables as they are now."""
        declared = self._declared
        if not isinstance(declared, ByVariables):
            self._by_id = -1
            self._take(declared)
            return
        table = self._database.catalog.table(ENVIRONMENT)
        assert table is not None, "it is made when the database is opened"
        self._by_id = table.by_id.id
        try:
            self._take(declared.read(self._variables()))
        except LoadError as error:
            self._take((), str(error))

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible."""
        by_id = self._by_id
        if by_id >= 0 and any(index == by_id for commit in commits for index, _, _ in commit.touches):
            self.read()

    def _variables(self) -> Mapping[str, str]:
        snapshot = self._database.store.acquire()
        try:
            return of_action(self._origins(), variables(self._database.read(snapshot)))
        finally:
            snapshot.release()

    def _take(self, providers: tuple[Provider, ...], fault: str = "") -> None:
        self._tokens.adopt(providers, fault)
        before, self._fault = self._fault, fault
        if fault and fault != before:
            self._events("sign_in_failed", error=fault)
        elif before and not fault:
            self._events("sign_in", providers=[str(provider) for provider in providers])
