"""Exactly once: what became of each client's mutations.

A client numbers its mutations; the outcome of (session, request) is recorded in the mutation's own commit, so a
resend after a lost connection is answered from the record. Numbers of a session only grow, so most mutations
are known to be new without asking the store.
"""

from reactor.database.transaction import Transaction
from reactor.store.seam import Outcome

__all__ = ["Outcomes"]

_REMEMBERED_SESSIONS = 10_000
"""About 110 bytes each. Of others the store is asked, which takes some microseconds."""


class Outcomes:
    """Finds recorded outcomes. Used by mutations only, which run one after another."""

    __slots__ = ("_highest",)

    def __init__(self) -> None:
        # By session, a request number above which nothing was recorded, and nothing asked for.
        self._highest: dict[bytes, int] = {}

    async def find(self, session: bytes, request: int, tx: Transaction) -> Outcome | None:
        """The outcome of this mutation if it has run already, durably or as far as `tx` is built upon it.

        Answered None, the caller runs it in `tx`: the next who asks for this number is told what came of that.
        """
        decided = tx.decided(session, request)
        if decided is not None:
            return decided
        highest = self._highest.get(session)
        if highest is None:
            highest = await tx.snapshot.last_request(session)
        if request <= highest:
            return await tx.snapshot.outcome(session, request)
        self._remember(session, request)
        return None

    def _remember(self, session: bytes, request: int) -> None:
        self._highest[session] = request
        if len(self._highest) > _REMEMBERED_SESSIONS:
            del self._highest[next(iter(self._highest))]
