"""What a deployment sets about tokens."""

from typing import Protocol

__all__ = ["AuthOptions"]


class AuthOptions(Protocol):
    """The settings that checking tokens needs; all times in seconds."""

    @property
    def auth_leeway_seconds(self) -> float:
        """By how much the clocks of issuers and of this server may differ."""
        ...

    @property
    def auth_keys_seconds(self) -> float:
        """How long keys are used before they are fetched again."""
        ...

    @property
    def auth_refetch_seconds(self) -> float:
        """Least time between two requests for keys to one issuer."""
        ...

    @property
    def auth_fetch_seconds(self) -> float:
        """How long an issuer may take for one document."""
        ...
