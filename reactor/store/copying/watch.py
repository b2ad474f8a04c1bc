"""Who is told how a copy goes."""

from typing import Protocol

__all__ = ["Watch"]


class Watch(Protocol):
    """Is told how a copy goes."""

    def stage(self, name: str, total: int | None) -> None:
        """What is done now, and about how many rows that has."""
        ...

    def did(self, rows: int, size: int) -> None:
        """So many more rows are done, of so many bytes."""
        ...

    def near(self) -> None:
        """All is there, as of a moment ago: the server of the source may be stopped."""
        ...

    def pruned(self) -> None:
        """The source has forgotten commits that were not followed yet, so that everything is compared."""
        ...
