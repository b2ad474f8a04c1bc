"""A verifier with its clocks in the test's hand."""

import time
from typing import Any

import pytest

from reactor.auth.providers import parse_providers
from reactor.auth.verifier import Verifier
from reactor.errors import TokenRefused

__all__ = ["Checking", "Options"]


class Options:
    auth_leeway_seconds = 5.0
    auth_keys_seconds = 300.0
    auth_refetch_seconds = 10.0
    auth_fetch_seconds = 10.0


class Checking:
    """`clock` is what the verifier takes for now, in seconds since 1970; it stands still."""

    def __init__(self, *providers: dict[str, Any], redact: bool = False, options: Any = Options) -> None:
        self.clock = float(int(time.time()))
        parsed = parse_providers(list(providers), "providers")
        self.verifier = Verifier(parsed, options(), redact=redact, clock=lambda: int(self.clock * 1e9))

    async def attributes(self, token: str) -> dict[str, Any]:
        """The user's attributes."""
        attributes = (await self.verifier.verify(token)).attributes
        assert attributes is not None
        return attributes

    async def refusal(self, token: str, code: str = "Unauthenticated") -> str:
        """Why a token is refused."""
        with pytest.raises(TokenRefused) as caught:
            await self.verifier.verify(token)
        assert caught.value.code == code, caught.value
        return str(caught.value)
