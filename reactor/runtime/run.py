"""The state of one run of a function, shared by the functions that it calls."""

import random
import secrets
from typing import Any

from reactor.runtime.calls import Call
from reactor.runtime.failures import request_id, request_id_of
from reactor.runtime.logs import RunLog
from reactor.runtime.origins import LOCAL, Origins

__all__ = ["Auth", "Run"]


class Run:
    """One run: who called, what it logged, whether it looked at who called or at the clock.

    `now` is frozen, in milliseconds.

    Every run has its own seed, a repeated one too; nested calls continue the same stream.
    """

    __slots__ = (
        "_random",
        "call",
        "depth",
        "found",
        "identity",
        "log",
        "looked_at_identity",
        "looked_at_time",
        "now",
        "origins",
    )

    def __init__(self, log: RunLog, call: Call, now: float, origins: Origins = LOCAL) -> None:
        self.origins = origins
        self.log, self.call, self.identity, self.now = log, call, call.identity, now
        self.looked_at_identity = self.looked_at_time = self.found = False
        self.depth = 0
        self._random: random.Random | None = None

    @property
    def request_id(self) -> str:
        """What the messages of this run are known by; made when first asked for."""
        call = self.call
        if not call.request_id:
            call.request_id = request_id() if call.client is None else request_id_of(call.client, call.request)
        return call.request_id

    @property
    def random(self) -> random.Random:
        """Random numbers of this run."""
        if self._random is None:
            self._random = random.Random(secrets.randbits(64))  # noqa: S311 - for functions, not for secrets
        return self._random


class Auth:
    """`ctx.auth`: who calls the function."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    async def get_user_identity(self) -> dict[str, Any] | None:
        """The caller's identity, None when nobody is signed in.

        It always has `tokenIdentifier` (issuer and subject with a bar between, unique among all providers), `issuer`
        and `subject`; further claims of the token as docs/reference/functions.md lists them. A query that asks is run
        for every identity apart; one that does not is shared by all.
        """
        self._run.looked_at_identity = True
        return self._run.identity.copy_attributes()
