"""Exactly once: what became of each client's mutations.

A client numbers its mutations; the outcome of (session, request) is recorded in the mutation's own commit, so a
resend after a lost connection is answered from the record. Numbers of a session only grow, so most mutations
are known to be new without asking the store.
"""

from collections.abc import Iterable

from reactor.database.transaction import Transaction
from reactor.store.seam import OUTCOME_INDEX, Outcome, outcome_key
from reactor.values import successor

__all__ = ["Outcomes"]

_REMEMBERED_SESSIONS = 10_000
"""About 110 bytes each. Of others the store is asked, which takes some microseconds."""


class Outcomes:
    """Finds recorded outcomes. Used by mutations only, which run one after another.

    `shared`: other processes record outcomes too. Then whoever looks for one depends on all of the client's before it.
    """

    __slots__ = ("_highest", "_shared")

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        # By session, a request number above which nothing was recorded, and nothing asked for.
        self._highest: dict[bytes, int] = {}

    async def find(self, session: bytes, request: int, tx: Transaction) -> Outcome | None:
        """The outcome of this mutation if it has run already, durably or as far as `tx` is built upon it.

        Answered None, the caller runs it in `tx`: the next who asks for this number is told what came of that.
        """
        if self._shared:
            tx.reads.look_up(OUTCOME_INDEX, session, successor(outcome_key(session, request)))
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

    def forget(self, sessions: Iterable[bytes]) -> None:
        """Other processes have recorded outcomes of these clients."""
        for session in sessions:
            self._highest.pop(session, None)

    def forget_all(self) -> None:
        """Other processes may have recorded outcomes of any client."""
        self._highest.clear()

    def _remember(self, session: bytes, request: int) -> None:
        self._highest[session] = request
        if len(self._highest) > _REMEMBERED_SESSIONS:
            del self._highest[next(iter(self._highest))]
